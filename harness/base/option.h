/* Options: one row drives the parser, the default, the bounds, the help text, the job file's key and the record.
 *
 *     static const struct option_row rows[] = { [OPT_WRITERS] = {.name = "writers", .type = OPTION_COUNT, ...}, ... };
 *     struct option_list lists[OPT_COUNT];
 *     options_init(rows, OPT_COUNT, lists);                     defaults
 *     options_parse(rows, OPT_COUNT, lists, argc, argv, ...);   command line
 *     option_assign(&rows[i], &lists[i], "1,2,4", "plan.ini:3:11: writers", OPTION_FROM_FILE, &error);
 *     lists[OPT_WRITERS].values[0].number
 *     options_free(lists, OPT_COUNT);
 *
 * Every value keeps its text; numbers and sizes are parsed as well. Nothing here prints but options_help().
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum option_type {
    OPTION_FLAG,     /* no argument on the command line; yes or no in a job file */
    OPTION_TEXT,     /* anything */
    OPTION_NAME,     /* checked by the row's `valid` */
    OPTION_COUNT,    /* units_count */
    OPTION_SIZE,     /* units_size, bytes */
    OPTION_DURATION, /* units_duration, nanoseconds */
};

enum option_flags {
    OPTION_LIST = 1,   /* a comma-separated list: an axis of the plan */
    OPTION_KEY = 2,    /* may stand in a job file */
    OPTION_GATHER = 4, /* may be given several times; the values add up */
    OPTION_FIRST = 8,  /* read before all others, wherever it stands: they may mean what it brings */
};

struct option_row {
    const char *name;     /* long option and job-file key */
    const char *also;     /* another name for the same; may be NULL */
    char letter;          /* short option, 0 without */
    const char *argument; /* what the help calls the argument */
    enum option_type type;
    unsigned flags;
    const char *implied;  /* value of the option when its argument is left out (--watch for --watch=1s); NULL: it is required */
    const char *fallback; /* default, as text; NULL leaves the list empty */
    uint64_t min, max;    /* of numbers; max 0 means no upper bound */
    const char *bounds;   /* why: printed when a bound is broken; may be NULL */
    int (*valid)(const char *text, struct error *error); /* NULL: any text */
    /* The i-th name that there is, NULL after the last one: an item of a list may then be a pattern as the shell's, which stands
     * for all that match, in this order; one that begins with ! takes out those that match. Empty: patterns mean nothing. */
    const char *(*names)(size_t i);
    /* Is this item of a list to be one value with the one after it, the comma between them? Empty: never. */
    bool (*joins)(const char *left, const char *right);
    const char *help;
};

struct option_value {
    char *text;      /* owned by the list */
    uint64_t number; /* flags 0 or 1, counts, bytes, nanoseconds */
};

enum option_source { OPTION_FROM_DEFAULT, OPTION_FROM_FILE, OPTION_FROM_COMMAND };

struct option_list {
    struct option_value *values;
    size_t count;
    enum option_source source;
};

/* Gives every list its row's default. The defaults must parse: a broken one ends the program with a message. */
void options_init(const struct option_row *rows, size_t count, struct option_list *lists);
void options_free(struct option_list *lists, size_t count);
/* Deep copy; the target must hold nothing. */
void options_copy(struct option_list *to, const struct option_list *from, size_t count);

/* Parses `text` into the list, in place of what it held (OPTION_GATHER rows add to what is from the same source).
 * `where` begins the message of a failure: "--writers", "plan.ini:3:11: writers". On failure the list is unchanged. */
int option_assign(const struct option_row *row, struct option_list *list, const char *text, const char *where,
                  enum option_source source, struct error *error);

/* The row of that name, or -1. */
int option_find(const struct option_row *rows, size_t count, const char *name);

/* Fails with "unknown WHAT ..." and the nearest name; `keys_only` looks at OPTION_KEY rows only. */
int option_unknown(const struct option_row *rows, size_t count, const char *what, const char *name, bool keys_only,
                   struct error *error);

/* Parses argv[1..]; afterwards *operands points at the first operand in argv (permuted to the end) and *operand_count
 * says how many. */
int options_parse(const struct option_row *rows, size_t count, struct option_list *lists, int argc, char **argv,
                  char ***operands, int *operand_count, struct error *error);

/* One paragraph an option. */
void options_help(const struct option_row *rows, size_t count, FILE *out);

#endif
