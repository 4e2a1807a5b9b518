/* Options: rows and lists, assignment and help. The command line's parser is in option_parse.c. */
#define _GNU_SOURCE
#include "base/option.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"

#define OPTION_ITEMS_MAX 4096
#define OPTION_NAMES_MAX 64

static void list_clear(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->values[i].text);
    free(list->values);
    *list = (struct option_list){0};
}

static void list_push(struct option_list *list, const char *text, uint64_t number)
{
    struct option_value *values = realloc(list->values, (list->count + 1) * sizeof *values);
    char *copy = strdup(text);
    if (!values || !copy) {
        notice("out of memory while reading options");
        exit(STATUS_ENVIRONMENT);
    }
    list->values = values;
    list->values[list->count++] = (struct option_value){.text = copy, .number = number};
}

static int flag_parse(const char *text, uint64_t *value, struct error *error)
{
    static const char *const words[] = {"yes", "no", "true", "false", "1", "0", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *value = i % 2 == 0;
            return 0;
        }
    }
    return error_set(error, STATUS_USAGE, 0, "\"%s\" is neither yes nor no", text);
}

static int number_parse(const struct option_row *row, const char *text, uint64_t *value, struct error *error)
{
    const struct unit_kind *kind = row->type == OPTION_SIZE       ? &units_size
                                   : row->type == OPTION_DURATION ? &units_duration
                                                                  : &units_count;
    if (!(row->flags & OPTION_LIST) && strchr(text, ','))
        return error_set(error, STATUS_USAGE, 0, "\"%s\" is a list, and one %s is taken here", text, kind->what);
    if (units_parse(kind, text, value, error))
        return -1;
    if (*value >= row->min && (row->max == 0 || *value <= row->max))
        return 0;
    char low[UNITS_TEXT], high[UNITS_TEXT];
    units_exact(kind, row->min, low);
    units_exact(kind, row->max, high);
    return error_set(error, STATUS_USAGE, 0, "%s is out of bounds: %s%s%s%s%s", text, row->max ? "" : "at least ", low,
                     row->max ? " to " : "", row->max ? high : "", row->bounds && *value < row->min ? row->bounds : "");
}

static int value_parse(const struct option_row *row, const char *text, uint64_t *value, struct error *error)
{
    *value = 0;
    switch (row->type) {
    case OPTION_FLAG:
        return flag_parse(text, value, error);
    case OPTION_COUNT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        return number_parse(row, text, value, error);
    case OPTION_TEXT:
    case OPTION_NAME:
        break;
    }
    return row->valid ? row->valid(text, error) : 0;
}

/* Cuts the next item off *rest, in place, spaces trimmed unless it is to be taken literally. NULL at the end. */
static char *item_next(char **rest, bool is_list, bool literal)
{
    if (!*rest)
        return NULL;
    char *item = *rest, *comma = is_list ? strchr(item, ',') : NULL;
    *rest = comma ? comma + 1 : NULL;
    if (comma)
        *comma = '\0';
    if (literal)
        return item;
    item += strspn(item, " \t");
    for (size_t n = strlen(item); n > 0 && strchr(" \t", item[n - 1]); n--)
        item[n - 1] = '\0';
    return item;
}

static bool is_pattern(const struct option_row *row, const char *item)
{
    return row->names && (*item == '!' || strpbrk(item, "*?["));
}

static size_t list_find(const struct option_list *list, const char *text)
{
    size_t i = 0;
    while (i < list->count && strcmp(list->values[i].text, text) != 0)
        i++;
    return i;
}

static void list_remove(struct option_list *list, size_t at)
{
    free(list->values[at].text);
    memmove(&list->values[at], &list->values[at + 1], (list->count - at - 1) * sizeof *list->values);
    list->count--;
}

/* Makes one value of the last one and the item behind it. */
static bool joined(const struct option_row *row, struct option_list *list, const char *item)
{
    struct option_value *last = list->count ? &list->values[list->count - 1] : NULL;
    char *both;
    if (!row->joins || !last || !row->joins(last->text, item))
        return false;
    if (asprintf(&both, "%s,%s", last->text, item) < 0)
        abort();
    free(last->text);
    last->text = both;
    return true;
}

