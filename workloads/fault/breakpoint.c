/* breakpoint: holds a worker up at one instruction of the primitive's code until the others have gone on.
 *
 * Stepping through some calls tells the addresses of the primitive's instructions, the C library's and a plugin's included. One of
 * them is overwritten by a breakpoint in this process's own copy of the page. Whoever runs into it stalls, at full speed
 * otherwise: a window of one instruction becomes as wide as several operations of everybody else.
 */
#define _GNU_SOURCE
#include "workloads/fault/trap.h"

#include <string.h>

#include "contract/worker.h"
#include "workloads/fault/code_map.h"
#include "workloads/fault/rows.h"

static const char *breakpoint_refuses(const struct shape *shape, double microseconds)
{
    (void)shape, (void)microseconds;
    const char *reason = trap_refuses();
    return reason ? reason : code_map_refuses();
}

#if TRAP_POSSIBLE

#define FOUND_MAX 2048
#define SEEN_SLOTS 8192 /* a power of two, several times FOUND_MAX */
/* A step costs up to 100 us on a virtual machine, so lessons are short, and later ones take one part in so many of the time. */
#define LESSON_STEPS 400
#define LESSON_FAMILIAR 64 /* steps in a row that bring nothing new: a waiter goes round and round */
#define FIRST_LESSONS 5    /* of each worker: a third of its time until then; none of the very first calls, which look symbols up */
#define FIRST_ONE_IN 2
#define LESSON_ONE_IN 30
#define TAUGHT 200         /* instructions that are passed on to the crew */
#define PRINT_BYTES 16
#define NEIGHBOURS 16
#define WANTED_RANGES 10 /* of operations of the others, each twice as many: numbers of few bits go round meanwhile; half of the
                            times exactly so many of the writers', as far as one can look */
#define SHORTEST_NS (20 * NS_PER_US)
/* Who sleeps must wait for a CPU afterwards, for milliseconds if need be; who spins keeps one from the others, of whom several may
 * have to run together. Half of each. */
#define SPIN_NS (150 * NS_PER_US)
#define SPIN_SHORT_NS (10 * NS_PER_US)
#define NAP_NS (20 * NS_PER_US)
#define IDLE_NS (60 * NS_PER_US) /* where all wait for whom is held up, nothing more happens as a rule; three times of four that is enough */
#define INSIDE_LONGEST_NS (4 * NS_PER_US)
#define BEAT_STEPS 16
#define YIELD_ONE_IN 8 /* it may be milliseconds until the CPU comes back */
#define BEAT_NS (10 * NS_PER_MS)
#define INT3 0xcc

/* The crew's. What one has learnt the others need not step through; they may have mapped the code elsewhere, so each instruction
 * comes with its bytes' hash, which is never 0. */
struct stage {
    uint32_t stalled;           /* how many are held up */
    _Alignas(128) uint64_t quiet_until_ns; /* nobody is to be held up before */
    uint32_t masks;                        /* the primitive's code blocks SIGTRAP at times */
    _Alignas(128) uint32_t taught_count;
    struct {
        uintptr_t address;
        uint64_t print; /* written last */
    } taught[TAUGHT];
};
_Static_assert(sizeof(struct stage) <= FAULT_COMMONS_BYTES, "the stage lies in the commons");

/* This process's. */
static struct {
    struct worker *worker;
    uintptr_t caller;
    uint64_t random, longest_ns;
    uint32_t ranges; /* of how long it may take, each twice as long as the one before */
    uint64_t calls;
    bool in_call; /* between calling() and called() */

    bool learning;
    uint32_t steps, familiar;
    uint64_t lesson_call, lesson_ns, lesson_start_ns; /* when the next one may be, in calls and on the clock */
    uintptr_t found[FOUND_MAX], seen[SEEN_SLOTS];
    uint32_t found_count, passed_on, taken_over;
    uint32_t lessons;
    bool strange; /* there is code that was not there when the map was read */
    uint32_t readings;
    struct code_map map;

    uintptr_t target; /* 0: none */
    uint8_t original;
    bool planted;
    uint32_t hits_left;
    uint64_t change_call;
    uint64_t stalled_at_ns; /* in this call; 0: not held up */
} own;

