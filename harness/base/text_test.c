/* Tests of text from outside: what is UTF-8 and what is not, by the table of RFC 3629. */
#include "base/text.h"

#include "base/testing.h"

START_TEST(every_code_point_has_the_length_of_its_only_form)
{
    for (unsigned code = 1; code <= 0x10ffff; code++) {
        char text[5] = "";
        size_t length;
        if (code < 0x80) {
            length = 1;
            text[0] = (char)code;
        } else if (code < 0x800) {
            length = 2;
            text[0] = (char)(0xc0 | code >> 6);
        } else if (code < 0x10000) {
            length = 3;
            text[0] = (char)(0xe0 | code >> 12);
        } else {
            length = 4;
            text[0] = (char)(0xf0 | code >> 18);
        }
        for (size_t i = 1; i < length; i++)
            text[i] = (char)(0x80 | (code >> 6 * (length - 1 - i) & 0x3f));
        size_t wanted = code >= 0xd800 && code <= 0xdfff ? 0 : length; /* surrogates are none */
        if (text_utf8_length(text) != wanted || text_is_utf8(text) != (wanted != 0))
            ck_abort_msg("U+%04X: length %zu", code, text_utf8_length(text));
    }
}
END_TEST

START_TEST(what_is_no_form_of_a_code_point_has_no_length)
{
    static const char *const bad[] = {
        "\200",             /* goes on with nothing */
        "\277",
        "\300\200",         /* overlong forms */
        "\301\277",
        "\340\200\200",
        "\340\237\277",
        "\360\200\200\200",
        "\360\217\277\277",
        "\364\220\200\200", /* beyond U+10FFFF */
        "\365\200\200\200",
        "\376", "\377",
        "\303", "\342\202", "\360\237\230", /* cut short */
        "\303(", "\342(\241", "\342\202(", "\360(\214\274",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(text_utf8_length(bad[i]) == 0, "text %zu has length %zu", i, text_utf8_length(bad[i]));
        ck_assert(!text_is_utf8(bad[i]));
    }
}
END_TEST

START_TEST(the_end_of_a_text_has_no_length)
{
    ck_assert_uint_eq(text_utf8_length(""), 0);
    ck_assert(text_is_utf8(""));
}
END_TEST

START_TEST(one_bad_byte_anywhere_spoils_the_whole)
{
    const char good[] = "job \303\244\303\266 \342\202\254 \360\237\230\200 end";
    char text[sizeof good];
    ck_assert(text_is_utf8(good));
    for (size_t i = 0; i + 1 < sizeof good; i++) {
        memcpy(text, good, sizeof good);
        text[i] = (char)0xff;
        ck_assert_msg(!text_is_utf8(text), "byte %zu", i);
    }
}
END_TEST

START_TEST(what_steers_a_terminal_is_not_plain)
{
    static const char *const steering[] = {"\x1b", "\n", "\x7f", "\\", "\xc2\x9b" /* CSI */, "\xe2\x80\xae" /* RLO */,
                                           "\xe2\x80\x8b", "\xef\xbb\xbf", "\xf3\xa0\x81\x81" /* a tag */, "\xff", ""};
    static const char *const plain[] = {"a", " ", "~", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < sizeof steering / sizeof steering[0]; i++)
        ck_assert_msg(text_plain_length(steering[i]) == 0, "text %zu is taken for plain", i);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        ck_assert_uint_eq(text_plain_length(plain[i]), strlen(plain[i]));
}
END_TEST

START_TEST(what_is_not_plain_is_spelled)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    text_put(file, "a\x1b[1m \xe6\x97\xa5\\\xff\xe2\x80\xae!");
    char *text = testing_slurp(file);
    ck_assert_str_eq(text, "a\\x1b[1m \xe6\x97\xa5\\x5c\\xff\\xe2\\x80\\xae!");
    free(text);
    fclose(file);
}
END_TEST

START_TEST(what_is_mended_is_utf8_and_fits)
{
    char text[12];
    text_mend("\xff\n\xc3\xa9", text, sizeof text);
    ck_assert_str_eq(text, "\\xff\n\xc3\xa9");
    for (size_t size = 1; size <= sizeof text; size++) {
        text_mend("\xe6\x97\xa5\xfe\xe6\x97\xa5\xe6\x97\xa5", text, size);
        ck_assert_uint_lt(strlen(text), size);
        ck_assert(text_is_utf8(text));
    }
}
END_TEST

int main(void)
{
    return testing_run("text", (const TTest *[]){
                                   every_code_point_has_the_length_of_its_only_form,
                                   what_is_no_form_of_a_code_point_has_no_length,
                                   the_end_of_a_text_has_no_length,
                                   one_bad_byte_anywhere_spoils_the_whole,
                                   what_steers_a_terminal_is_not_plain,
                                   what_is_not_plain_is_spelled,
                                   what_is_mended_is_utf8_and_fits,
                                   NULL,
                               });
}
