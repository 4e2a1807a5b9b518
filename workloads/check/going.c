/* How a process goes: each way once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "shm/region.h"
#include "workloads/check/persist.h"
#include "workloads/check/program.h"

static int main_of_its_own(void)
{
    return 7;
}

/* What the C library does with the value that main returns. */
static void return_from_main(struct check *c, struct scene *s)
{
    (void)c, (void)s;
    exit(main_of_its_own());
}

static const unsigned char *seen_at_exit;

static void look_at_exit(void)
{
    if (seen_at_exit && *seen_at_exit == 0) /* the pattern has no zero: the object is gone too early */
        _exit(99);
}

static void call_exit(struct check *c, struct scene *s)
{
    (void)c;
    seen_at_exit = s->at;
    atexit(look_at_exit);
    exit(8);
}

static void call_quick_exit(struct check *c, struct scene *s)
{
    (void)c, (void)s;
    _exit(9);
}

static void *outlive_main(void *first)
{
    pthread_join(*(pthread_t *)first, NULL);
    return NULL;
}

/* The first thread leaves; the process ends when the other one returns. */
static void last_thread_returns(struct check *c, struct scene *s)
{
    static pthread_t first, second;
    (void)s;
    first = pthread_self();
    must_rc(c, pthread_create(&second, NULL, outlive_main, &first));
    pthread_exit(NULL);
}

static void call_abort(struct check *c, struct scene *s)
{
    (void)c, (void)s;
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void terminate(struct check *c, struct scene *s)
{
    (void)c, (void)s;
    signal(SIGTERM, SIG_DFL);
    kill(getpid(), SIGTERM);
    pause();
}

static void kill_itself(struct check *c, struct scene *s)
{
    (void)c, (void)s;
    kill(getpid(), SIGKILL);
    pause();
}

static void touch_nothing(struct check *c, struct scene *s)
{
    (void)s;
    volatile char *nowhere = must_map(c, mmap(NULL, check_page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    signal(SIGSEGV, SIG_DFL);
    *nowhere = 1;
}

static void touch_behind_end(struct check *c, struct scene *s)
{
    volatile char *behind = must_map(c, mmap(NULL, check_page(), PROT_READ, MAP_SHARED, s->fd, 64 * (off_t)check_page()));
    signal(SIGBUS, SIG_DFL);
    (void)*behind;
}

static void exec_program(struct check *c, struct scene *s)
{
    program_become(c, s->program[0] ? s->program : NULL);
}

static void copy_file(struct check *c, const char *from, const char *to)
{
    char bytes[1 << 14];
    ssize_t n;
    int in = (int)must(c, open(from, O_RDONLY | O_CLOEXEC));
    int out = (int)must(c, open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
    while ((n = must(c, read(in, bytes, sizeof bytes))) > 0)
        must(c, write(out, bytes, (size_t)n));
    must(c, fchown(out, CHECK_OTHER_UID, CHECK_OTHER_GID));
    must(c, fchmod(out, 04755));
    close(in);
    close(out);
}

/* A set-uid copy of the program, in a file system of its own: what /dev/shm holds is to be the object alone. */
static void make_setuid_program(struct check *c, struct scene *s)
{
    char cat[64], folder[128];
    program_find(c, cat, sizeof cat);
    snprintf(folder, sizeof folder, "%s%s-program", REGION_FOLDER, c->prefix);
    must(c, mkdir(folder, 0755));
    if (mount("shmoo-check", folder, "tmpfs", MS_NODEV, "size=16m") != 0)
        check_unsupported(c, "needs a file system for a set-uid program: mount: %s", error_name(errno));
    snprintf(s->program, sizeof s->program, "%s/cat", folder);
    copy_file(c, cat, s->program);
}

static void stay(struct check *c, void *user)
{
    (void)c, (void)user;
    for (;;)
        pause();
}

static void found_group(struct check *c, struct scene *s)
{
    (void)s;
    must(c, setpgid(0, 0));
}

/* A group of three, all of which have the object; the signal comes from outside. */
static void lead_group(struct check *c, struct scene *s)
{
    (void)s;
    check_start(c, stay, NULL);
    check_start(c, stay, NULL);
    tell(c->channel, 3);
    stay(c, NULL);
}

static void enter_small_cgroup(struct check *c, struct scene *s)
{
    (void)s;
    check_enter_cgroup(c, 8 << 20);
}

/* Anonymous memory, until the kernel ends it. */
static void eat_memory(struct check *c, struct scene *s)
{
    const size_t bytes = 256 << 20;
    (void)s;
    unsigned char *at = must_map(c, mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    for (size_t i = 0; i < bytes; i += check_page())
        ((volatile unsigned char *)at)[i] = 1;
    check_unsupported(c, "needs a memory cgroup whose limit binds: swap took what it refused");
}

const struct going going_return = {.go = return_from_main, .end = 7};
const struct going going_exit = {.go = call_exit, .end = 8, .uses_object = true};
const struct going going_quick_exit = {.go = call_quick_exit, .end = 9};
const struct going going_thread = {.go = last_thread_returns, .end = 0};
const struct going going_abort = {.go = call_abort, .end = -SIGABRT};
const struct going going_terminate = {.go = terminate, .end = -SIGTERM};
const struct going going_kill = {.go = kill_itself, .end = -SIGKILL};
const struct going going_segv = {.go = touch_nothing, .end = -SIGSEGV};
const struct going going_bus = {.go = touch_behind_end, .end = -SIGBUS, .uses_object = true};
const struct going going_exec = {.go = exec_program, .becomes_program = true};
const struct going going_setuid_exec = {
    .prepare = make_setuid_program, .go = exec_program, .becomes_program = true, .inodes = 1, .status = "Uid:\t0\t65534"};
const struct going going_leave_others = {.go = call_quick_exit, .end = 9, .others_hold = true};
const struct going going_group = {
    .prepare = found_group, .go = lead_group, .end = -SIGKILL, .by_signal_from_outside = SIGKILL};
const struct going going_oom = {.prepare = enter_small_cgroup, .go = eat_memory, .end = -SIGKILL};
