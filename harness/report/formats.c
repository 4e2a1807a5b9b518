/* The formats: the table, and what all sinks have in common. */
#define _GNU_SOURCE
#include "report/formats.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

static const struct format_ops *const formats[] = {&format_human, &format_jsonl, &format_tap, &format_junit, &format_csv, NULL};

const struct format_ops *format_find(const char *name)
{
    for (int i = 0; formats[i]; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const char *const *format_names(void)
{
    static const char *names[sizeof formats / sizeof formats[0]];
    for (int i = 0; formats[i]; i++)
        names[i] = formats[i]->name;
    return names;
}

/* A disc that is full or a reader that has gone shows at the flush. */
static int settle(struct sink *sink, bool sync, struct error *error)
{
    errno = 0;
    int failed = fflush(sink->out) | ferror(sink->out);
    if (!failed && sync && sink->durable && fdatasync(fileno(sink->out)) != 0 && errno != EINVAL && errno != EROFS)
        failed = 1;
    if (!failed)
        return 0;
    int errnum = errno ? errno : EIO;
    const char *way_out = errnum == ENOSPC || errnum == EDQUOT ? "the disc is full: free some, or choose another --out"
                          : errnum == EPIPE                    ? "its reader has gone"
                                                               : "what was written before can be read";
    return error_set(error, STATUS_ENVIRONMENT, errnum, "%s: write: %s; %s", sink->name, error_name(errnum), way_out);
}

int sink_begin(struct sink *sink, const json_t *host, struct error *error)
{
    if (sink->format->begin)
        sink->format->begin(sink, host);
    return settle(sink, true, error);
}

int sink_trial_begin(struct sink *sink, const struct trial_event *event, struct error *error)
{
    if (sink->format->trial_begin)
        sink->format->trial_begin(sink, event);
    return settle(sink, false, error);
}

int sink_trial_end(struct sink *sink, const struct trial_event *event, struct error *error)
{
    if (sink->format->trial_end)
        sink->format->trial_end(sink, event);
    return settle(sink, true, error);
}

int sink_end(struct sink *sink, const struct run_summary *summary, struct error *error)
{
    if (sink->format->end)
        sink->format->end(sink, summary);
    return settle(sink, true, error);
}

const char *trial_title(const struct trial_spec *spec, char text[256])
{
    char size[UNITS_TEXT], placement[SPEC_PLACEMENT];
    bool fault = strcmp(spec->fault_text, "none") != 0;
    snprintf(text, 256, "%s %s %uw+%ur %s%s%s%s", spec->load->name, spec->sync->name, spec->shape.writers, spec->shape.readers,
             units_print(&units_size, (double)spec->shape.size, size), fault ? " fault " : "", fault ? spec->fault_text : "",
             spec_placement(spec, placement));
    return text;
}
