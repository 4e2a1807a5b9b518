/* Findings: how a row says what it saw, and what all rows read with. */
#define _GNU_SOURCE
#include "contract/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The file that states the memory limit of who is looked at. */
static const char *limit_file(const struct diagnosis *d)
{
    const struct memory_limit *limit = d->patient ? &d->patient->memory : &d->memory;
    return limit->file[0] ? limit->file : "/sys/fs/cgroup/GROUP/memory.max";
}

/* The value of a placeholder at the start of `text`, and its length; NULL and 1 where there is none. */
static const char *placeholder(const char *text, const struct finding_ops *row, const struct diagnosis *d, size_t *length)
{
    static char drop_in[200], unit[140], pid[16];
    bool of_user = d->runtime == RUNTIME_SYSTEMD && d->unit_of_user, root = geteuid() == 0 || of_user;
    const char *name = d->unit[0] ? d->unit : "NAME.service";
    snprintf(unit, sizeof unit, "'%s'", name);
    snprintf(pid, sizeof pid, d->patient ? "%d" : "PID", d->patient ? (int)d->patient->pid : 0);
    snprintf(drop_in, sizeof drop_in, of_user ? "~/.config/systemd/user/'%s.d'" : "'/etc/systemd/system/%s.d'", name);
    const struct {
        const char *key, *value;
    } places[] = {
        {"{unit}", unit},
        {"{drop-in}", drop_in},
        {"{systemctl}", of_user ? "systemctl --user" : root ? "systemctl" : "sudo systemctl"},
        {"{engine}", d->runtime == RUNTIME_PODMAN ? "podman" : "docker"},
        {"{root}", root ? "" : "sudo "},
        {"{id}", row->id},
        {"{limit}", limit_file(d)},
        {"{quota}", d->quota[0] ? d->quota : "/sys/fs/cgroup/GROUP/cpu.max"},
        {"{pid}", pid},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        *length = strlen(places[i].key);
        if (strncmp(text, places[i].key, *length) == 0)
            return places[i].value;
    }
    *length = 1;
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
        const char *value = *from == '{' ? placeholder(from, row, d, &length) : NULL;
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
