/* Tests of the formats: each fed the same events, with texts that try to break out of quotes, lines and elements. */
#include "report/formats.h"

#include "base/testing.h"

/* Everything that some format gives a meaning to; valid UTF-8. */
#define EVIL "a,b \"quoted\" 'x' <tag a=\"1\">&amp;</tag> # SKIP \\ end: \303\244 \342\202\254 {[]} %s%n =1+1 ]]>"
/* The same with what ends lines, other control characters, and bytes that are not UTF-8. */
#define WORSE EVIL "\r\nnot ok 99\n...\x1b[31m\x01\x7f \377\376 \300\200 \303"

static struct error error;
static struct run_info run;
static struct trial_spec spec;
static struct trial_result result;
static struct sink sink;
static char *text;
static size_t size;

static void begin(const struct format_ops *format)
{
    run = (struct run_info){.id = "id", .started = "2026-01-02T03:04:05Z", .seed = 5, .trials = 3};
    spec = (struct trial_spec){
        .number = 1,
        .job = "job",
        .load = contents_load("counter"),
        .sync = contents_sync("mutex"),
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = 1, .readers = 1, .size = 4096, .seed = 99, .sampling = 64},
        .repeat = 2,
        .duration_ns = NS_PER_S,
        .pin = "none",
        .expect = VERDICT_CLEAN,
    };
    memset(&result, 0, sizeof result);
    testing_ok(ledger_create(&result.ledger, 2, spec_histograms(&spec), &error));
    result.gate_ns = 1000;
    result.ran_ns = 1500 * NS_PER_MS;
    result.window_ns = NS_PER_S;
    result.window_ops = 12345;
    result.ops = 20000;
    result.handoffs = 77;
    for (int i = 0; i < 100; i++)
        histogram_record(&ledger_histograms(&result.ledger, 0)[HISTOGRAM_ACQUIRE], 1000, 0, 0);
    text = NULL;
    sink = (struct sink){.format = format, .out = open_memstream(&text, &size), .name = "memory", .run = &run};
    json_t *host = json_pack("{s:s}", "type", "host");
    testing_ok(sink_begin(&sink, host, &error));
    json_decref(host);
}

static void trial(enum verdict verdict, bool as_expected, const char *reason, const char *replay)
{
    result.verdict = verdict;
    result.as_expected = as_expected;
    snprintf(result.reason, sizeof result.reason, "%s", reason);
    struct trial_event event = {.spec = &spec, .replay = replay, .started_ns = 500};
    testing_ok(sink_trial_begin(&sink, &event, &error));
    event.result = &result;
    testing_ok(sink_trial_end(&sink, &event, &error));
    spec.number++;
}

/* Ends the output; `text` is then all of it. `pin` and the distances that were measured with it: see struct run_summary. */
static void end_after(const char *pin, uint64_t line_least_ns, uint64_t line_most_ns)
{
    struct run_summary summary = {.done = spec.number - 1, .planned = run.trials, .seconds = 4.5, .pin = pin,
                                  .line_least_ns = line_least_ns, .line_most_ns = line_most_ns};
    testing_ok(sink_end(&sink, &summary, &error));
    fclose(sink.out);
    ledger_destroy(&result.ledger);
}

static void end(void)
{
    end_after(NULL, 0, 0);
}

