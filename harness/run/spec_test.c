/* Tests of what follows from a trial's order: the verdict to expect, whether it can be run, and what it needs. */
#include "run/instances.h"
#include "run/spec.h"

#include "base/clock.h"

#include "base/testing.h"

static struct trial_spec spec_of(const char *load, const char *sync, const char *fault, uint32_t writers, uint32_t readers)
{
    struct trial_spec spec = {
        .load = contents_load(load),
        .sync = contents_sync(sync),
        .fault = contents_fault(fault),
        .shape = {.writers = writers, .readers = readers},
    };
    ck_assert_ptr_nonnull(spec.load);
    ck_assert_ptr_nonnull(spec.sync);
    ck_assert_ptr_nonnull(spec.fault);
    spec.shape.size = spec.load->default_size;
    return spec;
}

START_TEST(the_expected_verdict_follows_from_load_sync_fault_and_crew)
{
    static const struct {
        const char *load, *sync, *fault;
        uint32_t writers, readers;
        enum verdict verdict;
    } rows[] = {
        /* what is correct stays clean, whatever the crew, if it has two to meet */
        {"counter", "mutex", "none", 2, 2, VERDICT_CLEAN},
        {"snapshot", "spin", "yield", 1, 1, VERDICT_CLEAN},
        {"quit", "semaphore", "none", 1, 3, VERDICT_CLEAN},
        {"counter", "mutex", "none", 2, 0, VERDICT_CLEAN},
        {"counter", "mutex", "none", 1, 0, VERDICT_INCONCLUSIVE},
        /* without protection it breaks where two can meet on the record */
        {"counter", "none", "none", 2, 0, VERDICT_CORRUPT},
        {"counter", "none", "none", 1, 1, VERDICT_CORRUPT},
        {"counter", "none", "none", 1, 0, VERDICT_INCONCLUSIVE},
        {"snapshot", "none", "none", 1, 2, VERDICT_CORRUPT},
        {"snapshot", "none", "none", 2, 0, VERDICT_CORRUPT},
        {"quit", "none", "none", 1, 1, VERDICT_CORRUPT},
        {"counter", "busted-tas", "none", 2, 2, VERDICT_CORRUPT},
        {"snapshot", "busted-permits", "none", 4, 0, VERDICT_CORRUPT},
        {"counter", "busted-scribble", "none", 2, 2, VERDICT_CORRUPT},
        /* a lock that is broken for readers only needs one */
        {"snapshot", "busted-readers", "none", 2, 1, VERDICT_CORRUPT},
        {"snapshot", "busted-readers", "none", 2, 0, VERDICT_CLEAN},
        /* a lost wake-up wedges any crew */
        {"counter", "busted-forgetful", "none", 2, 0, VERDICT_WEDGED},
        {"snapshot", "busted-forgetful", "none", 1, 0, VERDICT_WEDGED},
        /* the kernel under test needs no lock */
        {"lifecycle", "none", "none", 3, 1, VERDICT_CLEAN},
        {"lifecycle", "mutex", "none", 3, 1, VERDICT_CLEAN},
        {"lifecycle", "busted-tas", "none", 3, 1, VERDICT_CLEAN},
        /* a fault that kills outranks all */
        {"counter", "mutex", "kill", 2, 2, VERDICT_CRASHED},
        {"counter", "none", "kill", 2, 2, VERDICT_CRASHED},
        {"counter", "busted-forgetful", "kill", 2, 2, VERDICT_CRASHED},
        {"counter", "mutex", "stop", 2, 2, VERDICT_CLEAN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial_spec spec = spec_of(rows[i].load, rows[i].sync, rows[i].fault, rows[i].writers, rows[i].readers);
        ck_assert_msg(spec_expected(&spec) == rows[i].verdict, "%s %s %s %uw %ur: %s", rows[i].load, rows[i].sync, rows[i].fault,
                      rows[i].writers, rows[i].readers, verdict_name(spec_expected(&spec)));
    }
}
END_TEST

START_TEST(a_record_of_one_word_with_one_writer_cannot_be_torn)
{
    struct trial_spec spec = spec_of("snapshot", "none", "none", 1, 3);
    spec.shape.size = 8;
    ck_assert_int_eq(spec_expected(&spec), VERDICT_CLEAN);
    spec.shape.size = 9;
    ck_assert_int_eq(spec_expected(&spec), VERDICT_CORRUPT);
    spec.shape.size = 8;
    spec.shape.writers = 2;
    ck_assert_int_eq(spec_expected(&spec), VERDICT_CORRUPT);
}
END_TEST

START_TEST(readers_that_enter_as_writers_count_as_writers)
{
    struct trial_spec spec = spec_of("stream", "rw-one-writer", "none", 1, 1);
    testing_has(spec_unsupported(&spec), "needs the lock for writing");
    spec = spec_of("counter", "rw-one-writer", "none", 1, 3);
    ck_assert_ptr_null(spec_unsupported(&spec));
    spec = spec_of("stream", "mutex", "none", 1, 3);
    ck_assert_ptr_null(spec_unsupported(&spec));
}
END_TEST

START_TEST(a_load_cannot_be_run_with_a_family_that_it_does_not_know)
{
    struct trial_spec spec = spec_of("counter", "mutex", "none", 2, 2);
    struct sync_ops ring = {.name = "ring", .family = SYNC_QUEUE};
    ck_assert_ptr_null(spec_unsupported(&spec));
    spec.sync = &ring;
    ck_assert_ptr_nonnull(spec_unsupported(&spec));
    struct load_ops both = *spec.load;
    both.families |= 1u << SYNC_QUEUE;
    spec.load = &both;
    ck_assert_ptr_null(spec_unsupported(&spec));
}
END_TEST

START_TEST(a_crew_larger_than_a_sync_is_made_for_is_not_run)
{
    static const struct {
        uint32_t max_workers, max_writers, max_readers, writers, readers;
        bool runs;
    } rows[] = {
        {0, 0, 0, 1000, 1000, true}, {2, 0, 0, 1, 1, true},  {2, 0, 0, 2, 0, true},  {2, 0, 0, 2, 1, false},
        {2, 0, 0, 3, 0, false},      {0, 1, 0, 1, 9, true},  {0, 1, 0, 2, 0, false}, {0, 0, 3, 9, 3, true},
        {0, 0, 3, 1, 4, false},      {4, 2, 2, 2, 2, true},  {4, 2, 2, 3, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial_spec spec = spec_of("counter", "mutex", "none", rows[i].writers, rows[i].readers);
        struct sync_ops sync = *spec.sync;
        sync.max_workers = rows[i].max_workers;
        sync.max_writers = rows[i].max_writers;
        sync.max_readers = rows[i].max_readers;
        spec.sync = &sync;
        const char *reason = spec_unsupported(&spec);
        ck_assert_msg(!reason == rows[i].runs, "row %zu: %s", i, reason ? reason : "runs");
    }
}
END_TEST

START_TEST(a_value_larger_than_a_sync_can_hold_is_not_run)
{
    struct trial_spec spec = spec_of("snapshot", "mutex", "none", 2, 2);
    struct sync_ops sync = *spec.sync;
    spec.sync = &sync;
    sync.max_size = spec.shape.size;
    ck_assert_ptr_null(spec_unsupported(&spec));
    sync.max_size--;
    testing_has(spec_unsupported(&spec), "smaller values");
}
END_TEST

static uint32_t family_seen;

static size_t note_family(const struct shape *shape)
{
    family_seen = shape->family;
    return 0;
}

static bool breaks_as_a_cell(const struct shape *shape)
{
    return shape->family == SYNC_CELL;
}

START_TEST(a_load_is_told_for_which_family_it_lays_its_data_out)
{
    struct trial_spec spec = spec_of("snapshot", "none", "none", 2, 2);
    struct load_ops load = *spec.load;
    struct sync_ops sync = *spec.sync;
    spec.load = &load;
    spec.sync = &sync;
    load.area_bytes = note_family;
    load.breakable = breaks_as_a_cell;
    ck_assert_int_eq(spec_expected(&spec), VERDICT_CLEAN);
    sync.family = SYNC_CELL;
    spec_region_bytes(&spec);
    ck_assert_uint_eq(family_seen, SYNC_CELL);
    ck_assert_int_eq(spec_expected(&spec), VERDICT_CORRUPT);
}
END_TEST

static const char *too_few_readers(const struct shape *shape, double parameter)
{
    return shape->readers < parameter ? "too few readers" : NULL;
}

START_TEST(a_fault_may_refuse_a_crew_and_says_why)
{
    struct trial_spec spec = spec_of("counter", "mutex", "none", 2, 2);
    struct fault_ops fault = *spec.fault;
    fault.refuses = too_few_readers;
    spec.fault = &fault;
    spec.fault_parameter = 2;
    ck_assert_ptr_null(spec_unsupported(&spec));
    spec.fault_parameter = 3;
    ck_assert_str_eq(spec_unsupported(&spec), "too few readers");
}
END_TEST

START_TEST(packed_states_lie_side_by_side_between_two_guards)
{
    char base[1];
    struct trial_spec spec = spec_of("neighbours", "counter-add", "none", 2, 0);
    uint64_t count = instances_count(&spec);
    ck_assert_int_eq((char *)instances_state(&spec, base, 1) - (char *)instances_state(&spec, base, 0), 2 * SYNC_STATE_ALIGN);
    ck_assert_uint_eq(spec_area_offset(&spec), SYNC_STATE_ALIGN + count * 2 * SYNC_STATE_ALIGN);
    spec.shape.layout.choice[LAYOUT_PACKING] = PACKING_PACKED;
    ck_assert_int_eq((char *)instances_state(&spec, base, 1) - (char *)instances_state(&spec, base, 0), 8);
    ck_assert_uint_eq(count, 2); /* cells that nobody uses would hide who writes there */
    ck_assert_uint_eq(spec_area_offset(&spec), 3 * SYNC_STATE_ALIGN); /* both states in one line */
    spec.shape.writers = 200;
    ck_assert_uint_eq(spec_area_offset(&spec), 2 * SYNC_STATE_ALIGN + 64 * 8);
}
END_TEST

START_TEST(the_area_begins_on_a_line_of_its_own_behind_the_state)
{
    for (size_t bytes = 0; bytes < 1000; bytes += 13) {
        struct trial_spec spec = spec_of("counter", "mutex", "none", 2, 2);
        struct sync_ops sync = *spec.sync;
        sync.state_bytes = bytes;
        spec.sync = &sync;
        uint64_t offset = spec_area_offset(&spec);
        ck_assert_uint_eq(offset % SYNC_STATE_ALIGN, 0);
        ck_assert_uint_ge(offset, bytes + 2 * INSTANCES_GUARD); /* one before the state, one behind it */
        ck_assert_uint_lt(offset, bytes + 2 * INSTANCES_GUARD + SYNC_STATE_ALIGN);
        ck_assert_uint_eq(spec_region_bytes(&spec), offset + spec.load->area_bytes(&spec.shape));
    }
}
END_TEST

START_TEST(histograms_are_the_common_ones_and_then_the_loads_own)
{
    struct trial_spec counter = spec_of("counter", "mutex", "none", 2, 2), quit = spec_of("quit", "mutex", "none", 2, 2);
    ck_assert_uint_eq(spec_histograms(&counter), HISTOGRAM_OWN);
    ck_assert_str_eq(spec_histogram_name(&counter, HISTOGRAM_ACQUIRE), "acquire");
    ck_assert_str_eq(spec_histogram_name(&counter, HISTOGRAM_HOLD), "hold");
    ck_assert_str_eq(spec_histogram_name(&counter, HISTOGRAM_RESPONSE), "response");
    ck_assert_uint_eq(spec_histograms(&quit), HISTOGRAM_OWN + 1);
    ck_assert_str_eq(spec_histogram_name(&quit, HISTOGRAM_OWN), "sighting");
    struct trial_spec lifecycle = spec_of("lifecycle", "none", "none", 2, 2);
    ck_assert_uint_eq(spec_histograms(&lifecycle), HISTOGRAM_OWN + 7);
    ck_assert_str_eq(spec_histogram_name(&lifecycle, HISTOGRAM_OWN + 6), "unlink");
}
END_TEST

START_TEST(what_is_kept_over_time_is_what_a_user_of_the_primitive_waits_for)
{
    struct trial_spec counter = spec_of("counter", "mutex", "none", 2, 2), quit = spec_of("quit", "mutex", "none", 2, 2);
    struct trial_spec lifecycle = spec_of("lifecycle", "none", "none", 2, 2), hunt = spec_of("verify", "mutex", "none", 2, 2);
    ck_assert_uint_eq(spec_course(&counter), HISTOGRAM_ACQUIRE);
    ck_assert_uint_eq(spec_course(&quit), HISTOGRAM_OWN);
    ck_assert_uint_eq(spec_course(&lifecycle), UINT32_MAX);
    ck_assert_uint_eq(spec_course(&hunt), UINT32_MAX);
    counter.shape.rate = 1000;
    ck_assert_uint_eq(spec_course(&counter), HISTOGRAM_RESPONSE);
    counter.counts = true;
    ck_assert_uint_eq(spec_course(&counter), UINT32_MAX);
    counter.duration_ns = 5 * NS_PER_S;
    ck_assert_uint_eq(spec_interval_ns(&counter), 100 * NS_PER_MS);
    counter.duration_ns = 0;
    ck_assert_uint_eq(spec_interval_ns(&counter), 10 * NS_PER_MS);
    counter.duration_ns = 3600 * NS_PER_S;
    ck_assert_uint_eq(spec_interval_ns(&counter), NS_PER_S);
}
END_TEST

int main(void)
{
    return testing_run("spec", (const TTest *[]){
                                   the_expected_verdict_follows_from_load_sync_fault_and_crew,
                                   a_record_of_one_word_with_one_writer_cannot_be_torn,
                                   readers_that_enter_as_writers_count_as_writers,
                                     a_load_cannot_be_run_with_a_family_that_it_does_not_know,
                                   a_crew_larger_than_a_sync_is_made_for_is_not_run,
                                   a_value_larger_than_a_sync_can_hold_is_not_run,
                                   a_load_is_told_for_which_family_it_lays_its_data_out,
                                   a_fault_may_refuse_a_crew_and_says_why,
                                   packed_states_lie_side_by_side_between_two_guards,
                                   the_area_begins_on_a_line_of_its_own_behind_the_state,
                                   histograms_are_the_common_ones_and_then_the_loads_own,
                                   what_is_kept_over_time_is_what_a_user_of_the_primitive_waits_for,
                                   NULL,
                               });
}
