/* shmoo list: what there is to run. */
#include <string.h>

#include "base/error.h"
#include "base/option.h"
#include "base/suggest.h"
#include "base/units.h"
#include "cmd/command.h"
#include "cmd/places.h"
#include "cmd/plugin_option.h"
#include "contract/contents.h"

/* "blocking robust", with the bounds of its crew and its values. */
static void traits_text(const struct sync_ops *s, char *text, size_t size)
{
    const struct {
        const char *name;
        uint64_t bound;
    } bounds[] = {{"processes", s->max_workers}, {"writers", s->max_writers}, {"readers", s->max_readers}, {"bytes", s->max_size}};
    size_t used = 0;
    text[0] = '\0';
    for (unsigned bit = 0; bit < 32 && used < size; bit++) {
        const char *name = s->traits >> bit & 1 ? sync_trait_name(1u << bit) : NULL;
        if (name)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", name);
    }
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0] && used < size; i++)
        if (bounds[i].bound)
            used += (size_t)snprintf(text + used, size - used, "%s%s<=%llu", used ? " " : "", bounds[i].name,
                                     (unsigned long long)bounds[i].bound);
}

static void list_syncs(void)
{
    const struct sync_ops *s;
    for (size_t i = 0; (s = contents_sync_at(i)); i++) {
        char traits[300];
        traits_text(s, traits, sizeof traits);
        printf("%-22s %-8s expected %-8s %s [%s]%s%s\n", s->name, sync_family_name(s->family), verdict_name(s->expect), s->summary,
               traits[0] ? traits : "-", s->origin ? " of " : "", s->origin ? s->origin : "");
    }
}

static void list_loads(void)
{
    char size[UNITS_TEXT];
    for (size_t i = 0; contents_loads[i]; i++) {
        const struct load_ops *l = contents_loads[i];
        printf("%-16s %s; size: %s (default %s)%s\n", l->name, l->summary, l->size_means,
               units_print(&units_size, (double)l->default_size, size), l->recorded ? "; takes --history" : "");
    }
}

static void list_faults(void)
{
    for (size_t i = 0; contents_faults[i]; i++) {
        const struct fault_ops *f = contents_faults[i];
        printf("%-16s %s", f->name, f->summary);
        if (f->parameter)
            printf("; %s:PARAM, %s from %g to %g (default %g)", f->name, f->parameter, f->min, f->max, f->fallback);
        putchar('\n');
    }
}

static void list_checks(void)
{
    for (size_t i = 0; contents_checks[i]; i++)
        for (const struct check_ops *row = contents_checks[i]; row->id; row++)
            printf("%-42s %-16s %s\n", row->id, check_level_name(row->level), row->summary);
}

static void list_findings(void)
{
    for (size_t i = 0; contents_findings[i]; i++)
        for (const struct finding_ops *row = contents_findings[i]; row->id; row++)
            printf("%-20s %-8s %s%s%s\n", row->id, row->area, row->title, row->consequence ? ": " : " (facts only)",
                   row->consequence ? row->consequence : "");
}

static void list_job(const char *name, const char *summary)
{
    printf("%-16s %s\n", name, summary);
}

static void list_jobs(void)
{
    places_each_job(list_job);
}

static const struct {
    const char *name;
    void (*list)(void);
} kinds[] = {{"sync", list_syncs}, {"load", list_loads}, {"fault", list_faults}, {"check", list_checks}, {"finding", list_findings}, {"job", list_jobs}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* The kind of that name, or -1 with a message. */
static int find_kind(const char *name)
{
    static const char *names[KINDS + 1];
    struct error error;
    for (int i = 0; i < KINDS; i++) {
        names[i] = kinds[i].name;
        if (strcmp(kinds[i].name, name) == 0)
            return i;
    }
    suggest_fail(&error, "kind", name, names);
    error_print(&error);
    return -1;
}

static int list_kinds(char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (find_kind(names[i]) < 0)
            return STATUS_USAGE;
    for (int i = 0; i < count; i++)
        kinds[find_kind(names[i])].list();
    for (int i = 0; count == 0 && i < KINDS; i++) {
        printf("%s%s:\n", i ? "\n" : "", kinds[i].name);
        kinds[i].list();
    }
    return stdout_settle(STATUS_AS_EXPECTED);
}

enum { LIST_PLUGIN, LIST_HELP, LIST_OPTIONS };

static const struct option_row list_options[LIST_OPTIONS] = {
    [LIST_PLUGIN] = {.name = "plugin", .letter = 'p', .argument = "FILE.so", .type = OPTION_NAME, .flags = OPTION_LIST | OPTION_GATHER,
                     .valid = plugin_option_valid, .help = "lists the plugin's rows, too, behind the others"},
    [LIST_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

static int list_main(int argc, char **argv)
{
    struct option_list lists[LIST_OPTIONS];
    struct error error;
    char **names;
    int count, status;
    options_init(list_options, LIST_OPTIONS, lists);
    if (options_parse(list_options, LIST_OPTIONS, lists, argc, argv, &names, &count, &error)) {
        error_print(&error);
        status = (int)error.status;
    } else if (lists[LIST_HELP].count) {
        puts("Usage: shmoo list [sync|load|fault|check|finding|job ...] [OPTION ...]\n\nLists what there is to run: names, and what each "
             "is. Of a sync: its family, the verdict that a hunt is\nexpected to come to, and in brackets its traits and bounds.\n");
        options_help(list_options, LIST_OPTIONS, stdout);
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else {
        status = list_kinds(names, count);
    }
    options_free(lists, LIST_OPTIONS);
    return status;
}

const struct command command_list = {
    .name = "list",
    .usage = "list [sync|load|fault|check|finding|job]",
    .summary = "what there is to run",
    .run = list_main,
};
