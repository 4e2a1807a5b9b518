/* Locks with company that are right (a process that serves them, threads, blocked signals, a file): they must come out CLEAN. */
#include "zoo.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

/* All signals are blocked from the acquisition to the release. */
static sigset_t deaf_before;

static int deaf_acquire(struct sync_self *self)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    guard(self->state);
    deaf_before = before;
    return 0;
}

static int deaf_release(struct sync_self *self)
{
    sigset_t before = deaf_before;
    unguard(self->state);
    return sigprocmask(SIG_SETMASK, &before, NULL) ? errno : 0;
}

static const struct sync_ops deaf = {.name = "zoo-deaf", .summary = "blocks all signals while it is held", .family = SYNC_LOCK,
    .state_bytes = 4, .lock = {.acquire = deaf_acquire, .release = deaf_release}};

/* A process that create() starts grants the lock, in the order in which it is asked through a pipe. */
#define GIVEN_BACK (-1)
struct server {
    pid_t pid;
    int ask[2];
    struct {
        LINE uint32_t granted;
    } worker[HANDS];
};

static void serve(struct server *s)
{
    uint32_t line[HANDS], head = 0, count = 0;
    bool held = false;
    for (int32_t who;;) {
        ssize_t n = read(s->ask[0], &who, sizeof who);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != sizeof who)
            _exit(0);
        if (who == GIVEN_BACK)
            held = false;
        else
            line[(head + count++) % HANDS] = (uint32_t)who;
        if (held || count == 0)
            continue;
        uint32_t *granted = &s->worker[line[head++ % HANDS]].granted;
        count--;
        held = true;
        put(granted, 1);
        futex(granted, FUTEX_WAKE, 1, 0);
    }
}

static int server_create(void *state, const struct sync_setup *setup UNUSED)
{
    struct server *s = state;
    pid_t pid = pipe(s->ask) == 0 ? fork() : -1;
    if (pid < 0)
        return errno;
    if (pid == 0) {
        close(s->ask[1]);
        serve(s);
    }
    s->pid = pid;
    return 0;
}

static int server_destroy(void *state, const struct sync_setup *setup UNUSED)
{
    struct server *s = state;
    if (s->pid > 0)
        kill(s->pid, SIGKILL);
    s->pid = 0;
    return 0;
}

static int server_ask(struct sync_self *self, int32_t who)
{
    struct server *s = self->state;
    while (write(s->ask[1], &who, sizeof who) != sizeof who)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int server_acquire(struct sync_self *self)
{
    struct server *s = self->state;
    uint32_t *granted = &s->worker[self->index].granted;
    int rc = server_ask(self, (int32_t)self->index);
    while (rc == 0 && !get(granted))
        futex(granted, FUTEX_WAIT, 0, 0);
    set(granted, 0);
    return rc;
}

static int server_release(struct sync_self *self)
{
    return server_ask(self, GIVEN_BACK);
}

static const struct sync_ops server = {.name = "zoo-server", .summary = "a process of its own grants it", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_INHERITED, .max_workers = HANDS, .state_bytes = sizeof(struct server), .create = server_create,
    .destroy = server_destroy, .lock = {.acquire = server_acquire, .release = server_release}};

/* A second thread of each process takes it and gives it back, when it is told to. */
enum { TAKE = 1, GIVE, END };
struct deputy {
    pthread_t thread;
    uint32_t order, done; /* a number, four times as large as how many came before, and what is to be done */
    uint32_t *word;
};

static void *deputy_run(void *user)
{
    struct deputy *d = user;
    for (uint32_t seen = 0;;) {
        while (get(&d->order) == seen)
            futex(&d->order, FUTEX_WAIT_PRIVATE, seen, 0);
        seen = get(&d->order);
        if (seen % 4 == END)
            return NULL;
        if (seen % 4 == TAKE)
            guard(d->word);
        else
            unguard(d->word);
        put(&d->done, seen);
        futex(&d->done, FUTEX_WAKE_PRIVATE, 1, 0);
    }
}

static int deputy_order(struct deputy *d, uint32_t what)
{
    uint32_t now = (d->order & ~3u) + 4 + what, done;
    put(&d->order, now);
    futex(&d->order, FUTEX_WAKE_PRIVATE, 1, 0);
    while (what != END && (done = get(&d->done)) != now)
        futex(&d->done, FUTEX_WAIT_PRIVATE, done, 0);
    return 0;
}

static int deputy_attach(struct sync_self *self)
{
    struct deputy *d = calloc(1, sizeof *d);
    self->local = d;
    if (!d)
        return ENOMEM;
    d->word = self->state;
    return pthread_create(&d->thread, NULL, deputy_run, d);
}

static int deputy_detach(struct sync_self *self)
{
    struct deputy *d = self->local;
    deputy_order(d, END);
    pthread_join(d->thread, NULL);
    free(d);
    return 0;
}

static int deputy_acquire(struct sync_self *self)
{
    return deputy_order(self->local, TAKE);
}

static int deputy_release(struct sync_self *self)
{
    return deputy_order(self->local, GIVE);
}

static const struct sync_ops deputy = {.name = "zoo-deputy", .summary = "a second thread of the process takes it", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING, .state_bytes = 4, .attach = deputy_attach, .detach = deputy_detach,
    .lock = {.acquire = deputy_acquire, .release = deputy_release}};

/* A file lock, which the kernel gives back for the dead, and beside it a flag that they leave up. */
static void flag_path(const struct sync_setup *setup, char path[128])
{
    snprintf(path, 128, "/dev/shm%s-flag", setup->name);
}

static int flag_open(const struct sync_setup *setup, int flags)
{
    char path[128];
    flag_path(setup, path);
    return open(path, flags | O_RDWR | O_CLOEXEC, 0600);
}

static int flag_create(void *state UNUSED, const struct sync_setup *setup)
{
    int fd = flag_open(setup, O_CREAT | O_EXCL);
    return fd < 0 || close(fd) ? errno : 0;
}

static int flag_destroy(void *state UNUSED, const struct sync_setup *setup)
{
    char path[128];
    flag_path(setup, path);
    unlink(path);
    return 0;
}

static int flag_attach(struct sync_self *self)
{
    int fd = flag_open(self->setup, 0);
    self->local = (void *)(intptr_t)fd;
    return fd < 0 ? errno : 0;
}

static int flag_detach(struct sync_self *self)
{
    return close((int)(intptr_t)self->local) ? errno : 0;
}

static int flag_lock(struct sync_self *self, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    while (fcntl((int)(intptr_t)self->local, F_OFD_SETLKW, &lock))
        if (errno != EINTR)
            return errno;
    return 0;
}

static int flag_acquire(struct sync_self *self)
{
    int rc = flag_lock(self, F_WRLCK);
    return rc ? rc : swap((uint32_t *)self->state, 1) ? EOWNERDEAD : 0;
}

static int flag_release(struct sync_self *self)
{
    put((uint32_t *)self->state, 0);
    return flag_lock(self, F_UNLCK);
}

static int flag_recover(struct sync_self *self UNUSED)
{
    return 0; /* the flag is up, and is this holder's from now on */
}

static const struct sync_ops flag = {.name = "zoo-flag", .summary = "a file lock, and a flag of being inside", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_ROBUST | SYNC_KERNEL_NAME, .state_bytes = 4, .create = flag_create, .destroy = flag_destroy,
    .attach = flag_attach, .detach = flag_detach, .lock = {.acquire = flag_acquire, .release = flag_release, .recover = flag_recover}};

SHMOO_PLUGIN(&deaf, &server, &deputy, &flag);
