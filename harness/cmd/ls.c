/* shmoo ls: the objects of /dev/shm, who holds them, and which are proven unused. */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/option.h"
#include "base/suggest.h"
#include "base/units.h"
#include "cmd/command.h"
#include "report/objects.h"
#include "report/terminal.h"
#include "shm/capacity.h"
#include "shm/objects.h"
#include "shm/region.h"

enum ls_option { LS_NAME, LS_OWNER, LS_STATE, LS_OLDER, LS_NEWER, LS_WATCH, LS_LOOKS, LS_FORMAT, LS_HELP, LS_OPTIONS };

/* As they are typed. */
static const char *const state_words[] = {"in-use", "elsewhere", "unused", "unknown", NULL};

/* "in use", "in-use", "in-use-elsewhere", "elsewhere", ...: the state, or -1. */
static int state_find(const char *text)
{
    char word[32];
    size_t i = 0;
    for (; text[i] && i < sizeof word - 1; i++)
        word[i] = text[i] == '-' || text[i] == '_' ? ' ' : text[i];
    word[i] = '\0';
    for (int state = 0; state < OBJECT_STATES; state++)
        if (strcmp(word, object_state_name((enum object_state)state)) == 0 || strcmp(text, state_words[state]) == 0)
            return state;
    return -1;
}

static int valid_state(const char *text, struct error *error)
{
    return state_find(text) >= 0 ? 0 : suggest_fail(error, "state", text, state_words);
}

static int valid_format(const char *text, struct error *error)
{
    return object_format_find(text) ? 0 : suggest_fail(error, "format", text, object_format_names());
}

/* A name or a number. */
static bool owner_find(const char *text, uid_t *owner)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    const struct passwd *entry = getpwnam(text);
    if (entry)
        *owner = entry->pw_uid;
    else
        *owner = (uid_t)number;
    return entry || (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && number == (uid_t)number);
}

static int valid_owner(const char *text, struct error *error)
{
    uid_t owner;
    return owner_find(text, &owner)
               ? 0
               : error_set(error, STATUS_USAGE, 0, "no user \"%s\" is known here; a number will do", text);
}

