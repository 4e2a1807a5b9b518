/* Tests of the payload: what was filled reads back whole, and every byte that differs is found where it lies. */
#include "shm/payload.h"

#include "base/seed.h"
#include "base/testing.h"

/* Every size up to 300 bytes, and some around the blocks, pages and tails of larger ones. */
static const size_t large[] = {511, 512, 513, 1000, 1024, 1031, 4095, 4096, 4097, 4103, 65536, 65543, 1 << 20, (1 << 20) + 5};
enum { SMALL = 300, LARGE = sizeof large / sizeof large[0], SIZES = SMALL + LARGE, MARGIN = 64 };

static size_t size_at(size_t i)
{
    return i < SMALL ? i + 1 : large[i - SMALL];
}

static unsigned char memory[(1 << 20) + 4096];
static const uint64_t stamp_a = 0x1234567890abcdefULL, stamp_b = 0xfedcba0987654321ULL;

static void check_whole(const unsigned char *record, size_t bytes, uint64_t stamp)
{
    struct payload_view view;
    bool whole = payload_read(record, bytes, &view);
    if (!whole || !view.whole || view.stamp != (stamp & payload_mask(bytes)))
        ck_abort_msg("%zu bytes at %p: whole %d, stamp %llx", bytes, (const void *)record, whole,
                     (unsigned long long)view.stamp);
}

/* The evidence shows the foreign word, and its bytes are those of the record. */
static void check_torn(const unsigned char *record, size_t bytes, size_t offset, uint64_t stamp, uint64_t other)
{
    struct payload_view v;
    uint64_t mask = payload_mask(bytes - offset);
    if (payload_read(record, bytes, &v) || v.whole)
        ck_abort_msg("%zu bytes, wrong from %zu on, read as whole", bytes, offset);
    if (v.offset != offset || v.stamp != stamp || v.other != (other & mask))
        ck_abort_msg("%zu bytes: offset %zu for %zu, stamp %llx for %llx, other %llx for %llx", bytes, v.offset, offset,
                     (unsigned long long)v.stamp, (unsigned long long)stamp, (unsigned long long)v.other,
                     (unsigned long long)(other & mask));
    if (v.excerpt_bytes == 0 || v.excerpt_bytes > PAYLOAD_EXCERPT || v.excerpt_at > offset ||
        v.excerpt_at + v.excerpt_bytes <= offset || v.excerpt_at + v.excerpt_bytes > bytes)
        ck_abort_msg("%zu bytes, offset %zu: the excerpt is %zu bytes from %zu on", bytes, offset, v.excerpt_bytes, v.excerpt_at);
    if (memcmp(v.excerpt, record + v.excerpt_at, v.excerpt_bytes) != 0)
        ck_abort_msg("%zu bytes, offset %zu: the excerpt holds other bytes than the record", bytes, offset);
}

START_TEST(what_was_filled_reads_back_whole_at_every_size_and_alignment)
{
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t shift = 0; shift < 65; shift += i < SMALL ? 1 : 13) {
            unsigned char *record = memory + MARGIN + shift;
            payload_fill(record, size_at(i), stamp_a + i);
            check_whole(record, size_at(i), stamp_a + i);
        }
    }
}
END_TEST

START_TEST(filling_writes_the_record_and_not_a_byte_beside_it)
{
    for (size_t i = 0; i < SIZES; i++) {
        size_t bytes = size_at(i);
        for (size_t shift = 0; shift < 9; shift++) {
            memset(memory, 0x5a, MARGIN + shift + bytes + MARGIN);
            payload_fill(memory + MARGIN + shift, bytes, stamp_a);
            for (size_t k = 0; k < MARGIN; k++)
                if (memory[shift + k] != 0x5a || memory[MARGIN + shift + bytes + k] != 0x5a)
                    ck_abort_msg("filling %zu bytes at shift %zu wrote beside them", bytes, shift);
        }
    }
}
END_TEST

START_TEST(the_pattern_is_the_documented_one)
{
    for (size_t i = 0; i < SIZES; i++) {
        size_t bytes = size_at(i);
        payload_fill(memory, bytes, stamp_a);
        for (size_t at = 0; at < bytes; at++) {
            uint64_t word = stamp_a + at / 8 * PAYLOAD_STRIDE;
            if (memory[at] != (unsigned char)(word >> 8 * (at % 8)))
                ck_abort_msg("%zu bytes: byte %zu is %02x", bytes, at, memory[at]);
        }
    }
}
END_TEST

/* A byte of the first word gives another stamp: then the second word is the first that disagrees, unless it is a partial one
 * that ends below that byte. */
