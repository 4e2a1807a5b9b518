/* Known differences of other C libraries and of emulators: what they break, how that looks, and why. */
#include <stddef.h>

#include "contract/contents.h"

#define MUSL_SEM "musl's file of a named semaphore has the semaphore's own name, without \"sem.\" before it"
#define MUSL_FORK                                                                                                            \
    "musl: in a child of fork, the first thread leaves the list of threads locked when it ends by pthread_exit; the last one " \
    "waits for it for ever"
#define HINT "qemu-user takes this advice for a hint: it succeeds and does nothing"
#define NO_LIST "qemu-user has no set_robust_list(): its kernel never learns of the mutexes that a dead process held"

/* In the order of the rows. `observed` is what must be seen, so that anything else that goes wrong there still fails. */
static const struct check_difference differences[] = {
    {CHECK_ON_MUSL, "name/directory-for-writing", "fails with errno 21", "musl reports open()'s own EISDIR"},
    {CHECK_ON_MUSL, "name/semaphores-share-it", "fails with errno 2", MUSL_SEM},
    {CHECK_ON_MUSL, "open/no-other-flags", "descriptor: 2048", "musl opens objects with O_NONBLOCK, which changes nothing for them"},
    {CHECK_ON_MUSL, "access/only-owners-unlink", "fails with errno 1 ", "musl reports unlink()'s own EPERM where POSIX has EACCES"},
    {CHECK_ON_MUSL, "persist/last-thread-*", "it was ended after", MUSL_FORK},
    {CHECK_ON_MUSL, "map/protecting-wrongly", "+ 1, s.page, PROT_READ) succeeds", "musl widens the range to whole pages; POSIX lets it"},
    {CHECK_ON_MUSL, "semaphore/named-mode", "fails with errno 2", MUSL_SEM},
    {CHECK_ON_MUSL, "semaphore/named-251-bytes", "it is not", MUSL_SEM},
    {CHECK_ON_MUSL, "semaphore/named-for-its-users", "fails with errno 2", MUSL_SEM},
    {CHECK_ON_MUSL, "semaphore/named-apart-from-objects", "fails with errno 17", MUSL_SEM},
    {CHECK_ON_MUSL, "barrier/dead-arrival", "says nothing",
     "musl's barrier between processes waits until all that arrived have gone on, and the dead never do"},
    {CHECK_ON_EMULATOR, "inherit/dontfork", "no signal", HINT},
    {CHECK_ON_EMULATOR, "capacity/populate-is-silent", "free pages afterwards: ", "qemu-user drops MAP_POPULATE"},
    {CHECK_ON_EMULATOR, "capacity/populate-write-tells", "succeeds", HINT},
    {CHECK_ON_EMULATOR, "capacity/remove-frees", "st_blocks: ", HINT},
    {CHECK_ON_EMULATOR, "place/no-execution", "succeeds", "qemu-user translates code: it never asks for memory to execute"},
    {CHECK_ON_EMULATOR, "map/too-large", "rc returns 0", "qemu-user does not pass RLIMIT_AS on: it would hold for the emulator"},
    {CHECK_ON_EMULATOR, "map/fixed-noreplace", "succeeds", "qemu-user drops MAP_FIXED_NOREPLACE, and takes the address for a hint"},
    {CHECK_ON_EMULATOR, "map/validated-flags", "fails with errno 22", "qemu-user knows neither MAP_SHARED_VALIDATE nor MAP_SYNC"},
    {CHECK_ON_EMULATOR, "map/mremap-duplicates", "errno 12", "qemu-user refuses to mremap nothing: ENOMEM"},
    {CHECK_ON_EMULATOR, "advise/dofork-undoes", "no signal", HINT},
    {CHECK_ON_EMULATOR, "advise/not-for-shared", "succeeds", HINT},
    {CHECK_ON_EMULATOR, "advise/posix-advice-is-checked", "returns 0", HINT},
    {CHECK_ON_EMULATOR, "advise/huge-pool-may-be-empty", "fails with errno 22",
     "qemu-user chooses the address itself, and aligns it to an ordinary page"},
    {CHECK_ON_EMULATOR, "mutex/robust-*", "110", NO_LIST},
    {CHECK_ON_EMULATOR, "mutex/robust-*", "returns errno 16", NO_LIST},
    {CHECK_ON_EMULATOR, "mutex/robust-two-waiters", "they are told -9223372036854775807", NO_LIST},
    {CHECK_ON_EMULATOR, "mutex/robust-inheriting", "signal 6",
     NO_LIST "; the kernel then reports ESRCH, at which glibc aborts"},
    {CHECK_ON_EMULATOR, "mutex/death-told-by-*", ": 110", NO_LIST},
    {CHECK_ON_EMULATOR, "mutex/death-told-by-trylock", ": 16", NO_LIST},
    {CHECK_ON_EMULATOR, "mutex/death-told-by-lock", "says nothing", NO_LIST},
    {CHECK_ON_EMULATOR, "mutex/loss-told-by-*", "returns errno 110", NO_LIST},
    {CHECK_ON_EMULATOR, "mutex/inherits-priority", ": 0", "qemu-user makes /proc/self/stat up, and its priority is 0"},
    {0, NULL, NULL, NULL},
};

const struct check_difference *const contents_differences = differences;
