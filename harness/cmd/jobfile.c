/* Job files, through inih; the file's own reader counts lines, so that errors name line and column. */
#define _GNU_SOURCE
#include "cmd/jobfile.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/suggest.h"
#include "base/text.h"
#include "cmd/places.h"
#include "cmd/plugin_option.h"

/* inih's own limit on a line, less its ending; a longer value goes on in an indented line. */
#define LINE_MAX_LENGTH 196
#define FILE_MAX_BYTES (16u << 20)

struct reader {
    struct plan *plan;
    const char *path;
    FILE *file;
    char line[512]; /* as read last */
    unsigned number;
    bool in_section;
    struct grid *grid; /* of the section; NULL in [global] */
    size_t first_grid; /* of this file */
    struct option_list shared[RUN_OPTIONS]; /* what [global] says */
    unsigned first_line[RUN_OPTIONS];       /* where a key was given in this section; 0: not yet */
    struct error *error;
    bool failed;
    char *text; /* the whole file's */
};

/* Notes the first failure, at a place in the line read last; returns 0, as inih's handlers do to fail. */
__attribute__((format(printf, 3, 4))) static int fail_at(struct reader *r, const char *at, const char *format, ...)
{
    char message[900];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t column = at ? (size_t)(at - r->line) + 1 : 1;
    if (!r->failed)
        error_set(r->error, STATUS_USAGE, 0, "%s:%u:%zu: %s", r->path, r->number, column, message);
    r->failed = true;
    return 0;
}

/* Lays a set of lists over a grid's: those that were given. */
static void overlay(struct option_list *to, const struct option_list *from)
{
    for (size_t i = 0; i < RUN_OPTIONS; i++) {
        if (from[i].source == OPTION_FROM_DEFAULT)
            continue;
        options_free(&to[i], 1);
        options_copy(&to[i], &from[i], 1);
    }
}

struct grid *plan_add_grid(struct plan *plan, const char *job)
{
    struct grid *grids = realloc(plan->grids, (plan->grid_count + 1) * sizeof *grids);
    if (!grids)
        return NULL;
    plan->grids = grids;
    struct grid *grid = &plan->grids[plan->grid_count++];
    grid->job = strdup(job);
    options_init(run_options, RUN_OPTIONS, grid->options);
    return grid;
}

static int enter_section(struct reader *r, const char *section)
{
    r->in_section = true;
    memset(r->first_line, 0, sizeof r->first_line);
    if (strcmp(section, "global") == 0) {
        r->grid = NULL;
        if (r->plan->grid_count > r->first_grid)
            return fail_at(r, NULL, "[global] must come before all other sections");
        return 1;
    }
    for (size_t i = r->first_grid; i < r->plan->grid_count; i++)
        if (strcmp(r->plan->grids[i].job, section) == 0)
            return fail_at(r, NULL, "the section [%s] is there twice", section);
    r->grid = plan_add_grid(r->plan, section);
    if (!r->grid)
        return fail_at(r, NULL, "out of memory");
    overlay(r->grid->options, r->shared);
    return 1;
}

/* Reads a line into r->line, without its end; what does not fit is left in the file. Returns its length, or -1 at the end
 * of the file. */