static void flip_byte(size_t bytes, size_t at, unsigned char flip)
{
    memory[at] ^= flip;
    uint64_t stamp = stamp_a, other;
    size_t offset = at / 8 * 8;
    if (at < 8) {
        stamp ^= (uint64_t)flip << 8 * at;
        offset = 8;
    }
    if (bytes < 8 || (at < 8 && bytes - 8 <= at)) {
        check_whole(memory, bytes, stamp);
    } else {
        uint64_t word = 0;
        memcpy(&word, memory + offset, bytes - offset < 8 ? bytes - offset : 8);
        other = word - offset / 8 * PAYLOAD_STRIDE;
        check_torn(memory, bytes, offset, stamp, other);
    }
    memory[at] ^= flip;
}

START_TEST(each_single_byte_that_differs_is_found_in_its_word)
{
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    for (size_t bytes = 1; bytes <= SMALL; bytes++) {
        payload_fill(memory, bytes, stamp_a);
        for (size_t at = 0; at < bytes; at++)
            for (size_t f = 0; f < sizeof flips; f++)
                flip_byte(bytes, at, flips[f]);
        check_whole(memory, bytes, stamp_a);
    }
}
END_TEST

START_TEST(a_single_bit_that_differs_is_found_in_large_records)
{
    uint64_t random = 1;
    for (size_t i = SMALL; i < SIZES; i++) {
        size_t bytes = size_at(i);
        payload_fill(memory, bytes, stamp_a);
        for (int k = 0; k < 100; k++)
            flip_byte(bytes, (size_t)(seed_next(&random) % bytes), (unsigned char)(1u << seed_below(&random, 8)));
        for (size_t k = 1; k <= 20; k++)
            flip_byte(bytes, bytes - k, 0x10);
    }
}
END_TEST

START_TEST(a_whole_record_of_another_stamp_is_whole_with_that_stamp)
{
    for (size_t bytes = 1; bytes <= SMALL; bytes++) {
        payload_fill(memory, bytes, stamp_a);
        payload_fill(memory, bytes, stamp_b);
        check_whole(memory, bytes, stamp_b);
    }
}
END_TEST

/* The first `boundary` bytes of write a, the rest of write b. */
static void mix(size_t bytes, size_t boundary)
{
    payload_fill(memory, bytes, stamp_b);
    payload_fill(memory, boundary, stamp_a);
    check_torn(memory, bytes, boundary, stamp_a, stamp_b);
}

START_TEST(two_writes_mixed_at_a_word_are_told_apart_at_that_word)
{
    for (size_t bytes = 9; bytes <= SMALL; bytes++)
        for (size_t boundary = 8; boundary < bytes; boundary += 8)
            mix(bytes, boundary);
    for (size_t boundary = 8; boundary < 4103; boundary += 8)
        mix(4103, boundary);
    for (size_t i = SMALL; i < SIZES; i++)
        mix(size_at(i), (size_at(i) - 1) / 8 * 8);
}
END_TEST

START_TEST(one_foreign_word_among_many_is_found)
{
    for (size_t at = 8; at < 4096; at += 8) {
        payload_fill(memory, 4096, stamp_a);
        payload_fill(memory + at, 8, stamp_b + at / 8 * PAYLOAD_STRIDE);
        check_torn(memory, 4096, at, stamp_a, stamp_b);
    }
}
END_TEST

START_TEST(the_first_of_many_foreign_words_is_named)
{
    payload_fill(memory, 4096, stamp_a);
    for (size_t at = 1600; at < 4096; at += 24)
        memory[at]++;
    check_torn(memory, 4096, 1600, stamp_a, stamp_a + 1);
}
END_TEST

START_TEST(zeroed_memory_is_not_whole_beyond_its_first_word)
{
    memset(memory, 0, 4096);
    check_torn(memory, 4096, 8, 0, -PAYLOAD_STRIDE);
    memset(memory, 0xff, 100);
    check_torn(memory, 100, 8, UINT64_MAX, UINT64_MAX - PAYLOAD_STRIDE);
}
END_TEST

START_TEST(words_shifted_by_one_place_are_not_whole)
{
    payload_fill(memory, 808, stamp_a);
    memmove(memory + 400, memory + 392, 400);
    check_torn(memory, 800, 400, stamp_a, stamp_a - PAYLOAD_STRIDE);
}
END_TEST

int main(void)
{
    return testing_run("payload", (const TTest *[]){
                                      what_was_filled_reads_back_whole_at_every_size_and_alignment,
                                      filling_writes_the_record_and_not_a_byte_beside_it,
                                      the_pattern_is_the_documented_one,
                                      each_single_byte_that_differs_is_found_in_its_word,
                                      a_single_bit_that_differs_is_found_in_large_records,
                                      a_whole_record_of_another_stamp_is_whole_with_that_stamp,
                                      two_writes_mixed_at_a_word_are_told_apart_at_that_word,
                                      one_foreign_word_among_many_is_found,
                                      the_first_of_many_foreign_words_is_named,
                                      zeroed_memory_is_not_whole_beyond_its_first_word,
                                      words_shifted_by_one_place_are_not_whole,
                                      NULL,
                                  });
}
