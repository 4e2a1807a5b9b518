/* The objects of /dev/shm: the list of them, found by name or by device and inode, and their states. */
#define _GNU_SOURCE
#include "shm/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "shm/holders.h"
#include "shm/region.h"

#define OBJECTS_MAX 1000000
#define FOLDERS_DEEP 8
/* A look of somebody else's takes microseconds, and looks like a holder for so long. */
#define LOOKS 5
#define LOOK_AGAIN_NS 1000000

const char *object_kind_name(enum object_kind kind)
{
    static const char *const names[OBJECT_KINDS] = {
        [OBJECT_SHM] = "shm",     [OBJECT_SEMAPHORE] = "sem",     [OBJECT_FILE] = "file",
        [OBJECT_OTHER] = "other", [OBJECT_UNLINKED] = "unlinked", [OBJECT_MEMFD] = "memfd",
    };
    return names[kind];
}

const char *object_state_name(enum object_state state)
{
    static const char *const names[OBJECT_STATES] = {
        [OBJECT_IN_USE] = "in use",
        [OBJECT_ELSEWHERE] = "in use elsewhere",
        [OBJECT_UNUSED] = "unused",
        [OBJECT_UNKNOWN] = "unknown",
    };
    return names[state];
}

uint64_t object_age_s(const struct object *object)
{
    int64_t now = (int64_t)time(NULL);
    return object->changed_s < now ? (uint64_t)(now - object->changed_s) : 0;
}

/* Times far out, which anybody may set, are as far as nanoseconds go. */
static int64_t ns_of(const struct timespec *time)
{
    const int64_t far_s = INT64_MAX / (int64_t)NS_PER_S - 1;
    int64_t seconds = (int64_t)time->tv_sec > far_s ? far_s : (int64_t)time->tv_sec < 0 ? 0 : (int64_t)time->tv_sec;
    return seconds * (int64_t)NS_PER_S + time->tv_nsec;
}

int64_t object_changed_ns(const struct stat *st)
{
    int64_t changed = ns_of(&st->st_ctim), written = ns_of(&st->st_mtim);
    return changed > written ? changed : written;
}

/* ---- the list ---- */

static size_t hash_of(const struct objects *objects, dev_t device, ino_t inode)
{
    uint64_t mixed = ((uint64_t)inode ^ (uint64_t)device << 40) * 0x9e3779b97f4a7c15ULL;
    return (size_t)(mixed >> 20) & (objects->bucket_count - 1);
}

static void rehash(struct objects *objects)
{
    size_t count = objects->bucket_count ? objects->bucket_count * 4 : 1024;
    size_t *buckets = malloc(count * sizeof *buckets);
    if (!buckets)
        return;
    free(objects->buckets);
    objects->buckets = buckets;
    objects->bucket_count = count;
    for (size_t i = 0; i < count; i++)
        buckets[i] = SIZE_MAX;
    for (size_t i = 0; i < objects->count; i++) {
        size_t *head = &buckets[hash_of(objects, objects->list[i].device, objects->list[i].inode)];
        objects->list[i].next = *head;
        *head = i;
    }
}

static size_t find_from(const struct objects *objects, size_t at, dev_t device, ino_t inode)
{
    while (at != SIZE_MAX && (objects->list[at].inode != inode || objects->list[at].device != device))
        at = objects->list[at].next;
    return at;
}

size_t objects_find(const struct objects *objects, dev_t device, ino_t inode)
{
    if (objects->bucket_count == 0)
        return SIZE_MAX;
    return find_from(objects, objects->buckets[hash_of(objects, device, inode)], device, inode);
}

size_t objects_next(const struct objects *objects, size_t at)
{
    const struct object *object = &objects->list[at];
    return find_from(objects, object->next, object->device, object->inode);
}

static bool make_room(struct objects *objects)
{
    if (objects->count >= OBJECTS_MAX)
        return false;
    if (objects->count == objects->room) {
        size_t room = objects->room ? objects->room * 2 : 64;
        struct object *list = realloc(objects->list, room * sizeof *list);
        if (!list)
            return false;
        objects->list = list;
        objects->room = room;
    }
    if (objects->count * 2 >= objects->bucket_count)
        rehash(objects);
    return objects->bucket_count > 0;
}

void object_measure(struct object *object, const struct stat *st)
{
    object->measured = true;
    object->bytes = (uint64_t)st->st_size;
    object->allocated_bytes = (uint64_t)st->st_blocks * 512;
    object->links = (uint64_t)st->st_nlink;
    object->owner = st->st_uid;
    object->mode = st->st_mode;
    object->changed_s = object_changed_ns(st) / (int64_t)NS_PER_S;
}

