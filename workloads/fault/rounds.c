/* rounds, rounds-held: all workers begin every n-th operation at one moment, as in a litmus test.
 *
 * A window that is open for nanoseconds at the end of the last operation, before everybody goes to sleep, is never met by a crew
 * that goes on and on: there the next operation mends what the last one has spoilt.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract/worker.h"
#include "workloads/fault/rows.h"

#define SPIN_NS (20 * NS_PER_US)
#define YIELD_NS NS_PER_MS
#define JITTER 64 /* turns of an empty loop */
#define LINES 28  /* that everybody writes to */
#define COLD 16   /* lines of a process's own that no cache holds */
#define PAGE 4096
#define FAR_ROUNDS 64 /* with stores that go there; each takes as long as many others, of which there must be more */
#define ALL_ROUNDS 4096

/* One word holds all: the round, who has arrived in it, and who is out of step for good. */
struct meeting {
    _Alignas(128) uint64_t word;
    _Alignas(128) uint32_t asleep;
    struct {
        _Alignas(128) uint32_t word;
    } lines[LINES];
};
_Static_assert(sizeof(struct meeting) <= FAULT_COMMONS_BYTES, "the meeting lies in the commons");

#define ARRIVED 1ULL
#define OUT (1ULL << 16)
#define MEMBERS 0xffffULL
#define round_of(word) ((uint32_t)((word) >> 32))

/* This process's. */
static struct {
    uint64_t count;
    bool out;
    struct {
        _Alignas(64) unsigned char line[PAGE + 64]; /* each in a page of its own, and none where the others' are in theirs */
    } cold[COLD];
} own;

static struct meeting *meeting_of(const struct worker *w)
{
    return w->crew.fault_commons;
}

/* What the word becomes, once all who are left have arrived. */
static uint64_t released(uint64_t word, uint32_t workers)
{
    uint64_t arrived = word & MEMBERS, out = word >> 16 & MEMBERS;
    return arrived + out < workers ? word : ((uint64_t)(round_of(word) + 1) << 32) | out << 16;
}

