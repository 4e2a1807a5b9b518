/* One of two builds: starts it for each trial, and makes one run of what it records. */
#define _GNU_SOURCE
#include "cmd/against_side.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/child.h"
#include "cmd/outdir.h"
#include "cmd/summary.h"
#include "report/records.h"
#include "run/interrupt.h"

/* Trials are ended by the watchdogs of the build; this is for a program that is no build of shmoo. */
#define PATIENCE_NS (600 * NS_PER_S)
#define PATIENCE_TIMES 20
#define SHELL "/bin/sh"
/* The replay line goes through a shell, as it would by hand; $0 and $1 are names that it must not look into. */
#define TO_RECORD "--quiet --format jsonl --out \"$1\""
#define TO_TRY "--dry-run"

int side_open(struct side *side, const char *name, const char *path, const char *place, struct error *error)
{
    struct stat st;
    *side = (struct side){.name = name, .path = path, .fd = open(place, O_PATH)};
    if (side->fd < 0 || fstat(side->fd, &st) != 0)
        return error_set(error, STATUS_USAGE, errno, "--against %s: open: %s; name the program of another build, or with --plugin a plugin of another build", path, error_name(errno));
    if (!S_ISREG(st.st_mode) || access(place, X_OK) != 0)
        return error_set(error, STATUS_USAGE, 0, "--against %s: not a program that can be started; name a build of shmoo", path);
    return 0;
}

static void drop_line(void *user, const char *line)
{
    (void)user;
    (void)line;
}

/* The first line of what the program complained about, without the name that it puts in front. */
static const char *complaint(struct child_end *end)
{
    char *text = end->complaint;
    text[strcspn(text, "\n")] = '\0';
    return strncmp(text, "shmoo: ", 7) == 0 ? text + 7 : text;
}

static int start(struct side *side, const struct trial_spec *spec, const char *options, const char *folder,
                 void (*take)(void *user, const char *line), struct child_end *end, struct error *error)
{
    char program[64], shell[] = SHELL, option[] = "-c", *line = NULL;
    struct sync_ops row = *spec->sync;
    struct trial_spec own = *spec;
    own.sync = &row;
    if (row.origin && side->plugin)
        row.origin = side->plugin;
    char *replay = plan_replay(&own);
    uint64_t patience = PATIENCE_TIMES * spec->duration_ns + PATIENCE_NS;
    /* through this process's descriptors: a script's interpreter must find it, too */
    snprintf(program, sizeof program, "/proc/%d/fd/%d", (int)getpid(), side->fd);
    if (!replay || asprintf(&line, "exec \"$0\" %s %s", replay + strlen("shmoo "), options) < 0) {
        free(replay);
        return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
    }
    char *argv[] = {shell, option, line, program, (char *)folder, NULL};
    int rc = child_run(argv, patience, take, side, end, error);
    free(line);
    free(replay);
    return rc;
}

int side_takes(struct side *side, const struct trial_spec *spec, struct error *error)
{
    struct child_end end;
    if (start(side, spec, TO_TRY, "", drop_line, &end, error))
        return -1;
    if (end.status == STATUS_AS_EXPECTED || interrupt_pending())
        return 0;
    return error_set(error, STATUS_USAGE, 0, "%s %s does not take trial %u (exit status %d): %s", side->name, side->path,
                     spec->number, end.status, complaint(&end));
}

int side_begin(struct side *side, const struct run_info *run, const struct plan *plan, struct error *error)
{
    char wanted[4096], plan_file[4200];
    side->run = run;
    side->summary.planned = run->trials;
    if ((size_t)snprintf(wanted, sizeof wanted, "%s/%s", run->folder, side->name) >= sizeof wanted)
        return error_set(error, STATUS_USAGE, ENAMETOOLONG, "--out %.60s...: the path is too long", run->folder);
    if (outdir_make(run, wanted, side->folder, sizeof side->folder, error))
        return -1;
    snprintf(plan_file, sizeof plan_file, "%s/plan.ini", side->folder);
    snprintf(side->file_name, sizeof side->file_name, "%s/run.jsonl", side->folder);
    if (plan_write(plan, plan_file, error))
        return -1;
    side->out = fopen(side->file_name, "wxe");
    if (!side->out)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: open: %s", side->file_name, error_name(errno));
    return 0;
}

