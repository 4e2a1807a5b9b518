/* Set-up of the tests of tight loops: a lock that follows a script, three workers' slots, and the loops of every instruction set. */
#ifndef CONTRACT_TIGHT_TESTING_H
#define CONTRACT_TIGHT_TESTING_H

#include "contract/tight.h"

#include "base/testing.h"

enum { WORKERS = 3, TAG = 77 };

static int take(struct sync_self *self);
static int give(struct sync_self *self);
TIGHT_LOOPS(static const struct tight_loops scripted_tight, scripted, NULL, take, give, take, give);
TIGHT_LOOPS(static const struct tight_loops by_row_tight, by_row, NULL, NULL, NULL, NULL, NULL);

static struct slot slots[WORKERS];
static struct histogram histograms[HISTOGRAM_OWN];
static uint32_t stop;
static struct shape shape;
static struct fault_ops fault;
static struct load_ops load_row;
static struct worker w;
static struct tight t;
static _Alignas(64) unsigned char line[PAYLOAD_LINE];

static int acquired, released, recovered, answer, release_answer;
static void (*on_acquire)(int call), (*on_release)(int call);

static int take(struct sync_self *self)
{
    acquired++;
    if (slots[self->index].phase != PHASE_ACQUIRING || slots[self->index].ops != (uint64_t)acquired - 1)
        ck_abort_msg("asked in phase %u after %llu operations", slots[self->index].phase,
                     (unsigned long long)slots[self->index].ops);
    if (on_acquire)
        on_acquire(acquired);
    return answer;
}

static int give(struct sync_self *self)
{
    released++;
    if (slots[self->index].phase != PHASE_RELEASING)
        ck_abort_msg("left in phase %u", slots[self->index].phase);
    if (on_release)
        on_release(released);
    return release_answer;
}

static uint64_t floor_given;
static int floors, founds, others, brokens, overwrittens;
static uint64_t found_stamp, broken_words[PAYLOAD_LINE_WORDS];

static uint64_t floor_of(struct worker *worker)
{
    ck_assert_ptr_eq(worker, &w);
    floors++;
    return floor_given;
}

static void found(struct worker *worker, uint64_t stamp, uint64_t floor, bool other)
{
    ck_assert_ptr_eq(worker, &w);
    if (floor != 0 && floor != floor_given)
        ck_abort_msg("floor %llu", (unsigned long long)floor);
    founds++;
    others += other;
    found_stamp = stamp;
    slot_store(&w.slot->version, payload_version(stamp));
}

static void broken(struct worker *worker, const uint64_t read[PAYLOAD_LINE_WORDS])
{
    ck_assert_ptr_eq(worker, &w);
    brokens++;
    memcpy(broken_words, read, sizeof broken_words);
}

static void overwritten(struct worker *worker, uint64_t version, unsigned word)
{
    (void)worker;
    (void)version;
    (void)word;
    overwrittens++;
}

static uint64_t stamp_by(uint64_t version, uint32_t writer)
{
    return payload_stamp(version, writer, TAG);
}

static void begin(void)
{
    memset(slots, 0, sizeof slots);
    memset(histograms, 0, sizeof histograms);
    shape = (struct shape){.writers = 2, .readers = 1, .size = PAYLOAD_LINE, .sampling = 4};
    fault = (struct fault_ops){.name = "none"};
    static const struct sync_ops row = {.name = "scripted", .family = SYNC_LOCK};
    w = (struct worker){
        .shape = &shape,
        .load = &load_row,
        .sync = &row,
        .lock = {.acquire = take, .release = give, .acquire_shared = take, .release_shared = give},
        .slot = &slots[0],
        .crew = {slots, WORKERS, &stop, NULL},
        .histograms = histograms,
        .writer = true,
        .until_sample = 1,
        .ops_limit = UINT64_MAX,
        .random = 1,
        .fault = &fault,
    };
    t = (struct tight){.line = line, .own = stamp_by(0, 0), .marks = 3, .floor = floor_of, .found = found, .broken = broken,
                       .overwritten = overwritten};
    payload_fill(line, PAYLOAD_LINE, stamp_by(0, PAYLOAD_NOBODY));
    stop = 0;
    acquired = released = recovered = answer = release_answer = 0;
    floors = founds = others = brokens = overwrittens = 0;
    floor_given = 0;
    on_acquire = on_release = NULL;
}

/* Every loop that there is here; the first half are writers'. */
static tight_loop *loop_at(int i)
{
    const struct tight_loops *const sets[] = {&scripted_tight, &by_row_tight};
    int isa = i / 2 % PAYLOAD_ISAS;
    if (i / 2 / PAYLOAD_ISAS == 1)
        return i / 2 % PAYLOAD_ISAS ? NULL : sets[i % 2]->read;
    return payload_isa_here((enum payload_isa)isa) ? sets[i % 2]->write[isa] : NULL;
}
enum { LOOPS = 4 * PAYLOAD_ISAS, WRITERS = 2 * PAYLOAD_ISAS };

#define EACH_LOOP(from, to) for (int i = (from); i < (to); i++) if (loop_at(i) && (begin(), w.writer = i < WRITERS, true))

static void run(tight_loop *loop, uint64_t ops)
{
    w.ops_limit = ops;
    loop(&w, &t);
    ck_assert_uint_eq(w.ops, ops);
    ck_assert_uint_eq(slots[0].ops, ops);
    ck_assert_uint_eq(slots[0].phase, PHASE_IDLE);
}

#endif
