/* Findings about kernel, C library and security modules: what they have, and what they refuse. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "shm/lease.h"
#include "shm/region.h"
#include "workloads/finding/rows.h"

static void look_version(struct diagnosis *d)
{
    struct utsname names;
    int major = 0, minor = 0;
    if (uname(&names) != 0)
        return;
    sscanf(names.release, "%d.%d", &major, &minor);
    diagnosis_fact(d, "%s %s, glibc %s", names.sysname, names.release, gnu_get_libc_version());
    if (major < 5 || (major == 5 && minor < 3))
        diagnosis_finding(d, SEVERITY_WARNING, "the kernel is %s; pidfd_open came with 5.3", names.release);
}

static void look_leases(struct diagnosis *d)
{
    enum lease_answer answer = lease_probe(REGION_FOLDER);
    diagnosis_fact(d, "%s", answer == LEASE_FREE     ? "work: what is unused can be proven"
                            : answer == LEASE_CLOSED ? "could not be tried"
                                                     : "refused");
    if (answer == LEASE_UNSUPPORTED)
        diagnosis_finding(d, SEVERITY_WARNING, "F_SETLEASE on /dev/shm is refused");
}

/* Does the death of a robust mutex's owner reach the next one who asks? -1: could not be tried. */
static int owner_death(void)
{
    int status = 0;
    pthread_mutexattr_t attributes;
    pthread_mutex_t *mutex = mmap(NULL, sizeof *mutex, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mutex == MAP_FAILED)
        return -1;
    pthread_mutexattr_init(&attributes);
    int rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    rc = rc ? rc : pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    rc = rc ? rc : pthread_mutex_init(mutex, &attributes);
    pid_t child = rc ? -1 : fork();
    if (child == 0)
        _exit(pthread_mutex_lock(mutex));
    if (child < 0)
        return -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    rc = pthread_mutex_trylock(mutex);
    munmap(mutex, sizeof *mutex);
    return rc;
}

static void look_robust(struct diagnosis *d)
{
    int rc = owner_death();
    diagnosis_fact(d, "%s",
                   rc == EOWNERDEAD ? "work: the next one gets EOWNERDEAD"
                   : rc < 0         ? "could not be tried"
                                    : error_name(rc));
    if (rc >= 0 && rc != EOWNERDEAD)
        diagnosis_finding(d, SEVERITY_WARNING, "the lock of a robust mutex whose owner has died gives %s, not EOWNERDEAD",
                          rc ? error_name(rc) : "success");
}

static bool has_populate(int fd)
{
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return false;
    bool has = madvise(at, page, MADV_POPULATE_WRITE) == 0;
    munmap(at, page);
    return has;
}

static void look_features(struct diagnosis *d)
{
    char missing[128] = "";
    int fd = memfd_create("shmoo-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool sized = fd >= 0 && ftruncate(fd, sysconf(_SC_PAGESIZE)) == 0;
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    struct {
        const char *name;
        bool there;
    } features[] = {
        {"memfd_create", fd >= 0},
        {"MADV_POPULATE_WRITE", sized && has_populate(fd)},
        {"seals", sized && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0},
        {"pidfd_open", pidfd >= 0},
    };
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if (!features[i].there)
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s", missing[0] ? ", " : "",
                     features[i].name);
    if (fd >= 0)
        close(fd);
    if (pidfd >= 0)
        close(pidfd);
    diagnosis_fact(d, "%s%s", missing[0] ? "all but " : "memfd_create, MADV_POPULATE_WRITE, seals, pidfd_open", missing);
    if (missing[0])
        diagnosis_finding(d, SEVERITY_NOTE, "not to be had: %s", missing);
}

static void look_sizes(struct diagnosis *d)
{
    diagnosis_fact(d, "mutex %zu, rwlock %zu, condition %zu, barrier %zu, semaphore %zu B; pointers of %zu bits",
                   sizeof(pthread_mutex_t), sizeof(pthread_rwlock_t), sizeof(pthread_cond_t), sizeof(pthread_barrier_t),
                   sizeof(sem_t), sizeof(void *) * 8);
}

static void look_system_v(struct diagnosis *d)
{
    char shmmax[64] = "?", shmmni[64] = "?";
    finding_line("/proc/sys/kernel/shmmax", shmmax, sizeof shmmax);
    finding_line("/proc/sys/kernel/shmmni", shmmni, sizeof shmmni);
    diagnosis_fact(d, "kernel.shmmax %s, shmmni %s: they rule System V shared memory, not /dev/shm", shmmax, shmmni);
}

