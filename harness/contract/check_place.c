/* Where a check takes place: its names, its objects, a /dev/shm of its own, a memory cgroup of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "contract/check.h"
#include "shm/region.h"

static char *new_name(struct check *c)
{
    unsigned serial = c->name_count++;
    char *name = c->names[serial % (sizeof c->names / sizeof c->names[0])];
    snprintf(name, CHECK_NAME, "%s.n%u", c->prefix, serial);
    return name;
}

const char *check_name(struct check *c)
{
    return new_name(c);
}

/* Letters behind the serial number: a name that can still be told. */
const char *check_long_name(struct check *c, size_t bytes)
{
    char *name = new_name(c);
    snprintf(name, CHECK_NAME, "%s.", c->prefix);
    for (size_t used = strlen(name); used < bytes + 1 && used < CHECK_NAME - 1; used++) {
        name[used] = 'n';
        name[used + 1] = '\0';
    }
    return name;
}

const char *check_path(const char *name)
{
    static char paths[2][CHECK_NAME + 16];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof paths[0], "%s%s%s", REGION_FOLDER, name[0] == '/' ? "" : "/", name);
    return path;
}

bool check_exists(const char *name)
{
    struct stat st;
    return lstat(check_path(name), &st) == 0;
}

int check_object(struct check *c, const char *name, size_t bytes)
{
    int fd = (int)must(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
    if (bytes)
        must(c, ftruncate(fd, (off_t)bytes));
    return fd;
}

void *check_map(struct check *c, int fd, size_t bytes)
{
    return must_map(c, mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

size_t check_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned char pattern(size_t i, unsigned seed)
{
    uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ULL + seed * 0xbf58476d1ce4e5b9ULL;
    return (unsigned char)((x ^ x >> 31) >> 24 | 1); /* never zero: a page that was lost shows at its first byte */
}

void check_fill(void *at, size_t bytes, unsigned seed)
{
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)at)[i] = pattern(i, seed);
}

bool expect_filled(struct check *c, const void *at, size_t bytes, unsigned seed, const char *what)
{
    unsigned char *wanted = malloc(bytes);
    if (!wanted)
        check_error(c, "out of memory");
    check_fill(wanted, bytes, seed);
    bool holds = expect_bytes(c, at, wanted, bytes, what);
    free(wanted);
    return holds;
}

bool check_first_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    bool got = file && fgets(text, (int)size, file);
    if (got)
        text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
    return got;
}

int check_put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int errnum = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return errnum;
}

bool check_proc_line(pid_t pid, const char *file, const char *part, const char *also, char *line, size_t size)
{
    char path[64], text[4096];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *lines = fopen(path, "re");
    while (lines && !found && fgets(text, sizeof text, lines))
        found = strstr(text, part) && (!also || strstr(text, also));
    if (found && line)
        snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
    if (lines)
        fclose(lines);
    return found;
}

static bool is_tmpfs(void)
{
    struct statfs fs;
    return statfs(REGION_FOLDER, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

void check_needs_tmpfs(struct check *c)
{
    if (!is_tmpfs())
        check_unsupported(c, "needs a tmpfs: " REGION_FOLDER " is of another kind here");
}

bool check_counts_pages(const struct check *c)
{
    char text[128] = "";
    if (check_first_line("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof text) && strstr(text, "[force]"))
        return false;
    if (!is_tmpfs())
        return false;
    return c->private_shm || !check_proc_line(getpid(), "mountinfo", " " REGION_FOLDER " ", "huge=", NULL, 0);
}

/* ---- needs ---- */

/* In a user namespace of its own where that is what it takes: the user stays the same one, and there is no other. */
static int enter_mounts(bool alone)
{
    char map[64];
    unsigned user = (unsigned)geteuid(), group = (unsigned)getegid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (!alone || unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return -1;
        snprintf(map, sizeof map, "%u %u 1", user, user);
        errno = check_put_file("/proc/self/uid_map", map);
        if (errno == 0) {
            check_put_file("/proc/self/setgroups", "deny");
            snprintf(map, sizeof map, "%u %u 1", group, group);
            errno = check_put_file("/proc/self/gid_map", map);
        }
        if (errno) /* without a user of its own in there nobody can create anything */
            return -1;
        check_die_with_parent();
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void provide_shm(struct check *c)
{
    if (enter_mounts(!(c->row->needs & (CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS | CHECK_NEEDS_CGROUP))) != 0)
        check_unsupported(c, "needs a private mount namespace, which is not to be had here: %s", error_name(errno));
    if (mount("shmoo-check", REGION_FOLDER, "tmpfs", MS_NODEV, c->row->shm) != 0)
        check_unsupported(c, "needs a private " REGION_FOLDER " with %s: mount: %s", c->row->shm, error_name(errno));
    if (chmod(REGION_FOLDER, 01777) != 0)
        check_unsupported(c, "needs a private " REGION_FOLDER ": chmod: %s", error_name(errno));
    c->private_shm = true;
}

static void provide_users(struct check *c)
{
    int status = 0;
    pid_t pid = (pid_t)must(c, fork());
    if (pid == 0)
        _exit(setresgid(CHECK_OTHER_GID, CHECK_OTHER_GID, CHECK_OTHER_GID) != 0 ||
              setresuid(CHECK_OTHER_UID, CHECK_OTHER_UID, CHECK_OTHER_UID) != 0);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status != 0 || geteuid() == CHECK_OTHER_UID)
        check_unsupported(c, "needs two users: this process may not become another one");
}

/* Root in a container may lack what makes it root. */
static void provide_root(struct check *c)
{
    static const int wanted[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_SETUID, CAP_SETGID};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (geteuid() != 0)
        check_unsupported(c, "needs root");
    if (syscall(SYS_capget, &header, data) != 0)
        check_unsupported(c, "needs root: capget: %s", error_name(errno));
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!(data[wanted[i] / 32].effective & 1u << wanted[i] % 32))
            check_unsupported(c, "needs root with all its capabilities: number %d of capabilities(7) is missing", wanted[i]);
}

void check_provide(struct check *c)
{
    unsigned needs = c->row->needs;
    if (needs & CHECK_NEEDS_ROOT)
        provide_root(c);
    if ((needs & CHECK_NEEDS_PROC) && access("/proc/self/maps", R_OK) != 0)
        check_unsupported(c, "needs /proc");
    if (needs & CHECK_NEEDS_USERS)
        provide_users(c);
    if (c->row->shm)
        provide_shm(c);
}