static void put(struct side *side, const json_t *record)
{
    json_dumpf(record, side->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', side->out);
}

static void set(json_t *record, const char *key, json_t *value)
{
    json_object_set_new(record, key, value);
}

/* The run's own record: that of the build's first process, as far as it is about the build and the machine. */
static void put_run(struct side *side, json_t *record)
{
    json_t *own = record_run(side->run);
    json_t *version = json_object_get(record, "version"), *clock = json_object_get(record, "clock");
    set(own, "id", json_sprintf("%s-%s", side->run->id, side->name));
    if (version)
        json_object_set(own, "version", version);
    if (clock)
        json_object_set(own, "clock", clock);
    set(own, "build", json_pack("{s:s, s:s, s:o}", "pairing", side->run->id, "side", side->name, "path", record_text(side->path)));
    put(side, own);
    json_decref(own);
}

static void note_verdict(struct side *side, const json_t *record)
{
    const char *word = json_string_value(json_object_get(record, "verdict"));
    int verdict = word ? verdict_find(word) : -1;
    if (verdict < 0 || side->judged)
        return;
    side->judged = true;
    side->verdict = (enum verdict)verdict;
    summary_count(&side->summary, side->verdict, json_is_true(json_object_get(record, "as_expected")),
                  json_is_true(json_object_get(record, "control")));
}

/* A record of a trial, which was the first and only one of its process, takes its place in the run. */
static void put_trial(struct side *side, json_t *record, const char *type)
{
    bool begins = strcmp(type, "trial") == 0, ends = strcmp(type, "verdict") == 0;
    set(record, "trial", json_integer(side->spec->number));
    if (begins || ends)
        set(record, "repeat", json_integer(side->spec->repeat));
    if (begins) {
        set(record, "job", record_text(side->spec->job));
        set(record, "at_s", json_real(side->at_s));
        set(record, "turn", json_integer(side->turn));
    }
    if (ends)
        note_verdict(side, record);
    put(side, record);
}

static void take_line(void *user, const char *line)
{
    struct side *side = user;
    json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(record, "type"));
    if (!type)
        snprintf(side->trouble, sizeof side->trouble, "%s", line);
    else if (strcmp(type, "run") == 0 && !side->begun)
        put_run(side, record);
    else if (strcmp(type, "host") == 0 && !side->begun) {
        put(side, record);
        side->begun = true;
    } else if (json_is_integer(json_object_get(record, "trial")))
        put_trial(side, record, type);
    json_decref(record);
}

static int settle(struct side *side, struct error *error)
{
    errno = 0;
    if (fflush(side->out) == 0 && !ferror(side->out) && fdatasync(fileno(side->out)) == 0)
        return 0;
    return error_set(error, STATUS_ENVIRONMENT, errno, "%s: write: %s", side->file_name, error_name(errno ? errno : EIO));
}

/* What the build's own folder for the trial held is in the run now. */
static void take_away(const char *folder)
{
    static const char *const files[] = {"run.jsonl", "plan.ini"};
    char path[4300];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

static int blame(const struct side *side, struct child_end *end, struct error *error)
{
    unsigned number = side->spec->number;
    if (end->late)
        return error_set(error, STATUS_ENVIRONMENT, 0, "%s %s: trial %u did not end; is this a build of shmoo?", side->name,
                         side->path, number);
    if (side->trouble[0])
        return error_set(error, STATUS_USAGE, 0, "%s %s: trial %u: not a record: %.100s; is this a build of shmoo?", side->name,
                         side->path, number, side->trouble);
    enum status status = end->status == STATUS_USAGE ? STATUS_USAGE : STATUS_ENVIRONMENT;
    return error_set(error, status, 0, "%s %s: trial %u: exit status %d: %s", side->name, side->path, number, end->status,
                     end->complaint[0] ? complaint(end) : "it said nothing");
}

int side_trial(struct side *side, const struct trial_spec *spec, unsigned turn, struct error *error)
{
    char folder[4200];
    struct child_end end;
    snprintf(folder, sizeof folder, "%s/trial", side->folder);
    side->spec = spec;
    side->turn = turn;
    side->at_s = (double)(clock_ns() - side->run->started_ns) / 1e9;
    side->judged = false;
    side->trouble[0] = '\0';
    if (start(side, spec, TO_RECORD, folder, take_line, &end, error))
        return -1;
    take_away(folder);
    if (settle(side, error))
        return -1;
    bool ended = end.status == STATUS_AS_EXPECTED || end.status == STATUS_UNEXPECTED || end.status == STATUS_NOTHING;
    if (interrupt_pending() || (ended && side->judged && !side->trouble[0]))
        return 0;
    return blame(side, &end, error);
}

int side_end(struct side *side, int failed, struct error *error)
{
    side->summary.interrupted = interrupt_pending();
    side->summary.seconds = (double)(clock_ns() - side->run->started_ns) / 1e9;
    side->summary.exit_status = failed && !interrupt_pending() ? failed : summary_status(&side->summary, interrupt_pending());
    if (!side->begun) /* a file without a `run` record would be no run */
        return 0;
    json_t *record = record_end(&side->summary);
    put(side, record);
    json_decref(record);
    return settle(side, error);
}

void side_close(struct side *side)
{
    if (side->out)
        fclose(side->out);
    if (side->fd >= 0)
        close(side->fd);
    side->out = NULL;
    side->fd = -1;
}