/* Adds what matches and is not there yet, or takes it out. */
static int pattern_parse(const struct option_row *row, const char *item, struct option_list *list, struct error *error)
{
    bool takes_out = *item == '!', matched = false;
    const char *name, *pattern = item + takes_out;
    for (size_t i = 0; (name = row->names(i)); i++) {
        if (fnmatch(pattern, name, 0) != 0)
            continue;
        size_t at = list_find(list, name);
        matched = true;
        if (takes_out && at < list->count)
            list_remove(list, at);
        else if (!takes_out && at == list->count)
            list_push(list, name, 0);
    }
    if (!matched)
        return error_set(error, STATUS_USAGE, 0, "no %s matches \"%s\"", row->name, pattern);
    return 0;
}

static int items_parse(const struct option_row *row, char *text, struct option_list *list, struct error *error)
{
    bool is_list = row->flags & OPTION_LIST;
    char *rest = text;
    for (char *item; (item = item_next(&rest, is_list, row->type == OPTION_TEXT));) {
        uint64_t number;
        if (!*item && row->type != OPTION_TEXT)
            return error_set(error, STATUS_USAGE, 0, is_list ? "an item of the list is empty" : "the value is empty");
        if (list->count >= OPTION_ITEMS_MAX)
            return error_set(error, STATUS_USAGE, 0, "more than %d items", OPTION_ITEMS_MAX);
        if (is_pattern(row, item)) {
            if (pattern_parse(row, item, list, error))
                return -1;
            continue;
        }
        if (value_parse(row, item, &number, error))
            return -1;
        if (!joined(row, list, item))
            list_push(list, item, number);
    }
    return list->count || !row->names ? 0 : error_set(error, STATUS_USAGE, 0, "nothing is left of the list");
}

int option_assign(const struct option_row *row, struct option_list *list, const char *text, const char *where,
                  enum option_source source, struct error *error)
{
    struct option_list fresh = {0};
    char *copy = strdup(text);
    if (!copy)
        return error_set(error, STATUS_ENVIRONMENT, 0, "%s: out of memory", where);
    int failed = items_parse(row, copy, &fresh, error);
    free(copy);
    if (failed) {
        list_clear(&fresh);
        struct error inner = *error;
        return error_set(error, inner.status, inner.errnum, "%s: %s", where, inner.text);
    }
    if ((row->flags & OPTION_GATHER) && list->source == source) {
        for (size_t i = 0; i < fresh.count; i++)
            list_push(list, fresh.values[i].text, fresh.values[i].number);
        list_clear(&fresh);
        return 0;
    }
    list_clear(list);
    *list = fresh;
    list->source = source;
    return 0;
}

void options_init(const struct option_row *rows, size_t count, struct option_list *lists)
{
    struct error error;
    for (size_t i = 0; i < count; i++) {
        lists[i] = (struct option_list){0};
        if (!rows[i].fallback)
            continue;
        if (option_assign(&rows[i], &lists[i], rows[i].fallback, rows[i].name, OPTION_FROM_DEFAULT, &error)) {
            error_print(&error);
            abort();
        }
    }
}

void options_free(struct option_list *lists, size_t count)
{
    for (size_t i = 0; i < count; i++)
        list_clear(&lists[i]);
}

void options_copy(struct option_list *to, const struct option_list *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (struct option_list){0};
        for (size_t k = 0; k < from[i].count; k++)
            list_push(&to[i], from[i].values[k].text, from[i].values[k].number);
        to[i].source = from[i].source;
    }
}

int option_find(const struct option_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0 || (rows[i].also && strcmp(rows[i].also, name) == 0))
            return (int)i;
    return -1;
}

int option_unknown(const struct option_row *rows, size_t count, const char *what, const char *name, bool keys_only,
                   struct error *error)
{
    const char *names[OPTION_NAMES_MAX + 1];
    size_t used = 0;
    for (size_t i = 0; i < count && used < OPTION_NAMES_MAX; i++)
        if (!keys_only || (rows[i].flags & OPTION_KEY))
            names[used++] = rows[i].name;
    names[used] = NULL;
    return suggest_fail(error, what, name, names);
}
