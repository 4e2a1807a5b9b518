/* Settling the ledger: what is possible in a slot, and mending what is not. */
#include "run/settle.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Beyond what can be counted, or be waited for in nanoseconds. */
#define COUNT_MAX (1ULL << 57)
#define ERRNO_MAX 4095

struct bounds {
    uint64_t gate_ns, now;
    uint32_t workers;
};

/* Notes the first thing that was impossible in a slot. */
static void note(const char **what, const char *field)
{
    if (!*what)
        *what = field;
}

static void settle_count(uint64_t *count, const char *field, const char **what)
{
    if (*count <= COUNT_MAX)
        return;
    note(what, field);
    *count = 0;
}

static void settle_moment(uint64_t *moment, const struct bounds *bounds, const char *field, const char **what)
{
    if (*moment == 0 || (*moment >= bounds->gate_ns && *moment <= bounds->now))
        return;
    note(what, field);
    *moment = 0;
}

/* A worker that dies while it writes leaves zeroes at the text's end; only an overwritten text has none. */
static void settle_text(char *text, size_t size, const char *field, const char **what)
{
    if (memchr(text, '\0', size))
        return;
    note(what, field);
    text[size - 1] = '\0';
}

static void settle_evidence(struct evidence *evidence, const struct bounds *bounds, const char **what)
{
    if ((unsigned)evidence->kind >= VIOLATIONS || (unsigned)evidence->form > EVIDENCE_VALUES ||
        evidence->bytes_count > EVIDENCE_BYTES) {
        note(what, "evidence");
        memset(evidence, 0, sizeof *evidence);
        evidence->kind = VIOLATION_SCRIBBLED;
        snprintf(evidence->text, sizeof evidence->text, "this evidence was overwritten");
    }
    if (evidence->offset > INT64_MAX || evidence->bytes_at > INT64_MAX) {
        note(what, "evidence");
        evidence->offset = evidence->bytes_at = 0;
    }
    settle_moment(&evidence->at_ns, bounds, "evidence", what);
    settle_text(evidence->text, sizeof evidence->text, "evidence", what);
}

static const char *settle_slot(struct slot *slot, const struct bounds *bounds)
{
    const char *what = NULL;
    if (slot->mark != SLOT_MARK)
        note(&what, "mark");
    slot->mark = SLOT_MARK;
    if (slot->phase >= PHASES) {
        note(&what, "phase");
        slot->phase = PHASE_STARTING;
    }
    uint64_t *const counts[] = {&slot->ops,       &slot->beats,   &slot->handoffs,           &slot->sampled,
                                &slot->contended, &slot->preempted, &slot->voluntary_switches, &slot->involuntary_switches,
                                &slot->user_ns,   &slot->system_ns, &slot->minor_faults, &slot->major_faults,
                                &slot->page_bytes, &slot->mapped_bytes, &slot->huge_bytes, &slot->messages, &slot->bytes,
                                &slot->delayed_ns, &slot->line_ns};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        settle_count(counts[i], "counters", &what);
    for (int k = 0; k < VIOLATIONS; k++)
        settle_count(&slot->violations[k], "violations", &what);
    for (int k = 0; k < SLOT_CALLS; k++) {
        settle_count(&slot->calls[k].within, "system calls", &what);
        settle_count(&slot->calls[k].beside, "system calls", &what);
    }
    settle_moment(&slot->started_ns, bounds, "moments", &what);
    settle_moment(&slot->ended_ns, bounds, "moments", &what);
    settle_text(slot->failure, sizeof slot->failure, "failure", &what);
    if (slot->failed > ERRNO_MAX || (slot->failed && !text_is_utf8(slot->failure))) {
        note(&what, "failure");
        slot->failed = 0;
        slot->failure[0] = '\0';
    }
    if (slot->evidence_count > SLOT_EVIDENCE) {
        note(&what, "evidence");
        slot->evidence_count = 0;
    }
    for (uint32_t i = 0; i < slot->evidence_count; i++)
        settle_evidence(&slot->evidence[i], bounds, &what);
    return what;
}

/* A worker that was killed between two additions is one off; `deaths`: so many of its processes may have been. */
static const char *settle_histogram(struct histogram *h, const struct bounds *bounds, uint32_t deaths)
{
    uint64_t sum = 0;
    if (h->count == 0)
        return NULL;
    for (uint32_t i = 0; i < HISTOGRAM_STEPS; i++)
        sum += h->steps[i] <= COUNT_MAX ? h->steps[i] : COUNT_MAX;
    bool whole = h->count <= COUNT_MAX && sum <= h->count && h->count - sum <= deaths && h->sum <= INT64_MAX &&
                 h->max <= COUNT_MAX && h->min <= h->max && h->max_worker < bounds->workers;
    if (whole)
        return NULL;
    memset(h, 0, sizeof *h);
    return "histograms";
}

/* A course that its worker was doubling when it was killed is none any more, and nobody's fault. */
static const char *settle_course(struct course *course, uint32_t deaths)
{
    if (!course || course->width_ns == 0)
        return NULL;
    bool cut = course->folding == 1, whole = course_whole(course, deaths);
    if (!whole)
        memset(course, 0, sizeof *course);
    return whole || cut ? NULL : "latencies over time";
}

static void report(const struct ledger *ledger, uint32_t worker, const char *what)
{
    struct slot *auditor = ledger_auditor(ledger);
    auditor->violations[VIOLATION_SCRIBBLED]++;
    if (auditor->evidence_count >= SLOT_EVIDENCE)
        return;
    struct evidence *evidence = &auditor->evidence[auditor->evidence_count++];
    memset(evidence, 0, sizeof *evidence);
    evidence->kind = VIOLATION_SCRIBBLED;
    evidence->at_ns = clock_ns();
    snprintf(evidence->text, sizeof evidence->text,
             "the harness's own record of %s %u (its %s) was overwritten: the primitive writes outside its state",
             worker < ledger->workers ? "worker" : "the audit, slot", worker, what);
}

uint32_t settle(const struct ledger *ledger, uint64_t gate_ns)
{
    struct bounds bounds = {.gate_ns = gate_ns, .now = clock_ns(), .workers = ledger->workers};
    uint32_t overwritten = 0, first = 0;
    const char *first_what = NULL;
    for (uint32_t i = 0; i <= ledger->workers; i++) {
        const char *what = settle_slot(&ledger->slots[i], &bounds);
        for (uint32_t kind = 0; kind < ledger->kinds && i < ledger->workers; kind++) {
            const char *found = settle_histogram(&ledger_histograms(ledger, i)[kind], &bounds, ledger->slots[i].lives + 1);
            what = what ? what : found;
        }
        if (ledger->kinds && i < ledger->workers) {
            const char *found = settle_course(ledger_course(ledger, i), ledger->slots[i].lives + 1);
            what = what ? what : found;
        }
        if (what && overwritten++ == 0) {
            first = i;
            first_what = what;
        }
    }
    if (overwritten)
        report(ledger, first, first_what);
    return overwritten;
}
