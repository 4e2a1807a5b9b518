/* Tests of the command line's parser: GNU long options, and the help text that comes from the same rows. */
#include "base/option.h"
#include "base/testing.h"

enum { WRITERS, READERS, REPEAT, QUIET, OUT, HELP, OPTIONS };

static const struct option_row rows[OPTIONS] = {
    [WRITERS] = {.name = "writers", .letter = 'w', .argument = "N", .type = OPTION_COUNT, .flags = OPTION_LIST,
                 .fallback = "2", .min = 1, .help = "writer processes, of which there must be one at the least, or nothing "
                                                    "at all would ever happen in the trial, and that proves nothing"},
    [READERS] = {.name = "readers", .letter = 'r', .argument = "N", .type = OPTION_COUNT, .fallback = "2", .help = "readers"},
    [REPEAT] = {.name = "repeat", .argument = "N", .type = OPTION_COUNT, .fallback = "1", .help = "how often"},
    [QUIET] = {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .help = "no words"},
    [OUT] = {.name = "a-very-long-option-name", .letter = 'o', .argument = "DIR", .type = OPTION_TEXT, .help = "a folder"},
    [HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

static struct option_list lists[OPTIONS];
static struct error error;
static char *argv[16], **operands;
static int operand_count;

/* Parses a NULL-ended list of words. */
static int parse(const char *const *words)
{
    int argc = 1;
    static char program[] = "run";
    argv[0] = program;
    for (; words[argc - 1]; argc++)
        argv[argc] = strdup(words[argc - 1]);
    argv[argc] = NULL;
    options_init(rows, OPTIONS, lists);
    return options_parse(rows, OPTIONS, lists, argc, argv, &operands, &operand_count, &error);
}

static void finish(void)
{
    for (int i = 1; argv[i]; i++)
        free(argv[i]);
    options_free(lists, OPTIONS);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check_fails(const char *const *words, const char *text)
{
    error = (struct error){0};
    ck_assert_msg(parse(words) == -1, "%s was taken", words[0]);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    testing_has(error.text, text);
    finish();
}

START_TEST(long_and_short_options_say_the_same)
{
    const char *const *const lines[] = {WORDS("--writers", "1,2"), WORDS("--writers=1,2"), WORDS("-w", "1,2"),
                                               WORDS("-w1,2"), WORDS("-qw", "1,2")};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ck_assert_msg(parse(lines[i]) == 0, "%s", error.text);
        ck_assert_uint_eq(lists[WRITERS].count, 2);
        ck_assert_uint_eq(lists[WRITERS].values[1].number, 2);
        ck_assert_int_eq(lists[WRITERS].source, OPTION_FROM_COMMAND);
        ck_assert_int_eq(lists[READERS].source, OPTION_FROM_DEFAULT);
        ck_assert_int_eq(operand_count, 0);
        finish();
    }
}
END_TEST

START_TEST(operands_and_options_may_stand_in_any_order)
{
    unsetenv("POSIXLY_CORRECT");
    testing_ok(parse(WORDS("smoke", "-w", "3", "mine.ini", "--quiet", "-r4", "soak")));
    ck_assert_int_eq(operand_count, 3);
    ck_assert_str_eq(operands[0], "smoke");
    ck_assert_str_eq(operands[1], "mine.ini");
    ck_assert_str_eq(operands[2], "soak");
    ck_assert_uint_eq(lists[WRITERS].values[0].number, 3);
    ck_assert_uint_eq(lists[READERS].values[0].number, 4);
    ck_assert_uint_eq(lists[QUIET].values[0].number, 1);
    finish();
}
END_TEST

START_TEST(after_two_dashes_everything_is_an_operand)
{
    testing_ok(parse(WORDS("-q", "--", "--writers", "-x")));
    ck_assert_int_eq(operand_count, 2);
    ck_assert_str_eq(operands[0], "--writers");
    ck_assert_str_eq(operands[1], "-x");
    finish();
}
END_TEST

START_TEST(a_dash_alone_is_an_operand)
{
    testing_ok(parse(WORDS("-")));
    ck_assert_int_eq(operand_count, 1);
    ck_assert_str_eq(operands[0], "-");
    finish();
}
END_TEST

START_TEST(no_arguments_leave_the_defaults)
{
    static const char *const none[] = {NULL};
    testing_ok(parse(none));
    ck_assert_int_eq(operand_count, 0);
    ck_assert_uint_eq(lists[WRITERS].values[0].number, 2);
    finish();
}
END_TEST

START_TEST(a_unique_beginning_of_a_name_is_enough)
{
    testing_ok(parse(WORDS("--wri", "5", "--q", "--rea=6")));
    ck_assert_uint_eq(lists[WRITERS].values[0].number, 5);
    ck_assert_uint_eq(lists[READERS].values[0].number, 6);
    ck_assert_uint_eq(lists[QUIET].count, 1);
    finish();
}
END_TEST

START_TEST(a_beginning_that_fits_two_names_is_refused)
{
    check_fails(WORDS("--re", "5"), "ambiguous: it could be --readers, --repeat");
}
END_TEST

START_TEST(the_last_of_several_words_counts)
{
    testing_ok(parse(WORDS("-w1", "-w2", "--writers=3")));
    ck_assert_uint_eq(lists[WRITERS].count, 1);
    ck_assert_uint_eq(lists[WRITERS].values[0].number, 3);
    finish();
}
END_TEST

START_TEST(an_unknown_option_is_told_with_the_nearest)
{
    check_fails(WORDS("--writes", "1"), "unknown option \"writes\"; did you mean \"writers\"? Valid: writers readers repeat");
    check_fails(WORDS("--wirters=3"), "unknown option \"wirters\"; did you mean \"writers\"?");
    check_fails(WORDS("-x"), "unknown option \"-x\"; --help lists the options");
    check_fails(WORDS("-qx"), "unknown option \"-x\"");
}
END_TEST

START_TEST(a_missing_argument_is_told_by_the_options_name)
{
    check_fails(WORDS("-q", "--writers"), "--writers needs an argument");
    check_fails(WORDS("-w"), "-w needs an argument");
}
END_TEST

START_TEST(an_argument_that_is_not_taken_is_refused)
{
    check_fails(WORDS("--quiet=yes"), "--quiet takes no argument");
}
END_TEST

START_TEST(a_bad_value_is_told_by_the_options_long_name)
{
    check_fails(WORDS("-w", "0"), "--writers: 0 is out of bounds: at least 1");
    check_fails(WORDS("-w", "1,x"), "--writers: \"x\" is not a number");
    check_fails(WORDS("--writers="), "--writers: an item of the list is empty");
    check_fails(WORDS("-w", "-1"), "--writers: \"-1\" is not a number");
}
END_TEST

START_TEST(one_program_may_parse_many_times)
{
    for (int i = 0; i < 3; i++) {
        testing_ok(parse(WORDS("a", "-q", "b")));
        ck_assert_int_eq(operand_count, 2);
        finish();
        check_fails(WORDS("-q", "--nothing", "b"), "nothing");
    }
}
END_TEST

static char *help(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    options_help(rows, OPTIONS, out);
    fclose(out);
    return text;
}

START_TEST(the_help_text_mentions_every_row_its_argument_and_its_default)
{
    char *text = help();
    testing_has(text, "  -w, --writers N,..");
    testing_has(text, "  -r, --readers N ");
    testing_has(text, "      --repeat N ");
    testing_has(text, "  -q, --quiet ");
    testing_has(text, "  -o, --a-very-long-option-name DIR\n");
    testing_has(text, "a folder");
    testing_has(text, "(default 2)");
    testing_has(text, "(default 1)");
    for (int i = 0; i < OPTIONS; i++)
        testing_has(text, rows[i].name);
    free(text);
}
END_TEST

START_TEST(no_line_of_the_help_text_is_too_wide_for_a_terminal)
{
    char *text = help();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        ck_assert_msg(strlen(line) <= 100, "\"%s\"", line);
        ck_assert_msg(line[strlen(line) - 1] != ' ' || strspn(line, " ") == strlen(line), "\"%s\"", line);
        ck_assert_msg(strncmp(line, "  ", 2) == 0, "\"%s\"", line);
    }
    free(text);
}
END_TEST

int main(void)
{
    return testing_run("option_parse", (const TTest *[]){
                                           long_and_short_options_say_the_same,
                                           operands_and_options_may_stand_in_any_order,
                                           after_two_dashes_everything_is_an_operand,
                                           a_dash_alone_is_an_operand,
                                           no_arguments_leave_the_defaults,
                                           a_unique_beginning_of_a_name_is_enough,
                                           a_beginning_that_fits_two_names_is_refused,
                                           the_last_of_several_words_counts,
                                           an_unknown_option_is_told_with_the_nearest,
                                           a_missing_argument_is_told_by_the_options_name,
                                           an_argument_that_is_not_taken_is_refused,
                                           a_bad_value_is_told_by_the_options_long_name,
                                           one_program_may_parse_many_times,
                                           the_help_text_mentions_every_row_its_argument_and_its_default,
                                           no_line_of_the_help_text_is_too_wide_for_a_terminal,
                                           NULL,
                                       });
}
