/* Tests of the payload's wide loops: whatever instruction set they are for, they write and find what the scalar code does. */
#include "base/seed.h"
#include "base/testing.h"
#include "shm/payload_wide.h"

enum { BYTES = 1 << 17, MARGIN = 64 };

static unsigned char reference[BYTES + 2 * MARGIN], memory[BYTES + 2 * MARGIN];
static const uint64_t stamp = 0x1234567890abcdefULL;

/* Mostly small, with all ends of vectors and batches among them; some large. */
static size_t any_size(uint64_t *random)
{
    switch (seed_below(random, 8)) {
    case 0:
        return 1 + seed_below(random, BYTES);
    case 1:
        return 1024 * (1 + seed_below(random, 100)) + seed_below(random, 3) * 8;
    default:
        return 1 + seed_below(random, 4200);
    }
}

static void check_same(enum payload_isa isa, const unsigned char *record, size_t bytes, const struct payload_view *want)
{
    struct payload_view got;
    memset(&got, 0, sizeof got);
    bool whole = payload_read_by(isa, record, bytes, &got);
    if (whole != want->whole || got.whole != want->whole || got.stamp != want->stamp)
        ck_abort_msg("%s, %zu bytes: whole %d for %d, stamp %llx for %llx", payload_isa_name(isa), bytes, whole, want->whole,
                     (unsigned long long)got.stamp, (unsigned long long)want->stamp);
    if (!whole && (got.offset != want->offset || got.other != want->other))
        ck_abort_msg("%s, %zu bytes: offset %zu for %zu, other %llx for %llx", payload_isa_name(isa), bytes, got.offset,
                     want->offset, (unsigned long long)got.other, (unsigned long long)want->other);
    if (!whole && (got.excerpt_at > got.offset || got.excerpt_at + got.excerpt_bytes <= got.offset ||
                   got.excerpt_at + got.excerpt_bytes > bytes || got.excerpt_bytes > PAYLOAD_EXCERPT ||
                   memcmp(got.excerpt, record + got.excerpt_at, got.excerpt_bytes) != 0))
        ck_abort_msg("%s, %zu bytes: a wrong excerpt", payload_isa_name(isa), bytes);
}

START_TEST(every_set_that_is_here_has_a_name_and_loops)
{
    ck_assert(payload_isa_here(PAYLOAD_SCALAR) && payload_isa_here(PAYLOAD_BASE));
    ck_assert(payload_isa_here(payload_isa()));
    ck_assert_ptr_null(payload_wide(PAYLOAD_SCALAR));
    for (int isa = PAYLOAD_BASE; isa < PAYLOAD_ISAS; isa++)
        if (payload_isa_here((enum payload_isa)isa)) {
            ck_assert_ptr_nonnull(payload_wide((enum payload_isa)isa));
            ck_assert_int_le(isa, (int)payload_isa());
            ck_assert_uint_le(payload_wide((enum payload_isa)isa)->long_words, PAYLOAD_BATCH);
        }
    for (int isa = 0; isa < PAYLOAD_ISAS; isa++)
        ck_assert_uint_gt(strlen(payload_isa_name((enum payload_isa)isa)), 3);
}
END_TEST

START_TEST(all_write_the_same_bytes_and_none_beside_them)
{
    uint64_t random = 5;
    for (int round = 0; round < 3000; round++) {
        size_t bytes = any_size(&random), shift = seed_below(&random, MARGIN);
        memset(reference, 0x5a, MARGIN + bytes + 2 * MARGIN > sizeof reference ? sizeof reference : bytes + 2 * MARGIN);
        memcpy(memory, reference, bytes + 2 * MARGIN);
        payload_fill_by(PAYLOAD_SCALAR, reference + shift, bytes, stamp + (unsigned)round);
        for (int isa = PAYLOAD_BASE; isa < PAYLOAD_ISAS; isa++) {
            if (!payload_isa_here((enum payload_isa)isa))
                continue;
            memset(memory, 0x5a, bytes + 2 * MARGIN);
            payload_fill_by((enum payload_isa)isa, memory + shift, bytes, stamp + (unsigned)round);
            if (memcmp(memory, reference, bytes + 2 * MARGIN) != 0)
                ck_abort_msg("%s: %zu bytes at shift %zu", payload_isa_name((enum payload_isa)isa), bytes, shift);
        }
    }
}
END_TEST