/* The futex word is the half with the round. */
static uint32_t *round_half(struct meeting *m)
{
    return (uint32_t *)(void *)&m->word + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

/* Arrives, or leaves for good (with what it had counted for taken back). Returns the round that it did so in. */
static uint32_t meeting_add(const struct worker *w, uint64_t amount)
{
    struct meeting *m = meeting_of(w);
    uint64_t word = __atomic_load_n(&m->word, __ATOMIC_SEQ_CST), next;
    do
        next = released(word + amount, w->crew.workers);
    while (!__atomic_compare_exchange_n(&m->word, &word, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    if (round_of(next) != round_of(word) && __atomic_load_n(&m->asleep, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, round_half(m), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return round_of(word);
}

/* Without a time limit: one worker that hangs in the primitive and the others here are a crew that can do nothing more, and the
 * watchdog is to see that at once. Who went on without that one would wake it. */
static void nap(struct meeting *m, uint32_t round)
{
    __atomic_fetch_add(&m->asleep, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, round_half(m), FUTEX_WAIT, round, NULL, NULL, 0);
    __atomic_fetch_sub(&m->asleep, 1, __ATOMIC_SEQ_CST);
}

static bool over(struct meeting *m, uint32_t round)
{
    return round_of(__atomic_load_n(&m->word, __ATOMIC_ACQUIRE)) != round;
}

/* Spins, then yields, then sleeps, in the phase between two operations. False: the trial is at its end. */
static bool wait_for_all(const struct worker *w, uint32_t round)
{
    struct meeting *m = meeting_of(w);
    uint64_t start = clock_ns(), waited = 0;
    if (worker_stopping(w)) /* rounds_release() has been, or will be */
        return false;
    for (unsigned turn = 0; !over(m, round); turn++) {
        if (waited < SPIN_NS)
            cpu_relax();
        else if (waited < YIELD_NS)
            sched_yield();
        else
            nap(m, round);
        if (turn % 16 && waited < SPIN_NS)
            continue;
        waited = clock_ns() - start;
        if (worker_stopping(w))
            return false;
    }
    return true;
}

/* Takes part no more. If the round ends at this very moment, it has not counted in the next one. */
static void step_out(const struct worker *w, uint32_t round)
{
    struct meeting *m = meeting_of(w);
    uint64_t word = __atomic_load_n(&m->word, __ATOMIC_SEQ_CST);
    own.out = true;
    while (round_of(word) == round)
        if (__atomic_compare_exchange_n(&m->word, &word, word - ARRIVED + OUT, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return;
    meeting_add(w, OUT);
}

static int rounds_begin(struct worker *w, double operations)
{
    (void)operations;
    own.count = 0;
    own.out = w->load->in_step;
    return 0;
}

/* Who goes first changes from round to round, by nanoseconds or a few more: the others find it inside, and what it writes there
 * was in somebody else's cache, so that its stores take their time to be seen. In some rounds all are equal. */
static void stagger(struct worker *w, uint32_t round)
{
    uint64_t lot = seed_scramble(round + 1);
    if (lot % 4 == 0 || (lot >> 8) % w->crew.workers == w->index)
        return;
    for (uint64_t n = seed_below(&w->random, JITTER >> seed_below(&w->random, 4)); n; n--)
        __asm__ __volatile__("" ::: "memory");
}

static void rounds_before(struct worker *w, double operations)
{
    if (own.out || own.count++ % (uint64_t)operations)
        return;
    uint32_t round = meeting_add(w, ARRIVED);
    if (!wait_for_all(w, round)) {
        step_out(w, round);
        return;
    }
    stagger(w, round);
}

static void put_out_of_caches(const void *line)
{
#ifdef __SSE2__
    __builtin_ia32_clflush(line);
#else
    (void)line;
#endif
}

/* Stores to memory: they take their time even where two processors share their caches, as two threads of a core do. */
static void store_far(struct worker *w)
{
    bool far = own.count % ALL_ROUNDS < FAR_ROUNDS && seed_below(&w->random, 2);
    uint64_t lines = far ? 1 + seed_below(&w->random, COLD) : 0;
    for (uint64_t n = lines; n; n--)
        put_out_of_caches(own.cold[n - 1].line);
    for (uint64_t n = lines; n; n--)
        *(volatile unsigned char *)own.cold[n - 1].line = (unsigned char)n;
}

/* Stores that have to wait for lines from other caches, or from memory, hold up those that follow, which are the primitive's: it
 * may load before what it has stored is to be seen, for that much longer, and an atomic operation that follows a load comes that
 * much later. An acquire waits for them itself, and is left alone. */
static void rounds_calling(struct worker *w, double operations)
{
    (void)operations;
    struct meeting *m = meeting_of(w);
    if (own.out || slot_load(&w->slot->phase) == PHASE_ACQUIRING)
        return;
    store_far(w);
    for (uint64_t n = seed_below(&w->random, LINES + 1); n; n--)
        slot_store(&m->lines[n - 1].word, w->index);
}

static void rounds_end(struct worker *w, double operations)
{
    (void)operations;
    if (!own.out)
        meeting_add(w, OUT);
    own.out = true;
}

/* Ends the round as it is, for those who wait in it; who arrives later finds the crew stopping. */
static void rounds_release(void *commons)
{
    struct meeting *m = commons;
    uint64_t word = __atomic_load_n(&m->word, __ATOMIC_SEQ_CST), next;
    do
        next = ((uint64_t)(round_of(word) + 1) << 32) | (word & MEMBERS * OUT);
    while (!__atomic_compare_exchange_n(&m->word, &word, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    syscall(SYS_futex, round_half(m), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static const char *rounds_refuses(const struct shape *shape, double operations)
{
    (void)operations;
    return shape_workers(shape) > MEMBERS ? "fault rounds: a meeting has room for 65535 workers" : NULL;
}

const struct fault_ops fault_rounds = {
    .name = "rounds",
    .summary = "all workers wait for each other between every so many operations, and go on at one moment (a load in step by "
               "itself goes on as it is)",
    .parameter = "operations",
    .fallback = 1,
    .min = 1,
    .max = 1e6,
    .expect = -1,
    .in_step = true,
    .refuses = rounds_refuses,
    .begin = rounds_begin,
    .before = rounds_before,
    .calling = rounds_calling,
    .end = rounds_end,
    .release = rounds_release,
};

/* Those who come second are on their way to sleep when the first one leaves: sooner or later, short times being as frequent as
 * long ones, so that each step of that way is met. */
#define HELD_LONGEST_NS (8 * NS_PER_US)

static void rounds_inside(struct worker *w, double operations)
{
    (void)operations;
    if (seed_below(&w->random, 4))
        clock_spin(seed_below(&w->random, (uint32_t)(HELD_LONGEST_NS >> seed_below(&w->random, 6)) + 1));
}

const struct fault_ops fault_rounds_held = {
    .name = "rounds-held",
    .summary = "the same, and critical sections are held for random times up to eight microseconds",
    .parameter = "operations",
    .fallback = 1,
    .min = 1,
    .max = 1e6,
    .expect = -1,
    .in_step = true,
    .refuses = rounds_refuses,
    .begin = rounds_begin,
    .before = rounds_before,
    .inside = rounds_inside,
    .end = rounds_end,
    .release = rounds_release,
};