size_t objects_add(struct objects *objects, const char *name, enum object_kind kind, const struct stat *st, bool measured)
{
    char *copy = strdup(name);
    if (!copy || !make_room(objects)) {
        free(copy);
        objects->cut = true;
        return SIZE_MAX;
    }
    size_t at = objects->count++;
    struct object *object = &objects->list[at];
    *object = (struct object){
        .name = copy,
        .kind = kind,
        .device = st->st_dev,
        .inode = st->st_ino,
        .state = OBJECT_UNKNOWN,
    };
    if (measured)
        object_measure(object, st);
    size_t *head = &objects->buckets[hash_of(objects, object->device, object->inode)];
    object->next = *head;
    *head = at;
    return at;
}

void object_held(struct object *object, pid_t pid, const char *command, unsigned access)
{
    /* a process is looked at in one go: its entry is the last one */
    struct object_holder *last = object->holder_count ? &object->holders[object->holder_count - 1] : NULL;
    if (last && last->pid == pid) {
        last->access |= access;
        return;
    }
    struct object_holder *holders = realloc(object->holders, (object->holder_count + 1) * sizeof *holders);
    if (!holders)
        return;
    object->holders = holders;
    last = &holders[object->holder_count++];
    *last = (struct object_holder){.pid = pid, .access = access};
    snprintf(last->command, sizeof last->command, "%s", command);
}

void objects_free(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        free(objects->list[i].name);
        free(objects->list[i].holders);
    }
    free(objects->list);
    free(objects->buckets);
    *objects = (struct objects){0};
}

static int compare(const void *left, const void *right)
{
    const struct object *a = left, *b = right;
    if (a->allocated_bytes != b->allocated_bytes)
        return a->allocated_bytes < b->allocated_bytes ? 1 : -1;
    return strcmp(a->name, b->name);
}

/* When numbers change, nothing is found any more. */
static void unhash(struct objects *objects)
{
    free(objects->buckets);
    objects->buckets = NULL;
    objects->bucket_count = 0;
}

void objects_sort(struct objects *objects)
{
    if (objects->count)
        qsort(objects->list, objects->count, sizeof *objects->list, compare);
    unhash(objects);
}

/* ---- /dev/shm ---- */

static enum object_kind kind_of(const char *name, const struct stat *st, int depth)
{
    if (!S_ISREG(st->st_mode))
        return OBJECT_OTHER;
    if (depth > 0)
        return OBJECT_FILE;
    return strncmp(name, "sem.", 4) == 0 ? OBJECT_SEMAPHORE : OBJECT_SHM;
}

/* Adds what a folder holds, and what the folders in it hold. `folder` is closed. */
static void list_folder(struct objects *objects, int folder, const char *prefix, int depth)
{
    DIR *stream = fdopendir(folder);
    if (!stream) {
        close(folder);
        return;
    }
    for (struct dirent *entry; (entry = readdir(stream));) {
        char name[4096];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name) >= (int)sizeof name)
            continue;
        objects_add(objects, name, kind_of(entry->d_name, &st, depth), &st, true);
        if (S_ISDIR(st.st_mode) && st.st_dev == objects->device && depth < FOLDERS_DEEP) {
            int below = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (below >= 0)
                list_folder(objects, below, name, depth + 1);
        }
    }
    closedir(stream);
}

static enum lease_answer ask(int folder, const struct object *object, struct lease *lease)
{
    enum lease_answer answer = lease_take(lease, folder, object->name);
    lease_drop(lease);
    /* another object under this name by now says nothing about the one that was listed */
    if (answer != LEASE_GONE && lease->st.st_ino &&
        (lease->st.st_ino != object->inode || lease->st.st_dev != object->device))
        return LEASE_GONE;
    return answer;
}

static void settle(struct object *object, enum lease_answer answer, int errnum)
{
    object->state = answer == LEASE_FREE ? OBJECT_UNUSED : answer == LEASE_HELD ? OBJECT_ELSEWHERE : OBJECT_UNKNOWN;
    snprintf(object->why, sizeof object->why, "%s", lease_words(answer, errnum));
}

bool objects_late(const struct objects *objects)
{
    return objects->deadline_ns && clock_ns() > objects->deadline_ns;
}

static bool has_name(const struct object *object)
{
    return object->kind <= OBJECT_OTHER;
}

