/* Loops written by hand around a primitive's own operations, for the bench of the meter: bare ones, and ones with the meter's duties.
 *
 * All run until `stop` is set, in batches of 64 operations, and count. What each does besides, is in its macro's arguments:
 *
 *     counter  adds one to a word under the lock: the least that touches shared data
 *     line     touches as many bytes as a record has, neither made from a pattern nor looked at
 *     nudged   the same, and one store more, to a line of its own, between releasing and asking
 *     stamps   as counter, and the clock is read twice in one operation of 64: asked and granted
 *     record   verifies the 64 bytes whole and replaces them by a new version
 *     duties   a record and stamps; and with each operation a look at the stop flag, and four stores that tell phase and count
 *     table    the same, and the lock is called by way of a table of functions, of which nothing is known here, nor here by them
 *
 * `duties` is what a loop costs that does what the harness's own loops are for, and no more.
 */
#ifndef RUN_METER_BENCH_LOOPS_H
#define RUN_METER_BENCH_LOOPS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ticks.h"
#include "shm/payload_line.h"

enum { BATCH = 64, CREW = 2, TAG = 77 };
#define VERSIONS ((1ULL << PAYLOAD_VERSION_BITS) - 1)

/* A lock as a table of functions that are told where its state lies, which is how a plugin's comes. */
struct bare_self {
    struct bare *state;
};
struct bare_table {
    int (*take)(struct bare_self *self), (*give)(struct bare_self *self);
};

/* What the processes of a loop share: each part has cache lines of its own. */
struct bare {
    _Alignas(128) union {
        pthread_mutex_t mutex;
        sem_t semaphore;
        pthread_spinlock_t spin;
        uint32_t word;
    } lock;
    _Alignas(128) uint64_t line[PAYLOAD_LINE_WORDS]; /* the shared data */
    struct bare_done {
        _Alignas(128) uint64_t ops;
        uint32_t phase;
        uint64_t ticks;  /* between the stamps */
        uint64_t broken; /* records found other than they should be */
        uint64_t cpu_ns, delayed_ns; /* of the loop, when it has ended */
    } done[CREW];
    _Alignas(128) uint32_t stop;
    _Alignas(128) struct bare_table table;
    struct bare_self self;
};

typedef void bare_loop(struct bare *b, uint32_t index);

/* What a loop keeps in registers. */
struct bare_state {
    struct bare *b;
    struct bare_done *done;
    uint64_t own, seen, ops, asked, ticks, broken;
    bool stopped;
};

#define BARE_INLINE static inline __attribute__((always_inline, unused))

BARE_INLINE void tas_take(uint32_t *word)
{
    while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
}

BARE_INLINE void bare_count(struct bare_state *s)
{
    (*(volatile uint64_t *)&s->b->line[0])++;
}

BARE_INLINE void bare_line(struct bare_state *s)
{
    for (int w = 0; w < PAYLOAD_LINE_WORDS; w++)
        ((volatile uint64_t *)s->b->line)[w]++;
}

BARE_INLINE void bare_store(struct bare_state *s, uint32_t phase)
{
    __atomic_store_n(&s->done->phase, phase, __ATOMIC_RELAXED);
}

BARE_INLINE void bare_store_count(struct bare_state *s)
{
    __atomic_store_n(&s->done->ops, s->ops, __ATOMIC_RELAXED);
    bare_store(s, 0);
}

BARE_INLINE bool bare_stopped(const struct bare_state *s)
{
    return __builtin_expect(__atomic_load_n(&s->b->stop, __ATOMIC_RELAXED) != 0, 0);
}

/* What a lock returns is looked at, as everywhere. */
BARE_INLINE void bare_called(struct bare_state *s, int (*function)(struct bare_self *))
{
    if (__builtin_expect(function(&s->b->self) != 0, 0))
        s->stopped = true;
}

/* Reads the clock in the first operation of a batch. */
BARE_INLINE void bare_asked(struct bare_state *s, int i)
{
    if (i == 0)
        s->asked = ticks_now();
}

BARE_INLINE void bare_stamp(struct bare_state *s, int i)
{
    if (i == 0)
        s->ticks += ticks_now() - s->asked;
}

typedef bool bare_replace(void *line, uint64_t stamp, uint64_t next, uint64_t read[PAYLOAD_LINE_WORDS]);

