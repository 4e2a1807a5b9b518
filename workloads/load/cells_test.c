/* Tests of the cells load: rounds over many instances, and the oracles at each cell, under a lock and in a cell. */
#include "workloads/load/oracle_testing.h"
#include "workloads/load/plain.h"
#include "workloads/load/record.h"

enum { SIZE = 16 };

static uint32_t cells;                       /* how many instances the load has */
static unsigned char values[INSTANCES_MAX][SIZE];
static unsigned visited[INSTANCES_MAX];
/* What others do when this worker is at a cell: before it enters or reads, and in the middle of its critical section. */
static void (*before)(uint32_t cell), (*in_the_middle)(uint32_t cell);
static uint32_t here;

static uint32_t cell_of(const struct sync_self *self)
{
    return (uint32_t)(uintptr_t)self->state;
}

static int take(struct sync_self *self)
{
    here = cell_of(self);
    visited[here]++;
    if (before)
        before(here);
    return 0;
}

static int give(struct sync_self *self)
{
    ck_assert_uint_eq(cell_of(self), here);
    return 0;
}

static int scripted_write(struct sync_self *self, const void *value)
{
    memcpy(values[cell_of(self)], value, SIZE);
    return 0;
}

static int scripted_read(struct sync_self *self, void *value)
{
    take(self);
    memcpy(value, values[here], SIZE);
    return 0;
}

static void meddle(struct worker *worker, double parameter)
{
    (void)worker;
    (void)parameter;
    if (in_the_middle)
        in_the_middle(here);
}

static const struct sync_ops lock = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = take, .release = give}};
static const struct sync_ops cell = {
    .name = "scripted", .family = SYNC_CELL, .cell = {.write = scripted_write, .read = scripted_read}};
static const struct fault_ops meddler = {.name = "meddler", .inside = meddle};

static void start(const struct sync_ops *sync, uint32_t index, uint32_t readers)
{
    spec = (struct trial_spec){
        .load = &load_cells,
        .sync = sync,
        .fault = &meddler,
        .shape = {.writers = 2, .readers = readers, .size = SIZE, .sampling = 1, .seed = 7},
    };
    cells = spec.load->instances;
    before = in_the_middle = NULL;
    memset(values, 0, sizeof values);
    memset(visited, 0, sizeof visited);
    begin(index);
}

/* The record of a cell lies somewhere in its two lines: found by the counters that the only writer so far has left there. */
static uint64_t *record_at(uint32_t number)
{
    uint64_t *words = (uint64_t *)(void *)(area + PLAIN_LINE + number * PLAIN_LINE);
    for (int i = 1; i + 1 < PLAIN_LINE / 8; i++)
        if (words[i] && words[i] == words[i + 1])
            return &words[i - 1];
    ck_abort_msg("cell %u has no record", number);
    return NULL;
}

START_TEST(every_cell_is_visited_in_its_turn_and_counts)
{
    start(&lock, WRITER, 1);
    ck_assert_uint_le(cells, INSTANCES_MAX);
    run(3 * cells);
    bool crossing = false;
    for (uint32_t i = 0; i < cells; i++) {
        ck_assert_uint_eq(visited[i], 3);
        ck_assert_uint_eq(record_at(i)[1], 3);
        ck_assert_uint_eq((uintptr_t)record_at(i) % 8, 0);
        crossing |= (uintptr_t)record_at(i) % 64 > 64 - 24;
    }
    ck_assert(crossing);
    become(AUDITOR);
    spec.load->audit(&w);
    check_clean();
}
END_TEST

START_TEST(records_lie_elsewhere_with_another_seed)
{
    uintptr_t places[INSTANCES_MAX];
    bool moved = false;
    start(&lock, WRITER, 1);
    run(cells);
    for (uint32_t i = 0; i < cells; i++)
        places[i] = (uintptr_t)record_at(i);
    ledger_destroy(&ledger);
    start(&lock, WRITER, 1);
    spec.shape.seed = 8;
    run(cells);
    for (uint32_t i = 0; i < cells; i++)
        moved |= places[i] != (uintptr_t)record_at(i);
    ck_assert(moved);
    check_clean();
}
END_TEST

/* Another writer's whole visit, done as it should be. */
static void other_visits(uint32_t number)
{
    uint64_t *record = record_at(number);
    record[1]++;
    record[2]++;
}

START_TEST(two_writers_by_turns_are_hand_offs_and_nothing_else)
{
    start(&lock, WRITER, 1);
    run(cells);
    before = other_visits;
    run(3 * cells);
    ck_assert_uint_eq(w.slot->handoffs, 2 * cells);
    check_clean();
    start(&lock, WRITER, 1);
    run(cells);
    become(READER);
    before = other_visits;
    run(2 * cells);
    ck_assert_uint_eq(w.slot->handoffs, 2 * cells);
    check_clean();
}
END_TEST

static void other_is_inside(uint32_t number)
{
    if (number == 5)
        record_at(number)[0] = OTHER + 1;
}

START_TEST(two_holders_of_one_cell_are_told_with_its_number)
{
    start(&lock, WRITER, 1);
    run(cells);
    before = other_is_inside;
    run(2 * cells);
    check_found(VIOLATION_OVERLAP, 1, "two holders at once in cell 5: on entering, worker 0 found inside worker 1");
    start(&lock, WRITER, 1);
    run(cells);
    become(READER);
    before = other_is_inside;
    run(cells);
    check_found(VIOLATION_OVERLAP, 1, "two holders at once in cell 5: as a reader, worker 2 found inside worker 1");
}
END_TEST