TRAP_INLINE struct stage *stage(void)
{
    return own.worker->crew.fault_commons;
}

TRAP_INLINE void put(uint8_t byte)
{
    *(volatile uint8_t *)own.target = byte;
    own.planted = byte == INT3;
}

TRAP_INLINE bool is_known_code(uintptr_t address)
{
    for (uint32_t i = 0; i < own.map.range_count; i++)
        if (address >= own.map.ranges[i].from && address < own.map.ranges[i].to)
            return true;
    return false;
}

TRAP_INLINE void learn(uintptr_t address)
{
    uint32_t at = (uint32_t)(address * 0x9e3779b97f4a7c15ULL >> 40) % SEEN_SLOTS;
    while (own.seen[at] && own.seen[at] != address)
        at = (at + 1) % SEEN_SLOTS;
    own.familiar++;
    if (own.seen[at] || own.found_count == FOUND_MAX)
        return;
    if (!is_known_code(address)) {
        own.strange = true;
        return;
    }
    own.familiar = 0;
    own.seen[at] = address;
    own.found[own.found_count++] = address;
}

/* The watchdog is to wait for who is held up, or goes step by step. */
TRAP_INLINE void beat(void)
{
    slot_store(&own.worker->slot->beats, own.worker->slot->beats + 1);
}

TRAP_CODE static void step_taken(greg_t *regs)
{
    if (own.steps % BEAT_STEPS == 0)
        beat();
    if (!own.learning || ++own.steps > LESSON_STEPS || own.familiar > LESSON_FAMILIAR)
        regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    else if (trap_is_to_be_blocked(regs)) {
        regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
        __atomic_store_n(&stage()->masks, 1, __ATOMIC_RELAXED);
    } else if (trap_inside(regs, own.caller))
        learn((uintptr_t)regs[REG_RIP]);
}

/* How far some of the others are, or those of them who write. */
TRAP_CODE static uint64_t progress(bool of_writers)
{
    const struct crew_view *crew = &own.worker->crew;
    uint64_t sum = 0;
    uint32_t others = crew->workers - 1 < NEIGHBOURS ? crew->workers - 1 : NEIGHBOURS;
    for (uint32_t i = 1; i <= others; i++) {
        uint32_t index = (own.worker->index + i) % crew->workers;
        if (!of_writers)
            sum += slot_load(&crew->slots[index].ops) + slot_load(&crew->slots[index].beats);
        else if (index < own.worker->shape->writers)
            sum += slot_load(&crew->slots[index].ops);
    }
    return sum;
}

/* One is held up as a rule, now and then a second one: if all of them were, they would wait for each other's progress. */
TRAP_CODE static bool may_stall(void)
{
    uint32_t *stalled = &stage()->stalled;
    uint32_t limit = own.worker->crew.workers > 3 && trap_below(&own.random, 4) == 0 ? 2 : 1;
    if (__atomic_fetch_add(stalled, 1, __ATOMIC_RELAXED) < limit)
        return true;
    __atomic_fetch_sub(stalled, 1, __ATOMIC_RELAXED);
    return false;
}

/* Waits until the others have done a few operations, or cannot. */
TRAP_CODE static void stall(void)
{
    if (!may_stall())
        return;
    bool round = trap_below(&own.random, 2);
    uint64_t start = trap_clock_ns(), waited = 0, from = progress(round), wanted = 1ULL << trap_below(&own.random, WANTED_RANGES);
    wanted += round ? 0 : trap_below(&own.random, (uint32_t)wanted);
    uint64_t beats = 0, patience = SHORTEST_NS << trap_below(&own.random, own.ranges);
    if (patience > own.longest_ns)
        patience = own.longest_ns;
    uint64_t spin = trap_below(&own.random, 2) ? SPIN_NS : SPIN_SHORT_NS, idle = trap_below(&own.random, 4) ? IDLE_NS : patience;
    own.stalled_at_ns = start;
    uint64_t moved = 0;
    while (waited < (moved ? patience : idle) && (moved = progress(round) - from) < wanted && !slot_load(own.worker->crew.stop)) {
        if (waited < spin)
            __builtin_ia32_pause();
        else if (trap_below(&own.random, YIELD_ONE_IN) == 0)
            trap_yield();
        else
            trap_sleep(NAP_NS);
        waited = trap_clock_ns() - start;
        if (waited / BEAT_NS > beats) {
            beats++;
            beat();
        }
    }
    beat();
    __atomic_fetch_sub(&stage()->stalled, 1, __ATOMIC_RELAXED);
}

