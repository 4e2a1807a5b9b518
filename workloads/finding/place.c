/* Findings about the place: is there a /dev/shm, of which kind, with which rights, and with how much room. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/units.h"
#include "shm/region.h"
#include "workloads/finding/rows.h"

/* What Docker, Podman and containerd give a container unless told otherwise (Podman a little less). */
#define CONTAINER_DEFAULT (64ULL << 20)
#define FEW_INODES 1024
/* Less than one part in so many left is nearly nothing. */
#define NEARLY_FULL 20

/* Of a service. */
#define TMPFS "TemporaryFileSystem=/dev/shm:mode=1777,"
#define OF_ITS_OWN "     # a /dev/shm of its own: other services do not see what is in it"

#define ENLARGE                                                                                                             \
    {[RUNTIME_HOST] = "{root}mount -o remount,size=2G /dev/shm     # for good: /etc/fstab: tmpfs /dev/shm tmpfs size=2G 0 0", \
     [RUNTIME_DOCKER] = "{engine} run --shm-size=2g ...     # in compose.yaml: shm_size: 2gb",                               \
     [RUNTIME_KUBERNETES] = FIX_VOLUME}

#define MOUNT_AGAIN(options)                                                                                                \
    {                                                                                                                       \
        [RUNTIME_HOST] = "{root}mount -o remount," options " /dev/shm",                                                     \
        [RUNTIME_DOCKER] = "{engine} run --tmpfs /dev/shm:" options ",mode=1777,size=2g ...",                               \
        [RUNTIME_KUBERNETES] = FIX_VOLUME, [RUNTIME_SYSTEMD] = FIX_SERVICE(TMPFS options ",size=2G") OF_ITS_OWN                        \
    }

#define MOUNT_TMPFS                                                                                                         \
    {                                                                                                                       \
        [RUNTIME_HOST] = "{root}mkdir -p /dev/shm && {root}mount -t tmpfs -o mode=1777,nosuid,nodev,size=50% tmpfs /dev/shm", \
        [RUNTIME_DOCKER] = "{engine} run --tmpfs /dev/shm:rw,mode=1777,size=2g ...", [RUNTIME_KUBERNETES] = FIX_VOLUME,     \
        [RUNTIME_SYSTEMD] = FIX_SERVICE(TMPFS "size=2G") OF_ITS_OWN                                                                    \
    }

static void look_missing(struct diagnosis *d)
{
    struct error error;
    struct shm_capacity shm;
    if (d->shm_there) {
        diagnosis_fact(d, "there");
        return;
    }
    capacity_read(REGION_FOLDER, &shm, &error);
    diagnosis_fact(d, "missing");
    diagnosis_finding(d, SEVERITY_SERIOUS, "/dev/shm is no folder that can be used: %s", error_name(error.errnum));
}

static void look_type(struct diagnosis *d)
{
    diagnosis_fact(d, "%s%s%s", d->shm.filesystem, d->options[0] ? ", " : "", d->options);
    if (strcmp(d->shm.filesystem, "tmpfs") != 0)
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm lies on %s, not on a tmpfs", d->shm.filesystem);
}

static void look_read_only(struct diagnosis *d)
{
    diagnosis_fact(d, "%s", d->shm.read_only ? "read-only" : "read-write");
    if (d->shm.read_only)
        diagnosis_finding(d, SEVERITY_SERIOUS, "/dev/shm is mounted read-only");
}

static void look_access(struct diagnosis *d)
{
    unsigned mode = (unsigned)d->folder.st_mode & 07777;
    bool allowed = access(REGION_FOLDER, W_OK | X_OK) == 0 || errno == EROFS;
    diagnosis_fact(d, "mode %04o, owner %u", mode, (unsigned)d->folder.st_uid);
    if (!allowed)
        diagnosis_finding(d, SEVERITY_SERIOUS,
                          "/dev/shm has mode %04o and belongs to user %u: user %u may make nothing there", mode,
                          (unsigned)d->folder.st_uid, (unsigned)geteuid());
    else if ((mode & 0777) == 0777 && !(mode & 01000))
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm has mode %04o, without the sticky bit: anybody may remove anything",
                          mode);
    else if ((mode & 0777) != 0777)
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm has mode %04o: other users may make nothing there", mode);
}

/* Container runtimes mount it nosuid,nodev,noexec: that is the usual thing there, and seldom missed. */
static bool usual_in_containers(const struct diagnosis *d)
{
    char value[64];
    bool container = d->runtime == RUNTIME_DOCKER || d->runtime == RUNTIME_PODMAN || d->runtime == RUNTIME_KUBERNETES;
    return container && finding_option(d, "nosuid", value) && finding_option(d, "nodev", value);
}