/* The counters differ while this worker is inside, so the record is not looked for as record_at() does. */
static uint64_t *fifth;

static void owner_is_wiped(uint32_t number)
{
    if (number == 5)
        fifth[0] = 0;
}

static void update_is_lost(uint32_t number)
{
    if (number == 5)
        fifth[1] = fifth[2] = 1; /* it was 2: somebody stored what he had read before */
}

static void half_an_update(uint32_t number)
{
    if (number == 5)
        fifth[1]++;
}

START_TEST(what_happens_inside_or_between_is_seen)
{
    start(&lock, WRITER, 1);
    run(cells);
    fifth = record_at(5);
    in_the_middle = owner_is_wiped;
    run(2 * cells);
    check_found(VIOLATION_OVERLAP, 1, "in cell 5: before leaving, worker 0 found the owner word 0");
    start(&lock, WRITER, 1);
    run(2 * cells);
    fifth = record_at(5);
    before = update_is_lost;
    run(3 * cells);
    check_found(VIOLATION_LOST, 1, "cell 5: 2 writes were complete, and its counter shows 1");
    start(&lock, WRITER, 1);
    run(cells);
    fifth = record_at(5);
    before = half_an_update;
    become(READER);
    run(cells);
    check_found(VIOLATION_LOST, 1, "cell 5: counters that go up together are 2 and 1");
}
END_TEST

START_TEST(a_reader_knows_how_often_everybody_has_been_there)
{
    start(&lock, WRITER, 1);
    run(2 * cells);
    become(READER);
    ledger.slots[OTHER].ops = cells; /* and has left no trace */
    run(cells);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_LOST], cells);
    testing_has(w.slot->evidence[0].text, "cell 0: 3 writes were complete, and its counter shows 2");
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(the_audit_knows_each_cells_visits)
{
    start(&lock, WRITER, 1);
    run(2 * cells + 10); /* ten cells once more than the others */
    become(AUDITOR);
    spec.load->audit(&w);
    check_only(VIOLATION_LOST, 0);
    record_at(9)[2]--;
    record_at(20)[0] = 1;
    spec.load->audit(&w);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_LOST], 1);
    check_among(VIOLATION_LOST, "cell 9 was written 3 times, its counters show 3 and 2");
}
END_TEST

static void put(uint32_t number, uint64_t version, uint32_t writer)
{
    payload_fill(values[number], SIZE, payload_stamp(version, writer, record_tag(&spec.shape)));
}

static uint64_t version_there;

static void one_cell_shows_it(uint32_t number)
{
    if (number == 5)
        put(number, version_there, OTHER);
}

START_TEST(values_of_a_cell_may_be_of_this_round_or_the_last)
{
    for (version_there = 1; version_there <= 4; version_there++) {
        start(&cell, WRITER, 1);
        run(3 * cells);
        become(READER);
        ledger.slots[OTHER].ops = 3 * cells;
        before = one_cell_shows_it;
        run(cells);
        if (version_there >= 3)
            check_clean();
        else
            check_found(VIOLATION_STALE, 1, "of worker 1, although its version 3 was complete before");
    }
}
END_TEST

static void goes_back(uint32_t number)
{
    if (number == 5)
        put(number, visited[number] == 1 ? 4 : 3, OTHER);
}

START_TEST(a_cell_that_goes_back_is_told)
{
    start(&cell, READER, 1);
    before = goes_back;
    run(2 * cells);
    check_found(VIOLATION_BACK, 1, "cell 5: found version 3 of worker 1, although this worker had already seen version 4");
}
END_TEST

START_TEST(without_readers_writers_look_before_and_after_their_own_write)
{
    start(&cell, WRITER, 0);
    run(2 * cells);
    ck_assert_uint_eq(visited[3], 4);
    become(AUDITOR);
    spec.load->audit(&w);
    ck_assert_uint_eq(w.slot->handoffs, 0);
    check_clean();
}
END_TEST

START_TEST(the_audit_finds_an_older_value_in_a_cell)
{
    start(&cell, WRITER, 1);
    run(2 * cells);
    put(7, 1, WRITER);
    become(AUDITOR);
    spec.load->audit(&w);
    check_found(VIOLATION_STALE, 1, "cell 7: found version 1 of worker 0, although its version 2 was complete before");
}
END_TEST

int main(void)
{
    return testing_run("cells", (const TTest *[]){
                                    every_cell_is_visited_in_its_turn_and_counts,
                                    records_lie_elsewhere_with_another_seed,
                                    two_writers_by_turns_are_hand_offs_and_nothing_else,
                                    two_holders_of_one_cell_are_told_with_its_number,
                                    what_happens_inside_or_between_is_seen,
                                    a_reader_knows_how_often_everybody_has_been_there,
                                    the_audit_knows_each_cells_visits,
                                    values_of_a_cell_may_be_of_this_round_or_the_last,
                                    a_cell_that_goes_back_is_told,
                                    without_readers_writers_look_before_and_after_their_own_write,
                                    the_audit_finds_an_older_value_in_a_cell,
                                    NULL,
                                });
}
