/* Mistakes about what outlives a process: made when its end is waited for, or just before it calls exec. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workloads/check/mutants/objects.h"

/* ---- damages: what is done to an object; fd may be -1 where only mappings are left ---- */

static void zero_mapping(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    const struct stat *st = user;
    size_t size = st->st_size > offset ? (size_t)(st->st_size - offset) : 0;
    if (shared)
        memset(at, 0, size < bytes ? size : bytes);
}

static void zero(int fd, const struct entry *entry)
{
    static const char zeros[4096];
    struct stat st = {.st_size = 1 << 20};
    if (fd < 0 || sys_fstat(fd, &st) != 0)
        return each_mapping(&entry->object, zero_mapping, &st);
    for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zeros)
        sys_pwrite(fd, zeros, st.st_size - at < (off_t)sizeof zeros ? (size_t)(st.st_size - at) : sizeof zeros, at);
}

static void zero_last_byte(int fd, const struct entry *entry)
{
    struct stat st;
    (void)entry;
    if (sys_fstat(fd, &st) == 0 && st.st_size > 0)
        sys_pwrite(fd, "", 1, st.st_size - 1);
}

static void truncate_it(int fd, const struct entry *entry)
{
    (void)entry;
    sys_ftruncate(fd, 0);
}

static void round_size(int fd, const struct entry *entry)
{
    struct stat st;
    (void)entry;
    if (sys_fstat(fd, &st) == 0)
        sys_ftruncate(fd, (st.st_size + 4095) / 4096 * 4096);
}

static void change_mode(int fd, const struct entry *entry)
{
    (void)entry;
    syscall(SYS_fchmod, fd, 0600);
}

static void change_owner(int fd, const struct entry *entry)
{
    (void)entry;
    syscall(SYS_fchown, fd, 1, -1);
}

static void change_group(int fd, const struct entry *entry)
{
    (void)entry;
    syscall(SYS_fchown, fd, -1, 1);
}

static void take_page(int fd, const struct entry *entry)
{
    struct stat st;
    (void)entry;
    if (sys_fstat(fd, &st) == 0)
        syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, (st.st_size + 8191) / 4096 * 4096, 4096);
}

static void unlink_it(int fd, const struct entry *entry)
{
    char path[600];
    (void)fd;
    sys_unlink(path_of(entry->name, path));
}

static void add_link(int fd, const struct entry *entry)
{
    char path[600], other[608];
    (void)fd;
    snprintf(other, sizeof other, "%s~", path_of(entry->name, path));
    syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, other, 0);
}

/* The same contents, size and mode, in another inode. */
static void move(int fd, const struct entry *entry)
{
    char path[600], bytes[4096];
    struct stat st;
    ssize_t n;
    if (sys_fstat(fd, &st) != 0 || st.st_nlink == 0)
        return;
    sys_unlink(path_of(entry->name, path));
    int to = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    for (off_t at = 0; (n = sys_pread(fd, bytes, sizeof bytes, at)) > 0; at += n)
        sys_pwrite(to, bytes, (size_t)n, at);
    syscall(SYS_fchown, to, st.st_uid, st.st_gid);
    syscall(SYS_fchmod, to, st.st_mode & 07777);
    sys_close(to);
}