static const struct option_row ls_options[LS_OPTIONS] = {
    [LS_NAME] = {.name = "name",
                 .argument = "GLOB",
                 .type = OPTION_TEXT,
                 .flags = OPTION_GATHER,
                 .help = "only objects whose names match; may be given several times"},
    [LS_OWNER] = {.name = "owner",
                  .argument = "USER",
                  .type = OPTION_NAME,
                  .flags = OPTION_LIST,
                  .valid = valid_owner,
                  .help = "only what belongs to this user, by name or number"},
    [LS_STATE] = {.name = "state",
                  .argument = "STATE",
                  .type = OPTION_NAME,
                  .flags = OPTION_LIST,
                  .valid = valid_state,
                  .help = "only what is in-use, elsewhere, unused or unknown"},
    [LS_OLDER] = {.name = "older",
                  .argument = "AGE",
                  .type = OPTION_DURATION,
                  .help = "only what has not been changed for so long: 90s, 2h"},
    [LS_NEWER] = {.name = "newer",
                  .argument = "AGE",
                  .type = OPTION_DURATION,
                  .help = "only what has been changed within so long"},
    [LS_WATCH] = {.name = "watch",
                  .argument = "TIME",
                  .type = OPTION_DURATION,
                  .implied = "2s",
                  .min = NS_PER_MS,
                  .bounds = "; a look takes some time",
                  .help = "looks again and again, every 2 s or as given, until it is interrupted"},
    [LS_LOOKS] =
        {.name = "looks", .argument = "N", .type = OPTION_COUNT, .min = 1, .help = "of --watch: ends after so many looks"},
    [LS_FORMAT] = {.name = "format",
                   .argument = "FORMAT",
                   .type = OPTION_NAME,
                   .fallback = "human",
                   .valid = valid_format,
                   .help = "of standard output: human, jsonl or csv"},
    [LS_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

static void print_help(void)
{
    printf("Usage: shmoo ls [OPTION ...]\n\n"
           "Lists the objects of /dev/shm, and, as far as this user may look into the processes, those without a name\n"
           "(unlinked, memfd); the largest first. Age counts from the last change by a call (created, sized, renamed, given\n"
           "rights, written); stores through a mapping leave no trace.\n\n");
    options_help(ls_options, LS_OPTIONS, stdout);
    printf("\nStates: in use, by processes that can be seen; in use elsewhere, proven, but by nobody who can be seen\n"
           "(another pid namespace, a message in a socket, the kernel); unused, proven by a lease at the moment of the look;\n"
           "unknown, no proof either way: treat it as in use.\n"
           "Exit status: 0, 2 usage, 3 there is no /dev/shm.\n");
}

static bool name_passes(const struct option_list *globs, const char *name)
{
    for (size_t i = 0; i < globs->count; i++)
        if (fnmatch(globs->values[i].text + (globs->values[i].text[0] == '/'), name, 0) == 0)
            return true;
    return globs->count == 0;
}

static bool owner_passes(const struct option_list *owners, const struct object *object)
{
    uid_t owner;
    for (size_t i = 0; i < owners->count; i++)
        if (object->measured && owner_find(owners->values[i].text, &owner) && owner == object->owner)
            return true;
    return owners->count == 0;
}

static bool state_passes(const struct option_list *states, enum object_state state)
{
    for (size_t i = 0; i < states->count; i++)
        if (state_find(states->values[i].text) == (int)state)
            return true;
    return states->count == 0;
}

/* The age of what cannot be measured is none. */
static bool age_passes(const struct option_list *lists, const struct object *object)
{
    const struct option_list *older = &lists[LS_OLDER], *newer = &lists[LS_NEWER];
    uint64_t age_s = object_age_s(object);
    if ((older->count || newer->count) && !object->measured)
        return false;
    return !(older->count && age_s < (older->values[0].number + NS_PER_S - 1) / NS_PER_S) &&
           !(newer->count && age_s > newer->values[0].number / NS_PER_S);
}

static bool passes(const struct option_list *lists, const struct object *object)
{
    return age_passes(lists, object) && name_passes(&lists[LS_NAME], object->name) &&
           owner_passes(&lists[LS_OWNER], object) && state_passes(&lists[LS_STATE], object->state);
}

/* What a screen has besides objects: a header, up to three lines at the end, and the cursor's. */
#define SCREEN_REST 5

/* One look, at so many objects at the most. */
static int look(const struct option_list *lists, bool first, size_t most, struct error *error)
{
    const struct object_format *format = object_format_find(lists[LS_FORMAT].values[0].text);
    struct objects objects;
    struct shm_capacity capacity;
    size_t shown = 0;
    if (capacity_read(REGION_FOLDER, &capacity, error) || objects_read(&objects, 0, error))
        return -1;
    objects_sort(&objects);
    if (format->begin && (first || format->end))
        format->begin(stdout);
    for (size_t i = 0; i < objects.count && shown < most; i++)
        if (passes(lists, &objects.list[i])) {
            format->one(stdout, &objects.list[i]);
            shown++;
        }
    if (format->end)
        format->end(stdout, &objects, shown, &capacity);
    objects_free(&objects);
    return fflush(stdout) == 0
               ? 0
               : error_set(error, STATUS_ENVIRONMENT, errno, "standard output: write: %s", error_name(errno));
}

static int watch(const struct option_list *lists, struct error *error)
{
    const struct option_list *interval = &lists[LS_WATCH];
    uint64_t rounds = lists[LS_LOOKS].count ? lists[LS_LOOKS].values[0].number : interval->count ? UINT64_MAX : 1;
    bool human = strcmp(lists[LS_FORMAT].values[0].text, "human") == 0;
    bool screen = interval->count && human && terminal_capable(STDOUT_FILENO);
    uint64_t next = clock_ns(), pause = interval->count ? interval->values[0].number : 2 * NS_PER_S;
    signal(SIGPIPE, SIG_IGN); /* a reader that has left is told as an error of a write */
    for (uint64_t round = 0; round < rounds; round++) {
        size_t most = SIZE_MAX;
        if (round) {
            next = next + pause > clock_ns() ? next + pause : clock_ns() + pause; /* a look may take longer than that */
            clock_wait_until(next);
        }
        if (screen) {
            unsigned lines = terminal_lines(STDOUT_FILENO);
            most = lines > SCREEN_REST ? lines - SCREEN_REST : most;
            fputs("\033[H\033[J", stdout);
        }
        if (look(lists, round == 0, most, error))
            return -1;
    }
    return 0;
}

/* "--watch 5s" is two words, of which the second looks like an operand. */
static int take_interval(struct option_list *lists, char **operands, int *count, struct error *error)
{
    if (*count == 0)
        return 0;
    if (*count > 1 || !lists[LS_WATCH].count)
        return error_set(error, STATUS_USAGE, 0,
                         "ls: \"%s\" is superfluous: ls takes options only; --name GLOB chooses by name", operands[0]);
    if (option_assign(&ls_options[LS_WATCH], &lists[LS_WATCH], operands[0], "--watch", OPTION_FROM_COMMAND, error))
        return -1;
    *count = 0;
    return 0;
}

static int ls_main(int argc, char **argv)
{
    struct option_list lists[LS_OPTIONS];
    struct error error;
    char **operands;
    int operand_count, status;
    options_init(ls_options, LS_OPTIONS, lists);
    int bad = options_parse(ls_options, LS_OPTIONS, lists, argc, argv, &operands, &operand_count, &error) ||
              take_interval(lists, operands, &operand_count, &error);
    if (bad) {
        error_print(&error);
        status = STATUS_USAGE;
    } else if (lists[LS_HELP].count) {
        print_help();
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else if (watch(lists, &error)) {
        error_print(&error);
        status = (int)error.status;
    } else {
        status = stdout_settle(STATUS_AS_EXPECTED);
    }
    options_free(lists, LS_OPTIONS);
    return status;
}

const struct command command_ls = {
    .name = "ls",
    .usage = "ls [OPTION ...]",
    .summary = "objects of /dev/shm, who holds them, what is unused",
    .run = ls_main,
};
