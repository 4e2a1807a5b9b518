/* shmoo check: assertions about what the system promises for shared memory. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/option.h"
#include "base/suggest.h"
#include "cmd/command.h"
#include "cmd/outdir.h"
#include "contract/contents.h"
#include "report/checks.h"
#include "report/terminal.h"
#include "run/interrupt.h"

enum check_option { CHECK_LIST, CHECK_FORMAT, CHECK_JOBS, CHECK_DEADLINE, CHECK_QUIET, CHECK_COVERAGE, CHECK_HELP, CHECK_OPTIONS };

static int valid_format(const char *name, struct error *error)
{
    return check_format_find(name) ? 0 : suggest_fail(error, "format", name, check_format_names());
}

static const struct option_row check_options[CHECK_OPTIONS] = {
    [CHECK_LIST] = {.name = "list", .type = OPTION_FLAG, .help = "lists the checks that would run, with level and clause"},
    [CHECK_FORMAT] = {.name = "format", .argument = "FORMAT", .type = OPTION_NAME, .fallback = "human", .valid = valid_format,
                      .help = "of standard output: human, tap, junit, or jsonl where it was built in"},
    [CHECK_JOBS] = {.name = "jobs", .letter = 'j', .argument = "N", .type = OPTION_COUNT, .min = 1, .max = 64,
                    .help = "so many at a time; without it, one for each CPU"},
    [CHECK_DEADLINE] = {.name = "deadline", .argument = "T", .type = OPTION_DURATION, .min = NS_PER_S, .max = 3600 * NS_PER_S,
                        .help = "ends a check that takes longer, as ERROR; 20s unless given: more for slow emulators"},
    [CHECK_QUIET] = {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .help = "shows only what did not pass, and the counts"},
    [CHECK_COVERAGE] = {.name = "coverage", .type = OPTION_FLAG, .help = "prints the table of interfaces and clauses, in Markdown"},
    [CHECK_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

/* What one invocation holds. */
struct session {
    struct option_list options[CHECK_OPTIONS];
    const struct check_ops **rows;
    struct run_info run;
    struct check_sink sink;
    struct check_summary summary;
};

static void print_help(void)
{
    printf("Usage: shmoo check [GLOB ...] [OPTION ...]\n\n"
           "Checks what POSIX, the manual pages and this system promise for shared memory, and what persists when processes\n"
           "die. A glob chooses checks by their ids: shmoo check 'persist/*'. Each check is a process of its own; nothing is\n"
           "left behind, and the machine's /dev/shm is never filled: a check that needs that has one of its own.\n\n");
    options_help(check_options, CHECK_OPTIONS, stdout);
    printf("\nOutcomes: PASS; FAIL, a promise is broken; DEVIATES, a known and documented difference, with the reason; UNSUPPORTED,\n"
           "what the check needs is not to be had here; ERROR, the check could not decide.\n"
           "Exit status: 0 none failed, 1 a FAIL or an ERROR, 2 usage, 3 the environment cannot run any, 4 nothing ran, 128+N\n"
           "ended by signal N.\n");
}

static bool flag(const struct session *s, enum check_option option)
{
    return s->options[option].count && s->options[option].values[0].number;
}

static uint32_t rows_in_all(void)
{
    uint32_t count = 0;
    for (size_t i = 0; contents_checks[i]; i++)
        for (const struct check_ops *row = contents_checks[i]; row->id; row++)
            count++;
    return count;
}

static int fail_unknown(const char *glob, struct error *error)
{
    const char **ids = calloc(rows_in_all() + 1, sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; ids && contents_checks[i]; i++)
        for (const struct check_ops *row = contents_checks[i]; row->id; row++)
            ids[n++] = row->id;
    const char *likely = ids ? suggest_likely(glob, ids) : NULL;
    size_t length = strlen(glob);
    bool family = likely && strncmp(likely, glob, length) == 0 && likely[length] == '/';
    error_set(error, STATUS_USAGE, 0, "unknown check \"%.200s\": no id matches%s%.*s%s shmoo check --list shows all", glob,
              likely ? "; did you mean \"" : ";", likely ? (int)(family ? length : strlen(likely)) : 0, likely ? likely : "",
              !likely ? "" : family ? "/*\"?" : "\"?");
    free(ids);
    return -1;
}

static bool matches(const char *id, char *const *globs, int count)
{
    for (int i = 0; i < count; i++)
        if (fnmatch(globs[i], id, 0) == 0)
            return true;
    return count == 0;
}

/* Fills s->rows with what the globs choose, in curated order, each once. */
static int choose(struct session *s, char *const *globs, int count, struct error *error)
{
    s->rows = calloc(rows_in_all() + 1, sizeof *s->rows);
    if (!s->rows)
        return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
    for (size_t i = 0; contents_checks[i]; i++)
        for (const struct check_ops *row = contents_checks[i]; row->id; row++)
            if (matches(row->id, globs, count))
                s->rows[s->summary.planned++] = row;
    for (int i = 0; i < count; i++) {
        bool any = false;
        for (uint32_t k = 0; k < s->summary.planned && !any; k++)
            any = matches(s->rows[k]->id, &globs[i], 1);
        if (!any)
            return fail_unknown(globs[i], error);
    }
    return 0;
}