static int count(const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* One field of RFC 4180, quotes taken off, in place. Returns what follows it: ',', '\r' or NUL are skipped. */
static char *csv_field(char *at, char **field, char *ended_by)
{
    char *to = at;
    bool quoted = *at == '"';
    *field = at;
    if (quoted)
        at++;
    for (; *at && (quoted || (*at != ',' && *at != '\r')); at++) {
        if (quoted && *at == '"') {
            if (at[1] != '"')
                break;
            at++;
        }
        *to++ = *at;
    }
    if (quoted)
        ck_assert_int_eq(*at++, '"');
    *ended_by = *at;
    if (*at)
        at++;
    *to = '\0';
    return at;
}

#define CSV_FIELDS (28 + LAYOUT_AXES)

/* Cuts a line of all its fields; returns the next one. */
static char *csv_line(char *at, char *fields[CSV_FIELDS])
{
    char ended_by = ',';
    for (int i = 0; i < CSV_FIELDS; i++) {
        ck_assert_msg(ended_by == ',', "the line ends before field %d", i);
        at = csv_field(at, &fields[i], &ended_by);
    }
    ck_assert_int_eq(ended_by, '\r');
    ck_assert_int_eq(*at, '\n');
    return at + 1;
}

static const char *under(char *header[CSV_FIELDS], char *fields[CSV_FIELDS], const char *heading)
{
    int i = 0;
    while (i < CSV_FIELDS && strcmp(header[i], heading) != 0)
        i++;
    ck_assert_msg(i < CSV_FIELDS, "no heading %s", heading);
    return fields[i];
}

START_TEST(csv_gives_every_text_back_through_a_reader_of_rfc_4180)
{
    char *header[CSV_FIELDS], *fields[CSV_FIELDS];
    begin(&format_csv);
    spec.job = WORSE;
    trial(VERDICT_CORRUPT, false, WORSE, EVIL);
    spec.job = "";
    trial(VERDICT_CLEAN, true, "\"", ",");
    end();
    char *at = csv_line(csv_line(text, header), fields);
    ck_assert_str_eq(header[0], "trial");
    ck_assert_str_eq(header[CSV_FIELDS - 1], "replay");
    ck_assert_str_eq(header[CSV_FIELDS - 2], "reason");
    ck_assert_str_eq(under(header, fields, "job"), WORSE);
    ck_assert_str_eq(under(header, fields, "verdict"), "CORRUPT");
    ck_assert_str_eq(under(header, fields, "as_expected"), "false");
    ck_assert_str_eq(under(header, fields, "ops_per_s"), "12345.0");
    ck_assert_str_eq(under(header, fields, "acquire_p50_ns"), "1000");
    ck_assert_str_eq(under(header, fields, "reason"), WORSE);
    ck_assert_str_eq(under(header, fields, "replay"), EVIL);
    at = csv_line(at, fields);
    ck_assert_str_eq(under(header, fields, "job"), "");
    ck_assert_str_eq(under(header, fields, "reason"), "\"");
    ck_assert_str_eq(under(header, fields, "replay"), ",");
    ck_assert_int_eq(*at, '\0');
    free(text);
}
END_TEST

START_TEST(csv_leaves_fields_empty_for_what_was_not_measured)
{
    char *header[CSV_FIELDS], *fields[CSV_FIELDS];
    begin(&format_csv);
    result.gate_ns = result.window_ns = 0;
    trial(VERDICT_ERROR, false, "no room", "shmoo run");
    end();
    csv_line(csv_line(text, header), fields);
    static const char *const empty[] = {"seconds", "ops_per_s", "window_s", "acquire_p50_ns", "acquire_p99_ns", "acquire_max_ns"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        ck_assert_str_eq(under(header, fields, empty[i]), "");
    ck_assert_str_eq(under(header, fields, "verdict"), "ERROR");
    free(text);
}
END_TEST

START_TEST(junit_keeps_evil_texts_inside_their_attributes_and_elements)
{
    begin(&format_junit);
    spec.job = EVIL;
    trial(VERDICT_CORRUPT, false, EVIL, EVIL);
    end();
    static const char escaped[] = "a,b &quot;quoted&quot; 'x' &lt;tag a=&quot;1&quot;&gt;&amp;amp;&lt;/tag&gt; # SKIP \\ end: "
                                  "\303\244 \342\202\254 {[]} %s%n =1+1 ]]&gt;";
    ck_assert_int_eq(count(escaped), 3);
    ck_assert_int_eq(count("<tag"), 0);
    testing_has(text, "<failure message=\"CORRUPT, expected CLEAN: ");
    testing_has(text, "\" type=\"CORRUPT\">replay: ");
    free(text);
}
END_TEST

START_TEST(junit_holds_nothing_that_xml_forbids)
{
    begin(&format_junit);
    spec.job = WORSE "\357\277\276\357\277\277";
    trial(VERDICT_WEDGED, false, WORSE, WORSE);
    end();
    for (const char *c = text; *c; c++)
        ck_assert_msg((unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t', "character %d", *c);
    static const char *const forbidden[] = {"\x7f", "\377", "\376", "\300", "\357\277\276", "\357\277\277"};
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        ck_assert_msg(count(forbidden[i]) == 0, "text %zu", i);
    ck_assert_int_eq(count("\303\244"), 3); /* what is UTF-8 stays */
    free(text);
}
END_TEST

START_TEST(junit_counts_tests_failures_errors_and_skipped_ones)
{
    begin(&format_junit);
    trial(VERDICT_CLEAN, true, "", "");
    trial(VERDICT_CORRUPT, true, "", "");
    trial(VERDICT_CORRUPT, false, "", "");
    trial(VERDICT_WEDGED, false, "", "");
    trial(VERDICT_INCONCLUSIVE, false, "", "");
    trial(VERDICT_INCONCLUSIVE, true, "", "");
    trial(VERDICT_UNSUPPORTED, true, "", "");
    trial(VERDICT_ERROR, false, "", "");
    end();
    testing_has(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    testing_has(text, "tests=\"8\" failures=\"3\" errors=\"1\" skipped=\"2\" time=\"4.500\" timestamp=\"2026-01-02T03:04:05\"");
    ck_assert_int_eq(count("<testcase "), 8);
    ck_assert_int_eq(count("</testcase>"), 8);
    ck_assert_int_eq(count("<failure "), 3);
    ck_assert_int_eq(count("</failure>"), 3);
    ck_assert_int_eq(count("<error "), 1);
    ck_assert_int_eq(count("<skipped "), 2);
    ck_assert_int_eq(count("</testsuites>\n"), 1);
    testing_has(text, "<testcase classname=\"shmoo.job\" name=\"1 counter mutex 1w+1r 4 KiB repeat 2\" time=\"1.500\">");
    free(text);
}
END_TEST

START_TEST(tap_keeps_evil_texts_on_their_lines)
{
    begin(&format_tap);
    trial(VERDICT_CORRUPT, false, WORSE, WORSE);
    trial(VERDICT_UNSUPPORTED, false, WORSE, WORSE);
    trial(VERDICT_CLEAN, true, WORSE, WORSE);
    end();
    ck_assert_int_eq(count("\n"), 2 + 1 + 6 + 1 + 1); /* version and plan, a failure and its block, a skip, a pass */
    ck_assert_int_eq(strncmp(text, "TAP version 14\n1..3\nnot ok 1 - ", 31), 0);
    ck_assert_int_eq(count("\nok 2 - counter mutex 1w+1r 4 KiB repeat 2: UNSUPPORTED # SKIP "), 1);
    ck_assert_int_eq(count("\nok 3 - counter mutex 1w+1r 4 KiB repeat 2: CLEAN\n"), 1);
    ck_assert_int_eq(count("\nnot ok 99"), 0);
    ck_assert_int_eq(count("\n..."), 0); /* the block's own end is indented */
    ck_assert_int_eq(count("\n  ...\n"), 1);
    ck_assert_int_eq(count(" # SKIP"), 1 + 2); /* the directive; two in quotes of the block */
    ck_assert_int_eq(count("  reason: \"a,b \\\"quoted\\\" 'x' <tag a=\\\"1\\\">&amp;</tag> # SKIP \\\\ end"), 1);
    for (const char *c = text; *c; c++)
        ck_assert_msg((unsigned char)*c >= 0x20 || *c == '\n', "character %d", *c);
    ck_assert_int_eq(count("\377"), 0);
    ck_assert_int_eq(count("\x7f"), 0);
    free(text);
}
END_TEST

START_TEST(tap_bails_out_of_a_plan_that_was_not_run_to_its_end)
{
    begin(&format_tap);
    trial(VERDICT_CLEAN, true, "", "");
    end();
    testing_has(text, "\nBail out! 1 of 3 trials were run\n");
    free(text);
    begin(&format_tap);
    run.trials = 1;
    trial(VERDICT_CLEAN, true, "", "");
    end();
    testing_lacks(text, "Bail out");
    free(text);
}
END_TEST

START_TEST(jsonl_gives_every_text_back_through_a_reader_of_json)
{
    begin(&format_jsonl);
    spec.job = EVIL;
    trial(VERDICT_CORRUPT, false, EVIL, EVIL);
    end();
    int lines = 0, trials = 0, verdicts = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json_is_object(record), "%s", line);
        const char *type = json_string_value(json_object_get(record, "type"));
        ck_assert_ptr_nonnull(type);
        if (strcmp(type, "trial") == 0) {
            ck_assert_str_eq(json_string_value(json_object_get(record, "job")), EVIL);
            ck_assert_str_eq(json_string_value(json_object_get(record, "replay")), EVIL);
            trials++;
        } else if (strcmp(type, "verdict") == 0) {
            ck_assert_str_eq(json_string_value(json_object_get(record, "reason")), EVIL);
            verdicts++;
        }
        json_decref(record);
    }
    ck_assert_int_ge(lines, 5);
    ck_assert_int_eq(trials, 1);
    ck_assert_int_eq(verdicts, 1);
    free(text);
}
END_TEST

START_TEST(jsonl_is_json_whatever_bytes_there_are)
{
    begin(&format_jsonl);
    spec.job = WORSE;
    spec.fault_text = "\377";
    trial(VERDICT_CORRUPT, false, WORSE, WORSE);
    end();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json_is_object(record), "%s", line);
        json_decref(record);
    }
    free(text);
}
END_TEST

START_TEST(the_table_explains_what_was_not_as_expected_with_its_replay_line)
{
    begin(&format_human);
    trial(VERDICT_CORRUPT, false, "torn at offset 8", "shmoo run --seed 1");
    trial(VERDICT_CLEAN, true, "fine", "shmoo run --seed 2");
    end();
    testing_has(text, "unexpected (expected CLEAN): torn at offset 8\n");
    testing_has(text, "replay: shmoo run --seed 1\n");
    testing_lacks(text, "shmoo run --seed 2");
    testing_has(text, "2 of 3 trials in 4.5 s:");
    testing_lacks(text, "\033");
    free(text);
}
END_TEST

START_TEST(a_long_name_leaves_the_columns_behind_it_where_they_are)
{
    static const char *const names[] = {"mutex", "mutex-unrepaired", "socketpair-seqpacket", "busted-one-in-a-million"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        begin(&format_human);
        spec.sync = contents_sync(names[i]);
        trial(VERDICT_CLEAN, true, "", "");
        end();
        char *heads = strstr(text, "    trial  load"), *line = strstr(text, "CLEAN");
        while (line > text && line[-1] != '\n')
            line--;
        ck_assert_int_eq(strstr(heads, "verdict") - heads, strstr(line, "CLEAN") - line);
        testing_has(line, names[i]);
        free(text);
    }
}
END_TEST

START_TEST(a_format_is_found_by_its_name_and_listed)
{
    size_t listed = 0;
    for (const char *const *name = format_names(); *name; name++, listed++)
        ck_assert_str_eq(format_find(*name)->name, *name);
    ck_assert_uint_eq(listed, 5);
    ck_assert_ptr_eq(format_find("junit"), &format_junit);
    ck_assert_ptr_null(format_find("xml"));
    ck_assert_ptr_null(format_find(""));
}
END_TEST

START_TEST(an_output_that_cannot_be_written_is_told_by_its_name)
{
    begin(&format_csv);
    fclose(sink.out);
    free(text);
    sink.out = fopen("/dev/full", "we");
    sink.name = "run.csv";
    ck_assert_ptr_nonnull(sink.out);
    ck_assert_int_eq(sink_begin(&sink, NULL, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    ck_assert_int_eq(error.errnum, ENOSPC);
    ck_assert_str_eq(error.text, "run.csv: write: ENOSPC (No space left on device); the disc is full: free some, or choose another "
                                 "--out");
    fclose(sink.out);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(cpus_that_moved_apart_are_told_where_the_pinning_was_one)
{
    static const struct {
        const char *pin, *says;
        uint64_t least, most;
    } cases[] = {{"scatter", "the host has moved its CPUs", 100, 480}, {"none", "Pin the workers", 100, 480},
                 {"scatter", NULL, 57, 107}, {NULL, NULL, 100, 480}, {NULL, NULL, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(&format_human);
        trial(VERDICT_CLEAN, true, "", "");
        end_after(cases[i].pin, cases[i].least, cases[i].most);
        ck_assert_int_eq(count("a cache line took 100 ns in one trial and 480 ns in another"), cases[i].says != NULL);
        ck_assert_int_eq(count("note:"), cases[i].says != NULL);
        ck_assert(!cases[i].says || count(cases[i].says) == 1);
        free(text);
    }
}
END_TEST

int main(void)
{
    return testing_run("formats", (const TTest *[]){
                                      csv_gives_every_text_back_through_a_reader_of_rfc_4180,
                                      csv_leaves_fields_empty_for_what_was_not_measured,
                                      junit_keeps_evil_texts_inside_their_attributes_and_elements,
                                      junit_holds_nothing_that_xml_forbids,
                                      junit_counts_tests_failures_errors_and_skipped_ones,
                                      tap_keeps_evil_texts_on_their_lines,
                                      tap_bails_out_of_a_plan_that_was_not_run_to_its_end,
                                      jsonl_gives_every_text_back_through_a_reader_of_json,
                                      jsonl_is_json_whatever_bytes_there_are,
                                      the_table_explains_what_was_not_as_expected_with_its_replay_line,
                                      a_long_name_leaves_the_columns_behind_it_where_they_are,
                                      a_format_is_found_by_its_name_and_listed,
                                      an_output_that_cannot_be_written_is_told_by_its_name,
                                      cpus_that_moved_apart_are_told_where_the_pinning_was_one,
                                      NULL,
                                  });
}
