/* Tests of the lifecycle load's oracle: real objects, which the test shrinks, scribbles on, takes away or leaves behind. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/testing.h"
#include "run/crew_worker.h"
#include "workloads/load/lifecycle_object.h"
#include "workloads/load/rows.h"

enum { WORKERS = 3, READER = 2, AUDITOR = WORKERS, SIZE = 10000 };

static _Alignas(128) uint64_t area[1024];
static struct error error;
static struct ledger ledger;
static struct worker w;
static char name[96];

static int pass(struct sync_self *self)
{
    (void)self;
    return 0;
}

static const struct sync_ops open_door = {.name = "open", .family = SYNC_LOCK, .lock = {.acquire = pass, .release = pass}};
static const struct fault_ops nothing = {.name = "nothing"};

static struct trial_spec spec = {
    .load = &load_lifecycle,
    .sync = &open_door,
    .fault = &nothing,
    .shape = {.writers = 2, .readers = 1, .size = SIZE, .sampling = 1, .seed = 5},
};

static void begin(uint32_t index)
{
    static struct sync_setup setup;
    snprintf(name, sizeof name, "%s", testing_name("life"));
    spec.shape.name = name;
    testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    ck_assert_uint_le(load_lifecycle.area_bytes(&spec.shape), sizeof area);
    ck_assert_int_eq(load_lifecycle.prepare(area, &spec.shape), 0);
    crew_worker_init(&w, &plan, index, area);
    w.area = area; /* no instances of the sync lie before it here */
}

static void run(uint64_t ops)
{
    w.ops_limit = ops;
    (w.writer ? load_lifecycle.write : load_lifecycle.read)(&w);
}

/* Nothing is left once the load has swept. */
static void finish(void)
{
    load_lifecycle.sweep(&spec.shape);
    ck_assert_int_eq(testing_census(name + 1), 0);
    ledger_destroy(&ledger);
}

static void check_clean(void)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == 0, "%s: %s", violation_name((enum violation)k), w.slot->evidence[0].text);
    ck_assert_msg(w.slot->failed == 0, "%s", w.slot->failure);
    finish();
}

static void check_found(enum violation kind, const char *part)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg((w.slot->violations[k] != 0) == (k == (int)kind), "%s: %llu (%s)", violation_name((enum violation)k),
                      (unsigned long long)w.slot->violations[k], w.slot->evidence[0].text);
    testing_has(w.slot->evidence[0].text, part);
    finish();
}

/* The names that the load uses: "own0", "common3". */
static const char *object_name(const char *what)
{
    static char text[128];
    snprintf(text, sizeof text, "%s.%s", name, what);
    return text;
}

/* Makes an object as another process would, with `bytes` bytes of `value`. */
static void make(const char *what, size_t bytes, int value)
{
    int fd = shm_open(object_name(what), O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
    if (bytes) {
        ck_assert_int_eq(posix_fallocate(fd, 0, (off_t)bytes), 0);
        void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(base, MAP_FAILED);
        memset(base, value, bytes);
        munmap(base, bytes);
    }
    close(fd);
}

static void make_all_common(size_t bytes, int value)
{
    static const char *const names[] = {"common0", "common1", "common2", "common3"};
    for (int i = 0; i < 4; i++)
        make(names[i], bytes, value);
}

START_TEST(a_writer_alone_lives_its_lives_and_leaves_nothing)
{
    begin(0);
    run(200);
    ck_assert_uint_eq(w.ops, 200);
    for (unsigned step = 0; step <= OBJECT_UNLINK; step++)
        ck_assert_uint_ge(w.histograms[HISTOGRAM_OWN + step].count, 100);
    ck_assert_int_eq(testing_census(name + 1), 0);
    load_lifecycle.audit(&w);
    check_clean();
}
END_TEST

START_TEST(a_reader_of_absent_empty_and_fresh_objects_finds_nothing)
{
    begin(READER);
    run(50);
    check_clean();
    begin(READER);
    make_all_common(0, 0);
    run(50);
    check_clean();
    begin(READER);
    make_all_common(SIZE, 0);
    run(50);
    check_clean();
}
END_TEST

/* Fills an object up to a point as its creator, a writer of this trial, would. */
static void fill_common(size_t upto, uint32_t writer, uint32_t tag_flip)
{
    for (int i = 0; i < 4; i++) {
        char what[16];
        snprintf(what, sizeof what, "common%d", i);
        int fd = shm_open(object_name(what), O_RDWR, 0);
        unsigned char *base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(base, MAP_FAILED);
        payload_fill(base, upto, payload_stamp(9, writer, record_tag(&spec.shape) ^ tag_flip));
        munmap(base, SIZE);
        close(fd);
    }
}

START_TEST(an_object_that_its_creator_is_still_filling_is_no_violation)
{
    static const size_t points[] = {8, 16, 4096, 8000, SIZE / 8 * 8, SIZE};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        begin(READER);
        make_all_common(SIZE, 0);
        fill_common(points[i], 1, 0);
        run(20);
        check_clean();
    }
}
END_TEST

