/* Emulation: the table of sick machines, and the namespaces they are built in. */
#define _GNU_SOURCE
#include "run/emulate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/cgroup.h"
#include "run/emulate_cgroup.h"
#include "shm/region.h"

static const struct emulation rows[] = {
    {.name = "docker-default",
     .summary = "64 MiB, as container runtimes mount it",
     .options = "mode=1777,size=65536k",
     .flags = MS_NOSUID | MS_NODEV | MS_NOEXEC,
     .runtime = RUNTIME_DOCKER},
    {.name = "tiny-inodes", .summary = "room for 15 objects", .options = "mode=1777,size=256m,nr_inodes=16", .runtime = -1},
    {.name = "noexec", .summary = "mounted noexec", .options = "mode=1777,size=256m", .flags = MS_NOEXEC, .runtime = -1},
    {.name = "readonly",
     .summary = "mounted read-only",
     .options = "mode=1777,size=256m",
     .flags = MS_RDONLY,
     .runtime = -1},
    {.name = "no-shm", .summary = "no /dev/shm", .runtime = -1},
    {.name = "small-cgroup",
     .summary = "256 MiB, in a memory cgroup of 64 MiB",
     .options = "mode=1777,size=256m",
     .memory_bytes = 64ULL << 20,
     .runtime = -1},
};
#define FILL_TRIES 20

enum { ROWS = sizeof rows / sizeof rows[0] };

/* Not for --env: what a fault asks for that would hurt others. */
static const struct emulation own_shm = {.name = "own", .summary = "as the machine's", .options = "mode=1777", .runtime = -1};

static const struct emulation *current;
static bool shm_is_own; /* and may be mounted anew */

const struct emulation *emulation_find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

const char *const *emulation_names(void)
{
    static const char *names[ROWS + 1];
    for (int i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    return names;
}

const struct emulation *emulation_current(void)
{
    return current;
}

static int put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int rc = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return rc;
}

/* The user stays the same one, and has rights over mounts of his own only. */
static int enter_namespaces(bool *user_namespace)
{
    char map[64];
    unsigned user = (unsigned)geteuid(), group = (unsigned)getegid();
    *user_namespace = false;
    if (unshare(CLONE_NEWNS) == 0)
        return 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return errno;
    *user_namespace = true;
    snprintf(map, sizeof map, "%u %u 1", user, user);
    int rc = put_file("/proc/self/uid_map", map);
    put_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", group, group);
    return rc ? rc : put_file("/proc/self/gid_map", map);
}

/* What the user namespace has given would make an ordinary user something else. The right to mount opens no file to him. */
static void drop_rights(bool mounts)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct rights[2] = {0};
    if (mounts)
        rights[CAP_SYS_ADMIN / 32].effective = rights[CAP_SYS_ADMIN / 32].permitted = 1u << CAP_SYS_ADMIN % 32;
    if (geteuid() != 0)
        syscall(SYS_capset, &header, rights);
}

/* A node of the old /dev in the new one. */
static void bind_node(const char *name, int node)
{
    char from[64], to[64];
    snprintf(from, sizeof from, "/proc/self/fd/%d", node);
    snprintf(to, sizeof to, "/dev/%s", name);
    int fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    if (mount(from, to, NULL, MS_BIND, NULL) != 0)
        unlink(to);
}

/* A /dev that has no shm: the usual nodes and nothing else. */
static int mount_dev(void)
{
    static const char *const names[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {
        {"/proc/self/fd", "/dev/fd"}, {"fd/0", "/dev/stdin"}, {"fd/1", "/dev/stdout"}, {"fd/2", "/dev/stderr"}};
    enum { NAMES = sizeof names / sizeof names[0] };
    int nodes[NAMES];
    char path[64];
    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "/dev/%s", names[i]);
        nodes[i] = open(path, O_PATH | O_CLOEXEC);
    }
    int rc = mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=0755,size=64k") == 0 ? 0 : errno;
    for (int i = 0; i < NAMES; i++) {
        if (rc == 0 && nodes[i] >= 0)
            bind_node(names[i], nodes[i]);
        if (nodes[i] >= 0)
            close(nodes[i]);
    }
    for (size_t i = 0; rc == 0 && i < sizeof links / sizeof links[0]; i++)
        if (symlink(links[i][0], links[i][1]) != 0)
            rc = errno;
    return rc;
}

static int mount_shm(const struct emulation *row)
{
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return errno;
    if (!row->options)
        return mount_dev();
    return mount("tmpfs", REGION_FOLDER, "tmpfs", row->flags, row->options) == 0 ? 0 : errno;
}

/* `what` asks for it, in a message. */
static int enter(const struct emulation *row, const char *what, bool mounts, struct error *error)
{
    bool user_namespace;
    int rc = enter_namespaces(&user_namespace);
    if (rc)
        return error_set(error, STATUS_ENVIRONMENT, rc,
                         "%s: no mount namespace is to be had: unshare: %s; run it as root, or allow user namespaces (sysctl "
                         "user.max_user_namespaces, in a container --cap-add SYS_ADMIN)",
                         what, error_name(rc));
    rc = mount_shm(row);
    if (rc)
        return error_set(error, STATUS_ENVIRONMENT, rc, "%s: mount over %s: %s", what, row->options ? REGION_FOLDER : "/dev",
                         error_name(rc));
    if (user_namespace)
        drop_rights(mounts);
    return 0;
}

int emulation_enter(const struct emulation *row, struct error *error)
{
    char what[64];
    snprintf(what, sizeof what, "--env %s", row->name);
    if (row->memory_bytes && emulate_cgroup_enter(row->memory_bytes, row->name, error))
        return -1;
    if (enter(row, what, false, error))
        return -1;
    current = row;
    shm_is_own = row->options && !(row->flags & MS_RDONLY);
    return 0;
}

int emulation_enter_shm(struct error *error)
{
    if (!shm_is_own && enter(&own_shm, "a /dev/shm of one's own", true, error))
        return -1;
    shm_is_own = true;
    return 0;
}

bool emulation_owns_shm(void)
{
    return shm_is_own;
}

/* A tmpfs whose limit is what it holds has no room, and nothing was written to make it so. Others may be writing: then what it
 * holds is more by now, and the limit is refused. */
int emulation_fill_shm(bool full)
{
    const struct emulation *row = current ? current : &own_shm;
    char options[64];
    int rc = 0;
    for (int i = 0; i < FILL_TRIES; i++) {
        struct statvfs s;
        if (statvfs(REGION_FOLDER, &s) != 0)
            return errno;
        unsigned long long used = (s.f_blocks - s.f_bfree) * s.f_frsize;
        snprintf(options, sizeof options, full ? "size=%llu" : "size=50%%", used ? used : (unsigned long long)s.f_frsize);
        rc = mount("tmpfs", REGION_FOLDER, "tmpfs", MS_REMOUNT | row->flags, full || row == &own_shm ? options : row->options) == 0
                 ? 0
                 : errno;
        if (rc != EINVAL)
            break;
    }
    return rc;
}

int emulation_huge_pages(bool huge)
{
    const struct emulation *row = current ? current : &own_shm;
    if (!shm_is_own)
        return EPERM;
    return mount("tmpfs", REGION_FOLDER, "tmpfs", MS_REMOUNT | row->flags, huge ? "huge=always" : "huge=never") == 0 ? 0 : errno;
}

void emulation_sweep(void)
{
    cgroup_sweep();
}