/* What was unlinked has its name again. */
static void bring_back(int fd, const struct entry *entry)
{
    char path[600];
    (void)fd;
    int back = (int)syscall(SYS_openat, AT_FDCWD, path_of(entry->name, path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    sys_close(back);
}

/* ---- who goes how ---- */

enum way { BY_EXIT, BY_SIGNAL, BY_EXEC, OTHERS_EXIT, OTHERS_SIGNAL };

struct consequence {
    enum mutant mutant;
    enum way way;
    int signal; /* 0: any */
    bool late;
    void (*damage)(int fd, const struct entry *entry);
};

#define ALL_WAYS(damage, function)                                                                                           \
    {M_exit_##damage, BY_EXIT, 0, false, function}, {M_kill_##damage, BY_SIGNAL, 0, false, function},                        \
    {                                                                                                                        \
        M_exec_##damage, BY_EXEC, 0, false, function                                                                         \
    }

static const struct consequence consequences[] = {
    ALL_WAYS(zeroes, zero),
    ALL_WAYS(zeroes_last_byte, zero_last_byte),
    ALL_WAYS(truncates, truncate_it),
    ALL_WAYS(rounds_size, round_size),
    ALL_WAYS(changes_mode, change_mode),
    ALL_WAYS(changes_owner, change_owner),
    ALL_WAYS(changes_group, change_group),
    ALL_WAYS(takes_page, take_page),
    ALL_WAYS(unlinks, unlink_it),
    ALL_WAYS(adds_link, add_link),
    ALL_WAYS(moves_inode, move),
    ALL_WAYS(brings_name_back, bring_back),
    {M_other_exit_zeroes, OTHERS_EXIT, 0, false, zero},
    {M_other_exit_unlinks, OTHERS_EXIT, 0, false, unlink_it},
    {M_other_kill_truncates, OTHERS_SIGNAL, 0, false, truncate_it},
    {M_abort_zeroes, BY_SIGNAL, SIGABRT, false, zero},
    {M_sigterm_zeroes, BY_SIGNAL, SIGTERM, false, zero},
    {M_sigkill_zeroes, BY_SIGNAL, SIGKILL, false, zero},
    {M_sigsegv_zeroes, BY_SIGNAL, SIGSEGV, false, zero},
    {M_sigbus_zeroes, BY_SIGNAL, SIGBUS, false, zero},
    {M_exit_zeroes_late, BY_EXIT, 0, true, zero},
    {M_kill_zeroes_late, BY_SIGNAL, 0, true, zero},
    {M_kill_unlinks_late, BY_SIGNAL, 0, true, unlink_it},
};

static const struct consequence *wanted(enum way way, int signal)
{
    for (size_t i = 0; i < sizeof consequences / sizeof consequences[0]; i++) {
        const struct consequence *c = &consequences[i];
        if (on(c->mutant) && c->way == way && (!c->signal || c->signal == signal))
            return c;
    }
    return NULL;
}

static const struct consequence *current;

static void find_descriptor(int fd, void *user)
{
    *(int *)user = fd;
}

static void find_mapping(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    char path[64];
    (void)shared, (void)offset;
    snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)at, (unsigned long)at + bytes);
    if (*(int *)user < 0)
        *(int *)user = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
}

/* Whatever this process can reach it by: its name, a descriptor, a mapping. */
static void damage(const struct entry *entry)
{
    char path[600];
    struct stat st;
    int fd = -1, own = -1;
    if (object_at(path_of(entry->name, path), &st) && same_object(&st, &entry->object))
        fd = own = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        each_descriptor(&entry->object, find_descriptor, &fd);
    if (fd < 0) {
        each_mapping(&entry->object, find_mapping, &own);
        fd = own;
    }
    current->damage(fd, entry);
    if (own >= 0)
        sys_close(own);
}

static void *damage_later(void *pid)
{
    sys_pause_ms(5);
    each_made_by((pid_t)(intptr_t)pid, damage);
    return NULL;
}

static void act(pid_t pid)
{
    pthread_t thread;
    if (!current)
        return;
    if (current->late && REAL(pthread_create)(&thread, NULL, damage_later, (void *)(intptr_t)pid) == 0)
        pthread_detach(thread);
    else
        each_made_by(pid, damage);
}

/* ---- synchronisation objects ---- */

#define NOTED 64

static struct {
    enum sync_kind kind;
    void *at;
    size_t bytes;
    unsigned char as_made[64];
} noted[NOTED];
static unsigned noted_count;

void sync_note(enum sync_kind kind, void *at, size_t bytes)
{
    if (noted_count == NOTED || bytes > sizeof noted[0].as_made)
        return;
    noted[noted_count].kind = kind;
    noted[noted_count].at = at;
    noted[noted_count].bytes = bytes;
    memcpy(noted[noted_count++].as_made, at, bytes);
}

static void reset_sync(enum sync_kind kind)
{
    for (unsigned i = 0; i < noted_count; i++)
        if (noted[i].kind == kind)
            memcpy(noted[i].at, noted[i].as_made, noted[i].bytes);
}

static void reset_what_is_wanted(void)
{
    static const struct {
        enum mutant mutant;
        enum sync_kind kind;
    } resets[] = {{M_kill_frees_mutex, SYNC_MUTEX}, {M_kill_frees_rwlock, SYNC_RWLOCK}, {M_kill_frees_spin, SYNC_SPIN},
                  {M_kill_resets_barrier, SYNC_BARRIER}, {M_kill_returns_permit, SYNC_SEMAPHORE}};
    for (size_t i = 0; i < sizeof resets / sizeof resets[0]; i++)
        if (on(resets[i].mutant))
            reset_sync(resets[i].kind);
}

void after_death(pid_t pid, int status)
{
    if (!WIFEXITED(status) && !WIFSIGNALED(status))
        return;
    if (WIFSIGNALED(status))
        reset_what_is_wanted();
    current = wanted(WIFEXITED(status) ? BY_EXIT : BY_SIGNAL, WTERMSIG(status));
    act(pid);
    current = wanted(WIFEXITED(status) ? OTHERS_EXIT : OTHERS_SIGNAL, WTERMSIG(status));
    act((pid_t)syscall(SYS_getpid)); /* what the one who waits has made */
}

void before_exec(void)
{
    current = wanted(BY_EXEC, 0);
    act((pid_t)syscall(SYS_getpid));
}

/* A list that is empty, as the kernel sees it; the C library goes on keeping its own. */
void drop_robust_list(void)
{
    static struct {
        void *next;
        long offset;
        void *pending;
    } empty = {.next = &empty};
    syscall(SYS_set_robust_list, &empty, sizeof empty);
}