START_TEST(what_no_creator_has_written_is_foreign)
{
    begin(READER);
    make_all_common(SIZE, 0xee);
    run(10);
    check_found(VIOLATION_FOREIGN, "at offset 0 an object holds what its creator has not written");
    begin(READER); /* another trial's tag */
    make_all_common(SIZE, 0);
    fill_common(SIZE, 1, 1);
    run(10);
    check_found(VIOLATION_FOREIGN, "at offset 0 an object holds");
    begin(READER); /* readers create nothing */
    make_all_common(SIZE, 0);
    fill_common(SIZE, READER, 0);
    run(10);
    check_found(VIOLATION_FOREIGN, "at offset 0 an object holds");
    begin(READER); /* two creators in one object */
    make_all_common(SIZE, 0);
    fill_common(SIZE, 1, 0);
    fill_common(800, 0, 0);
    run(10);
    check_found(VIOLATION_FOREIGN, "at offset 800 an object holds");
}
END_TEST

START_TEST(an_object_of_a_size_that_nobody_makes_is_reported)
{
    begin(READER);
    make_all_common(SIZE - 1, 0);
    run(10);
    check_found(VIOLATION_LIFECYCLE, "the object has 9999 bytes; its creator makes it 0 or 10000");
}
END_TEST

START_TEST(a_name_of_ones_own_that_is_taken_is_reported_and_ends_the_worker)
{
    begin(0);
    make("own0", SIZE, 0);
    run(10);
    ck_assert(w.leave);
    check_found(VIOLATION_LIFECYCLE, "own0: shm_open (O_CREAT|O_EXCL): EEXIST");
}
END_TEST

START_TEST(a_full_file_system_is_an_error_of_the_environment_and_no_violation)
{
    if (testing_private_shm("size=4k"))
        return;
    begin(0);
    run(10);
    ck_assert(w.leave);
    ck_assert_uint_eq(w.slot->failed, ENOSPC);
    testing_has(w.slot->failure, "posix_fallocate: ENOSPC");
    testing_has(w.slot->failure, "use a smaller --size");
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_uint_eq(w.slot->violations[k], 0);
    finish();
}
END_TEST

/* An object that was made, filled and left, as the load does before it looks again. */
static void leave_behind(struct lifecycle_object *o)
{
    begin(0);
    object_init(o, &w, payload_stamp(8, 0, record_tag(&spec.shape)));
    snprintf(o->name, sizeof o->name, "%s", object_name("own0"));
    ck_assert(object_make(o, &w));
    object_fill(o, &w);
    object_leave(o, &w);
    ck_assert_int_eq(o->fd, -1);
    ck_assert_ptr_null(o->base);
}

START_TEST(an_object_persists_while_nobody_has_it_open)
{
    struct lifecycle_object o;
    leave_behind(&o);
    object_persists(&o, &w);
    ck_assert_int_eq(object_unlink(&o, &w), 0);
    check_clean();
}
END_TEST