/* The breakpoint is gone until the next call: to step over it and have it back at once would take a step. */
TRAP_CODE static bool broke(greg_t *regs)
{
    uintptr_t at = (uintptr_t)regs[REG_RIP] - 1;
    if (*(const volatile uint8_t *)at != INT3) { /* another thread has run into it as well, and taken it away */
        regs[REG_RIP] = (greg_t)at;
        return true;
    }
    if (!own.planted || at != own.target)
        return false;
    put(own.original);
    regs[REG_RIP] = (greg_t)at;
    if (own.in_call)
        stall();
    own.hits_left--; /* outside, too: code that the harness itself runs through is no good place */
    return true;
}

/* 0: not all of it lies within one range of code. */
static uint64_t print_of(uintptr_t address)
{
    uint64_t half[PRINT_BYTES / 8];
    if (!is_known_code(address) || !is_known_code(address + PRINT_BYTES - 1))
        return 0;
    memcpy(half, (const void *)address, sizeof half);
    return seed_scramble(half[0] ^ seed_scramble(half[1])) | 1;
}

/* No breakpoint is planted here meanwhile. */
static void pass_on(void)
{
    struct stage *crew = stage();
    for (; own.passed_on < own.found_count; own.passed_on++) {
        uintptr_t address = own.found[own.passed_on];
        uint64_t print = print_of(address);
        uint32_t at = __atomic_load_n(&crew->taught_count, __ATOMIC_RELAXED);
        if (print == 0 || at >= TAUGHT || (at = __atomic_fetch_add(&crew->taught_count, 1, __ATOMIC_RELAXED)) >= TAUGHT)
            continue;
        crew->taught[at].address = address;
        __atomic_store_n(&crew->taught[at].print, print, __ATOMIC_RELEASE);
    }
}

/* Nor here. */
static void take_over(void)
{
    struct stage *crew = stage();
    for (; own.taken_over < TAUGHT; own.taken_over++) {
        uint64_t print = __atomic_load_n(&crew->taught[own.taken_over].print, __ATOMIC_ACQUIRE);
        uintptr_t address = crew->taught[own.taken_over].address;
        if (print == 0)
            return;
        if (print == print_of(address))
            learn(address);
        own.passed_on = own.found_count;
    }
}

/* Another place. Rare paths get a chance by places that stay for long. */
static void change(void)
{
    own.target = 0;
    take_over();
    if (own.strange && own.readings < 8) {
        own.readings++;
        own.strange = false;
        code_map_read(&own.map);
    }
    if (own.found_count == 0)
        return;
    uint32_t choice = (uint32_t)seed_below(&own.random, own.found_count);
    if (!code_map_open(&own.map, own.found[choice])) {
        own.found[choice] = own.found[--own.found_count];
        return;
    }
    own.target = own.found[choice];
    own.original = *(volatile uint8_t *)own.target;
    own.hits_left = 1 + (uint32_t)seed_below(&own.random, 4);
    own.change_call = own.calls + (8ULL << seed_below(&own.random, 9));
}

/* Puts the breakpoint where it belongs, unless the crew is to have some time for itself. None at all in code that would die of it. */
static void plant(void)
{
    if (__atomic_load_n(&stage()->masks, __ATOMIC_RELAXED)) {
        if (own.planted)
            put(own.original);
        return;
    }
    if (clock_ns() < __atomic_load_n(&stage()->quiet_until_ns, __ATOMIC_RELAXED))
        return;
    if (own.target == 0 || own.hits_left == 0 || own.calls >= own.change_call) {
        if (own.planted)
            put(own.original);
        change();
    }
    if (own.target && !own.planted)
        put(INT3);
}

