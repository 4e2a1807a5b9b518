/* Findings about this process's own limits. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/units.h"
#include "workloads/finding/rows.h"

#define FEW_DESCRIPTORS 256

static const char *limit_text(int resource, char text[UNITS_TEXT], uint64_t *value)
{
    struct rlimit limit;
    *value = UINT64_MAX;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return "no limit";
    *value = limit.rlim_cur;
    return units_print(&units_size, (double)limit.rlim_cur, text);
}

static void look_file_size(struct diagnosis *d)
{
    char text[UNITS_TEXT];
    uint64_t value;
    const char *limit = limit_text(RLIMIT_FSIZE, text, &value);
    diagnosis_fact(d, "%s", limit);
    if (value != UINT64_MAX)
        diagnosis_finding(d, SEVERITY_WARNING, "the largest file that this process may make has %s (ulimit -f)", limit);
}

static void look_address_space(struct diagnosis *d)
{
    char text[UNITS_TEXT];
    uint64_t value;
    const char *limit = limit_text(RLIMIT_AS, text, &value);
    diagnosis_fact(d, "%s", limit);
    if (value != UINT64_MAX)
        diagnosis_finding(d, SEVERITY_WARNING, "this process may map %s in all (ulimit -v)", limit);
}

static void look_descriptors(struct diagnosis *d)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    diagnosis_fact(d, "%" PRIu64 ", could be raised to %" PRIu64, (uint64_t)limit.rlim_cur, (uint64_t)limit.rlim_max);
    if (limit.rlim_max < FEW_DESCRIPTORS)
        diagnosis_finding(d, SEVERITY_WARNING, "this process may open %" PRIu64 " files (ulimit -n), and cannot raise that",
                          (uint64_t)limit.rlim_max);
}

static void look_umask(struct diagnosis *d)
{
    mode_t mask = umask(0);
    umask(mask);
    diagnosis_fact(d, "%04o: shm_open with 0666 gives %04o; fchmod afterwards gives what was asked for", (unsigned)mask,
                   0666u & ~(unsigned)mask);
    if (mask & 0600)
        diagnosis_finding(d, SEVERITY_WARNING, "the umask %04o takes away the owner's own rights", (unsigned)mask);
    else if (mask & 044)
        diagnosis_finding(d, SEVERITY_NOTE, "the umask %04o keeps other users from what is made here: 0666 gives %04o", (unsigned)mask,
                          0666u & ~(unsigned)mask);
}

const struct finding_ops findings_limits[] = {
    {.id = "limit-file-size",
     .area = "limits",
     .title = "file size",
     .look = look_file_size,
     .consequence = "ftruncate of a larger object fails with EFBIG and raises SIGXFSZ, which ends the program",
     .fix = {[RUNTIME_HOST] = "ulimit -f unlimited",
             [RUNTIME_DOCKER] = "{engine} run --ulimit fsize=-1 ...",
             [RUNTIME_SYSTEMD] = FIX_SERVICE("LimitFSIZE=infinity")}},
    {.id = "limit-address-space",
     .area = "limits",
     .title = "address space",
     .look = look_address_space,
     .consequence = "mmap of a large object fails with ENOMEM though there is memory",
     .fix = {[RUNTIME_HOST] = "ulimit -v unlimited", [RUNTIME_SYSTEMD] = FIX_SERVICE("LimitAS=infinity")}},
    {.id = "limit-files",
     .area = "limits",
     .title = "open files",
     .look = look_descriptors,
     .consequence = "shm_open fails with EMFILE while other objects are open; close the descriptor after mmap",
     .fix = {[RUNTIME_HOST] = "echo '* hard nofile 65536' | {root}tee /etc/security/limits.d/shm.conf     # from the next login on",
             [RUNTIME_DOCKER] = "{engine} run --ulimit nofile=65536 ...",
             [RUNTIME_SYSTEMD] = FIX_SERVICE("LimitNOFILE=65536")}},
    {.id = "limit-umask",
     .area = "limits",
     .title = "umask",
     .look = look_umask,
     .consequence = "shm_open with the mode that was meant for sharing gives less, and the others get EACCES",
     .fix = {[RUNTIME_HOST] = "umask 022     # or fchmod(fd, mode) after shm_open", [RUNTIME_SYSTEMD] = FIX_SERVICE("UMask=0022")}},
    {0},
};