static void ask_all(struct objects *objects, int folder)
{
    for (size_t i = 0; i < objects->count; i++) {
        struct lease lease;
        if (!has_name(&objects->list[i]))
            continue;
        if (objects_late(objects)) {
            snprintf(objects->list[i].why, sizeof objects->list[i].why, "there was no time to ask for a proof");
            continue;
        }
        enum lease_answer answer = ask(folder, &objects->list[i], &lease);
        settle(&objects->list[i], answer, lease.errnum);
    }
}

static void mark_held(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = &objects->list[i];
        if (object->holder_count == 0)
            continue;
        object->state = OBJECT_IN_USE;
        snprintf(object->why, sizeof object->why, "%zu process%s %s it", object->holder_count,
                 object->holder_count == 1 ? "" : "es", object->holder_count == 1 ? "holds" : "hold");
    }
}

/* Asks again for what is held by nobody who was seen: the holder may have been another look like this one. Returns how many
 * are still held so. */
static size_t ask_again(struct objects *objects, int folder)
{
    size_t left = 0;
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = &objects->list[i];
        struct lease lease;
        if (object->state != OBJECT_ELSEWHERE || objects_late(objects))
            continue;
        enum lease_answer answer = LEASE_HELD;
        for (int look = 0; look < LOOKS && answer == LEASE_HELD; look++) {
            answer = ask(folder, object, &lease);
            /* with many objects, their number is pause enough */
            if (answer == LEASE_HELD && left < 50)
                nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
        }
        settle(object, answer, lease.errnum);
        left += answer == LEASE_HELD;
    }
    return left;
}

static void explain_elsewhere(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = &objects->list[i];
        if (object->state != OBJECT_ELSEWHERE)
            continue;
        if (!objects->proc)
            snprintf(object->why, sizeof object->why, "somebody has it open or mapped; without /proc nobody can be seen");
        else if (objects->unasked)
            snprintf(object->why, sizeof object->why, "held by one of %u processes that there was no time to look at, or elsewhere",
                     objects->unasked);
        else if (objects->hidden)
            snprintf(object->why, sizeof object->why,
                     "held by somebody who cannot be seen: /proc is mounted with hidepid, or it is another pid namespace");
        else if (objects->unseen)
            snprintf(object->why, sizeof object->why,
                     "held by one of %u processes that may not be looked into, another pid namespace, a socket's message, or the kernel",
                     objects->unseen);
        else
            snprintf(object->why, sizeof object->why,
                     "held by nobody who can be seen: another pid namespace, a message in a socket, or the kernel");
    }
}

/* What had no name, and has lost its last holder meanwhile, is no more. */
static void drop_gone(struct objects *objects)
{
    size_t kept = 0;
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = &objects->list[i];
        if (has_name(object) || object->holder_count) {
            objects->list[kept++] = *object;
            continue;
        }
        free(object->name);
        free(object->holders);
    }
    objects->count = kept;
    unhash(objects);
}

/* Opens /dev/shm and lists what is in it. Returns the folder, or -1. */
static int begin(struct objects *objects, struct error *error)
{
    struct stat st;
    *objects = (struct objects){0};
    int folder = open(REGION_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int listed = folder >= 0 ? openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (listed < 0 || fstat(folder, &st) != 0) {
        error_set(error, STATUS_ENVIRONMENT, errno, "%s: open: %s", REGION_FOLDER, error_name(errno));
        if (listed >= 0)
            close(listed);
        if (folder >= 0)
            close(folder);
        return -1;
    }
    objects->device = st.st_dev;
    list_folder(objects, listed, "", 0);
    return folder;
}

int objects_list(struct objects *objects, struct error *error)
{
    int folder = begin(objects, error);
    if (folder < 0)
        return -1;
    close(folder);
    holders_read(objects);
    return 0;
}

int objects_read(struct objects *objects, uint64_t deadline_ns, struct error *error)
{
    int folder = begin(objects, error);
    if (folder < 0)
        return -1;
    objects->deadline_ns = deadline_ns;
    ask_all(objects, folder);
    uint64_t start = clock_ns();
    holders_read(objects);
    mark_held(objects);
    uint64_t again = clock_ns() + (clock_ns() - start);
    bool enough = deadline_ns && again > deadline_ns; /* half a second look would tell less than the first */
    if (ask_again(objects, folder) && !enough) {
        holders_read(objects); /* whoever opened something while the others were looked at */
        mark_held(objects);
    }
    explain_elsewhere(objects);
    drop_gone(objects);
    close(folder);
    return 0;
}