static int list(const struct session *s)
{
    for (uint32_t i = 0; i < s->summary.planned; i++) {
        const struct check_ops *row = s->rows[i];
        const char *separator = "; needs ";
        printf("%-42s %-16s  %s [%s]", row->id, check_level_name(row->level), row->summary, row->clause);
        for (unsigned k = 0; k < CHECK_NEED_KINDS; k++)
            if (row->needs & 1u << k) {
                printf("%s%s", separator, check_need_name(1u << k));
                separator = ", ";
            }
        putchar('\n');
    }
    return stdout_settle(STATUS_AS_EXPECTED);
}

static uint32_t jobs(const struct session *s)
{
    cpu_set_t cpus;
    if (s->options[CHECK_JOBS].count)
        return (uint32_t)s->options[CHECK_JOBS].values[0].number;
    return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (uint32_t)CPU_COUNT(&cpus) : 1;
}

/* -1 when standard output takes no more: then there is nobody to check for. */
static int show(uint32_t index, const struct check_result *result, void *user)
{
    struct session *s = user;
    struct check_event event = {.number = index + 1, .row = s->rows[index], .result = result};
    s->summary.done++;
    s->summary.outcomes[result->report.outcome]++;
    s->sink.format->one(&s->sink, &event);
    return fflush(s->sink.out) != 0 || ferror(s->sink.out) ? -1 : 0;
}

static int earned_status(const struct check_summary *summary, int failed)
{
    if (summary->interrupted)
        return 128 + summary->interrupted;
    if (summary->outcomes[CHECK_FAIL] || summary->outcomes[CHECK_ERROR])
        return STATUS_UNEXPECTED;
    if (failed)
        return STATUS_ENVIRONMENT;
    return summary->outcomes[CHECK_PASS] || summary->outcomes[CHECK_DEVIATES] ? STATUS_AS_EXPECTED : STATUS_NOTHING;
}

static uint32_t deadline_s(const struct session *s)
{
    const struct option_list *given = &s->options[CHECK_DEADLINE];
    return given->count ? (uint32_t)((given->values[0].number + NS_PER_S - 1) / NS_PER_S) : 0;
}

static void begin(struct session *s)
{
    outdir_name(&s->run);
    s->run.started_ns = clock_ns();
    s->run.clock = clock_measure();
    s->run.command = command_line(&s->run.command_count);
    s->sink = (struct check_sink){
        .format = check_format_find(s->options[CHECK_FORMAT].values[0].text),
        .out = stdout,
        .run = &s->run,
        .planned = s->summary.planned,
        .colour = terminal_colour(STDOUT_FILENO),
        .quiet = flag(s, CHECK_QUIET),
    };
    if (s->sink.format->begin)
        s->sink.format->begin(&s->sink);
}

static int run(struct session *s, struct error *error)
{
    if (check_preflight(error) || interrupt_setup(error))
        return error_print(error), (int)error->status;
    begin(s);
    struct check_plan plan = {
        .rows = s->rows, .count = s->summary.planned, .jobs = jobs(s), .deadline_s = deadline_s(s), .done = show, .user = s};
    int failed = check_run(&plan, error);
    if (failed)
        error_print(error);
    s->summary.interrupted = interrupt_pending();
    s->summary.seconds = (double)(clock_ns() - s->run.started_ns) / 1e9;
    s->summary.exit_status = earned_status(&s->summary, failed);
    s->sink.format->end(&s->sink, &s->summary);
    if (s->summary.exit_status == STATUS_NOTHING)
        notice("check: nothing that was chosen can be checked here");
    return stdout_settle(s->summary.exit_status);
}

static int check_main(int argc, char **argv)
{
    static struct session session;
    struct error error;
    char **globs;
    int glob_count, status;
    options_init(check_options, CHECK_OPTIONS, session.options);
    int bad = options_parse(check_options, CHECK_OPTIONS, session.options, argc, argv, &globs, &glob_count, &error);
    if (!bad && flag(&session, CHECK_HELP)) {
        print_help();
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else if (bad || choose(&session, globs, glob_count, &error)) {
        error_print(&error);
        status = (int)error.status;
    } else if (flag(&session, CHECK_COVERAGE)) {
        checks_coverage(stdout, contents_checks);
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else {
        status = flag(&session, CHECK_LIST) ? list(&session) : run(&session, &error);
    }
    options_free(session.options, CHECK_OPTIONS);
    free(session.rows);
    return status;
}

const struct command command_check = {
    .name = "check",
    .usage = "check [GLOB ...] [OPTION ...]",
    .summary = "assertions about what shared memory promises",
    .run = check_main,
};
