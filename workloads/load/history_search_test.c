/* Tests of the checks of histories against a search through all orders: random ones, and true ones cut at a window. */
#include "workloads/load/history.h"

#include "base/testing.h"
#include "run/crew_worker.h"
#include "shm/payload.h"
#include "workloads/load/rows.h"

enum { WRITERS = 3, READERS = 2, WORKERS = WRITERS + READERS, LIMIT = 64, OPS_MAX = 7, ROUNDS = 4000, LONG_OPS = 120 };

struct op {
    uint64_t start, end, value;
    uint32_t worker;
    enum history_kind kind;
};

static _Alignas(SLOT_ALIGN) unsigned char memory[WORKERS * (2 * SLOT_ALIGN + LIMIT * sizeof(struct history_entry))];
static struct ledger ledger;
static struct error error;
static struct worker w;
static uint64_t state;
static struct trial_spec spec = {
    .load = &load_counter,
    .shape = {.writers = WRITERS, .readers = READERS, .size = 8, .sampling = 1, .seed = 1},
};

static uint64_t below(uint32_t bound)
{
    return seed_below(&state, bound);
}

static uint64_t initial(void)
{
    return payload_stamp(0, PAYLOAD_NOBODY, 1);
}

/* The records of these operations, each worker's in their order, cut at `limit`; the auditor as `w`. */
static void record(const struct op *ops, int count, uint32_t limit)
{
    static const struct sync_ops nothing = {.name = "nothing", .family = SYNC_CELL};
    static const struct fault_ops no_fault = {.name = "none"};
    static struct sync_setup setup;
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    spec.sync = &nothing;
    spec.fault = &no_fault;
    spec.shape.history = limit;
    if (!ledger.slots)
        testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    memset(memory, 0, sizeof memory);
    memset(&ledger.slots[WORKERS], 0, sizeof *ledger.slots);
    crew_worker_init(&w, &plan, WORKERS, memory);
    for (int i = 0; i < count; i++) {
        struct worker one = w;
        one.index = ops[i].worker;
        struct history_log *log = history_open(&one, memory).log;
        if (log->count < limit)
            log->entries[log->count++] = (struct history_entry){ops[i].start, ops[i].end, ops[i].value, ops[i].kind};
    }
}

static uint64_t found(void)
{
    return w.slot->violations[VIOLATION_HISTORY];
}

/* Is there an order? `done` is a set of operations; a register holds `holds`, a queue the elements of `inside`. */
static bool search(const struct op *ops, int count, unsigned done, bool queue, uint64_t holds, const uint64_t *inside, int length)
{
    if (done == (1u << count) - 1)
        return true;
    for (int i = 0; i < count; i++) {
        bool first = !(done >> i & 1);
        for (int k = 0; k < count && first; k++)
            first = (done >> k & 1) || ops[k].end >= ops[i].start;
        if (!first)
            continue;
        uint64_t next[OPS_MAX];
        int left = length;
        memcpy(next, inside, sizeof next);
        if (ops[i].kind == HISTORY_WRITE)
            next[left++] = ops[i].value;
        else if (!queue ? ops[i].value != holds : ops[i].kind == HISTORY_EMPTY ? length != 0 : !length || next[0] != ops[i].value)
            continue;
        else if (queue && ops[i].kind == HISTORY_READ)
            memmove(next, next + 1, (size_t)--left * sizeof *next);
        if (search(ops, count, done | 1u << i, queue, ops[i].kind == HISTORY_WRITE ? ops[i].value : holds, next, left))
            return true;
    }
    return false;
}

/* Random operations, each worker's one after the other, values mostly such as were written. */
static int random_ops(struct op *ops, bool queue)
{
    int count = 2 + (int)below(OPS_MAX - 1);
    uint64_t free_at[WORKERS] = {0}, versions[WORKERS] = {0};
    for (int i = 0; i < count; i++) {
        uint32_t worker = (uint32_t)below(WORKERS);
        struct op *op = &ops[i];
        op->worker = worker;
        op->start = free_at[worker] + 1 + below(8);
        op->end = free_at[worker] = op->start + below(12);
        op->kind = worker < WRITERS ? HISTORY_WRITE : queue && below(4) == 0 ? HISTORY_EMPTY : HISTORY_READ;
        op->value = op->kind == HISTORY_EMPTY ? 0 : payload_stamp(++versions[worker], worker, 1);
    }
    for (int i = 0; i < count; i++)
        if (ops[i].kind == HISTORY_READ) {
            int of = (int)below((uint32_t)count);
            ops[i].value = ops[of].kind == HISTORY_WRITE ? ops[of].value : initial();
        }
    return count;
}

static void tell_ops(const struct op *ops, int count)
{
    for (int i = 0; i < count; i++)
        fprintf(stderr, "worker %u kind %d value %llx: %llu to %llu\n", ops[i].worker, (int)ops[i].kind,
                (unsigned long long)ops[i].value, (unsigned long long)ops[i].start, (unsigned long long)ops[i].end);
}

