/* Tests of states in objects of their own: where they lie, that they are objects, who writes beside them, and what is left of them. */
#define _GNU_SOURCE
#include "run/state_objects.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/testing.h"
#include "run/trial.h"

static struct error error;
static struct trial_result result;

static struct trial_spec spec_of(const char *load, const struct sync_ops *sync)
{
    struct trial_spec spec = {
        .number = 1,
        .job = "test",
        .load = contents_load(load),
        .sync = sync,
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = 2, .readers = 1, .sampling = 16, .seed = 42, .ops_limit = 200,
                  .layout.choice[LAYOUT_REGIONS] = REGIONS_MANY},
        .repeat = 1,
        .pin = "none",
        .expect = VERDICT_CLEAN,
    };
    spec.shape.size = spec.load->default_size;
    return spec;
}

START_TEST(each_state_lies_in_whole_pages_between_guards)
{
    static char base[1];
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t bytes = 0; bytes < 2 * page; bytes += 60) {
        struct sync_ops sync = *contents_sync("mutex");
        sync.state_bytes = bytes;
        struct trial_spec spec = spec_of("cells", &sync);
        uint64_t stride = instances_stride_bytes(&spec), origin = instances_origin(&spec);
        ck_assert_uint_eq(spec_area_offset(&spec), 0); /* the region has the data, and nothing else */
        ck_assert_uint_eq(spec_region_bytes(&spec), spec.load->area_bytes(&spec.shape));
        ck_assert_uint_eq(origin % page, 0);
        ck_assert_uint_ge(origin, spec_region_bytes(&spec));
        ck_assert_uint_eq(stride % page, 0);
        ck_assert_uint_ge(stride, bytes + 2 * INSTANCES_GUARD);
        ck_assert_uint_lt(stride, bytes + 2 * INSTANCES_GUARD + SYNC_STATE_ALIGN + page);
        for (uint32_t i = 0; i < instances_count(&spec); i++)
            ck_assert_int_eq((char *)instances_state(&spec, base, i) - base, (int64_t)(origin + i * stride + INSTANCES_GUARD));
        ck_assert_uint_eq(spec_span_bytes(&spec), origin + instances_count(&spec) * stride);
    }
}
END_TEST

static int64_t beside; /* where the lock below writes, from its state's beginning on */
static uint32_t which; /* of which instance; UINT32_MAX: none */

static int scribbling_attach(struct sync_self *self)
{
    static uint32_t calls;
    if (calls++ == which)
        memset((char *)self->state + beside, 0x5a, 8);
    return 0;
}

static void check(struct trial_spec spec, enum verdict verdict)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, TRIAL_NAME_PREFIX "%d.", (int)getpid());
    trial_run(&spec, &result);
    ck_assert_int_eq(testing_census(prefix), 0);
    ck_assert_msg(result.verdict == verdict || (verdict == VERDICT_CLEAN && result.verdict == VERDICT_INCONCLUSIVE),
                  "at %lld of %u: %s: %s", (long long)beside, which, verdict_name(result.verdict), result.reason);
}

START_TEST(whoever_writes_anywhere_in_the_rest_of_its_pages_is_caught)
{
    struct sync_ops sync = *contents_sync("mutex");
    sync.attach = scribbling_attach;
    struct trial_spec spec = spec_of("cells", &sync);
    int64_t state = (int64_t)instances_state_bytes(&spec), page = (int64_t)instances_stride_bytes(&spec);
    const int64_t places[] = {-8, -INSTANCES_GUARD, state, page / 2, page - INSTANCES_GUARD - 8};
    uint32_t last = instances_count(&spec) - 1, instances[] = {0, last / 2, last};
    which = UINT32_MAX;
    check(spec, VERDICT_CLEAN);
    ck_assert_uint_eq(result.region_objects, 1 + last + 1);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        trial_result_free(&result);
        beside = places[i];
        which = instances[i % 3];
        check(spec, VERDICT_CORRUPT);
        ck_assert_uint_gt(result.violations[VIOLATION_SCRIBBLED], 0);
        testing_has(result.reason, "outside it");
    }
    trial_result_free(&result);
}
END_TEST

/* What a full /dev/shm lets it make is taken back, and the address space with it. */
START_TEST(of_what_cannot_be_made_whole_nothing_is_left)
{
    struct trial_spec spec = spec_of("cells", contents_sync("mutex"));
    struct instances instances;
    struct state_objects objects;
    if (testing_private_shm("size=128k"))
        return;
    testing_ok(instances_init(&instances, &spec, testing_name("state"), &error));
    char *base = region_room(REGION_PAGES_ANY, spec_span_bytes(&spec)), *states = base + instances_origin(&spec);
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(state_objects_create(&objects, &instances, base, &error), -1);
    ck_assert_int_eq(error.errnum, ENOSPC);
    testing_has(error.text, ".state");
    ck_assert(objects.made > 0 && objects.made < instances.count);
    ck_assert_int_eq(testing_census(testing_name("state") + 1), (int)objects.made);
    state_objects_destroy(&objects);
    state_objects_destroy(&objects);
    ck_assert_int_eq(testing_census(testing_name("state") + 1), 0);
    ck_assert_int_eq(msync(states, spec_span_bytes(&spec) - instances_origin(&spec), MS_ASYNC), -1); /* nothing is mapped there */
    ck_assert_int_eq(errno, ENOMEM);
    state_objects_free(&objects);
    instances_free(&instances);
}
END_TEST

int main(void)
{
    return testing_run("state_objects", (const TTest *[]){
                                            each_state_lies_in_whole_pages_between_guards,
                                            whoever_writes_anywhere_in_the_rest_of_its_pages_is_caught,
                                            of_what_cannot_be_made_whole_nothing_is_left,
                                            NULL,
                                        });
}
