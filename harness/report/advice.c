/* Advice: the table of fixes, a runtime a line, and the same as a record. */
#include "report/advice.h"

#include <jansson.h>

#include "base/text.h"
#include "report/records.h"

/* The fix as it would be told there. */
static const char *fix_of(const struct finding_ops *row, enum runtime runtime, char *text, size_t size)
{
    static struct diagnosis d; /* too large for the stack */
    d.runtime = runtime;
    return finding_fix(row, &d, text, size);
}

void advice_human(FILE *out, const struct finding_ops *row)
{
    char text[FINDING_FIX];
    fprintf(out, "%s (%s): %s\n", row->id, row->area, row->title);
    if (!row->consequence) {
        fputs("    states facts only\n", out);
        return;
    }
    fprintf(out, "    so           %s\n", row->consequence);
    for (int runtime = 0; runtime < RUNTIMES; runtime++) {
        fprintf(out, "    %-12s ", runtime_names[runtime]);
        text_put_lines(out, fix_of(row, (enum runtime)runtime, text, sizeof text), 17);
    }
}

void advice_jsonl(FILE *out, const struct finding_ops *row)
{
    char text[FINDING_FIX];
    json_t *record = json_pack("{s:s, s:s, s:s, s:s}", "type", "advice", "id", row->id, "area", row->area, "title", row->title);
    json_t *fix = json_object();
    json_object_set_new(record, "consequence", row->consequence ? json_string(row->consequence) : json_null());
    for (int runtime = 0; row->consequence && runtime < RUNTIMES; runtime++)
        json_object_set_new(fix, runtime_names[runtime], record_text(fix_of(row, (enum runtime)runtime, text, sizeof text)));
    json_object_set_new(record, "fix", fix);
    json_dumpf(record, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(record);
}
