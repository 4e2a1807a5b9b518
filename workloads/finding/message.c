/* Findings about a message: how a program ended, and what that means where shared memory is concerned. */
#define _GNU_SOURCE
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "workloads/finding/rows.h"

/* A status in words: "exit status 135", "exited with code 135", "rc=135". */
#define STATUS(number)                                                                                                      \
    "(exit|exited|status|code|rc|returned|returncode|errno)[^0-9a-z-]*(with|code|status|:|=| )*[^0-9a-z-]*-?" number "([^0-9]|$)"
/* A signal by its number: "signal 7", "signal: 7", "(sig 7)". */
#define SIGNAL(number) "sig(nal)?[^0-9a-z]*" number "([^0-9]|$)"

static void look_message(struct diagnosis *d)
{
    regex_t pattern;
    if (regcomp(&pattern, d->row->pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        return;
    if (regexec(&pattern, d->message, 0, NULL, 0) == 0)
        diagnosis_finding(d, SEVERITY_SERIOUS, "\"%.300s\": %s", d->message, d->row->title);
    regfree(&pattern);
}

#define MESSAGE .area = "message", .subject = SUBJECT_MESSAGE, .look = look_message

const struct finding_ops findings_message[] = {
    {.id = "message-sigbus",
     MESSAGE,
     .title = "SIGBUS: a page of a mapping could not be had",
     .pattern = "bus error|sigbus|bus_adrerr|7/bus|" STATUS("135") "|" STATUS("-7") "|" SIGNAL("7"),
     .consequence = "one of these: the tmpfs was full when a page was touched for the first time; the object was shrunk; "
                    "the mapping is longer "
                    "than the object; a page went bad (BUS_MCEERR). Not the OOM killer: that is SIGKILL, exit status 137",
     .fix = {[RUNTIME_HOST] = "shmoo doctor; shmoo doctor PID     # which of them: full now, promised but not backed, or beyond the end",
             [RUNTIME_DOCKER] = "{engine} run --shm-size=2g ...     # the default of 64 MB is the usual cause; then shmoo doctor inside",
             [RUNTIME_KUBERNETES] = FIX_VOLUME "     # a pod has 64 MB unless told otherwise"}},
    {.id = "message-oom",
     MESSAGE,
     .title = "SIGKILL: as a rule the OOM killer",
     .pattern = "oom[- ]?kill|(^|: )killed($|  )|9/kill|out of memory: kill|memory cgroup out of memory|" STATUS("137") "|" STATUS(
         "-9") "|" SIGNAL("9") "|sigkill",
     .consequence = "memory of the cgroup or machine was used up; pages of /dev/shm are charged to it, and stay charged "
                    "when their maker is killed. "
                    "Not a full tmpfs: that is SIGBUS, exit status 135",
     .fix = {[RUNTIME_HOST] = "journalctl -k --grep='oom|Killed process'; shmoo ls     # what is charged, and whether anybody uses it",
             [RUNTIME_DOCKER] = "{engine} inspect --format '{{.State.OOMKilled}}' CONTAINER; {engine} run --memory=4g ...",
             [RUNTIME_KUBERNETES] = "kubectl describe pod POD | grep -A3 'Last State'     # OOMKilled: then resources: {limits: {memory: 4Gi}}"}},
    {.id = "message-segv",
     MESSAGE,
     .title = "SIGSEGV: an address that is not mapped so",
     .pattern = "segmentation fault|11/segv|sigsegv|segfault at|" STATUS("139") "|" STATUS("-11") "|" SIGNAL("11"),
     .consequence =
         "a pointer from another process's address space was followed, the region was unmapped, or it is mapped read-only; "
         "a missing page would be a SIGBUS",
     .fix = {[RUNTIME_HOST] = "shmoo doctor PID     # what is mapped, with which rights; keep offsets in shared memory, no pointers"}},
    {.id = "message-fsize",
     MESSAGE,
     .title = "SIGXFSZ: above the limit of a file's size",
     .pattern = "file size limit exceeded|25/xfsz|sigxfsz|file too large|efbig|" STATUS("153") "|" SIGNAL("25"),
     .consequence = "ftruncate or write asked for more than ulimit -f allows",
     .fix = {[RUNTIME_HOST] = "ulimit -f unlimited"}},
    {.id = "message-space",
     MESSAGE,
     .title = "ENOSPC: bytes or inodes of the tmpfs are used up",
     .pattern = "no space left on device|enospc",
     .consequence = "reserving or creating was refused, which is better than a SIGBUS later",
     .fix = {[RUNTIME_HOST] = "shmoo ls     # both limits are in its last lines; shmoo gc --name '*' --apply",
             [RUNTIME_DOCKER] = "{engine} run --shm-size=2g ..."}},
    {.id = "message-denied",
     MESSAGE,
     .title = "EACCES or EPERM: rights, fs.protected_regular, noexec, or a security module",
     .pattern = "permission denied|operation not permitted|eacces|eperm",
     .consequence = "the object belongs to somebody else, the umask took rights away, or O_CREAT met fs.protected_regular",
     .fix = {[RUNTIME_HOST] = "shmoo ls --name GLOB     # owner and mode; shmoo doctor says what else refuses"}},
    {.id = "message-memory",
     MESSAGE,
     .title = "ENOMEM: no address space or memory",
     .pattern = "cannot allocate memory|enomem",
     .consequence =
         "mmap met ulimit -v or vm.overcommit_memory, mlock met ulimit -l, or a write met the memory cgroup's limit",
     .fix = {[RUNTIME_HOST] = "ulimit -v; ulimit -l; shmoo doctor"}},
    {.id = "message-missing",
     MESSAGE,
     .title = "ENOENT: no object of that name in this process's /dev/shm",
     .pattern = "no such file or directory|enoent",
     .consequence =
         "it was unlinked (a tracker, logind's RemoveIPC, a sweep), never made, or made in another mount namespace",
     .fix = {[RUNTIME_HOST] = "shmoo ls; shmoo doctor PID     # is it the same /dev/shm at both ends?"}},
    {.id = "message-files",
     MESSAGE,
     .title = "EMFILE or ENFILE: no descriptor to be had",
     .pattern = "too many open files|emfile|enfile",
     .consequence = "shm_open needs a descriptor for a moment; a mapping needs none: whoever keeps them open after mmap runs out of them",
     .fix = {[RUNTIME_HOST] = "close(fd); /* right after mmap; else a higher ulimit -n; shmoo doctor PID counts them */",
             [RUNTIME_DOCKER] = "{engine} run --ulimit nofile=65536 ...     # and close(fd) after mmap",
             [RUNTIME_SYSTEMD] = FIX_SERVICE("LimitNOFILE=65536")}},
    {.id = "message-exists",
     MESSAGE,
     .title = "EEXIST: an object of that name is there already",
     .pattern = "file exists|eexist",
     .consequence = "a run that crashed has left it, or another one uses it: which of the two, only a lease can prove",
     .fix = {[RUNTIME_HOST] = "shmoo ls --name GLOB; shmoo gc --name GLOB --min-age 0 --apply     # goes if it is proven unused"}},
    {.id = "message-empty",
     MESSAGE,
     .title = "EINVAL of mmap: an object that has no size yet",
     .pattern = "cannot mmap an empty file|mmap.*(invalid argument|einval)|(invalid argument|einval).*mmap",
     .consequence = "who attaches came between shm_open and ftruncate of who creates, or offset and length are none of pages",
     .fix = {[RUNTIME_HOST] = "fstat(fd, &st); /* until st_size is what it should be, and a ready flag is set, before mmap */"}},
    {.id = "message-owner",
     MESSAGE,
     .title = "EOWNERDEAD or ENOTRECOVERABLE: a lock's owner died",
     .pattern = "owner died|eownerdead|state not recoverable|enotrecoverable",
     .consequence =
         "the data under the lock may be half written; without pthread_mutex_consistent before the unlock the lock is lost",
     .fix = {[RUNTIME_HOST] = "pthread_mutex_consistent(&mutex); /* on EOWNERDEAD, after the data have been repaired; shmoo doctor PID shows such "
                              "locks */"}},
    {0},
};
