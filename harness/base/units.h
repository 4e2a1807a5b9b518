/* Units: numbers with a unit, parsed and printed from one table for each kind.
 *
 *     uint64_t bytes;
 *     if (units_parse(&units_size, "64k", &bytes, &error) == 0) ...
 *     char text[UNITS_TEXT];
 *     units_print(&units_size, bytes, text);      "64 KiB"
 *
 * A number is digits with an optional fraction and an optional unit, nothing else: no sign, no exponent, no hexadecimal.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

#include "base/error.h"

struct unit {
    const char *name;
    double factor; /* exact in a double */
    int printed;   /* this spelling is used for output */
};

struct unit_kind {
    const char *what;         /* "size": names the kind in messages */
    const char *examples;     /* "4096, 64k, 1MiB" */
    double bare;              /* factor of a number without a unit */
    int whole;                /* a fraction of the base unit is an error, not rounded */
    const struct unit *units; /* ascending, ends with a NULL name */
};

extern const struct unit_kind units_size;     /* bytes; k, M, G and KiB, MiB, GiB are powers of 1024, kB MB GB of 1000 */
extern const struct unit_kind units_duration; /* nanoseconds; a bare number is seconds */
extern const struct unit_kind units_count;    /* 1000, 10k, 1M */

/* Parses the whole of `text`. Fails, with status USAGE, on an empty or negative number, an unknown unit (naming the
 * nearest one), a fraction of something that has none, and a value that does not fit 63 bits. Fractions of a nanosecond are
 * rounded to the nearest. */
int units_parse(const struct unit_kind *kind, const char *text, uint64_t *value, struct error *error);

#define UNITS_TEXT 40

/* Writes `value` for a reader: three significant digits, "1.5 MiB", "250 us". Returns text. */
const char *units_print(const struct unit_kind *kind, double value, char text[UNITS_TEXT]);

/* Writes `value` so that units_parse() gives it back exactly: "64k", "1500ms", "4097". Returns text. */
const char *units_exact(const struct unit_kind *kind, uint64_t value, char text[UNITS_TEXT]);

#endif
