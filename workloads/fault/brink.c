/* brink: one works alone until numbers of so many bits are about to go round; there, all work together for a while.
 *
 * What is kept in too few bits, or done once in 2^n times, breaks at a power of two of operations, and shows only if somebody else
 * wants in at that moment. A crew that is in each other's way all the time comes there late, if at all; a single process is there
 * in milliseconds.
 */
#include <sched.h>

#include "contract/worker.h"
#include "workloads/fault/rows.h"

#define FIRST_BITS 8 /* below, any crew comes by often */
#define MARGIN 100   /* calls before and after that all make together */
#define HELD_LONGEST_NS 1024
#define SPIN_NS (20 * NS_PER_US)
#define SPIN_LONG_NS (30 * NS_PER_MS) /* with a CPU for everybody: who gives his away on a busy machine is late at the brink */
#define LOOK_NS (200 * NS_PER_US)  /* so often those who wait look at who does not */
#define STUCK_NS (20 * NS_PER_MS)  /* a call that is not over by then may need the others */
#define GATHER_NS (10 * NS_PER_MS)
#define COMPANY_NS (50 * NS_PER_US) /* so long at the most until somebody waits */

/* By turns. */
enum { ALONE, GATHERING, TOGETHER, STAGES };

/* The crew's. */
struct brink {
    _Alignas(128) uint64_t stage; /* counted from the first one on */
    uint32_t off;                 /* all go on as if there were no fault */
    _Alignas(128) uint64_t calls; /* of all, but for those that the one who is alone has still to add */
    _Alignas(128) uint32_t here, gone;
};
_Static_assert(sizeof(struct brink) <= FAULT_COMMONS_BYTES, "the brink lies in the commons");

/* This process's. */
static struct {
    uint64_t calls, until; /* made alone, of so many */
    uint64_t gathered;     /* the stage it has come to last */
    bool alone;
} own;

static struct brink *brink_of(const struct worker *w)
{
    return w->crew.fault_commons;
}

/* The number of calls that the course leads to: the powers of two, and from the last one on its multiples. */
static uint64_t edge_of(uint64_t course, double bits)
{
    uint64_t powers = (uint64_t)bits - FIRST_BITS;
    return course < powers ? 1ULL << (FIRST_BITS + course) : (course - powers + 1) << (uint64_t)bits;
}

/* A writer, since it is writing that numbers go with. */
static uint32_t soloist_of(const struct worker *w, uint64_t course)
{
    uint32_t all = w->shape->writers ? w->shape->writers : w->crew.workers;
    return (uint32_t)(course % all);
}

static void turn_off(const struct worker *w)
{
    __atomic_store_n(&brink_of(w)->off, 1, __ATOMIC_RELEASE);
}

static bool is_over(const struct worker *w)
{
    return __atomic_load_n(&brink_of(w)->off, __ATOMIC_ACQUIRE) || worker_stopping(w);
}

static uint64_t stage_now(const struct worker *w)
{
    return __atomic_load_n(&brink_of(w)->stage, __ATOMIC_ACQUIRE);
}

/* One turn of a loop that waits since `start_ns`. Returns the time. */
static uint64_t wait_turn(const struct worker *w, uint64_t start_ns)
{
    uint64_t now = clock_ns();
    if (now - start_ns < (w->polls == WORKER_POLLS_MANY ? SPIN_LONG_NS : SPIN_NS))
        cpu_relax();
    else
        sched_yield();
    return now;
}

/* Until the stage is over. Who is waited for and does not get on for long may need the others. */
static void await_stage(const struct worker *w, uint64_t stage)
{
    const struct slot *soloist = &w->crew.slots[soloist_of(w, stage / STAGES)];
    uint64_t start = clock_ns(), now = start, moved = start, look = start + LOOK_NS, ops = slot_load(&soloist->ops);
    while (stage_now(w) == stage && !is_over(w)) {
        if ((now = wait_turn(w, start)) < look)
            continue;
        look = now + LOOK_NS;
        if (slot_load(&soloist->ops) != ops)
            moved = now;
        else if (now - moved > STUCK_NS)
            turn_off(w);
        ops = slot_load(&soloist->ops);
    }
}