START_TEST(an_object_that_has_changed_or_gone_meanwhile_is_reported)
{
    struct lifecycle_object o;
    leave_behind(&o);
    int fd = shm_open(o.name, O_RDWR, 0);
    ck_assert_int_eq(pwrite(fd, "x", 1, 5000), 1);
    close(fd);
    object_persists(&o, &w);
    check_found(VIOLATION_PERSISTENCE, "opened again, the object does not hold what was left in it");
    leave_behind(&o);
    fd = shm_open(o.name, O_RDWR, 0);
    ck_assert_int_eq(ftruncate(fd, SIZE + 1), 0);
    close(fd);
    object_persists(&o, &w);
    check_found(VIOLATION_PERSISTENCE, "the object was left with 10000 bytes and has 10001");
    leave_behind(&o);
    ck_assert_int_eq(shm_unlink(o.name), 0);
    object_persists(&o, &w);
    check_found(VIOLATION_PERSISTENCE, "after munmap and close the object cannot be opened again: ENOENT");
}
END_TEST

START_TEST(a_new_object_that_is_not_empty_or_not_zero_is_reported)
{
    struct lifecycle_object o;
    begin(0);
    make("own0", 4096, 0);
    object_init(&o, &w, 1);
    snprintf(o.name, sizeof o.name, "%s", object_name("own0"));
    ck_assert(object_open(&o, &w, O_RDWR));
    ck_assert(object_size_and_map(&o, &w)); /* as if it had just been created */
    object_leave(&o, &w);
    check_found(VIOLATION_LIFECYCLE, "a newly created object has a size of 4096 bytes");
    begin(0);
    make("own0", 1, 0x77);
    snprintf(o.name, sizeof o.name, "%s", object_name("own0"));
    ck_assert(object_open(&o, &w, O_RDWR));
    ck_assert(object_size_and_map(&o, &w));
    object_leave(&o, &w);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_PERSISTENCE], 1);
    testing_has(w.slot->evidence[1].text, "holds the byte 77 at offset 0 instead of zero");
    finish();
}
END_TEST

START_TEST(names_that_multiply_or_vanish_are_told_by_the_audit)
{
    begin(AUDITOR);
    load_lifecycle.audit(&w);
    check_clean();
    begin(AUDITOR);
    make("common2", 10, 0);
    load_lifecycle.audit(&w);
    check_found(VIOLATION_COUNT, "0 objects were created under common names and 0 unlinked, so 0 must be left; there are 1");
}
END_TEST

START_TEST(the_load_asks_for_the_room_of_its_objects)
{
    struct shape shape = spec.shape;
    uint64_t one = load_lifecycle.extra_bytes(&shape);
    ck_assert_uint_ge(one, (uint64_t)WORKERS * SIZE);
    shape.size *= 10;
    ck_assert_uint_gt(load_lifecycle.extra_bytes(&shape), 5 * one);
    ck_assert(!load_lifecycle.breakable(&shape));
}
END_TEST

int main(void)
{
    return testing_run("lifecycle", (const TTest *[]){
                                        a_writer_alone_lives_its_lives_and_leaves_nothing,
                                        a_reader_of_absent_empty_and_fresh_objects_finds_nothing,
                                        an_object_that_its_creator_is_still_filling_is_no_violation,
                                        what_no_creator_has_written_is_foreign,
                                        an_object_of_a_size_that_nobody_makes_is_reported,
                                        a_name_of_ones_own_that_is_taken_is_reported_and_ends_the_worker,
                                        a_full_file_system_is_an_error_of_the_environment_and_no_violation,
                                        an_object_persists_while_nobody_has_it_open,
                                        an_object_that_has_changed_or_gone_meanwhile_is_reported,
                                        a_new_object_that_is_not_empty_or_not_zero_is_reported,
                                        names_that_multiply_or_vanish_are_told_by_the_audit,
                                        the_load_asks_for_the_room_of_its_objects,
                                        NULL,
                                    });
}
