/* Mistakes about processes: what fork passes on, what exec keeps, how an end is told, what becomes of a descriptor sent. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

/* ---- fork ---- */

static void make_private(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)offset, (void)user;
    unsigned char *copy = shared ? (void *)syscall(SYS_mmap, NULL, bytes, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    if (copy == MAP_FAILED)
        return;
    for (size_t i = 0; i < bytes; i += 4096) { /* pages behind the end stay zero */
        int ends[2];
        if (syscall(SYS_pipe2, ends, 0) == 0 && syscall(SYS_write, ends[1], at + i, 4096) == 4096)
            syscall(SYS_read, ends[0], copy + i, 4096);
        sys_close(ends[0]);
        sys_close(ends[1]);
    }
    syscall(SYS_mremap, copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at);
}

static void make_shared(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)user;
    char path[64];
    if (shared)
        return;
    snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)at, (unsigned long)at + bytes);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        syscall(SYS_mmap, at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
    sys_close(fd);
}

static void unmap(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)shared, (void)offset, (void)user;
    syscall(SYS_munmap, at, bytes);
}

static void protect(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)shared, (void)offset, (void)user;
    syscall(SYS_mprotect, at, bytes, PROT_READ);
}

static void each_object_descriptor(void (*visit)(int fd))
{
    for (int fd = 3; fd < 512; fd++)
        if (is_object(fd, NULL))
            visit(fd);
}

static void close_it(int fd)
{
    sys_close(fd);
}

static void open_anew(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int flags = (int)syscall(SYS_fcntl, fd, F_GETFL), anew = (int)syscall(SYS_openat, AT_FDCWD, path, (flags & O_ACCMODE) | O_CLOEXEC);
    if (anew >= 0)
        syscall(SYS_dup3, anew, fd, O_CLOEXEC), sys_close(anew);
}

static void keep_on_exec(int fd)
{
    syscall(SYS_fcntl, fd, F_SETFD, 0);
}

