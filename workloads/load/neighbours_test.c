/* Tests of the neighbours load: whose cell is visited how often, where cells lie, and what its oracle finds. */
#include "workloads/load/oracle_testing.h"

enum { ROUNDS = 10, VISIT = 61 };

static unsigned visited[INSTANCES_MAX];
static void (*meddle)(uint32_t cell);
static uint32_t here;

static uint64_t *cell_words(uint32_t cell)
{
    bool packed = spec.shape.layout.choice[LAYOUT_PACKING] == PACKING_PACKED;
    return (uint64_t *)(void *)(area + cell * (packed ? 16 : 128));
}

static int take(struct sync_self *self)
{
    here = (uint32_t)(uintptr_t)self->state;
    visited[here]++;
    if (meddle)
        meddle(here);
    return 0;
}

static int give(struct sync_self *self)
{
    ck_assert_uint_eq((uint32_t)(uintptr_t)self->state, here);
    return 0;
}

static uint64_t numbers[INSTANCES_MAX];

static int add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    take(self);
    *before = numbers[here];
    numbers[here] += amount;
    return 0;
}

static const struct sync_ops lock = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = take, .release = give}};
static const struct sync_ops counter = {.name = "scripted", .family = SYNC_COUNTER, .counter = {.add = add}};

static void start(const struct sync_ops *sync, enum layout_packing packing)
{
    spec = (struct trial_spec){
        .load = &load_neighbours,
        .sync = sync,
        .fault = contents_fault("none"),
        .shape = {.writers = 2, .readers = 1, .size = 16, .sampling = 1, .seed = 7, .layout.choice[LAYOUT_PACKING] = (uint8_t)packing},
    };
    meddle = NULL;
    memset(visited, 0, sizeof visited);
    memset(numbers, 0, sizeof numbers);
    begin(OTHER);
}

START_TEST(a_worker_is_at_home_and_now_and_then_at_anothers)
{
    static const enum layout_packing packings[] = {PACKING_USUAL, PACKING_PADDED, PACKING_PACKED};
    for (size_t i = 0; i < sizeof packings / sizeof packings[0]; i++) {
        start(&lock, packings[i]);
        run(ROUNDS * VISIT);
        ck_assert_uint_eq(visited[1], ROUNDS * VISIT - ROUNDS);
        ck_assert_uint_eq(visited[0] + visited[2], ROUNDS);
        for (uint32_t k = 0; k < 3; k++) {
            ck_assert_uint_eq(cell_words(k)[0], 0);
            ck_assert_uint_eq(cell_words(k)[1], visited[k]);
        }
        become(AUDITOR);
        spec.load->audit(&w);
        check_clean();
    }
}
END_TEST

START_TEST(a_counter_is_a_cell_by_itself)
{
    start(&counter, PACKING_PACKED);
    run(ROUNDS * VISIT);
    ck_assert_uint_eq(numbers[1], ROUNDS * VISIT - ROUNDS);
    become(AUDITOR);
    spec.load->audit(&w);
    check_clean();
    start(&counter, PACKING_PACKED);
    run(VISIT);
    numbers[1]--;
    become(AUDITOR);
    spec.load->audit(&w);
    check_found(VIOLATION_LOST, 1, "cell 1 was written 60 times, and shows 59");
}
END_TEST

static void undo(uint32_t cell)
{
    if (visited[cell] == 30)
        cell_words(cell)[1] = 7;
}

START_TEST(a_neighbour_that_undoes_an_update_is_found)
{
    start(&lock, PACKING_PACKED);
    meddle = undo;
    run(40);
    check_found(VIOLATION_LOST, 1, "cell 1: this worker had left it at 29, and found 7");
}
END_TEST

static void stay_inside(uint32_t cell)
{
    if (visited[cell] == 30)
        cell_words(cell)[0] = 1;
}

START_TEST(somebody_else_inside_is_found)
{
    start(&lock, PACKING_PADDED);
    meddle = stay_inside;
    run(40);
    check_found(VIOLATION_OVERLAP, 1, "cell 1: worker 1 found inside worker 0");
}
END_TEST

START_TEST(what_does_not_add_up_is_found)
{
    start(&lock, PACKING_PADDED);
    run(40);
    cell_words(1)[1]++;
    cell_words(2)[0] = 3;
    become(AUDITOR);
    spec.load->audit(&w);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_SCRIBBLED], 1);
    check_among(VIOLATION_LOST, "cell 1 was written 40 times, and shows 41");
}
END_TEST

int main(void)
{
    return testing_run("neighbours", (const TTest *[]){a_worker_is_at_home_and_now_and_then_at_anothers, a_counter_is_a_cell_by_itself,
                                                       a_neighbour_that_undoes_an_update_is_found, somebody_else_inside_is_found,
                                                       what_does_not_add_up_is_found, NULL});
}
