/* Options: the command line's parser (on getopt_long) and the help text. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/option.h"

enum { VALUE_BASE = 1000, ROWS_MAX = 64 };

/* Fills in getopt's two tables from the rows. A leading ':' tells a missing argument from an unknown option. */
static void getopt_tables(const struct option_row *rows, size_t count, struct option *longs, char *shorts)
{
    size_t used = 0;
    *shorts++ = ':';
    for (size_t i = 0; i < count; i++) {
        bool argument = rows[i].type != OPTION_FLAG;
        int kind = rows[i].implied ? optional_argument : argument ? required_argument : no_argument;
        longs[used++] = (struct option){rows[i].name, kind, NULL, VALUE_BASE + (int)i};
        if (rows[i].also)
            longs[used++] = (struct option){rows[i].also, kind, NULL, VALUE_BASE + (int)i};
        if (rows[i].letter) {
            *shorts++ = rows[i].letter;
            for (int colons = kind; colons > 0; colons--) /* getopt's numbers: one if required, two if optional */
                *shorts++ = ':';
        }
    }
    longs[used] = (struct option){0};
    *shorts = '\0';
}

static int row_of(const struct option_row *rows, size_t count, int value)
{
    if (value >= VALUE_BASE)
        return value - VALUE_BASE;
    for (size_t i = 0; i < count; i++)
        if (rows[i].letter == value)
            return (int)i;
    return -1;
}

/* getopt's optopt: a known option's value (it was given an argument that it does not take), a letter, or 0 for a word. */
static int fail_unknown(const struct option_row *rows, size_t count, char **argv, struct error *error)
{
    if (optopt >= VALUE_BASE)
        return error_set(error, STATUS_USAGE, 0, "--%s takes no argument", rows[optopt - VALUE_BASE].name);
    if (optopt)
        return error_set(error, STATUS_USAGE, 0, "unknown option \"-%c\"; --help lists the options", optopt);
    char name[64];
    const char *word = argv[optind - 1];
    word += strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    char candidates[400] = "";
    size_t matches = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(rows[i].name, name, strlen(name)) != 0)
            continue;
        size_t used = strlen(candidates);
        snprintf(candidates + used, sizeof candidates - used, "%s--%s", matches++ ? ", " : "", rows[i].name);
    }
    if (matches > 1 && name[0])
        return error_set(error, STATUS_USAGE, 0, "option \"--%s\" is ambiguous: it could be %s", name, candidates);
    return option_unknown(rows, count, "option", name, false, error);
}

static int parse_one(const struct option_row *rows, size_t count, struct option_list *lists, int value,
                     struct error *error)
{
    char where[80];
    int i = row_of(rows, count, value);
    snprintf(where, sizeof where, "--%s", rows[i].name);
    const char *text = rows[i].type == OPTION_FLAG ? "yes" : optarg ? optarg : rows[i].implied;
    return option_assign(&rows[i], &lists[i], text, where, OPTION_FROM_COMMAND, error);
}

/* Goes through the command line once, and takes the options that are read first, or the others. */
static int pass(const struct option_row *rows, size_t count, struct option_list *lists, int argc, char **argv, bool first,
                struct error *error)
{
    struct option longs[2 * ROWS_MAX + 1];
    char shorts[3 * ROWS_MAX + 2];
    getopt_tables(rows, count, longs, shorts);
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    for (;;) {
        int value = getopt_long(argc, argv, shorts, longs, NULL);
        if (value == -1)
            return 0;
        if (value == ':' || value == '?') {
            if (first) /* the second time will tell */
                continue;
            return value == '?' ? fail_unknown(rows, count, argv, error)
                                : error_set(error, STATUS_USAGE, 0, "%s needs an argument", argv[optind - 1]);
        }
        bool is_first = rows[row_of(rows, count, value)].flags & OPTION_FIRST;
        if (is_first == first && parse_one(rows, count, lists, value, error))
            return -1;
    }
}

int options_parse(const struct option_row *rows, size_t count, struct option_list *lists, int argc, char **argv,
                  char ***operands, int *operand_count, struct error *error)
{
    if (count > ROWS_MAX)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (!(rows[i].flags & OPTION_FIRST))
            continue;
        if (pass(rows, count, lists, argc, argv, true, error))
            return -1;
        break;
    }
    if (pass(rows, count, lists, argc, argv, false, error))
        return -1;
    *operands = argv + optind;
    *operand_count = argc - optind;
    return 0;
}

#define HELP_INDENT 26
#define HELP_WIDTH 100

/* Goes on at *column, which is that behind the last word; the line breaks between words. */
static void help_words(const char *text, int *column, FILE *out)
{
    for (const char *word = text + strspn(text, " "); *word; word += strspn(word, " ")) {
        int length = (int)strcspn(word, " ");
        if (*column > HELP_INDENT && *column + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_INDENT, "");
            *column = HELP_INDENT;
        }
        *column += fprintf(out, "%s%.*s", *column > HELP_INDENT ? " " : "", length, word);
        word += length;
    }
}

static void help_text(const struct option_row *row, FILE *out)
{
    char more[200] = "";
    int column = HELP_INDENT;
    help_words(row->help, &column, out);
    if (row->also)
        snprintf(more, sizeof more, "(also --%s)", row->also);
    help_words(more, &column, out);
    if (row->fallback && row->type != OPTION_FLAG)
        snprintf(more, sizeof more, "(default %s)", row->fallback);
    else
        more[0] = '\0';
    help_words(more, &column, out);
    fputc('\n', out);
}

void options_help(const struct option_row *rows, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        char head[80];
        char letter[8] = "    ";
        if (rows[i].letter)
            snprintf(letter, sizeof letter, "-%c, ", rows[i].letter);
        snprintf(head, sizeof head, "  %s--%s%s%s%s%s", letter, rows[i].name,
                 !rows[i].argument ? "" : rows[i].implied ? "[=" : " ", rows[i].argument ? rows[i].argument : "",
                 rows[i].implied ? "]" : "", rows[i].flags & OPTION_LIST ? ",.." : "");
        fprintf(out, strlen(head) > 24 ? "%s\n%26s" : "%-26s", head, "");
        help_text(&rows[i], out);
    }
}