static void agree(bool queue)
{
    struct op ops[OPS_MAX];
    uint64_t inside[OPS_MAX] = {0};
    int explained = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int count = random_ops(ops, queue);
        record(ops, count, LIMIT);
        if (queue)
            history_check_queue(&w, memory, true);
        else
            history_check_register(&w, memory, initial());
        bool order = search(ops, count, 0, queue, initial(), inside, 0);
        explained += order;
        if (order != (found() == 0)) {
            tell_ops(ops, count);
            ck_abort_msg("round %d: %s, but the check says: %s", round, order ? "there is an order" : "there is none",
                         found() ? w.slot->evidence[0].text : "nothing");
        }
    }
    ck_assert_int_gt(explained, ROUNDS / 20); /* both answers were asked for */
    ck_assert_int_lt(explained, ROUNDS * 19 / 20);
}

START_TEST(the_check_of_a_register_agrees_with_a_search_through_all_orders)
{
    state = 1;
    agree(false);
}
END_TEST

START_TEST(the_check_of_a_queue_agrees_with_a_search_through_all_orders)
{
    state = 2;
    agree(true);
}
END_TEST

/* Operations that took effect one after the other, at moments 10 apart, and lasted until others were over, too. */
static void true_ops(struct op *ops, bool queue)
{
    uint64_t free_at[WORKERS] = {0}, versions[WORKERS] = {0}, inside[LONG_OPS], holds = initial();
    int head = 0, tail = 0;
    for (int i = 0; i < LONG_OPS; i++) {
        uint32_t worker = (uint32_t)below(WORKERS);
        uint64_t moment = 100 + 10 * (uint64_t)i, early = below(60), late = below(60);
        struct op *op = &ops[i];
        if (free_at[worker] >= moment) { /* its last one lasts until now: make that one shorter */
            int last = i - 1;
            while (ops[last].worker != worker)
                last--;
            ops[last].end = 100 + 10 * (uint64_t)last + 1;
            free_at[worker] = ops[last].end;
        }
        op->worker = worker;
        op->start = moment - early > free_at[worker] ? moment - early : free_at[worker] + 1;
        op->end = free_at[worker] = moment + late;
        op->kind = worker < WRITERS ? HISTORY_WRITE : queue && head == tail ? HISTORY_EMPTY : HISTORY_READ;
        if (op->kind == HISTORY_WRITE)
            op->value = holds = inside[tail++] = payload_stamp(++versions[worker], worker, 1);
        else
            op->value = op->kind == HISTORY_EMPTY ? 0 : queue ? inside[head++] : holds;
    }
}

/* Whatever the window, a history that has an order has one there, too. */
static void passes_at_every_window(bool queue)
{
    struct op ops[LONG_OPS];
    for (int round = 0; round < 60; round++) {
        true_ops(ops, queue);
        for (uint32_t limit = 1; limit <= LIMIT; limit += 1 + limit / 8) {
            record(ops, LONG_OPS, limit);
            if (queue)
                history_check_queue(&w, memory, true);
            else
                history_check_register(&w, memory, initial());
            if (found())
                ck_abort_msg("round %d, window %u: %s", round, limit, w.slot->evidence[0].text);
        }
    }
}

START_TEST(a_true_history_of_a_register_passes_at_every_window)
{
    state = 3;
    passes_at_every_window(false);
}
END_TEST

START_TEST(a_true_history_of_a_queue_passes_at_every_window)
{
    state = 4;
    passes_at_every_window(true);
}
END_TEST

/* One operation of a long true history changed so that none of the orders is left. */
START_TEST(one_wrong_operation_among_many_is_found)
{
    struct op ops[LONG_OPS];
    int changed = 0;
    state = 5;
    for (int round = 0; round < 40; round++) {
        int reads[LONG_OPS], count = 0;
        bool queue = round % 2;
        true_ops(ops, queue);
        for (int i = 0; i < LONG_OPS; i++)
            if (ops[i].kind == HISTORY_READ)
                reads[count++] = i;
        if (count < 12)
            continue;
        ops[reads[count - 1]].value = ops[reads[0]].value; /* what was there long ago */
        record(ops, LONG_OPS, LIMIT);
        if (queue)
            history_check_queue(&w, memory, true);
        else
            history_check_register(&w, memory, initial());
        if (found() == 0)
            ck_abort_msg("round %d", round);
        changed++;
    }
    ck_assert_int_gt(changed, 20);
}
END_TEST

int main(void)
{
    return testing_run("history_search", (const TTest *[]){
                                             the_check_of_a_register_agrees_with_a_search_through_all_orders,
                                             the_check_of_a_queue_agrees_with_a_search_through_all_orders,
                                             a_true_history_of_a_register_passes_at_every_window,
                                             a_true_history_of_a_queue_passes_at_every_window,
                                             one_wrong_operation_among_many_is_found,
                                             NULL,
                                         });
}
