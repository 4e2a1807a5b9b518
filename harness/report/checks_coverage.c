/* The coverage table: interface by interface, the clauses that are checked and by what; made of the rows alone. */
#include <string.h>

#include "report/checks.h"

/* Has an earlier row the same interface? Then its section has been written. */
static bool seen_before(const struct check_ops *const *families, const struct check_ops *row)
{
    for (; *families; families++)
        for (const struct check_ops *other = *families; other->id; other++) {
            if (other == row)
                return false;
            if (strcmp(other->interface, row->interface) == 0)
                return true;
        }
    return false;
}

static const char *short_level(enum check_level level)
{
    static const char *const words[CHECK_LEVELS] = {"must", "may", "documented", "observed"};
    return words[level];
}

static void put_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_needs(FILE *out, unsigned needs)
{
    const char *comma = "";
    for (unsigned i = 0; i < CHECK_NEED_KINDS; i++)
        if (needs & 1u << i) {
            fprintf(out, "%s%s", comma, check_need_name(1u << i));
            comma = ", ";
        }
}

static void put_section(FILE *out, const struct check_ops *const *families, const char *interface)
{
    fprintf(out, "\n## %s\n\n| clause | level | check | what holds | needs |\n|---|---|---|---|---|\n", interface);
    for (; *families; families++)
        for (const struct check_ops *row = *families; row->id; row++) {
            if (strcmp(row->interface, interface) != 0)
                continue;
            fputs("| ", out);
            put_cell(out, row->clause);
            fprintf(out, " | %s | `%s` | ", short_level(row->level), row->id);
            put_cell(out, row->summary);
            fputs(" | ", out);
            put_needs(out, row->needs);
            fputs(" |\n", out);
        }
}

struct tally {
    unsigned checks, clauses, levels[CHECK_LEVELS];
};

static bool clause_seen(const struct check_ops *const *families, const struct check_ops *row)
{
    for (; *families; families++)
        for (const struct check_ops *other = *families; other->id; other++) {
            if (other == row)
                return false;
            if (strcmp(other->interface, row->interface) == 0 && strcmp(other->clause, row->clause) == 0)
                return true;
        }
    return false;
}

/* Of one interface, or with NULL of all. */
static struct tally count(const struct check_ops *const *families, const char *interface)
{
    struct tally tally = {0};
    for (const struct check_ops *const *family = families; *family; family++)
        for (const struct check_ops *row = *family; row->id; row++) {
            if (interface && strcmp(row->interface, interface) != 0)
                continue;
            tally.checks++;
            tally.levels[row->level]++;
            tally.clauses += !clause_seen(families, row);
        }
    return tally;
}

static void put_tally(FILE *out, const char *name, struct tally tally)
{
    fprintf(out, "| %s | %u | %u |", name, tally.clauses, tally.checks);
    for (int i = 0; i < CHECK_LEVELS; i++)
        tally.levels[i] ? fprintf(out, " %u |", tally.levels[i]) : fprintf(out, " |");
    fputc('\n', out);
}

static void each_interface(FILE *out, const struct check_ops *const *families, bool sections)
{
    for (const struct check_ops *const *family = families; *family; family++)
        for (const struct check_ops *row = *family; row->id; row++) {
            if (seen_before(families, row))
                continue;
            if (sections)
                put_section(out, families, row->interface);
            else
                put_tally(out, row->interface, count(families, row->interface));
        }
}

void checks_coverage(FILE *out, const struct check_ops *const *families)
{
    fputs("# What is checked\n\nWritten by `shmoo check --coverage` (`make coverage`); do not edit. Levels: **must**, a requirement of "
          "POSIX.1-2024;\n**may**, left open there; **documented**, promised by Linux's manual pages or documentation; "
          "**observed**, promised by nobody.\n\n"
          "| interface | clauses | checks | must | may | documented | observed |\n|---|---|---|---|---|---|---|\n",
          out);
    each_interface(out, families, false);
    put_tally(out, "**all**", count(families, NULL));
    each_interface(out, families, true);
}
