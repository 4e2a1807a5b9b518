/* Tests of units: parsing, printing, and the exact round trip. */
#include "base/units.h"

#include "base/seed.h"
#include "base/testing.h"

static uint64_t parsed(const struct unit_kind *kind, const char *text)
{
    uint64_t value = UINT64_MAX;
    struct error error = {0};
    ck_assert_msg(units_parse(kind, text, &value, &error) == 0, "\"%s\": %s", text, error.text);
    return value;
}

static struct error refused(const struct unit_kind *kind, const char *text)
{
    uint64_t value = 4711;
    struct error error = {0};
    ck_assert_msg(units_parse(kind, text, &value, &error) == -1, "\"%s\" was taken as %llu", text, (unsigned long long)value);
    ck_assert_msg(value == 4711, "\"%s\" was refused, and the value changed", text);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    return error;
}

START_TEST(sizes_are_parsed_in_powers_of_1024_unless_they_end_in_a_decimal_B)
{
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        {"0", 0},        {"1", 1},           {"4096", 4096},      {"7B", 7},           {"64k", 65536},   {"64K", 65536},
        {"64KiB", 65536}, {"2kB", 2000},     {"1M", 1048576},     {"1MiB", 1048576},   {"1MB", 1000000}, {"1G", 1ULL << 30},
        {"3GiB", 3ULL << 30}, {"1GB", 1000000000}, {"1T", 1ULL << 40}, {"1TiB", 1ULL << 40}, {"1.5k", 1536}, {".5k", 512},
        {"0.5MiB", 524288}, {"64 KiB", 65536}, {"007", 7}, {"2.", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_uint_eq(parsed(&units_size, rows[i].text), rows[i].value);
}
END_TEST

START_TEST(durations_are_parsed_to_nanoseconds_and_bare_numbers_are_seconds)
{
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        {"0", 0},          {"5", 5000000000ULL},   {"5s", 5000000000ULL},    {"0.001", 1000000},  {"250us", 250000},
        {"1500ms", 1500000000ULL}, {"100ns", 100}, {"2min", 120000000000ULL}, {"2m", 120000000000ULL}, {"1h", 3600000000000ULL},
        {"1.5s", 1500000000ULL},   {"0.1us", 100}, {"250 us", 250000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_uint_eq(parsed(&units_duration, rows[i].text), rows[i].value);
}
END_TEST

START_TEST(microseconds_may_be_written_with_the_micro_sign)
{
    ck_assert_uint_eq(parsed(&units_duration, "250\302\265s"), 250000);
    ck_assert_uint_eq(parsed(&units_duration, "1.5 \302\265s"), 1500);
}
END_TEST

START_TEST(counts_are_parsed_in_powers_of_1000)
{
    ck_assert_uint_eq(parsed(&units_count, "1000"), 1000);
    ck_assert_uint_eq(parsed(&units_count, "10k"), 10000);
    ck_assert_uint_eq(parsed(&units_count, "10K"), 10000);
    ck_assert_uint_eq(parsed(&units_count, "1.5M"), 1500000);
    ck_assert_uint_eq(parsed(&units_count, "2G"), 2000000000);
    ck_assert_uint_eq(parsed(&units_count, "9007199254740993"), 9007199254740993ULL); /* not a double */
}
END_TEST

START_TEST(fractions_of_a_nanosecond_are_rounded_to_the_nearest)
{
    ck_assert_uint_eq(parsed(&units_duration, "0.0000000016"), 2);
    ck_assert_uint_eq(parsed(&units_duration, "0.3ns"), 0);
    ck_assert_uint_eq(parsed(&units_duration, "1.4ns"), 1);
}
END_TEST

START_TEST(fractions_of_what_cannot_be_cut_are_refused)
{
    static const char *const bad[] = {"1.4", "0.5", ".1", "0.1k", "1.0001k", "0.0000001G"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        testing_has(refused(&units_size, bad[i]).text, "is not a whole number of bytes");
    testing_has(refused(&units_count, "1.5").text, "\"1.5\" is not a whole number");
    testing_has(refused(&units_count, "1.2345k").text, "is not a whole number");
    ck_assert_uint_eq(parsed(&units_size, "1.0"), 1);
    ck_assert_uint_eq(parsed(&units_count, "1.234k"), 1234);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    static const char *const bad[] = {"",    " ",   "-1",  "+1",  "abc", "k",   ".",     ".k",  "nan",
                                      "inf", ",",   " 1",  "-0",  "%d",  "\"", "\303\266", "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        testing_has(refused(&units_size, bad[i]).text, "is not a size; write it like");
        testing_has(refused(&units_duration, bad[i]).text, "is not a duration");
        testing_has(refused(&units_count, bad[i]).text, "is not a number");
    }
}
END_TEST

START_TEST(what_follows_a_number_must_be_a_unit_and_nothing_else)
{
    static const char *const bad[] = {"1kk",  "1 k k", "1.2.3", "1e3",   "0x10", "1,5", "1 2",   "1-",
                                      "64k ", "1\t",   "1k\n",  "1KIB",  "1ks",  "1\303", "1 \302\265"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        testing_has(refused(&units_size, bad[i]).text, "unknown unit");
    refused(&units_count, "1s");
    refused(&units_duration, "1k");
}
END_TEST

START_TEST(an_unknown_unit_names_the_nearest_and_all)
{
    struct error error = refused(&units_size, "1Mib");
    testing_has(error.text, "\"1Mib\": unknown unit \"Mib\"; did you mean \"MiB\"?");
    testing_has(error.text, "A size takes: B kB k K KiB MB M MiB GB G GiB T TiB");
    testing_has(refused(&units_duration, "5sec").text, "did you mean \"s\"");
    testing_has(refused(&units_count, "5m").text, "did you mean \"M\"");
    testing_has(refused(&units_duration, "5 minutes").text, "did you mean \"min\"");
    testing_has(refused(&units_duration, "5 parsecs").text, "unknown unit \"parsecs\". A duration takes: ns us");
    testing_has(refused(&units_count, "2-8").text, "\"2-8\" is not a number; write it like 1000, 10k, 1M, and several with commas between them: 1,2,4");
}
END_TEST

START_TEST(values_beyond_63_bits_are_refused)
{
    static const char *const bad[] = {"9300000000000000000", "9223372036854775808", "18446744073709551615",
                                      "18446744073709551616", "9999999T", "99999999999999999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        testing_has(refused(&units_size, bad[i]).text, "larger than can be counted");
    testing_has(refused(&units_duration, "99999999999").text, "larger than can be counted");
    ck_assert_uint_eq(parsed(&units_size, "9100000000000000000"), 9100000000000000000ULL);
}
END_TEST

START_TEST(a_number_of_very_many_digits_is_refused)
{
    char text[4000];
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    refused(&units_size, text);
    text[0] = '.';
    refused(&units_size, text);
    memset(text, '0', sizeof text - 1);
    refused(&units_size, text);
}
END_TEST

START_TEST(values_are_printed_with_three_digits_in_the_largest_fitting_unit)
{
    static const struct {
        const struct unit_kind *kind;
        double value;
        const char *text;
    } rows[] = {
        {&units_size, 0, "0 B"},           {&units_size, 1, "1 B"},          {&units_size, 1024, "1 KiB"},
        {&units_size, 1536, "1.50 KiB"},   {&units_size, 65536, "64 KiB"},   {&units_size, 10752, "10.5 KiB"},
        {&units_size, 1572864, "1.50 MiB"}, {&units_size, 1e9, "954 MiB"},   {&units_size, 1048575, "1.00 MiB"},
        {&units_duration, 0, "0 ns"},      {&units_duration, 250e3, "250 us"}, {&units_duration, 999.4e3, "999 us"},
        {&units_duration, 999.6e3, "1.00 ms"}, {&units_duration, 1.5e9, "1.50 s"}, {&units_duration, 90e9, "90 s"},
        {&units_count, 0, "0"},            {&units_count, 999, "999"},       {&units_count, 1234, "1.23 k"},
        {&units_count, 12345, "12.3 k"},   {&units_count, 99960, "100 k"},   {&units_count, 2500000, "2.50 M"},
    };
    char text[UNITS_TEXT];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(units_print(rows[i].kind, rows[i].value, text), rows[i].text);
}
END_TEST

/* What a reader takes a printed value for. */
static double read_back(const struct unit_kind *kind, const char *text)
{
    char *rest;
    double number = strtod(text, &rest);
    for (const struct unit *u = kind->units; u->name; u++)
        if (strcmp(u->name, rest + strspn(rest, " ")) == 0)
            return number * u->factor;
    ck_abort_msg("\"%s\" has no unit of a %s", text, kind->what);
}

START_TEST(a_printed_value_is_off_by_half_a_percent_at_most)
{
    static const struct unit_kind *const kinds[] = {&units_size, &units_duration, &units_count};
    uint64_t random = 1;
    char text[UNITS_TEXT];
    for (int i = 0; i < 30000; i++) {
        const struct unit_kind *kind = kinds[i % 3];
        double value = (double)(1 + (seed_next(&random) >> (2 + i % 60)));
        double back = read_back(kind, units_print(kind, value, text));
        if (back < value * 0.9949 || back > value * 1.0051)
            ck_abort_msg("%g was printed as \"%s\"", value, text);
    }
}
END_TEST

static void check_exact(const struct unit_kind *kind, uint64_t value)
{
    char text[UNITS_TEXT];
    uint64_t back = ~value;
    struct error error = {0};
    units_exact(kind, value, text);
    if (units_parse(kind, text, &back, &error) || back != value)
        ck_abort_msg("%s %llu became \"%s\" and then %llu %s", kind->what, (unsigned long long)value, text,
                     (unsigned long long)back, error.text);
}

START_TEST(exact_text_gives_every_value_back)
{
    static const struct unit_kind *const kinds[] = {&units_size, &units_duration, &units_count};
    uint64_t random = 2;
    for (int k = 0; k < 3; k++) {
        for (uint64_t v = 0; v < 5000; v++)
            check_exact(kinds[k], v);
        for (int bit = 10; bit < 63; bit++)
            for (int around = -1; around <= 1; around++)
                check_exact(kinds[k], (1ULL << bit) + (uint64_t)around);
        for (uint64_t power = 1000; power < 9000000000000000000ULL / 10; power *= 10)
            for (uint64_t factor = 1; factor < 10; factor++)
                check_exact(kinds[k], power * factor);
        for (int i = 0; i < 20000; i++)
            check_exact(kinds[k], (seed_next(&random) >> (1 + i % 60)) % 9200000000000000000ULL);
    }
}
END_TEST

START_TEST(exact_text_uses_the_largest_unit_that_divides)
{
    char text[UNITS_TEXT];
    ck_assert_str_eq(units_exact(&units_size, 65536, text), "64KiB");
    ck_assert_str_eq(units_exact(&units_size, 4097, text), "4097");
    ck_assert_str_eq(units_exact(&units_size, 0, text), "0");
    ck_assert_str_eq(units_exact(&units_duration, 1500000000, text), "1500ms");
    ck_assert_str_eq(units_exact(&units_duration, 2000000000, text), "2s");
    ck_assert_str_eq(units_exact(&units_duration, 7, text), "7ns");
    ck_assert_str_eq(units_exact(&units_count, 5000, text), "5k");
    ck_assert_str_eq(units_exact(&units_count, 5001, text), "5001");
}
END_TEST

int main(void)
{
    return testing_run("units", (const TTest *[]){
                                    sizes_are_parsed_in_powers_of_1024_unless_they_end_in_a_decimal_B,
                                    durations_are_parsed_to_nanoseconds_and_bare_numbers_are_seconds,
                                    microseconds_may_be_written_with_the_micro_sign,
                                    counts_are_parsed_in_powers_of_1000,
                                    fractions_of_a_nanosecond_are_rounded_to_the_nearest,
                                    fractions_of_what_cannot_be_cut_are_refused,
                                    what_is_no_number_is_refused,
                                    what_follows_a_number_must_be_a_unit_and_nothing_else,
                                    an_unknown_unit_names_the_nearest_and_all,
                                    values_beyond_63_bits_are_refused,
                                    a_number_of_very_many_digits_is_refused,
                                    values_are_printed_with_three_digits_in_the_largest_fitting_unit,
                                    a_printed_value_is_off_by_half_a_percent_at_most,
                                    exact_text_gives_every_value_back,
                                    exact_text_uses_the_largest_unit_that_divides,
                                    NULL,
                                });
}
