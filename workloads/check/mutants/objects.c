/* Objects of shared memory, as the shim finds them: by descriptor, by mapping, and by who made them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "workloads/check/mutants/objects.h"

#define DESCRIPTORS 1024

static struct registry *registry;

/* Shared by all processes that come from the first one; a program after exec begins anew. */
__attribute__((constructor)) static void share_registry(void)
{
    void *at = (void *)syscall(SYS_mmap, NULL, sizeof *registry, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at != MAP_FAILED)
        registry = at;
}

const char *path_of(const char *name, char path[600])
{
    snprintf(path, 600, "/dev/shm/%.500s", name + strspn(name, "/"));
    return path;
}

bool is_object(int fd, struct stat *st)
{
    struct stat own;
    struct statfs fs;
    st = st ? st : &own;
    return fd >= 0 && sys_fstat(fd, st) == 0 && S_ISREG(st->st_mode) && syscall(SYS_fstatfs, fd, &fs) == 0 &&
           fs.f_type == TMPFS_MAGIC;
}

bool object_at(const char *path, struct stat *st)
{
    return syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

bool same_object(const struct stat *one, const struct stat *other)
{
    return one->st_ino == other->st_ino && one->st_dev == other->st_dev;
}

void object_note(int fd, const char *name)
{
    struct stat st;
    if (!registry || !is_object(fd, &st))
        return;
    unsigned slot = __atomic_fetch_add(&registry->count, 1, __ATOMIC_RELAXED) % REGISTRY_SLOTS;
    struct entry *entry = &registry->entries[slot];
    *entry = (struct entry){.object = st, .maker = (pid_t)syscall(SYS_getpid)};
    snprintf(entry->name, sizeof entry->name, "%s", name);
}

/* The last entry counts: inodes are used again. */
static struct entry *entry_of(const struct stat *object)
{
    unsigned end = registry ? registry->count : 0, begin = end > REGISTRY_SLOTS ? end - REGISTRY_SLOTS : 0;
    for (unsigned i = end; i > begin; i--)
        if (same_object(&registry->entries[(i - 1) % REGISTRY_SLOTS].object, object))
            return &registry->entries[(i - 1) % REGISTRY_SLOTS];
    return NULL;
}

pid_t object_maker(const struct stat *st)
{
    struct entry *entry = entry_of(st);
    return entry ? entry->maker : 0;
}

void each_made_by(pid_t pid, void (*visit)(const struct entry *entry))
{
    unsigned end = registry ? registry->count : 0, begin = end > REGISTRY_SLOTS ? end - REGISTRY_SLOTS : 0;
    for (unsigned i = begin; i < end; i++) {
        struct entry *entry = &registry->entries[i % REGISTRY_SLOTS];
        if (entry->maker == pid && entry_of(&entry->object) == entry)
            visit(entry);
    }
}

void each_descriptor(const struct stat *object, void (*visit)(int fd, void *user), void *user)
{
    struct stat st;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (sys_fstat(fd, &st) == 0 && same_object(&st, object))
            visit(fd, user);
}

/* /proc/self/maps, whole; freed by the caller. */
static char *read_maps(void)
{
    size_t size = 1 << 18, used = 0;
    char *text = malloc(size);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (ssize_t n = 1; text && n > 0 && used < size - 1; used += n > 0 ? (size_t)n : 0)
        n = syscall(SYS_read, fd, text + used, size - 1 - used);
    if (text)
        text[used] = '\0';
    sys_close(fd);
    return text;
}

void each_mapping(const struct stat *object, void (*visit)(char *, size_t, bool, off_t, void *), void *user)
{
    char *text = read_maps();
    for (char *line = text, *end; line && *line; line = end + 1) {
        unsigned long from, to, offset, inode;
        unsigned major, minor;
        char access[8];
        end = line + strcspn(line, "\n");
        char last = *end;
        *end = '\0';
        if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu", &from, &to, access, &offset, &major, &minor, &inode) == 7 && inode &&
            strstr(line, "/dev/shm/") && (!object || inode == object->st_ino))
            visit((char *)from, to - from, access[3] == 's', (off_t)offset, user);
        if (!last)
            break;
    }
    free(text);
}

struct place {
    const char *wanted;
    bool found;
};

static void look(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    struct place *place = user;
    (void)shared, (void)offset;
    place->found |= place->wanted >= at && place->wanted < at + bytes;
}

bool in_object(const void *at)
{
    struct place place = {.wanted = at};
    each_mapping(NULL, look, &place);
    return place.found;
}

struct range {
    const char *at;
    size_t bytes;
};

static void store(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    const struct range *range = user;
    char link[80], path[600];
    if (shared || range->at < at || range->at >= at + bytes)
        return;
    snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", (unsigned long)at, (unsigned long)(at + bytes));
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
    size_t room = (size_t)(at + bytes - range->at);
    if (fd >= 0) {
        sys_pwrite(fd, range->at, range->bytes < room ? range->bytes : room, offset + (range->at - at));
        sys_close(fd);
    }
}

void store_private(const void *at, size_t bytes)
{
    struct range range = {at, bytes};
    each_mapping(NULL, store, &range);
}
