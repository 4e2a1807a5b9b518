/* A lock that misbehaves in the call and in the way that the variable UNRULY says: "acquire:crash", "release:late-exit". */
#define _GNU_SOURCE
#include <shmoo/plugin.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void crash(void *state)
{
    (void)state;
    raise(SIGSEGV);
}

static void hang(void *state)
{
    (void)state;
    for (;;)
        pause();
}

static void leave(void *state)
{
    (void)state;
    exit(0);
}

/* A child that is in nobody's way, and stays. */
static void leave_child(void *state)
{
    (void)state;
    if (fork() == 0) {
        setsid();
        hang(NULL);
    }
}

/* A second process that goes on from here as if it were the first. */
static void double_itself(void *state)
{
    (void)state;
    if (fork() < 0)
        abort();
}

static void close_all(void *state)
{
    (void)state;
    close_range(0, ~0u, 0);
}

static void write_to_all(void *state)
{
    (void)state;
    for (int fd = 3; fd < 100; fd++)
        if (write(fd, "garbage\n", 8) < 0)
            continue;
}

static void stop(void *state)
{
    (void)state;
    raise(SIGSTOP);
}

static void kill_group(void *state)
{
    (void)state;
    kill(0, SIGKILL);
}

static void write_before(void *state)
{
    ((char *)state)[-8] = 1;
}

static void write_beyond(void *state)
{
    ((char *)state)[200] = 1;
}

/* What this process shares with others, the harness's own records among it. */
static void scribble_all(void *state)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    (void)state;
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char mode[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[1] == 'w' && mode[3] == 's')
            memset((void *)from, 0xa5, to - from);
    }
    if (maps)
        fclose(maps);
}

static const struct {
    const char *name;
    void (*act)(void *state);
} ways[] = {
    {"crash", crash},   {"abort", (void (*)(void *))abort},
    {"hang", hang},     {"exit", leave},
    {"child", leave_child}, {"twin", double_itself},
    {"close", close_all}, {"write", write_to_all},
    {"stop", stop},     {"kill", kill_group},
    {"before", write_before}, {"beyond", write_beyond},
    {"all", scribble_all},
};

static const char *wish(void)
{
    const char *text = getenv("UNRULY");
    return text ? text : "";
}

static void misbehave(const char *call, void *state)
{
    static unsigned long calls;
    size_t length = strlen(call);
    if (strncmp(wish(), call, length) != 0 || wish()[length] != ':')
        return;
    const char *how = wish() + length + 1;
    if (strncmp(how, "late-", 5) == 0) {
        if (++calls < 300)
            return;
        how += 5;
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(ways[i].name, how) == 0)
            ways[i].act(state);
}

/* An errno, where one was wished for. */
static int error_of(const char *call)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%s:error", call);
    return strcmp(wish(), wanted) == 0 ? EIO : 0;
}

__attribute__((constructor)) static void begin(void)
{
    misbehave("load", NULL);
}

static size_t size(const struct sync_setup *setup)
{
    (void)setup;
    misbehave("size", NULL);
    return strcmp(wish(), "size:huge") == 0 ? ~(size_t)0 : 64;
}

static int create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    misbehave("create", state);
    return error_of("create");
}

static int attach(struct sync_self *self)
{
    misbehave("attach", self->state);
    return error_of("attach");
}

static int acquire(struct sync_self *self)
{
    int *word = self->state;
    misbehave("acquire", self->state);
    while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
        for (int i = 0; i < 100 && __atomic_load_n(word, __ATOMIC_RELAXED); i++)
            __asm__ __volatile__("pause");
    return error_of("acquire");
}

static int release(struct sync_self *self)
{
    misbehave("release", self->state);
    __atomic_store_n((int *)self->state, 0, __ATOMIC_RELEASE);
    return 0;
}

static int detach(struct sync_self *self)
{
    misbehave("detach", self->state);
    return 0;
}

static int destroy(void *state, const struct sync_setup *setup)
{
    (void)setup;
    misbehave("destroy", state);
    return 0;
}

static const struct sync_ops unruly = {
    .name = "unruly",
    .summary = "misbehaves as it is told",
    .family = SYNC_LOCK,
    .state_size = size,
    .create = create,
    .attach = attach,
    .detach = detach,
    .destroy = destroy,
    .lock = {.acquire = acquire, .release = release},
};
SHMOO_PLUGIN(&unruly);
