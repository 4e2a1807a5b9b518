/* linger: now and then somebody keeps what all want for a long time, or comes late, while the others wait.
 *
 * Whoever gives up waiting after a time and takes that for success, breaks a lock that looks stale, or goes in after so many tries is
 * right as long as nobody is slow. One long wait is enough to tell, so they are few, and lengths are as frequent by their
 * logarithm: what changes its ways after a microsecond is met as well as what does after a tenth of a second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract/worker.h"
#include "workloads/fault/rows.h"

#define SHORTEST_NS (10 * NS_PER_US)
#define SPIN_NS (50 * NS_PER_US)      /* sleeping takes longer than that to come back from */
#define COMPANY_NS (500 * NS_PER_US)  /* so long at the most until somebody waits */
#define OVERDUE_NS (15 * NS_PER_MS)   /* whose pause it is does not come: anybody may have it */
#define TOGETHER_NS (100 * NS_PER_US) /* those look so often */
#define GATHERING_NS (5 * NS_PER_MS)  /* so long at the most writers stay away, that readers can come together */
#define GOLDEN 0x9e3779b97f4a7c15ULL  /* multiples of it, as fractions of 2^64, lie evenly at any number */
#define FIRST 0xf000000000000000ULL   /* the longest come first: a short slice may have no other time for one */

/* The crew's. */
struct pauses {
    _Alignas(128) uint64_t due_ns; /* when the next one may begin; UINT64_MAX: one is under way */
    uint64_t count;
    uint64_t together_ns;          /* by a reader, until then with whoever else comes in as one meanwhile */
    uint64_t gathering_ns;         /* until then with no writer on his way, who might shut them out */
    _Alignas(128) uint32_t over;   /* the crew was asked to end */
};
_Static_assert(sizeof(struct pauses) <= FAULT_COMMONS_BYTES, "the pauses lie in the commons");

static uint64_t begun_ns; /* this process's */

static struct pauses *pauses_of(const struct worker *w)
{
    return w->crew.fault_commons;
}

/* The length of the n-th: of the first as long as may be, of the others a range by the golden ratio, so that all have their turn
 * soon, and any length within it. */
static uint64_t pause_ns(struct worker *w, uint64_t n, double milliseconds)
{
    uint64_t most = (uint64_t)(milliseconds * 1e6), ranges = 1;
    while (SHORTEST_NS << ranges < most)
        ranges++;
    uint64_t fraction = FIRST + n * GOLDEN;
    uint64_t ns = SHORTEST_NS << ((fraction >> 32) * ranges >> 32);
    ns += seed_below(&w->random, (uint32_t)ns);
    return n && ns < most ? ns : most;
}

/* Somebody else is on its way in, or the crew has none who would. */
static bool has_company(const struct worker *w)
{
    for (uint32_t i = 1; i < w->crew.workers; i++) {
        uint32_t phase = slot_load(&w->crew.slots[(w->index + i) % w->crew.workers].phase);
        if (phase == PHASE_ACQUIRING || phase == PHASE_CALLING)
            return true;
    }
    return w->crew.workers == 1;
}

static void await_company(const struct worker *w)
{
    for (uint64_t end = clock_ns() + COMPANY_NS; !has_company(w) && clock_ns() < end && !worker_stopping(w);)
        sched_yield();
}

/* One sleep, in which the watchdog sees a worker that will come back by itself; a signal may end it too soon. */
static void pause_for(const struct worker *w, uint64_t ns)
{
    struct pauses *p = pauses_of(w);
    for (uint64_t now = clock_ns(), end = now + ns; now < end && !worker_stopping(w); now = clock_ns()) {
        struct timespec rest = {.tv_sec = (time_t)((end - now) / NS_PER_S), .tv_nsec = (long)((end - now) % NS_PER_S)};
        if (end - now < SPIN_NS)
            cpu_relax();
        else if (syscall(SYS_futex, &p->over, FUTEX_WAIT, 0, &rest, NULL, 0) && errno == EAGAIN)
            return;
    }
}

/* Writers and readers by turns, mostly inside: a lock that gives up on readers is right with slow writers. */
static bool is_whose(const struct worker *w, uint64_t n, bool inside)
{
    bool roles = w->shape->writers && w->shape->readers;
    return (!roles || w->writer == (n & 1)) && inside == (n % 8 != 3 && n % 8 != 6);
}