static void security(char modules[128], char label[128])
{
    snprintf(modules, 128, "unknown");
    snprintf(label, 128, "none");
    finding_line("/sys/kernel/security/lsm", modules, 128);
    if (!finding_line("/proc/self/attr/current", label, 128))
        snprintf(label, 128, "none");
}

/* Makes, maps and removes an object. Returns 0 or the errno, with the call. */
static int make_and_map(const char **call)
{
    char name[64];
    snprintf(name, sizeof name, "/shmoo.%d.0.1", (int)getpid());
    *call = "shm_open";
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0)
        return errno;
    int rc = ftruncate(fd, 1) == 0 ? 0 : errno;
    *call = "ftruncate";
    if (rc == 0) {
        *call = "mmap";
        void *at = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rc = at == MAP_FAILED ? errno : 0;
        if (at != MAP_FAILED)
            munmap(at, 1);
    }
    if (rc == 0 && shm_unlink(name) != 0) {
        rc = errno;
        *call = "shm_unlink";
    } else if (rc) {
        shm_unlink(name);
    }
    close(fd);
    return rc;
}

/* Where plain rights allow an object and it is refused all the same, a security module has refused it. */
static void look_denied(struct diagnosis *d)
{
    char modules[128], label[128];
    const char *call, *snap = getenv("SNAP_INSTANCE_NAME");
    security(modules, label);
    bool allowed = access(REGION_FOLDER, W_OK | X_OK) == 0;
    int rc = allowed ? make_and_map(&call) : 0;
    diagnosis_fact(d, "%s; this process: %s%s%s", modules, label, snap ? "; in the snap " : "", snap ? snap : "");
    if (rc == EACCES || rc == EPERM)
        diagnosis_finding(d, SEVERITY_SERIOUS,
                          "%s of a new object: %s, though the rights of /dev/shm allow it; modules: %s; label: %s%s%s", call,
                          error_name(rc), modules, label, snap ? "; snap: " : "", snap ? snap : "");
}

const struct finding_ops findings_kernel[] = {
    {.id = "kernel-version",
     .area = "kernel",
     .title = "version",
     .look = look_version,
     .consequence = "processes cannot be waited for safely; shmoo run does not work",
     .fix = {[RUNTIME_HOST] = "uname -r     # Linux 5.3 or later is needed; setarch --uname-2.6 only pretends to an older one"}},
    {.id = "kernel-leases",
     .area = "kernel",
     .title = "leases",
     .needs_shm = true,
     .look = look_leases,
     .consequence = "nothing can be proven unused: shmoo gc keeps everything",
     .fix = {[RUNTIME_HOST] = "{root}sysctl fs.leases-enable=1     # in a container: on its host"}},
    {.id = "kernel-robust",
     .area = "kernel",
     .title = "robust mutexes",
     .look = look_robust,
     .consequence = "a lock whose owner crashed stays locked for ever",
     .fix = {[RUNTIME_HOST] = "fcntl(fd, F_SETLKW, &lock); /* such locks and flock's end with their owner; or a newer kernel and C library */"}},
    {.id = "kernel-features",
     .area = "kernel",
     .title = "features",
     .look = look_features,
     .consequence = "programs that rely on them fall back or fail",
     .fix = {[RUNTIME_HOST] = "uname -r     # Linux 5.14 or later has them all; a seccomp filter may refuse them",
             [RUNTIME_DOCKER] = "{engine} run --security-opt seccomp=unconfined ...     # to see whether the filter refuses them"}},
    {.id = "kernel-sizes", .area = "kernel", .title = "sizes of locks", .look = look_sizes},
    {.id = "kernel-system-v", .area = "kernel", .title = "System V", .look = look_system_v},
    {.id = "kernel-denied",
     .area = "kernel",
     .title = "security modules",
     .needs_shm = true,
     .look = look_denied,
     .consequence = "shm_open or mmap is refused for this program, and works for others",
     .fix = {[RUNTIME_HOST] = "journalctl -k --grep='avc|apparmor' --since=-5min     # which rule it was; in a snap, names begin with snap.NAME.",
             [RUNTIME_DOCKER] = "{engine} run --security-opt label=disable ...     # SELinux; for AppArmor: apparmor=unconfined"}},
    {0},
};
