/* Tests of seeds: the generator's known answers, its spread, and the seeds of parts. */
#include "base/seed.h"

#include "base/testing.h"

START_TEST(the_generator_gives_splitmix64s_published_numbers)
{
    static const uint64_t known[] = {0xe220a8397b1dcdafULL, 0x6e789e6aa1b965f4ULL, 0x06c45d188009454fULL};
    uint64_t state = 0;
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(seed_next(&state), known[i]);
}
END_TEST

START_TEST(one_seed_gives_one_sequence_and_another_gives_another)
{
    uint64_t a = 42, b = 42, c = 43;
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = seed_next(&a);
        ck_assert_uint_eq(value, seed_next(&b));
        same += value == seed_next(&c);
    }
    ck_assert_int_eq(same, 0);
}
END_TEST

START_TEST(part_0_keeps_the_seed)
{
    static const uint64_t seeds[] = {0, 1, 42, SEED_MAX};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++)
        ck_assert_uint_eq(seed_part(seeds[i], 0), seeds[i]);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(parts_are_below_2_to_the_53_and_all_different)
{
    enum { PARTS = 20000 };
    static uint64_t parts[PARTS];
    for (uint64_t seed = 0; seed < 3; seed++) {
        for (uint64_t i = 0; i < PARTS; i++) {
            parts[i] = seed_part(seed * SEED_MAX / 2, i);
            if (parts[i] > SEED_MAX)
                ck_abort_msg("part %llu is %llu", (unsigned long long)i, (unsigned long long)parts[i]);
        }
        qsort(parts, PARTS, sizeof parts[0], by_value);
        for (int i = 1; i < PARTS; i++)
            if (parts[i] == parts[i - 1])
                ck_abort_msg("two parts are %llu", (unsigned long long)parts[i]);
    }
}
END_TEST

START_TEST(parts_of_neighbouring_seeds_have_nothing_in_common)
{
    for (uint64_t i = 1; i < 1000; i++) {
        ck_assert_uint_ne(seed_part(7, i), seed_part(8, i));
        ck_assert_uint_ne(seed_part(7, i + 1), seed_part(8, i));
    }
}
END_TEST

START_TEST(a_fresh_seed_is_below_2_to_the_53_and_never_the_same)
{
    uint64_t last = SEED_MAX + 1;
    for (int i = 0; i < 1000; i++) {
        uint64_t seed = seed_fresh();
        ck_assert_uint_le(seed, SEED_MAX);
        ck_assert_uint_ne(seed, last);
        last = seed;
    }
}
END_TEST

START_TEST(numbers_below_a_bound_are_below_it)
{
    static const uint32_t bounds[] = {1, 2, 3, 7, 1000, 0x80000000u, UINT32_MAX};
    uint64_t state = 1;
    ck_assert_uint_eq(seed_below(&state, 0), 0);
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++)
        for (int i = 0; i < 10000; i++)
            if (seed_below(&state, bounds[b]) >= bounds[b])
                ck_abort_msg("a number below %u was not", bounds[b]);
}
END_TEST

/* Chi-square of 20 cells at a fixed seed; 45 is beyond one in a thousand for 19 degrees of freedom. */
START_TEST(numbers_below_a_bound_are_evenly_spread)
{
    enum { CELLS = 20, EACH = 10000 };
    int cells[CELLS] = {0};
    uint64_t state = 12345;
    double chi = 0;
    for (int i = 0; i < CELLS * EACH; i++)
        cells[seed_below(&state, CELLS)]++;
    for (int i = 0; i < CELLS; i++)
        chi += (double)(cells[i] - EACH) * (cells[i] - EACH) / EACH;
    ck_assert_msg(chi < 45, "chi-square is %g", chi);
    ck_assert_msg(chi > 3, "chi-square is %g: too even to be random", chi);
}
END_TEST

START_TEST(each_bit_is_set_half_of_the_time)
{
    enum { ROUNDS = 20000 };
    int set[64] = {0};
    uint64_t state = 99;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t value = seed_next(&state);
        for (int bit = 0; bit < 64; bit++)
            set[bit] += value >> bit & 1;
    }
    for (int bit = 0; bit < 64; bit++)
        ck_assert_msg(abs(set[bit] - ROUNDS / 2) < 500, "bit %d was set %d times of %d", bit, set[bit], ROUNDS);
}
END_TEST

START_TEST(scrambling_spreads_one_bit_over_all)
{
    long flipped = 0;
    for (uint64_t i = 1; i <= 1000; i++)
        for (int bit = 0; bit < 64; bit++)
            flipped += __builtin_popcountll(seed_scramble(i) ^ seed_scramble(i ^ 1ULL << bit));
    double mean = (double)flipped / 64000;
    ck_assert_msg(mean > 31 && mean < 33, "one bit flips %g bits", mean);
}
END_TEST

int main(void)
{
    return testing_run("seed", (const TTest *[]){
                                   the_generator_gives_splitmix64s_published_numbers,
                                   one_seed_gives_one_sequence_and_another_gives_another,
                                   part_0_keeps_the_seed,
                                   parts_are_below_2_to_the_53_and_all_different,
                                   parts_of_neighbouring_seeds_have_nothing_in_common,
                                   a_fresh_seed_is_below_2_to_the_53_and_never_the_same,
                                   numbers_below_a_bound_are_below_it,
                                   numbers_below_a_bound_are_evenly_spread,
                                   each_bit_is_set_half_of_the_time,
                                   scrambling_spreads_one_bit_over_all,
                                   NULL,
                               });
}
