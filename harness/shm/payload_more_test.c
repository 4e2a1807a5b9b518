/* Tests of the payload: stamps, short records, peeks, and reading while another process writes. */
#include <sys/mman.h>

#include "base/seed.h"
#include "base/testing.h"
#include "shm/payload.h"

START_TEST(a_stamp_gives_back_what_it_was_made_of)
{
    uint64_t random = 5;
    for (int i = 0; i < 100000; i++) {
        uint64_t version = seed_next(&random) >> 22;
        uint32_t writer = (uint32_t)seed_below(&random, PAYLOAD_NOBODY + 1);
        uint32_t tag = (uint32_t)seed_below(&random, 1u << PAYLOAD_TAG_BITS);
        uint64_t stamp = payload_stamp(version, writer, tag);
        if (payload_version(stamp) != version || payload_writer(stamp) != writer || payload_tag(stamp) != tag)
            ck_abort_msg("%llu/%u/%u became %llx", (unsigned long long)version, writer, tag, (unsigned long long)stamp);
    }
    ck_assert_int_eq(PAYLOAD_VERSION_BITS + PAYLOAD_WRITER_BITS + PAYLOAD_TAG_BITS, 64);
}
END_TEST

START_TEST(a_version_that_is_too_large_does_not_spill_into_the_writer)
{
    uint64_t stamp = payload_stamp(UINT64_MAX, 0, 0);
    ck_assert_uint_eq(payload_writer(stamp), 0);
    ck_assert_uint_eq(payload_tag(stamp), 0);
    ck_assert_uint_eq(payload_version(stamp), (1ULL << PAYLOAD_VERSION_BITS) - 1);
}
END_TEST

START_TEST(a_mask_holds_the_bits_that_a_record_can)
{
    ck_assert_uint_eq(payload_mask(1), 0xff);
    ck_assert_uint_eq(payload_mask(4), 0xffffffff);
    ck_assert_uint_eq(payload_mask(7), 0xffffffffffffff);
    ck_assert_uint_eq(payload_mask(8), UINT64_MAX);
    ck_assert_uint_eq(payload_mask(4096), UINT64_MAX);
}
END_TEST

START_TEST(a_record_below_eight_bytes_holds_the_low_bytes_of_the_version)
{
    unsigned char record[8];
    struct payload_view view;
    for (size_t bytes = 1; bytes < 8; bytes++) {
        uint64_t stamp = payload_stamp(0x3ffabcdef12ULL, 77, 3);
        payload_fill(record, bytes, stamp);
        ck_assert(payload_read(record, bytes, &view));
        ck_assert_uint_eq(view.stamp, stamp & payload_mask(bytes));
        ck_assert_uint_eq(payload_peek(record, bytes), stamp & payload_mask(bytes));
    }
}
END_TEST

START_TEST(peeks_give_the_stamps_of_the_first_and_of_the_last_whole_word)
{
    unsigned char memory[512];
    uint64_t old = payload_stamp(41, 1, 9), new = payload_stamp(42, 2, 9);
    for (size_t bytes = 8; bytes <= 300; bytes++) {
        for (size_t shift = 0; shift < 8; shift++) {
            unsigned char *record = memory + shift;
            payload_fill(record, bytes, old);
            ck_assert_uint_eq(payload_peek(record, bytes), old);
            ck_assert_uint_eq(payload_peek_last(record, bytes), old);
            payload_fill(record, 8, new);
            ck_assert_uint_eq(payload_peek(record, bytes), new);
            ck_assert_uint_eq(payload_peek_last(record, bytes), bytes < 16 ? new : old);
        }
    }
}
END_TEST

START_TEST(tails_of_every_length_are_checked_and_shown)
{
    unsigned char record[64];
    struct payload_view view;
    for (size_t tail = 1; tail < 8; tail++) {
        size_t bytes = 24 + tail;
        for (size_t at = 24; at < bytes; at++) {
            payload_fill(record, bytes, 12345);
            record[bytes] = 0x77; /* beyond the record: nobody looks */
            record[at] ^= 0x40;
            ck_assert(!payload_read(record, bytes, &view));
            ck_assert_uint_eq(view.offset, 24);
            ck_assert_uint_eq(view.excerpt_at, 24);
            ck_assert_uint_eq(view.excerpt_bytes, tail);
            ck_assert_mem_eq(view.excerpt, record + 24, tail);
            ck_assert_uint_ne(view.other, 12345 & payload_mask(tail));
        }
        payload_fill(record, bytes, 12345);
        ck_assert(payload_read(record, bytes, &view));
    }
}
END_TEST

START_TEST(a_whole_record_leaves_the_evidence_untouched)
{
    unsigned char record[100];
    struct payload_view view;
    memset(&view, 0x3c, sizeof view);
    struct payload_view before = view;
    payload_fill(record, sizeof record, 99);
    ck_assert(payload_read(record, sizeof record, &view));
    ck_assert_uint_eq(view.offset, before.offset);
    ck_assert_uint_eq(view.other, before.other);
    ck_assert_mem_eq(view.excerpt, before.excerpt, sizeof view.excerpt);
}
END_TEST

