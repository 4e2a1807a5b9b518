/* Asking a primitive what the system's limits make of it. */
#include "run/limits.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "run/instances.h"
#include "run/isolate.h"
#include "run/plugin.h"

struct question {
    const struct trial_spec *spec;
    char text[400];
};

static int64_t ask(void *user)
{
    struct question *question = user;
    struct sync_setup setup = instances_setup(question->spec);
    return plugin_bind_or_end(question->spec->sync)->here(&setup, question->text, sizeof question->text);
}

bool limits_ask(const struct trial_spec *spec, char *text, size_t size, int *rc, enum verdict *verdict, struct error *error)
{
    *rc = 0;
    if (!spec->sync->here)
        return true;
    struct question *question = mmap(NULL, sizeof *question, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (question == MAP_FAILED) {
        *verdict = VERDICT_ERROR;
        *rc = error_set(error, STATUS_ENVIRONMENT, errno, "sync %s: mmap: %s", spec->sync->name, error_name(errno));
        return true;
    }
    question->spec = spec;
    struct isolate_outcome outcome = isolate_call(ask, question, ISOLATE_PATIENCE_NS);
    question->text[sizeof question->text - 1] = '\0';
    snprintf(text, size, "%s", text_is_utf8(question->text) ? question->text : "");
    munmap(question, sizeof *question);
    if (outcome.end == ISOLATE_RETURNED)
        return outcome.value;
    *verdict = isolate_verdict(&outcome);
    *rc = error_set(error, outcome.end == ISOLATE_UNSTARTED ? STATUS_ENVIRONMENT : STATUS_UNEXPECTED, outcome.errnum, "sync %s: here() %s",
                    spec->sync->name, outcome.text);
    return true;
}
