/* Units: the tables, the parser and the printers. */
#include "base/units.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

#define KI 1024.0

static const struct unit size_units[] = {
    {"B", 1, 1},           {"kB", 1e3, 0},           {"k", KI, 0},           {"K", KI, 0},
    {"KiB", KI, 1},        {"MB", 1e6, 0},           {"M", KI * KI, 0},      {"MiB", KI * KI, 1},
    {"GB", 1e9, 0},        {"G", KI * KI * KI, 0},   {"GiB", KI * KI * KI, 1},
    {"T", KI * KI * KI * KI, 0}, {"TiB", KI * KI * KI * KI, 1}, {NULL, 0, 0},
};
static const struct unit duration_units[] = {
    {"ns", 1, 1},  {"us", 1e3, 1},   {"\302\265s", 1e3, 0}, {"ms", 1e6, 1},
    {"s", 1e9, 1}, {"min", 60e9, 0}, {"m", 60e9, 0},        {"h", 3600e9, 0}, {"d", 86400e9, 0}, {NULL, 0, 0},
};
static const struct unit count_units[] = {
    {"", 1, 1}, {"k", 1e3, 1}, {"K", 1e3, 0}, {"M", 1e6, 1}, {"G", 1e9, 1}, {NULL, 0, 0},
};

const struct unit_kind units_size = {"size", "4096, 64k, 1MiB", 1, 1, size_units};
const struct unit_kind units_duration = {"duration", "250us, 500ms, 5s, 2min", 1e9, 0, duration_units};
const struct unit_kind units_count = {"number", "1000, 10k, 1M", 1, 1, count_units};

static const struct unit *unit_find(const struct unit_kind *kind, const char *name)
{
    for (const struct unit *u = kind->units; u->name; u++)
        if (strcmp(u->name, name) == 0)
            return u;
    return NULL;
}

static int unit_unknown(const struct unit_kind *kind, const char *text, const char *unit, struct error *error)
{
    const char *names[32];
    size_t count = 0;
    char list[200] = "";
    for (const struct unit *u = kind->units; u->name && count < 31; u++) {
        if (!u->name[0])
            continue;
        names[count++] = u->name;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? " " : "", u->name);
    }
    names[count] = NULL;
    const char *likely = suggest_likely(unit, names);
    if (likely)
        return error_set(error, STATUS_USAGE, 0, "\"%s\": unknown unit \"%s\"; did you mean \"%s\"? A %s takes: %s", text, unit,
                         likely, kind->what, list);
    if (strchr("-:/;", *unit) && isdigit((unsigned char)unit[1])) /* 2-8, 1:4 */
        return error_set(error, STATUS_USAGE, 0, "\"%s\" is not a %s; write it like %s, and several with commas between them: 1,2,4", text,
                         kind->what, kind->examples);
    return error_set(error, STATUS_USAGE, 0, "\"%s\": unknown unit \"%s\". A %s takes: %s", text, unit, kind->what, list);
}

/* Length of "12", "12.5" or ".5" at the start of text; 0 where there is no number. */
static size_t number_length(const char *text)
{
    size_t whole = strspn(text, "0123456789"), n = whole;
    if (text[n] == '.') {
        size_t fraction = strspn(text + n + 1, "0123456789");
        n = whole + fraction ? n + 1 + fraction : 0;
    }
    return n;
}

int units_parse(const struct unit_kind *kind, const char *text, uint64_t *value, struct error *error)
{
    size_t digits = number_length(text);
    if (digits == 0 || digits > 40)
        return error_set(error, STATUS_USAGE, 0, "\"%s\" is not a %s; write it like %s", text, kind->what, kind->examples);
    char number[48];
    memcpy(number, text, digits);
    number[digits] = '\0';
    const char *rest = text + digits;
    while (*rest == ' ')
        rest++;
    double factor = kind->bare;
    if (*rest) {
        const struct unit *unit = unit_find(kind, rest);
        if (!unit)
            return unit_unknown(kind, text, rest, error);
        factor = unit->factor;
    }
    long double exact = strtold(number, NULL) * (long double)factor, result = rintl(exact);
    if (kind->whole && fabsl(exact - result) > 1e-6L)
        return error_set(error, STATUS_USAGE, 0, "\"%s\" is not a whole number%s", text,
                         kind == &units_size ? " of bytes" : "");
    if (!(result < 9.2e18L))
        return error_set(error, STATUS_USAGE, 0, "\"%s\": that %s is larger than can be counted", text, kind->what);
    *value = (uint64_t)result;
    return 0;
}

const char *units_print(const struct unit_kind *kind, double value, char text[UNITS_TEXT])
{
    const struct unit *best = NULL;
    for (const struct unit *u = kind->units; u->name; u++)
        if (u->printed && (!best || value >= u->factor * 0.9995))
            best = u;
    double scaled = value / best->factor;
    int decimals = scaled >= 99.95 || scaled == floor(scaled) ? 0 : scaled >= 9.995 ? 1 : 2;
    snprintf(text, UNITS_TEXT, "%.*f%s%s", decimals, scaled, best->name[0] ? " " : "", best->name);
    return text;
}

const char *units_exact(const struct unit_kind *kind, uint64_t value, char text[UNITS_TEXT])
{
    const struct unit *best = NULL;
    for (const struct unit *u = kind->units; u->name; u++)
        if (u->printed && (u->factor == 1 || (value && value % (uint64_t)u->factor == 0)))
            best = u;
    uint64_t scaled = value / (uint64_t)best->factor;
    snprintf(text, UNITS_TEXT, "%llu%s", (unsigned long long)scaled, best->name[0] == 'B' ? "" : best->name);
    return text;
}