static void drop_on_exec(int fd)
{
    syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

static void spoil_child(void)
{
    if (on(M_fork_makes_private))
        each_mapping(NULL, make_private, NULL);
    if (on(M_fork_makes_shared))
        each_mapping(NULL, make_shared, NULL);
    if (on(M_fork_unmaps))
        each_mapping(NULL, unmap, NULL);
    if (on(M_fork_takes_writing))
        each_mapping(NULL, protect, NULL);
    if (on(M_fork_closes))
        each_object_descriptor(close_it);
    if (on(M_fork_opens_anew))
        each_object_descriptor(open_anew);
    if (on(M_fork_keeps_on_exec))
        each_object_descriptor(keep_on_exec);
    if (on(M_fork_resets_umask))
        syscall(SYS_umask, 0);
    if (on(M_robust_list_lost) || on(M_robust_list_lost_in_child))
        drop_robust_list();
}

pid_t fork(void)
{
    pid_t pid = REAL(fork)();
    if (!mutant_active)
        return pid;
    if (pid == 0)
        spoil_child();
    if (pid > 0 && on(M_fork_unmaps_parent))
        each_mapping(NULL, unmap, NULL);
    if (pid > 0 && on(M_fork_makes_parent_private))
        each_mapping(NULL, make_private, NULL);
    return pid;
}

/* ---- exec ---- */

static void spoil_exec(void)
{
    if (on(M_exec_keeps_descriptors))
        each_object_descriptor(keep_on_exec);
    if (on(M_exec_closes_all))
        each_object_descriptor(drop_on_exec);
    if (on(M_exec_forgets_robust_list))
        drop_robust_list();
    before_exec();
}

int execvp(const char *file, char *const arguments[])
{
    if (mutant_active)
        spoil_exec();
    return REAL(execvp)(file, arguments);
}

int execv(const char *path, char *const arguments[])
{
    if (mutant_active)
        spoil_exec();
    return REAL(execv)(path, arguments);
}

int execve(const char *path, char *const arguments[], char *const environment[])
{
    if (mutant_active)
        spoil_exec();
    return REAL(execve)(path, arguments, environment);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
                char *const arguments[], char *const environment[])
{
    return REAL(posix_spawn)(pid, path, on(M_spawn_passes_nothing_on) ? NULL : actions, attr, arguments, environment);
}

/* ---- the end ---- */

static int other_end(int status)
{
    if (on(M_end_by_signal_looks_like_exit) && WIFSIGNALED(status))
        return 0;
    if (on(M_end_is_another_signal) && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return SIGBUS;
    if (on(M_end_loses_status) && WIFEXITED(status))
        return 0;
    return status;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    int own = 0;
    pid_t ended = REAL(waitpid)(pid, &own, options);
    if (ended > 0 && mutant_active) {
        after_death(ended, own);
        own = other_end(own);
    }
    if (status)
        *status = own;
    return ended;
}

/* ---- descriptors in messages ---- */

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr bare = *message;
    if (on(M_message_loses_descriptor) && message->msg_controllen)
        bare.msg_control = NULL, bare.msg_controllen = 0;
    return REAL(sendmsg)(fd, &bare, flags);
}

static int *descriptor_in(struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    bool has = header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS;
    return has ? (int *)(void *)CMSG_DATA(header) : NULL;
}

static void copy_object(int fd, const struct stat *st)
{
    char bytes[4096];
    ssize_t n;
    int copy = (int)syscall(SYS_memfd_create, "copy", 1u);
    sys_ftruncate(copy, st->st_size);
    for (off_t at = 0; at < 1 << 20 && (n = sys_pread(fd, bytes, sizeof bytes, at)) > 0; at += n)
        sys_pwrite(copy, bytes, (size_t)n, at);
    syscall(SYS_dup3, copy, fd, O_CLOEXEC);
    sys_close(copy);
}

static void spoil_arrival(int fd)
{
    struct stat st;
    if (!is_object(fd, &st))
        return;
    if (on(M_message_copies))
        copy_object(fd, &st);
    if (on(M_message_zeroes))
        sys_ftruncate(fd, 0), sys_ftruncate(fd, st.st_size);
    if (on(M_message_truncates))
        sys_ftruncate(fd, 0);
    if (on(M_message_opens_anew))
        open_anew(fd);
    if (on(M_message_is_kept_on_exec))
        syscall(SYS_fcntl, fd, F_SETFD, 0);
    if (on(M_message_seeks))
        syscall(SYS_lseek, fd, 0, SEEK_SET);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t n = REAL(recvmsg)(fd, message, flags);
    int *found = mutant_active && n >= 0 ? descriptor_in(message) : NULL;
    if (found && on(M_message_descriptor_is_dead)) {
        sys_close(*found);
        message->msg_controllen = 0;
    } else if (found) {
        spoil_arrival(*found);
    }
    return n;
}

/* ---- signals: what a handler is told about the memory that was not there ---- */

static void (*handler_of[65])(int, siginfo_t *, void *);

static void tell_wrongly(int number, siginfo_t *info, void *context)
{
    siginfo_t other = *info;
    if (on(M_fault_address_is_of_page))
        other.si_addr = (char *)other.si_addr - (uintptr_t)other.si_addr % 4096;
    if (on(M_fault_address_is_lost))
        other.si_addr = NULL;
    if (on(M_fault_code_is_lost))
        other.si_code = SI_KERNEL;
    if (on(M_fault_codes_are_swapped) && number == SIGSEGV)
        other.si_code = other.si_code == SEGV_MAPERR ? SEGV_ACCERR : SEGV_MAPERR;
    if (on(M_fault_bus_is_segv) && number == SIGBUS)
        handler_of[SIGSEGV](SIGSEGV, &other, context);
    else if (on(M_fault_segv_is_bus) && number == SIGSEGV)
        handler_of[SIGBUS](SIGBUS, &other, context);
    else
        handler_of[number](number, &other, context);
}

static bool tells_wrongly(void)
{
    return on(M_fault_address_is_of_page) || on(M_fault_address_is_lost) || on(M_fault_code_is_lost) ||
           on(M_fault_codes_are_swapped) || on(M_fault_bus_is_segv) || on(M_fault_segv_is_bus);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    struct sigaction other;
    if (!mutant_active || !action || !(action->sa_flags & SA_SIGINFO) || (number != SIGBUS && number != SIGSEGV) ||
        !tells_wrongly())
        return REAL(sigaction)(number, action, old);
    other = *action;
    handler_of[number] = action->sa_sigaction;
    other.sa_sigaction = tell_wrongly;
    return REAL(sigaction)(number, &other, old);
}

/* ---- threads ---- */

struct start {
    void *(*body)(void *);
    void *user;
};

static void *start_without_list(void *user)
{
    struct start start = *(struct start *)user;
    free(user);
    drop_robust_list();
    return start.body(start.user);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*body)(void *), void *user)
{
    struct start *start = NULL;
    if (on(M_robust_list_lost) || on(M_robust_list_lost_in_thread))
        start = malloc(sizeof *start);
    if (!start)
        return REAL(pthread_create)(thread, attr, body, user);
    *start = (struct start){body, user};
    return REAL(pthread_create)(thread, attr, start_without_list, start);
}
