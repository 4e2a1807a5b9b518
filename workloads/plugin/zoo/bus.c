/* A lock that maps an object of its own, and touches a page of it that cannot be had, in the way that the variable BUS says. */
#define _GNU_SOURCE
#include <shmoo/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define LARGE (64u << 20)

static volatile char *own;
static unsigned long calls;

static bool wished(const char *way)
{
    const char *text = getenv("BUS");
    return text && strcmp(text, way) == 0;
}

/* "memfd": an object without a name, else that of BUS_NAME; "full": sized by far more than its tmpfs has. */
static int attach(struct sync_self *self)
{
    (void)self;
    size_t bytes = wished("full") ? LARGE : PAGE;
    const char *name = getenv("BUS_NAME");
    int fd = wished("memfd") ? memfd_create("bus", MFD_CLOEXEC) : shm_open(name ? name : "/bus", O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
        return errno;
    void *at = mmap(NULL, wished("full") ? bytes : 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    own = at;
    return at == MAP_FAILED ? errno : 0;
}

static int acquire(struct sync_self *self)
{
    int *word = self->state;
    while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
        for (int i = 0; i < 100 && __atomic_load_n(word, __ATOMIC_RELAXED); i++)
            continue;
    if (++calls == 100)
        own[PAGE + 8] = 1;
    for (size_t at = 0; wished("full") && calls >= 100 && at < LARGE; at += PAGE)
        own[at] = 1;
    return 0;
}

static int release(struct sync_self *self)
{
    __atomic_store_n((int *)self->state, 0, __ATOMIC_RELEASE);
    return 0;
}

static const struct sync_ops bus = {
    .name = "bus",
    .summary = "touches what cannot be had",
    .family = SYNC_LOCK,
    .state_bytes = 64,
    .attach = attach,
    .lock = {.acquire = acquire, .release = release},
};
SHMOO_PLUGIN(&bus);
