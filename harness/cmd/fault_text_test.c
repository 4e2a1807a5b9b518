/* Tests of a fault as it is typed: names, parameters, and their bounds. */
#include "cmd/fault_text.h"

#include "base/testing.h"

static struct error error;
static struct fault_choice choice;

static void refuse(const char *text, const char *part)
{
    error = (struct error){0};
    ck_assert_msg(fault_parse(text, &choice, &error) == -1, "\"%s\" was taken", text);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    testing_has(error.text, part);
}

START_TEST(every_fault_is_taken_by_its_name_with_its_own_default)
{
    for (size_t i = 0; contents_faults[i]; i++) {
        testing_ok(fault_parse(contents_faults[i]->name, &choice, &error));
        ck_assert_ptr_eq(choice.fault, contents_faults[i]);
        ck_assert(choice.parameter == contents_faults[i]->fallback);
    }
}
END_TEST

START_TEST(a_parameter_follows_the_colon)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = {{"stop:5", 5}, {"stop:0.5", 0.5}, {"delay:0", 0}, {"kill:250.25", 250.25}, {"yield:007", 7}, {"kill:1.", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        testing_ok(fault_parse(rows[i].text, &choice, &error));
        ck_assert_msg(choice.parameter == rows[i].value, "%s: %g", rows[i].text, choice.parameter);
    }
}
END_TEST

START_TEST(both_bounds_of_every_parameter_are_taken_and_nothing_beyond)
{
    char text[64];
    for (size_t i = 0; contents_faults[i]; i++) {
        const struct fault_ops *fault = contents_faults[i];
        if (!fault->parameter)
            continue;
        snprintf(text, sizeof text, "%s:%f", fault->name, fault->min);
        testing_ok(fault_parse(text, &choice, &error));
        snprintf(text, sizeof text, "%s:%f", fault->name, fault->max);
        testing_ok(fault_parse(text, &choice, &error));
        snprintf(text, sizeof text, "%s:%f", fault->name, fault->max + 1);
        refuse(text, "is out of bounds: ");
        testing_has(error.text, fault->parameter);
    }
    refuse("stop:0.01", "is out of bounds: 0.1 to 5000 milliseconds");
    refuse("yield:0", "is out of bounds");
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    static const char *const bad[] = {"stop:", "stop:x", "stop:-1", "stop:1e2", "stop:0x5", "stop:1.2.3", "stop:.", "stop:5ms",
                                      "stop: 5", "stop:5:6", "stop:nan", "stop:inf", "stop:+5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse(bad[i], "is not a number of milliseconds");
}
END_TEST

START_TEST(a_fault_that_takes_no_parameter_gets_none)
{
    refuse("none:1", "fault none takes no parameter, \":1\" was given");
    refuse("none:", "fault none takes no parameter");
}
END_TEST

START_TEST(an_unknown_fault_is_told_with_the_nearest)
{
    refuse("kil:5", "unknown fault \"kil\"; did you mean \"kill\"?");
    refuse("stpo", "did you mean \"stop\"? Valid: none yield delay");
    refuse("", "unknown fault \"\"");
    refuse(":5", "unknown fault \"\"");
}
END_TEST

START_TEST(a_very_long_name_is_refused)
{
    char text[5000];
    memset(text, 'k', sizeof text);
    text[sizeof text - 1] = '\0';
    refuse(text, "unknown fault \"kkk");
    ck_assert_uint_lt(strlen(error.text), 600);
}
END_TEST

START_TEST(words_may_be_left_out_and_keep_their_defaults)
{
    static const struct {
        const char *text;
        uint8_t choices[FAULT_CHOICES];
        double value;
    } rows[] = {{"die", {0, 0, 0}, 4},
                {"die:inside", {0, 0, 0}, 4},
                {"die:inside:kill:7", {0, 0, 0}, 7},
                {"die:segv", {0, 1, 0}, 4},
                {"die:0", {0, 0, 0}, 0},
                {"die:before", {1, 0, 0}, 4},
                {"die:waiting:abort", {2, 2, 0}, 4},
                {"die:writers", {0, 0, 1}, 4},
                {"die:after:_exit:all-but-one", {4, 4, 2}, 4},
                {"die:releasing:all-but-one:3", {3, 0, 2}, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        testing_ok(fault_parse(rows[i].text, &choice, &error));
        ck_assert_msg(memcmp(choice.choices, rows[i].choices, FAULT_CHOICES) == 0, "%s: %u %u %u", rows[i].text,
                      choice.choices[0], choice.choices[1], choice.choices[2]);
        ck_assert_msg(choice.parameter == rows[i].value, "%s: %g", rows[i].text, choice.parameter);
    }
}
END_TEST

START_TEST(a_word_that_is_unknown_or_out_of_order_is_refused_with_those_there_are)
{
    refuse("die:insid:kill", "unknown word of fault die \"insid\"; did you mean \"inside\"?");
    refuse("die:kill:inside", "unknown word of fault die \"inside\"");
    refuse("die:inside:inside", "unknown word of fault die \"inside\"");
    refuse("die:inside:kill:one:one", "unknown word of fault die \"one\"");
    refuse("die:inside:kill:1e3", "is not a number of words");
    refuse("die:inside:kill:4:writers", "is not a number of words");
    refuse("stop:inside", "is not a number of milliseconds");
}
END_TEST

int main(void)
{
    return testing_run("fault_text", (const TTest *[]){
                                         every_fault_is_taken_by_its_name_with_its_own_default,
                                         a_parameter_follows_the_colon,
                                         both_bounds_of_every_parameter_are_taken_and_nothing_beyond,
                                         what_is_no_number_is_refused,
                                         a_fault_that_takes_no_parameter_gets_none,
                                         an_unknown_fault_is_told_with_the_nearest,
                                         a_very_long_name_is_refused,
                                         words_may_be_left_out_and_keep_their_defaults,
                                         a_word_that_is_unknown_or_out_of_order_is_refused_with_those_there_are,
                                         NULL,
                                     });
}