/* The one who was alone waits for the others, so that nobody comes to the brink without company. */
static void gather(const struct worker *w, uint64_t stage)
{
    struct brink *b = brink_of(w);
    __atomic_fetch_add(&b->calls, own.calls, __ATOMIC_RELAXED);
    own.alone = false;
    __atomic_store_n(&b->here, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&b->stage, stage + GATHERING, __ATOMIC_RELEASE);
    for (uint64_t start = clock_ns(); !is_over(w) && wait_turn(w, start) - start < GATHER_NS;)
        if (__atomic_load_n(&b->here, __ATOMIC_ACQUIRE) + __atomic_load_n(&b->gone, __ATOMIC_RELAXED) + 1 >= w->crew.workers)
            break;
    __atomic_store_n(&b->stage, stage + TOGETHER, __ATOMIC_RELEASE);
}

/* False: there is more to do alone. */
static bool has_arrived(const struct worker *w, uint64_t stage, double bits)
{
    if (!own.alone) {
        uint64_t made = __atomic_load_n(&brink_of(w)->calls, __ATOMIC_RELAXED), edge = edge_of(stage / STAGES, bits);
        own.calls = 0;
        own.until = made + MARGIN < edge ? edge - MARGIN - made : 0;
        own.alone = true;
    }
    return own.calls >= own.until;
}

static void brink_before(struct worker *w, double bits)
{
    struct brink *b = brink_of(w);
    if (w->load->in_step)
        return;
    while (!is_over(w)) {
        uint64_t stage = stage_now(w), course = stage / STAGES;
        bool soloist = w->index == soloist_of(w, course);
        if (stage % STAGES == TOGETHER) {
            if (__atomic_load_n(&b->calls, __ATOMIC_RELAXED) < edge_of(course, bits) + MARGIN)
                return;
            __atomic_compare_exchange_n(&b->stage, &stage, stage + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
        } else if (soloist) {
            if (!has_arrived(w, stage, bits))
                return;
            gather(w, stage);
        } else {
            if (stage % STAGES == GATHERING && own.gathered != stage) {
                own.gathered = stage;
                __atomic_fetch_add(&b->here, 1, __ATOMIC_ACQ_REL);
            }
            await_stage(w, stage);
        }
    }
}

/* Readers that a primitive tells from writers have numbers of their own. */
static bool counts(const struct worker *w)
{
    bool told_apart = w->sync->family == SYNC_CELL || (w->sync->traits & SYNC_SHARED);
    return (w->writer || !told_apart) && slot_load(&w->slot->phase) != PHASE_RELEASING;
}

static void brink_calling(struct worker *w, double bits)
{
    (void)bits;
    if (!counts(w))
        return;
    if (own.alone)
        own.calls++;
    else
        __atomic_fetch_add(&brink_of(w)->calls, 1, __ATOMIC_RELAXED);
}

static bool has_company(const struct worker *w)
{
    for (uint32_t i = 1; i < w->crew.workers; i++) {
        uint32_t phase = slot_load(&w->crew.slots[(w->index + i) % w->crew.workers].phase);
        if (phase == PHASE_ACQUIRING || phase == PHASE_CALLING)
            return true;
    }
    return false;
}

/* Who comes too soon is to find somebody inside, and who is inside somebody that comes. Now and then nobody stays: what happens once
 * in so many calls meets whoever stays nearly always. */
static void brink_inside(struct worker *w, double bits)
{
    (void)bits;
    if (own.alone || is_over(w) || seed_below(&w->random, 16) == 0)
        return;
    for (uint64_t start = clock_ns(); !has_company(w) && wait_turn(w, start) - start < COMPANY_NS;)
        ;
    clock_spin(seed_below(&w->random, HELD_LONGEST_NS));
}

static int brink_begin(struct worker *w, double bits)
{
    (void)w, (void)bits;
    own.alone = false;
    own.gathered = 0;
    return 0;
}

static void brink_end(struct worker *w, double bits)
{
    (void)bits;
    __atomic_fetch_add(&brink_of(w)->gone, 1, __ATOMIC_RELAXED);
    if (own.alone)
        turn_off(w);
}

static void brink_release(void *commons)
{
    __atomic_store_n(&((struct brink *)commons)->off, 1, __ATOMIC_RELEASE);
}

const struct fault_ops fault_brink = {
    .name = "brink",
    .summary = "one worker goes on alone until close to 2^8, 2^9 ... 2^n calls and then its multiples, where all work together for "
               "a while",
    .parameter = "bits",
    .fallback = 20,
    .min = FIRST_BITS,
    .max = 40,
    .expect = -1,
    .in_step = true,
    .begin = brink_begin,
    .before = brink_before,
    .calling = brink_calling,
    .inside = brink_inside,
    .end = brink_end,
    .release = brink_release,
};
