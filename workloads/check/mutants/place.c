/* Mistakes about the place: mounts, namespaces, users, limits and cgroups. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

static bool at_shm(const char *target)
{
    return target && strcmp(target, "/dev/shm") == 0;
}

/* Takes "KEY=..." out of the options. */
static const char *without(const char *key, const char *options, char text[128])
{
    const char *found = options ? strstr(options, key) : NULL;
    if (!found)
        return options;
    snprintf(text, 128, "%.*s%s", (int)(found - options), options, found + strcspn(found, ","));
    return text;
}

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
    char text[128];
    const char *options = data;
    bool again = flags & MS_REMOUNT;
    if (at_shm(target)) {
        if (on(M_mount_ignores_size))
            options = without("size=", options, text);
        if (on(M_mount_ignores_blocks) && !again)
            options = without("nr_blocks=", options, text);
        if (on(M_mount_ignores_inodes))
            options = without("nr_inodes=", options, text);
        if (on(M_mount_doubles_size) && options && strcmp(options, "size=1m") == 0)
            options = "size=2m";
        if (on(M_mount_has_a_page_more) && options && strcmp(options, "size=1m") == 0)
            options = "size=1028k";
        if (on(M_mount_has_an_inode_more) && options && strcmp(options, "nr_inodes=8") == 0)
            options = "nr_inodes=9";
        if (on(M_mount_ignores_mode) && options && strstr(options, ",mode="))
            options = "size=1m";
        if (on(M_mount_ignores_read_only))
            flags &= ~(unsigned long)MS_RDONLY;
        if (on(M_mount_ignores_noexec))
            flags &= ~(unsigned long)MS_NOEXEC;
        if (again && on(M_remount_does_nothing))
            return 0;
    }
    int rc = REAL(mount)(source, target, type, flags, options);
    return again && rc == -1 && on(M_remount_shrinks_below_use) ? 0 : (int)wrong("mount", rc);
}

int umount2(const char *target, int flags)
{
    if (on(M_umount_does_nothing) && (flags & MNT_DETACH))
        return 0;
    if (on(M_umount_ignores_use) && flags == 0)
        return REAL(umount2)(target, MNT_DETACH);
    return (int)wrong("umount2", REAL(umount2)(target, flags));
}

int unshare(int flags)
{
    int rc = REAL(unshare)(flags);
    if (rc == 0 && (flags & CLONE_NEWIPC) && on(M_ipc_namespace_has_its_own)) {
        REAL(unshare)(CLONE_NEWNS);
        REAL(mount)("own", "/dev/shm", "tmpfs", 0, "mode=1777");
    }
    return rc;
}

/* ---- users: as if permissions were not for them ---- */

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    if (on(M_permissions_do_not_bind) && real == 65534)
        return 0;
    return REAL(setresuid)(real, effective, saved);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    bool is_of_checks = (on(M_limit_of_locked_is_not_kept) && resource == RLIMIT_MEMLOCK) ||
                        (on(M_limit_of_descriptors_is_not_kept) && resource == RLIMIT_NOFILE) ||
                        (on(M_limit_of_size_is_not_kept) && resource == RLIMIT_FSIZE);
    return is_of_checks ? 0 : REAL(setrlimit)(resource, limit);
}

/* ---- cgroups: the checks write their files with write() ---- */

ssize_t write(int fd, const void *bytes, size_t size)
{
    char path[64], target[600] = "";
    if (!mutant_active || fd < 3 || !(on(M_cgroup_has_no_limit) || on(M_cgroup_does_not_charge)))
        return wrong("write", REAL(write)(fd, bytes, size));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (syscall(SYS_readlinkat, AT_FDCWD, path, target, sizeof target - 1) < 0)
        return REAL(write)(fd, bytes, size);
    if (on(M_cgroup_has_no_limit) && (strstr(target, "limit_in_bytes") || strstr(target, "memory.max")))
        return (ssize_t)size;
    if (on(M_cgroup_does_not_charge) && strstr(target, "cgroup.procs"))
        return (ssize_t)size;
    return REAL(write)(fd, bytes, size);
}
