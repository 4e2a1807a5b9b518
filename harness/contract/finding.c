/* Findings: how a row says what it saw, and what all rows read with. */
#define _GNU_SOURCE
#include "contract/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const runtime_names[RUNTIMES + 1] = {
    [RUNTIME_HOST] = "host",
    [RUNTIME_DOCKER] = "docker",
    [RUNTIME_PODMAN] = "podman",
    [RUNTIME_KUBERNETES] = "kubernetes",
    [RUNTIME_SYSTEMD] = "systemd",
};

int runtime_find(const char *name)
{
    for (int i = 0; i < RUNTIMES; i++)
        if (strcmp(runtime_names[i], name) == 0)
            return i;
    return -1;
}

const char *severity_name(enum severity severity)
{
    static const char *const names[SEVERITIES] = {
        [SEVERITY_NOTE] = "note", [SEVERITY_WARNING] = "warning", [SEVERITY_SERIOUS] = "serious"};
    return names[severity];
}

void diagnosis_fact(struct diagnosis *d, const char *format, ...)
{
    if (d->fact_count == FINDINGS_MAX)
        return;
    struct fact *fact = &d->facts[d->fact_count++];
    va_list args;
    va_start(args, format);
    fact->row = d->row;
    vsnprintf(fact->text, sizeof fact->text, format, args);
    va_end(args);
}

void diagnosis_finding(struct diagnosis *d, enum severity severity, const char *format, ...)
{
    if (d->found_count == FINDINGS_MAX)
        return;
    struct finding *finding = &d->found[d->found_count++];
    va_list args;
    va_start(args, format);
    finding->row = d->row;
    finding->severity = severity;
    vsnprintf(finding->evidence, sizeof finding->evidence, format, args);
    va_end(args);
}

/* The value of a placeholder at the start of `text`, and its length; NULL where there is none. */
static const char *placeholder(const char *text, const struct diagnosis *d, size_t *length)
{
    if (strncmp(text, "{unit}", 6) == 0) {
        *length = 6;
        return d->unit[0] ? d->unit : "NAME.service";
    }
    if (strncmp(text, "{engine}", 8) == 0) {
        *length = 8;
        return d->runtime == RUNTIME_PODMAN ? "podman" : "docker";
    }
    return NULL;
}

const char *finding_fix(const struct finding_ops *row, const struct diagnosis *d, char *text, size_t size)
{
    enum runtime runtime = d->runtime == RUNTIME_PODMAN && !row->fix[RUNTIME_PODMAN] ? RUNTIME_DOCKER : d->runtime;
    const char *from = row->fix[runtime] ? row->fix[runtime] : row->fix[RUNTIME_HOST];
    size_t used = 0;
    text[0] = '\0';
    while (from && *from && used + 1 < size) {
        size_t length = 1;
        const char *value = placeholder(from, d, &length);
        int n = value ? snprintf(text + used, size - used, "%s", value) : snprintf(text + used, size - used, "%c", *from);
        used += n > 0 ? (size_t)n : 0;
        from += length;
    }
    return text;
}

bool finding_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    bool got = file && fgets(text, (int)size, file);
    if (got)
        text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
    return got;
}

const char *finding_option(const struct diagnosis *d, const char *key, char value[64])
{
    for (const char *at = d->options; (at = strstr(at, key)); at++) {
        if (at != d->options && at[-1] != ',')
            continue;
        at += strlen(key);
        snprintf(value, 64, "%.*s", (int)strcspn(at, ","), at);
        return value;
    }
    return NULL;
}
