/* The formats for checks: finding one, and the line of counts. */
#include "report/checks.h"

#include <string.h>

const struct check_format *check_format_find(const char *name)
{
    for (int i = 0; check_formats[i]; i++)
        if (strcmp(check_formats[i]->name, name) == 0)
            return check_formats[i];
    return NULL;
}

const char *const *check_format_names(void)
{
    static const char *names[CHECK_FORMATS_MAX + 1];
    for (int i = 0; i < CHECK_FORMATS_MAX && check_formats[i]; i++)
        names[i] = check_formats[i]->name;
    return names;
}

void check_counts(FILE *out, const struct check_summary *summary)
{
    if (summary->done < summary->planned)
        fprintf(out, "%u of ", summary->done);
    fprintf(out, "%u check%s in %.1f s:", summary->planned, summary->planned == 1 ? "" : "s", summary->seconds);
    for (int i = 0; i < CHECK_OUTCOMES; i++)
        if (summary->outcomes[i])
            fprintf(out, " %u %s", summary->outcomes[i], check_outcome_name((enum check_outcome)i));
}
