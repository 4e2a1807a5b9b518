/* A region: one POSIX shared memory object, taken through the seven steps of its life, each timed.
 *
 *     struct region region;
 *     region_create(&region, "/shmoo-x", 1 << 20, &error);    shm_open, ftruncate, reserve, mmap
 *     ... region.base ...                                     use
 *     region_destroy(&region, &error);                        munmap, close, shm_unlink
 *
 * Another process: region_attach() (shm_open, mmap) and region_detach() (munmap, close).
 *
 * Reserving belongs to sizing: ftruncate alone promises nothing, and the first touch of a page that a full tmpfs cannot
 * give is a SIGBUS. After region_create() every page is there. Errors name the region, the call, the errno and the way out.
 * region_create_as() and region_attach_as() have the pages come in another way, for who wants to measure it.
 */
#ifndef SHM_REGION_H
#define SHM_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define REGION_NAME_MAX 96
#define REGION_FOLDER "/dev/shm"

enum region_step {
    REGION_OPEN,
    REGION_SIZE,
    REGION_RESERVE, /* the second half of sizing */
    REGION_MAP,
    REGION_USE,
    REGION_UNMAP,
    REGION_CLOSE,
    REGION_UNLINK,
    REGION_STEPS,
};

/* When its pages come to be. */
enum region_fill {
    REGION_RESERVED,  /* the object's when it is sized; each mapping's when it is first touched */
    REGION_UNTOUCHED, /* both when first touched; there was room for them when the object was made, and that is all */
    REGION_POPULATED, /* both when it is mapped */
};

enum region_pages {
    REGION_PAGES_ANY,
    REGION_PAGES_BASE,
    REGION_PAGES_TRANSPARENT, /* huge ones where the file system and the kernel will; nothing fails where they will not */
    REGION_PAGES_2M,          /* from the pool of huge pages: the object has no name then, and is had by its descriptor alone */
    REGION_PAGES_1G,
};

struct region_layout {
    enum region_pages pages;
    int inherited; /* of an object without a name: the descriptor that its creator has made; 0: none */
    enum region_fill fill;
    void *at; /* where the mapping is to be, in place of whatever is mapped there; NULL: anywhere */
};

struct region {
    char name[REGION_NAME_MAX]; /* as given to shm_open */
    int fd;                     /* -1 when closed */
    void *base;                 /* NULL when not mapped */
    struct region_layout layout;
    size_t bytes;
    bool linked;                      /* created here and not yet unlinked */
    dev_t device;                     /* of an object created here: which one it is, whatever its name comes to mean */
    ino_t inode;
    const char *reserved_by;          /* "posix_fallocate" or "pwrite"; NULL when not reserved */
    uint64_t mapped_ns;               /* clock when the mapping was made */
    uint64_t step_ns[REGION_STEPS];   /* time taken by each step */
    bool step_done[REGION_STEPS];
};

/* So many bytes in whole pages of that kind. */
uint64_t region_whole_pages(enum region_pages pages, uint64_t bytes);

/* Bytes of such a page; of REGION_PAGES_ANY, of the base page. */
uint64_t region_page_bytes(enum region_pages pages);

/* "open", "size", ... */
const char *region_step_name(enum region_step step);

/* Creates the object (O_EXCL, mode 0600), sizes, reserves and maps it. On failure nothing is left behind. */
int region_create(struct region *region, const char *name, size_t bytes, struct error *error);

int region_create_as(struct region *region, const char *name, size_t bytes, struct region_layout layout, struct error *error);

/* Opens and maps an object that exists and has at least `bytes` bytes. On failure nothing is left mapped or open. */
int region_attach(struct region *region, const char *name, size_t bytes, struct error *error);
int region_attach_as(struct region *region, const char *name, size_t bytes, struct region_layout layout, struct error *error);

/* Address space of so many bytes that begins at a whole page of that kind, with nothing in it, for mappings to be put in its place;
 * NULL: there is none. */
void *region_room(enum region_pages pages, uint64_t bytes);

/* Closes the descriptor; the mapping stays. Idempotent. */
int region_close(struct region *region, struct error *error);

/* Unmaps and closes. Idempotent. Every step is tried; the first failure is reported. */
int region_detach(struct region *region, struct error *error);

/* Does its name still lead to the object that was created here? What has lost it on purpose has nothing to unlink any more. */
bool region_is_named(const struct region *region);
void region_forget_name(struct region *region);

/* Detaches and unlinks. Idempotent, as region_detach(). An object that somebody else has put in its place is left alone, and
 * reported. */
int region_destroy(struct region *region, struct error *error);

#endif