/* Changes one byte, a word, everything from some word on, or a stretch in between, by another write; or nothing. */
static void damage(unsigned char *record, size_t bytes, uint64_t *random)
{
    size_t at = seed_below(random, (uint32_t)bytes);
    size_t stretch = seed_below(random, (uint32_t)(bytes - at)) / 8 * 8;
    switch (seed_below(random, 5)) {
    case 0:
        record[at] ^= (unsigned char)(1 + seed_below(random, 255));
        break;
    case 1:
        memset(record + at / 8 * 8, 0, bytes - at / 8 * 8 < 8 ? bytes - at / 8 * 8 : 8);
        break;
    case 2:
        payload_fill(record + at / 8 * 8, bytes - at / 8 * 8, ~stamp + at / 8 * PAYLOAD_STRIDE);
        break;
    case 3:
        payload_fill(record + at / 8 * 8, stretch, ~stamp + at / 8 * PAYLOAD_STRIDE);
        break;
    }
}

START_TEST(all_find_the_same_in_damaged_records)
{
    uint64_t random = 6;
    for (int round = 0; round < 20000; round++) {
        size_t bytes = any_size(&random), shift = seed_below(&random, MARGIN);
        unsigned char *record = memory + shift;
        struct payload_view want;
        payload_fill(record, bytes, stamp * (unsigned)round);
        damage(record, bytes, &random);
        payload_read_by(PAYLOAD_SCALAR, record, bytes, &want);
        for (int isa = PAYLOAD_BASE; isa < PAYLOAD_ISAS; isa++)
            if (payload_isa_here((enum payload_isa)isa))
                check_same((enum payload_isa)isa, record, bytes, &want);
    }
}
END_TEST

/* The word that a loop goes by was read before the first vector. If another write came in between, the loop stops at once; what it
 * read is whole all the same, and of the other write. */
START_TEST(a_write_between_the_first_word_and_its_vector_is_no_tear)
{
    for (int isa = PAYLOAD_BASE; isa < PAYLOAD_ISAS; isa++) {
        const struct payload_wide *wide = payload_isa_here((enum payload_isa)isa) ? payload_wide((enum payload_isa)isa) : NULL;
        for (size_t bytes = PAYLOAD_WIDE_FROM; wide && bytes < 3000; bytes++) {
            struct payload_view view = {.stamp = ~stamp, .whole = true};
            size_t count = bytes / 8 >= wide->long_words ? wide->long_words : wide->vector_words;
            payload_fill(memory, bytes, stamp);
            memcpy(payload_batch, memory, count * 8);
            if (!payload_read_on(wide, memory, bytes, 0, &view) || !view.whole || view.stamp != stamp)
                ck_abort_msg("%s: %zu bytes", payload_isa_name((enum payload_isa)isa), bytes);
            payload_batch[count - 1]++;
            if (payload_read_on(wide, memory, bytes, 0, &view) || view.whole || view.offset != (count - 1) * 8 ||
                view.other != stamp + 1)
                ck_abort_msg("%s: %zu bytes, wrong at the end of the first batch", payload_isa_name((enum payload_isa)isa), bytes);
        }
    }
}
END_TEST

int main(void)
{
    return testing_run("payload_isa", (const TTest *[]){
        every_set_that_is_here_has_a_name_and_loops,
        all_write_the_same_bytes_and_none_beside_them,
        all_find_the_same_in_damaged_records,
        a_write_between_the_first_word_and_its_vector_is_no_tear,
        NULL,
    });
}