/* Readers gather inside: what counts them must be able to count them all. Then they go, and one alone stays: what they take back
 * when they leave must be their own. */
static void join(const struct worker *w)
{
    struct pauses *p = pauses_of(w);
    while (clock_ns() < __atomic_load_n(&p->together_ns, __ATOMIC_ACQUIRE) && !worker_stopping(w))
        syscall(SYS_futex, &p->over, FUTEX_WAIT, 0, &(struct timespec){.tv_nsec = TOGETHER_NS}, NULL, 0);
}

/* The n-th pause is one of readers, if there are any who can be inside together. */
static bool is_together(const struct worker *w, uint64_t n)
{
    return w->sync->traits & SYNC_SHARED && w->shape->readers && n % 4 == 0;
}

/* A writer who waits lets no reader in, as a rule: before readers come together, and while they do, he stays away. */
static void keep_away(const struct worker *w)
{
    struct pauses *p = pauses_of(w);
    if (!w->writer)
        return;
    for (;;) {
        uint64_t due = __atomic_load_n(&p->due_ns, __ATOMIC_ACQUIRE), now = clock_ns();
        uint64_t until = __atomic_load_n(&p->gathering_ns, __ATOMIC_ACQUIRE);
        if (due != UINT64_MAX)
            until = now >= due && is_together(w, __atomic_load_n(&p->count, __ATOMIC_RELAXED)) ? (due ? due : begun_ns) + OVERDUE_NS : 0;
        if (now >= until || worker_stopping(w))
            return;
        syscall(SYS_futex, &p->over, FUTEX_WAIT, 0, &(struct timespec){.tv_nsec = TOGETHER_NS}, NULL, 0);
    }
}

/* Takes the pause that is due, if it is this worker's and nobody else does; afterwards all go on for half as long. */
static void take_pause(struct worker *w, double milliseconds, bool inside)
{
    struct pauses *p = pauses_of(w);
    uint64_t due = __atomic_load_n(&p->due_ns, __ATOMIC_ACQUIRE), n = __atomic_load_n(&p->count, __ATOMIC_RELAXED);
    if (due == UINT64_MAX) {
        if (inside && w->shared)
            join(w);
        return;
    }
    uint64_t now = clock_ns();
    if (now < due || (!is_whose(w, n, inside) && now < (due ? due : begun_ns) + OVERDUE_NS) ||
        !__atomic_compare_exchange_n(&p->due_ns, &due, UINT64_MAX, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    uint64_t ns = pause_ns(w, n, milliseconds);
    __atomic_store_n(&p->count, n + 1, __ATOMIC_RELAXED);
    bool together = inside && w->shared && is_together(w, n);
    __atomic_store_n(&p->together_ns, together ? now + ns / 2 : 0, __ATOMIC_RELEASE);
    __atomic_store_n(&p->gathering_ns, together ? now + (ns / 8 < GATHERING_NS ? ns / 8 : GATHERING_NS) : 0, __ATOMIC_RELEASE);
    await_company(w);
    pause_for(w, ns);
    __atomic_store_n(&p->due_ns, clock_ns() + ns / 2, __ATOMIC_RELEASE);
}

static int linger_begin(struct worker *w, double milliseconds)
{
    (void)w, (void)milliseconds;
    begun_ns = clock_ns();
    return 0;
}

static void linger_before(struct worker *w, double milliseconds)
{
    keep_away(w);
    take_pause(w, milliseconds, false);
}

static void linger_inside(struct worker *w, double milliseconds)
{
    take_pause(w, milliseconds, true);
}

static void linger_release(void *commons)
{
    struct pauses *p = commons;
    __atomic_store_n(&p->over, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &p->over, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

const struct fault_ops fault_linger = {
    .name = "linger",
    .summary = "now and then one stays in the critical section, or comes late, for up to so many milliseconds, short times being as "
               "frequent as long ones",
    .parameter = "milliseconds",
    .fallback = 20,
    .min = 0.02,
    .max = 4000,
    .expect = -1,
    .begin = linger_begin,
    .before = linger_before,
    .inside = linger_inside,
    .release = linger_release,
};