static void look_noexec(struct diagnosis *d)
{
    bool usual = d->shm.noexec && usual_in_containers(d);
    diagnosis_fact(d, "%s%s", d->shm.noexec ? "noexec" : "exec", usual ? ", as container runtimes mount it" : "");
    if (d->shm.noexec && !usual)
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm is mounted noexec");
}

static void look_size(struct diagnosis *d)
{
    char size[UNITS_TEXT];
    units_print(&units_size, (double)d->shm.size_bytes, size);
    if (d->shm.free_bytes == CAPACITY_UNLIMITED) {
        diagnosis_fact(d, "no limit but the memory");
        return;
    }
    diagnosis_fact(d, "%s", size);
    if (d->shm.size_bytes <= CONTAINER_DEFAULT)
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm has %s in all%s", size,
                          d->shm.size_bytes == CONTAINER_DEFAULT ? ": the default of container runtimes" : "");
}

static uint64_t unused_bytes(const struct diagnosis *d)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < d->objects.count; i++)
        sum += d->objects.list[i].state == OBJECT_UNUSED && d->objects.list[i].links == 1
                   ? d->objects.list[i].allocated_bytes
                   : 0;
    return sum;
}

static void look_full(struct diagnosis *d)
{
    char left[UNITS_TEXT], size[UNITS_TEXT], unused[UNITS_TEXT];
    if (d->shm.free_bytes == CAPACITY_UNLIMITED)
        return;
    units_print(&units_size, (double)d->shm.free_bytes, left);
    units_print(&units_size, (double)d->shm.size_bytes, size);
    units_print(&units_size, (double)unused_bytes(d), unused);
    diagnosis_fact(d, "%s free of %s; %s in unused objects", left, size, unused);
    if (d->shm.free_bytes < d->shm.size_bytes / NEARLY_FULL)
        diagnosis_finding(d, d->shm.free_bytes < 65536 ? SEVERITY_SERIOUS : SEVERITY_WARNING,
                          "/dev/shm has %s free of %s; objects that are proven unused hold %s", left, size, unused);
}

static void look_inodes(struct diagnosis *d)
{
    if (d->shm.inodes == 0) {
        diagnosis_fact(d, "no limit");
        return;
    }
    diagnosis_fact(d, "%" PRIu64 " free of %" PRIu64, d->shm.inodes_free, d->shm.inodes);
    if (d->shm.inodes_free < d->shm.inodes / NEARLY_FULL || d->shm.inodes_free == 0)
        diagnosis_finding(d, d->shm.inodes_free < 2 ? SEVERITY_SERIOUS : SEVERITY_WARNING,
                          "/dev/shm has %" PRIu64 " inodes free of %" PRIu64 ", in %zu objects", d->shm.inodes_free,
                          d->shm.inodes, d->objects.count);
    else if (d->shm.inodes < FEW_INODES)
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm has room for %" PRIu64 " objects in all", d->shm.inodes);
}

static void look_reserve(struct diagnosis *d)
{
    int fd = open(REGION_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        diagnosis_fact(d, "could not be tried: %s", error_name(errno));
        return;
    }
    int kernel = fallocate(fd, 0, 0, sysconf(_SC_PAGESIZE)) == 0 ? 0 : errno;
    int library = kernel == 0 ? 0 : posix_fallocate(fd, 0, sysconf(_SC_PAGESIZE));
    close(fd);
    if (kernel == 0)
        diagnosis_fact(d, "posix_fallocate works; ftruncate alone promises nothing");
    else
        diagnosis_fact(d, "fallocate: %s; posix_fallocate, which writes instead: %s", error_name(kernel),
                       library ? error_name(library) : "works");
    if (library == EOPNOTSUPP || library == EINVAL || library == ENOSYS || library == EPERM)
        diagnosis_finding(d, SEVERITY_WARNING, "posix_fallocate on /dev/shm is refused: %s", error_name(library));
}

/* What has been sized, but has no page behind it yet: each object once, whatever its names. */
static uint64_t promised_bytes(const struct diagnosis *d, const char **largest)
{
    uint64_t sum = 0, most = 0;
    for (size_t i = 0; i < d->objects.count; i++) {
        const struct object *object = &d->objects.list[i];
        if (!object->measured || object->kind == OBJECT_OTHER || object->kind == OBJECT_MEMFD ||
            object->bytes <= object->allocated_bytes)
            continue;
        uint64_t missing = (object->bytes - object->allocated_bytes) / (object->links ? object->links : 1);
        sum = missing > UINT64_MAX - sum ? UINT64_MAX : sum + missing;
        if (missing > most) {
            most = missing;
            *largest = object->name;
        }
    }
    return sum;
}

