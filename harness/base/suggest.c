/* The nearest valid name: a weighted edit distance over short names. */
#include "base/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 64

static int replace_cost(char a, char b)
{
    if (a == b)
        return 0;
    return tolower((unsigned char)a) == tolower((unsigned char)b) ? 1 : 2;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance, two points an edit. Longer strings are compared by their first LONGEST bytes. */
static int distance(const char *a, const char *b)
{
    int d[LONGEST + 1][LONGEST + 1];
    int n = (int)strnlen(a, LONGEST), m = (int)strnlen(b, LONGEST);
    for (int i = 0; i <= n; i++)
        d[i][0] = 2 * i;
    for (int j = 0; j <= m; j++)
        d[0][j] = 2 * j;
    for (int i = 1; i <= n; i++) {
        for (int j = 1; j <= m; j++) {
            int best = d[i - 1][j - 1] + replace_cost(a[i - 1], b[j - 1]);
            best = least(best, least(d[i - 1][j], d[i][j - 1]) + 2);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = least(best, d[i - 2][j - 2] + 2);
            d[i][j] = best;
        }
    }
    return d[n][m];
}

/* What the difference in length alone costs. */
static int least_distance(const char *a, const char *b)
{
    return 2 * abs((int)strnlen(a, LONGEST) - (int)strnlen(b, LONGEST));
}

const char *suggest_nearest(const char *typed, const char *const *names)
{
    const char *best = NULL;
    int least_edits = 0;
    for (; *names; names++) {
        if (best && least_distance(typed, *names) >= least_edits)
            continue;
        int edits = distance(typed, *names);
        if (!best || edits < least_edits) {
            best = *names;
            least_edits = edits;
        }
    }
    return best;
}

int suggest_fail(struct error *error, const char *what, const char *typed, const char *const *names)
{
    char list[600] = "";
    for (size_t i = 0; names[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, " %s", names[i]);
    }
    const char *nearest = suggest_nearest(typed, names);
    if (!nearest)
        return error_set(error, STATUS_USAGE, 0, "unknown %s \"%s\"; there is none to choose from", what, typed);
    return error_set(error, STATUS_USAGE, 0, "unknown %s \"%s\"; did you mean \"%s\"? Valid:%s", what, typed, nearest, list);
}
