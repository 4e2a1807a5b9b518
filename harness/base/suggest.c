/* The nearest valid name: a weighted edit distance over short names. */
#include "base/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

static bool begins(const char *word, const char *start)
{
    size_t n = strlen(start);
    return n > 0 && strncasecmp(word, start, n) == 0;
}

/* The shortest name that begins with what was typed, else the longest one that what was typed begins with. */
static const char *continued(const char *typed, const char *const *names)
{
    const char *longer = NULL, *shorter = NULL;
    for (; *names; names++) {
        if (begins(*names, typed) && (!longer || strlen(*names) < strlen(longer)))
            longer = *names;
        if (begins(typed, *names) && (!shorter || strlen(*names) > strlen(shorter)))
            shorter = *names;
    }
    return longer ? longer : shorter;
}

const char *suggest_likely(const char *typed, const char *const *names)
{
    const char *nearest = suggest_nearest(typed, names);
    if (!nearest || (size_t)distance(typed, nearest) <= (strnlen(typed, LONGEST) + strnlen(nearest, LONGEST)) / 2)
        return nearest;
    return continued(typed, names);
}

/* Whole names only, as many as there is room for. */
static void join(const char *const *names, char *list, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; names[i]; i++) {
        size_t length = strlen(names[i]), left = 0;
        if (used + length + sizeof " ... and 1000000 more" >= size) {
            while (names[i + left])
                left++;
            snprintf(list + used, size - used, " ... and %zu more", left);
            return;
        }
        used += (size_t)snprintf(list + used, size - used, " %s", names[i]);
    }
}

int suggest_fail(struct error *error, const char *what, const char *typed, const char *const *names)
{
    char list[600] = "";
    join(names, list, sizeof list);
    if (!names[0])
        return error_set(error, STATUS_USAGE, 0, "unknown %s \"%s\"; there is none to choose from", what, typed);
    const char *likely = suggest_likely(typed, names);
    if (!likely)
        return error_set(error, STATUS_USAGE, 0, "unknown %s \"%s\". Valid:%s", what, typed, list);
    return error_set(error, STATUS_USAGE, 0, "unknown %s \"%s\"; did you mean \"%s\"? Valid:%s", what, typed, likely, list);
}