static int fetch_line(struct reader *r)
{
    size_t length = 0;
    int c;
    while ((c = fgetc(r->file)) != EOF && c != '\n' && length < sizeof r->line - 1)
        r->line[length++] = (char)c;
    if (c == EOF && length == 0)
        return -1;
    if (length && r->line[length - 1] == '\r')
        length--;
    r->line[length] = '\0';
    r->number++;
    if (r->number == 1 && strncmp(r->line, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark is no part of the text */
        length -= 3;
        memmove(r->line, r->line + 3, length + 1);
    }
    return (int)length;
}

/* The name of the section that a line begins, or NULL; a line that only looks like one fails. */
static char *section_of(struct reader *r)
{
    char *begin = r->line + strspn(r->line, " \t"), *end = strchr(begin, ']');
    if (*begin != '[')
        return NULL;
    if (begin != r->line)
        fail_at(r, begin, "a section begins at the beginning of its line");
    else if (!end)
        fail_at(r, begin, "the section has no closing bracket");
    else if (end == begin + 1)
        fail_at(r, begin, "the section has no name");
    else if (!strchr(";#", end[1 + strspn(end + 1, " \t\r")])) /* inih would lose it without a word; the text's end passes */
        fail_at(r, end + 1 + strspn(end + 1, " \t\r"), "something follows the section; keys have lines of their own");
    else
        return strndup(begin + 1, (size_t)(end - begin - 1));
    return NULL;
}

/* A line of the file, for inih. Comment lines and blanks pass; a line beyond inih's limit is an error of its own. */
static char *read_line(char *buffer, int size, void *stream)
{
    struct reader *r = stream;
    int length = r->failed ? -1 : fetch_line(r);
    if (length < 0)
        return NULL;
    const char *nul = memchr(r->line, '\0', (size_t)length);
    if (nul)
        fail_at(r, nul, "the file holds a NUL byte; it is not a text file");
    else if (length > LINE_MAX_LENGTH)
        fail_at(r, r->line + LINE_MAX_LENGTH,
                "the line is longer than %d characters; go on in a line that begins with a space", LINE_MAX_LENGTH);
    else if (!text_is_utf8(r->line))
        fail_at(r, NULL, "the line is not UTF-8");
    char *section = section_of(r);
    if (section && !r->failed)
        enter_section(r, section);
    free(section);
    snprintf(buffer, (size_t)size, "%s", r->line);
    return r->failed ? NULL : buffer;
}

static const char *find_in_line(const struct reader *r, const char *text)
{
    const char *at = text && *text ? strstr(r->line, text) : NULL;
    return at ? at : r->line;
}

/* A list that goes on in an indented line arrives as the same key again. */
static int assign(struct reader *r, int row, const char *value)
{
    struct option_list *lists = r->grid ? r->grid->options : r->shared;
    const struct option_row *option = &run_options[row];
    bool continued = r->first_line[row] && isspace((unsigned char)r->line[0]);
    struct option_row gathering = *option;
    struct error error;
    char text[512];
    if (r->first_line[row] && !continued)
        return fail_at(r, NULL, "%s is given twice in this section", option->name);
    if (continued && !(option->flags & OPTION_LIST))
        return fail_at(r, find_in_line(r, value), "%s takes one value, and does not go on in another line", option->name);
    if (continued)
        gathering.flags |= OPTION_GATHER;
    r->first_line[row] = r->number;
    snprintf(text, sizeof text, "%s", value);
    size_t length = strlen(text); /* a comma at the end of a line that goes on */
    if (length && text[length - 1] == ',' && (option->flags & OPTION_LIST))
        text[length - 1] = '\0';
    bool failed = option_assign(&gathering, &lists[row], text, option->name, OPTION_FROM_FILE, &error) != 0 ||
                  (row == RUN_PLUGIN && plugin_option_settle(&lists[row], &error) != 0);
    if (!failed)
        return 1;
    fail_at(r, find_in_line(r, value), "%s", error.text);
    r->error->status = error.status;
    return 0;
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;
    if (r->failed)
        return 0;
    (void)section; /* known since its line was read */
    if (!r->in_section)
        return fail_at(r, find_in_line(r, name), "the key %s stands before any section; begin with [global] or [a name]", name);
    int row = option_find(run_options, RUN_OPTIONS, name);
    if (row < 0 || !(run_options[row].flags & OPTION_KEY)) {
        struct error error;
        option_unknown(run_options, RUN_OPTIONS, "key", name, true, &error);
        return fail_at(r, find_in_line(r, name), "%s", error.text);
    }
    if (row == RUN_SEED && r->grid)
        return fail_at(r, find_in_line(r, name), "the seed is the whole run's: put it in [%s]", "global");
    return assign(r, row, value);
}

/* The first line that inih itself could not read: where in it? */
static int fail_syntax(struct reader *r, int line)
{
    char text[512] = "";
    rewind(r->file);
    for (int i = 0; i < line && fgets(text, sizeof text, r->file); i++)
        continue;
    size_t column = strspn(text, " \t") + 1;
    const char *what = "neither [section] nor key = value";
    return error_set(r->error, STATUS_USAGE, 0, "%s:%d:%zu: %s", r->path, line, column, what);
}

static void fail_open(const char *name, int errnum, struct error *error)
{
    char jobs[400], split[sizeof jobs], *rest = split, *job;
    const char *names[64];
    size_t count = 0;
    places_jobs(jobs, sizeof jobs);
    memcpy(split, jobs, sizeof jobs);
    while (count < 63 && (job = strsep(&rest, " ")))
        if (*job)
            names[count++] = job;
    names[count] = NULL;
    const char *likely = suggest_likely(name, names);
    error_set(error, errnum == ENOENT ? STATUS_USAGE : STATUS_ENVIRONMENT, errnum,
              "job file %s: open: %s; %s%s%s a path, or one of the built-in jobs:%s%s", name, error_name(errnum),
              likely ? "did you mean \"" : "", likely ? likely : "", likely ? "\"? Give" : "give", jobs,
              likely || strpbrk(name, "/.") ? "" : ". Was it meant for the option in front? Lists are written without spaces: 1,2,4");
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder that is called like a built-in job (of an earlier run, say) does not hide it. */
static FILE *open_file(const char *name, char *path, size_t size, struct error *error)
{
    struct stat st;
    bool folder = is_folder(name);
    snprintf(path, size, "%s", name);
    FILE *file = folder ? NULL : fopen(name, "re");
    int errnum = errno;
    if (!file && (folder || errnum == ENOENT) && places_job(name, path, size) == 0) {
        file = fopen(path, "re");
        errnum = errno;
    }
    if (!file && !folder) {
        fail_open(name, errnum, error);
        return NULL;
    }
    if (!file || (fstat(fileno(file), &st) == 0 && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))) {
        error_set(error, STATUS_USAGE, 0, "job file %s is not a file", path);
        if (file)
            fclose(file);
        return NULL;
    }
    return file;
}

/* Plugins bring names that may stand before them: they are loaded first. What is wrong with one is told in its turn. */
static int on_plugin(void *user, const char *section, const char *name, const char *value)
{
    char names[512], *rest = names, *item;
    struct error error;
    (void)user, (void)section;
    snprintf(names, sizeof names, "%s", strcmp(name, run_options[RUN_PLUGIN].name) == 0 ? value : "");
    while ((item = strsep(&rest, ", \t")))
        if (*item)
            plugin_option_valid(item, &error);
    return 1;
}

static void load_plugins(const char *text, char folder[4096])
{
    char *slash = strrchr(folder, '/');
    FILE *file = *text ? fmemopen((void *)(uintptr_t)text, strlen(text), "r") : NULL;
    if (slash)
        slash[1] = '\0';
    plugin_option_folder(slash ? folder : NULL);
    if (!file)
        return;
    ini_parse_file(file, on_plugin, NULL);
    fclose(file);
}

/* The whole file in memory, to be read more than once: a pipe can be read only once. */
static FILE *slurp(struct reader *r, FILE *file, struct error *error)
{
    size_t size = 0, n;
    char part[4096];
    FILE *text = open_memstream(&r->text, &size);
    while (text && size <= FILE_MAX_BYTES && (n = fread(part, 1, sizeof part, file)) > 0 && fwrite(part, 1, n, text) == n)
        fflush(text);
    bool failed = !text || ferror(file) || ferror(text);
    int errnum = errno;
    if (text)
        fclose(text);
    fclose(file);
    if (failed || size > FILE_MAX_BYTES) {
        error_set(error, STATUS_ENVIRONMENT, errnum, failed ? "job file %s: read: %s" : "job file %s is too large for a job file", r->path,
                  error_name(errnum));
        return NULL;
    }
    return size ? fmemopen(r->text, size, "r") : fopen("/dev/null", "re");
}

int jobfile_read(struct plan *plan, const char *name, struct error *error)
{
    char path[4096], folder[4096];
    struct reader r = {.plan = plan, .path = path, .error = error, .first_grid = plan->grid_count};
    FILE *file = open_file(name, path, sizeof path, error);
    if (!file)
        return -1;
    r.file = slurp(&r, file, error);
    if (!r.file) {
        free(r.text);
        return -1;
    }
    memcpy(folder, path, sizeof folder);
    load_plugins(r.text, folder);
    options_init(run_options, RUN_OPTIONS, r.shared);
    int line = ini_parse_stream(read_line, &r, on_value, &r);
    int rc = r.failed ? -1 : 0;
    if (rc == 0 && line != 0)
        rc = fail_syntax(&r, line);
    else if (rc == 0 && ferror(r.file))
        rc = error_set(error, STATUS_ENVIRONMENT, errno, "job file %s: read: %s", path, error_name(errno));
    else if (rc == 0 && plan->grid_count == r.first_grid)
        rc = error_set(error, STATUS_USAGE, 0, "%s: no section besides [global]: nothing to run", path);
    plugin_option_folder(NULL);
    options_free(r.shared, RUN_OPTIONS);
    fclose(r.file);
    free(r.text);
    return rc;
}