static void look_promised(struct diagnosis *d)
{
    char promised[UNITS_TEXT], left[UNITS_TEXT];
    const char *largest = "";
    uint64_t bytes = promised_bytes(d, &largest);
    units_print(&units_size, (double)bytes, promised);
    diagnosis_fact(d, "%s sized, but without pages", promised);
    if (d->shm.free_bytes != CAPACITY_UNLIMITED && bytes > d->shm.free_bytes)
        diagnosis_finding(d, SEVERITY_WARNING,
                          "objects have been sized by %s more than they have pages (most of it %.100s), and %s are free",
                          promised, largest, units_print(&units_size, (double)d->shm.free_bytes, left));
}

const struct finding_ops findings_place[] = {
    {.id = "shm-missing",
     .area = "place",
     .title = "/dev/shm",
     .look = look_missing,
     .consequence = "shm_open and sem_open fail with ENOENT; memfd_create, pipes and threads still work",
     .fix = MOUNT_TMPFS},
    {.id = "shm-type",
     .area = "place",
     .title = "file system",
     .needs_shm = true,
     .look = look_type,
     .consequence = "what is shared goes to a disc, or cannot be mapped, sealed or leased; nothing is emptied at boot",
     .fix = MOUNT_TMPFS},
    {.id = "shm-read-only",
     .area = "place",
     .title = "mounted for",
     .needs_shm = true,
     .look = look_read_only,
     .consequence = "shm_open with O_CREAT, sem_open and ftruncate fail with EROFS",
     .fix = MOUNT_AGAIN("rw")},
    {.id = "shm-access",
     .area = "place",
     .title = "rights",
     .needs_shm = true,
     .look = look_access,
     .consequence = "programs of some users fail with EACCES, or lose objects to others",
     .fix = {[RUNTIME_HOST] = "{root}chmod 1777 /dev/shm"}},
    {.id = "shm-noexec",
     .area = "place",
     .title = "code",
     .needs_shm = true,
     .look = look_noexec,
     .consequence = "mmap with PROT_EXEC of an object fails with EPERM: run-time compilers and FFI trampolines",
     .fix = MOUNT_AGAIN("exec")},
    {.id = "shm-size",
     .area = "place",
     .title = "size",
     .needs_shm = true,
     .look = look_size,
     .consequence =
         "a program that shares more gets ENOSPC where it reserves, and SIGBUS (exit status 135) where it does not",
     .fix = ENLARGE},
    {.id = "shm-full",
     .area = "place",
     .title = "free space",
     .needs_shm = true,
     .look = look_full,
     .consequence = "the next page that is touched may be a SIGBUS; a service that restarts meets the same full /dev/shm",
     .fix = {[RUNTIME_HOST] = "shmoo gc --name '*' --apply     # what is proven unused and an hour old, with --min-age 0 younger, too; or: {root}mount -o remount,size=2G /dev/shm",
             [RUNTIME_DOCKER] = "shmoo gc --name '*' --apply     # in the container; --min-age 0 takes what is younger than an hour; or: {engine} run --shm-size=2g ...",
             [RUNTIME_KUBERNETES] = "kubectl exec POD -- shmoo gc --name '*' --apply     # or a larger sizeLimit of the emptyDir"}},
    {.id = "shm-inodes",
     .area = "place",
     .title = "inodes",
     .needs_shm = true,
     .look = look_inodes,
     .consequence = "shm_open and sem_open fail with ENOSPC though there is space",
     .fix = {[RUNTIME_HOST] = "shmoo gc --name '*' --apply; {root}mount -o remount,nr_inodes=100k /dev/shm",
             [RUNTIME_DOCKER] = "{engine} run --tmpfs /dev/shm:rw,mode=1777,size=2g,nr_inodes=100k ...",
             [RUNTIME_KUBERNETES] = "kubectl exec POD -- shmoo gc --name '*' --apply     # a pod cannot set nr_inodes",
             [RUNTIME_SYSTEMD] = FIX_SERVICE(TMPFS "nr_inodes=100k") OF_ITS_OWN}},
    {.id = "shm-reserve",
     .area = "place",
     .title = "reserving",
     .needs_shm = true,
     .look = look_reserve,
     .consequence = "space cannot be reserved: what ftruncate has promised may be a SIGBUS when it is touched",
     .fix = {[RUNTIME_HOST] = "pwrite(fd, zeros, size, 0); /* over the whole object, after ftruncate: a refusal is ENOSPC there, no SIGBUS */"}},
    {.id = "shm-promised",
     .area = "place",
     .title = "promised",
     .needs_shm = true,
     .look = look_promised,
     .consequence = "touching pages that are not there yet ends in SIGBUS as soon as the space is used up",
     .fix = {[RUNTIME_HOST] = "posix_fallocate(fd, 0, size); /* right after ftruncate(fd, size): it fails with ENOSPC instead */"}},
    {0},
};