BARE_INLINE void bare_record(struct bare_state *s, bare_replace *replace)
{
    uint64_t read[PAYLOAD_LINE_WORDS], stamp = payload_line_word(s->b->line, 0), old = s->seen;
    if (__builtin_expect(stamp != old, 0))
        old = stamp;
    else
        __asm__("" : "+r"(old)); /* what comes next waits for the branch and not for the load */
    s->seen = s->own | ((old + 1) & VERSIONS);
    if (__builtin_expect(!replace(s->b->line, old, s->seen, read), 0))
        s->broken++;
}

/* The loop that does `before`, acquires, does `inside`, releases, does `after`. `i` counts from 0 in each batch. */
#define BARE_LOOP(target, name, acquire, release, before, inside, after)                                                    \
    target static void name(struct bare *b, uint32_t index)                                                                 \
    {                                                                                                                       \
        struct bare_state s = {.b = b, .done = &b->done[index], .own = payload_stamp(0, index, TAG)};                       \
        while (!s.stopped && !bare_stopped(&s)) {                                                                           \
            for (int i = 0; i < BATCH && !s.stopped; i++) {                                                                 \
                before;                                                                                                     \
                acquire;                                                                                                    \
                inside;                                                                                                     \
                release;                                                                                                    \
                s.ops++;                                                                                                    \
                after;                                                                                                      \
            }                                                                                                               \
            __atomic_store_n(&s.done->ops, s.ops, __ATOMIC_RELAXED);                                                        \
        }                                                                                                                   \
        s.done->ticks = s.ticks;                                                                                            \
        s.done->broken = s.broken;                                                                                          \
    }

/* One with all duties, however the lock is called. */
#define BARE_DUTIES(name, target, acquire, release, replace)                                                                \
    BARE_LOOP(target, name, acquire, release, bare_asked(&s, i),                                                            \
              (bare_stamp(&s, i), bare_store(&s, 1), bare_record(&s, replace), bare_store(&s, 2)),                          \
              (bare_store_count(&s), s.stopped = bare_stopped(&s)))

/* Those with a record, for one instruction set. */
#define BARE_RECORDS(name, set, target, acquire, release)                                                                   \
    BARE_LOOP(target, name##_record_##set, acquire, release, , bare_record(&s, payload_line_replace_##set), )               \
    BARE_DUTIES(name##_duties_##set, target, acquire, release, payload_line_replace_##set)                                  \
    BARE_DUTIES(name##_table_##set, target, bare_called(&s, b->table.take), bare_called(&s, b->table.give),                 \
                payload_line_replace_##set)

/* A lock's functions for the table. */
#define BARE_TABLE(name, acquire_, release_)                                                                                \
    static int name##_acquire(struct bare_self *self)                                                                       \
    {                                                                                                                       \
        struct bare *b = self->state;                                                                                       \
        acquire_;                                                                                                           \
        return 0;                                                                                                           \
    }                                                                                                                       \
    static int name##_release(struct bare_self *self)                                                                       \
    {                                                                                                                       \
        struct bare *b = self->state;                                                                                       \
        release_;                                                                                                           \
        return 0;                                                                                                           \
    }

/* All loops of a primitive. */
#define BARE_PLAIN(name, acquire, release)                                                                                  \
    BARE_TABLE(name, acquire, release)                                                                                      \
    BARE_LOOP(, name##_counter, acquire, release, , bare_count(&s), )                                                       \
    BARE_LOOP(, name##_line, acquire, release, , bare_line(&s), )                                                           \
    BARE_LOOP(, name##_nudged, acquire, release, , bare_line(&s), bare_store(&s, 0))                                        \
    BARE_LOOP(, name##_stamps, acquire, release, bare_asked(&s, i), (bare_stamp(&s, i), bare_count(&s)), )

#ifdef __x86_64__
#define BARE_LOOPS(name, acquire, release)                                                                                  \
    BARE_PLAIN(name, acquire, release)                                                                                      \
    BARE_RECORDS(name, base, , acquire, release)                                                                            \
    BARE_RECORDS(name, avx2, PAYLOAD_TARGET_AVX2, acquire, release)                                                         \
    BARE_RECORDS(name, avx512, PAYLOAD_TARGET_AVX512, acquire, release)
#define BARE_SETS(loop) {[PAYLOAD_BASE] = loop##_base, [PAYLOAD_AVX2] = loop##_avx2, [PAYLOAD_AVX512] = loop##_avx512}
#else
#define BARE_LOOPS(name, acquire, release)                                                                                  \
    BARE_PLAIN(name, acquire, release)                                                                                      \
    BARE_RECORDS(name, base, , acquire, release)
#define BARE_SETS(loop) {[PAYLOAD_BASE] = loop##_base}
#endif

#endif