/* A record that another process writes without a pause. */
enum { STATES = 4, RECORD_MAX = 8192, READS = 50000 };
struct arena {
    uint32_t stop, round;
    size_t bytes;
    uint64_t first[STATES], second[STATES]; /* stamps of the record's halves, in turn */
    _Alignas(64) unsigned char record[RECORD_MAX];
};

static int write_without_pause(void *user)
{
    struct arena *a = user;
    size_t half = a->bytes / 16 * 8;
    for (uint32_t round = 1; !__atomic_load_n(&a->stop, __ATOMIC_RELAXED); round++) {
        uint64_t rest = a->second[round % STATES] + half / 8 * PAYLOAD_STRIDE;
        payload_fill(a->record, half, a->first[round % STATES]);
        payload_fill(a->record + half, a->bytes - half, rest);
        __atomic_store_n(&a->round, round, __ATOMIC_RELEASE);
    }
    return 0;
}

static struct arena *arena_new(size_t bytes)
{
    struct arena *a = mmap(NULL, sizeof *a, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(a, MAP_FAILED);
    a->bytes = bytes;
    for (uint64_t i = 0; i < STATES; i++)
        a->first[i] = a->second[i] = payload_stamp(i + 1, (uint32_t)i, 5);
    return a;
}

/* Starts the writer and waits until it has gone round once. */
static pid_t arena_start(struct arena *a)
{
    pid_t pid = testing_fork(write_without_pause, a);
    while (__atomic_load_n(&a->round, __ATOMIC_ACQUIRE) < STATES)
        sched_yield();
    return pid;
}

static void arena_end(struct arena *a, pid_t pid)
{
    __atomic_store_n(&a->stop, 1, __ATOMIC_RELAXED);
    ck_assert_int_eq(testing_wait(pid), 0);
    munmap(a, sizeof *a);
}

static bool is_written(const struct arena *a, uint64_t stamp)
{
    for (int i = 0; i < STATES; i++)
        if (stamp == a->first[i] || stamp == a->second[i])
            return true;
    return false;
}

/* One read a word: the excerpt itself shows the stamps that the evidence names, before the offset and at it. */
static void check_evidence(const struct arena *a, const struct payload_view *v)
{
    if (!is_written(a, v->stamp) || v->other == v->stamp)
        ck_abort_msg("offset %zu: %llx and %llx", v->offset, (unsigned long long)v->stamp, (unsigned long long)v->other);
    if (v->offset + 8 > a->bytes)
        return;
    if (!is_written(a, v->other))
        ck_abort_msg("offset %zu shows %llx, which nobody has written", v->offset, (unsigned long long)v->other);
    for (size_t at = v->excerpt_at; at <= v->offset; at += 8) {
        uint64_t word;
        memcpy(&word, v->excerpt + (at - v->excerpt_at), sizeof word);
        if (word - at / 8 * PAYLOAD_STRIDE != (at < v->offset ? v->stamp : v->other))
            ck_abort_msg("offset %zu: the excerpt disagrees at %zu", v->offset, at);
    }
}

START_TEST(what_a_read_reports_is_what_it_read_while_another_process_writes)
{
    static const size_t sizes[] = {24, 64, 129, 1024, 4099, RECORD_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct arena *a = arena_new(sizes[s]);
        struct payload_view view;
        pid_t pid = arena_start(a);
        for (int i = 0; i < READS; i++) {
            if (!payload_read(a->record, a->bytes, &view))
                check_evidence(a, &view);
            else if (!is_written(a, view.stamp))
                ck_abort_msg("whole, with the stamp %llx", (unsigned long long)view.stamp);
        }
        arena_end(a, pid);
    }
}
END_TEST

/* The halves of no two rounds agree: whatever a read meets is a mix. */
START_TEST(a_record_that_is_never_whole_is_never_read_as_whole)
{
    static const size_t sizes[] = {16, 64, 129, 1024, 4099, RECORD_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct arena *a = arena_new(sizes[s]);
        struct payload_view view;
        for (int i = 0; i < STATES; i++)
            a->second[i] += STATES;
        pid_t pid = arena_start(a);
        for (int i = 0; i < READS; i++) {
            if (payload_read(a->record, a->bytes, &view))
                ck_abort_msg("%zu bytes that are never whole were read as whole, with the stamp %llx", a->bytes,
                             (unsigned long long)view.stamp);
            check_evidence(a, &view);
        }
        arena_end(a, pid);
    }
}
END_TEST

int main(void)
{
    return testing_run("payload_more", (const TTest *[]){
                                           a_stamp_gives_back_what_it_was_made_of,
                                           a_version_that_is_too_large_does_not_spill_into_the_writer,
                                           a_mask_holds_the_bits_that_a_record_can,
                                           a_record_below_eight_bytes_holds_the_low_bytes_of_the_version,
                                           peeks_give_the_stamps_of_the_first_and_of_the_last_whole_word,
                                           tails_of_every_length_are_checked_and_shown,
                                           a_whole_record_leaves_the_evidence_untouched,
                                           what_a_read_reports_is_what_it_read_while_another_process_writes,
                                           a_record_that_is_never_whole_is_never_read_as_whole,
                                           NULL,
                                       });
}