/* Is this call to be stepped through? The first ones, and now and then a later one: contention takes other paths. */
static bool is_lesson(void)
{
    if (own.calls < own.lesson_call || own.found_count == FOUND_MAX)
        return false;
    own.lesson_call = own.calls + 1 + seed_below(&own.random, 32);
    return clock_ns() >= own.lesson_ns;
}

static void begin_lesson(void)
{
    if (own.planted)
        put(own.original);
    own.steps = own.familiar = 0;
    own.learning = true;
    own.lesson_start_ns = clock_ns();
}

static void end_lesson(void)
{
    uint64_t now = clock_ns();
    own.learning = false;
    own.lesson_ns = now + (now - own.lesson_start_ns) * (++own.lessons < FIRST_LESSONS ? FIRST_ONE_IN : LESSON_ONE_IN);
    pass_on();
}

/* As long as one was held up, until its call ended (on a busy system that is when it got a CPU again), all go on undisturbed:
 * what holds everybody up all the time tests nothing. */
static void grant_quiet(void)
{
    uint64_t now = clock_ns();
    __atomic_store_n(&stage()->quiet_until_ns, now + (now - own.stalled_at_ns), __ATOMIC_RELAXED);
    own.stalled_at_ns = 0;
}

static int breakpoint_begin(struct worker *w, double microseconds)
{
    static const struct trap_hooks traps = {.step = step_taken, .broke = broke};
    own.worker = w;
    own.random = seed_next(&w->random);
    own.longest_ns = (uint64_t)(microseconds * 1000);
    for (own.ranges = 1; SHORTEST_NS << (own.ranges - 1) < own.longest_ns;)
        own.ranges++;
    own.lesson_call = 3;
    int rc = code_map_read(&own.map);
    return rc ? rc : trap_begin(&traps, w->slot);
}

TRAP_CODE static void breakpoint_calling(struct worker *w, double microseconds)
{
    (void)microseconds;
    own.caller = trap_caller(); /* here, where no compiler can take it for another function's */
    own.calls++;
    if (slot_load(w->crew.stop)) { /* who goes round and round is to be seen to stand still */
        if (own.planted)
            put(own.original);
        return;
    }
    if (is_lesson() && !trap_is_blocked()) {
        begin_lesson();
        trap_on();
        return;
    }
    plant();
    own.in_call = true;
}

TRAP_CODE static void breakpoint_called(struct worker *w, double microseconds)
{
    (void)w, (void)microseconds;
    own.in_call = false;
    if (own.stalled_at_ns)
        grant_quiet();
    if (!own.learning)
        return;
    trap_off();
    end_lesson();
}

/* Who comes too soon, because of what the one that is held up has done or not done, is to find somebody inside. */
static void breakpoint_inside(struct worker *w, double microseconds)
{
    (void)microseconds;
    if (__atomic_load_n(&stage()->stalled, __ATOMIC_RELAXED) && seed_below(&w->random, 2))
        clock_spin(seed_below(&w->random, (uint32_t)(INSIDE_LONGEST_NS >> seed_below(&w->random, 5)) + 1));
}

static void breakpoint_end(struct worker *w, double microseconds)
{
    (void)w, (void)microseconds;
    if (own.planted)
        put(own.original);
}

#else
#define breakpoint_begin NULL
#define breakpoint_calling NULL
#define breakpoint_called NULL
#define breakpoint_inside NULL
#define breakpoint_end NULL
#endif

const struct fault_ops fault_breakpoint = {
    .name = "breakpoint",
    .summary = "holds a worker up at a random instruction of the primitive's own code until others have gone on, for so many "
               "microseconds at the most",
    .parameter = "microseconds",
    .fallback = 1000,
    .min = 1,
    .max = 1e5,
    .expect = -1,
    .preempts = true,
    .slows = true,
    .shows_life = true,
    .means = TRAP_MEANS,
    .refuses = breakpoint_refuses,
    .begin = breakpoint_begin,
    .calling = breakpoint_calling,
    .called = breakpoint_called,
    .inside = breakpoint_inside,
    .end = breakpoint_end,
};
