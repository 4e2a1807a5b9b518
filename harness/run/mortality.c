/* Mortality: planned deaths told from others, and the time until somebody goes on. */
#include "run/mortality.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"

static const struct fault_mortality *mortality_of(const struct ledger *ledger)
{
    return ledger->commons;
}

bool mortality_doomed(const struct trial_spec *spec, const struct ledger *ledger, uint32_t i)
{
    return spec->fault->deadly && slot_load(&ledger->slots[i].doomed);
}

bool mortality_strikes(const struct trial_spec *spec)
{
    return spec->fault->deadly && spec->fault->dies_at(spec->fault_choices) != DEATH_NONE;
}

bool mortality_any(const struct trial_spec *spec, const struct ledger *ledger)
{
    return spec->fault->deadly && mortality_of(ledger)->death_ns != 0;
}

bool mortality_survived(const struct trial_spec *spec, const struct ledger *ledger)
{
    return mortality_any(spec, ledger) && slot_load(&mortality_of(ledger)->next_ns) != 0;
}

uint32_t mortality_unplanned(const struct trial_spec *spec, const struct crew *crew, const struct ledger *ledger)
{
    uint32_t count = crew->failed;
    for (uint32_t i = 0; i < crew->count && count; i++) {
        const struct crew_member *member = &crew->members[i];
        bool failed = member->exit == EXIT_SIGNAL || (member->exit == EXIT_NORMAL && member->value);
        count -= failed && mortality_doomed(spec, ledger, i);
    }
    return count;
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The times from a death until somebody else had the primitive. */
static void note_recoveries(const struct fault_mortality *m, struct trial_result *result)
{
    uint64_t times[FAULT_RECOVERIES];
    uint32_t count = m->recoveries < FAULT_RECOVERIES ? m->recoveries : FAULT_RECOVERIES;
    for (uint32_t i = 0; i < count; i++)
        times[i] = m->recovery_ns[i];
    qsort(times, count, sizeof times[0], by_time);
    result->deaths = m->deaths;
    result->recoveries = m->recoveries;
    if (count == 0)
        return;
    result->recovery_min_ns = times[0];
    result->recovery_median_ns = count % 2 ? times[count / 2] : (times[count / 2 - 1] + times[count / 2]) / 2;
    result->recovery_max_ns = times[count - 1];
}

/* Where no record lies in the open, elements tell that come out torn; others may be lost or doubled, and whole. */
static bool torn(const struct trial_spec *spec, const struct trial_result *result)
{
    if (spec->load->torn_by_death)
        return result->violation_count > result->violations[VIOLATION_SYNC_ERROR]; /* an error of a call says nothing of the data */
    return result->violations[VIOLATION_TORN] || result->violations[VIOLATION_FOREIGN];
}

void mortality_note(const struct trial_spec *spec, struct trial_result *result)
{
    const struct fault_mortality *m = mortality_of(&result->ledger);
    uint64_t death_ns = m->death_ns, next_ns = m->next_ns;
    if (!spec->fault->deadly || death_ns <= result->gate_ns)
        return;
    result->death_ns = death_ns - result->gate_ns;
    result->dead_worker = m->victim;
    result->dead_phase = m->phase < PHASES ? (enum phase)m->phase : PHASE_STARTING;
    if (result->remains == REMAINS_UNKNOWN)
        result->remains = torn(spec, result) ? REMAINS_TORN : next_ns ? REMAINS_WHOLE : REMAINS_UNKNOWN;
    result->recovery_ns = next_ns > death_ns ? next_ns - death_ns : 0;
    note_recoveries(m, result);
}

/* How far the dead one had come in its last operation, where that was counted. */
static void made_text(const struct trial_result *result, char text[64])
{
    const struct fault_mortality *m = mortality_of(&result->ledger);
    text[0] = '\0';
    if (m->made)
        snprintf(text, 64, " and %llu of its own steps", (unsigned long long)m->made);
}

void mortality_text(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result, char *text, size_t size)
{
    char exit[48], made[64], after[UNITS_TEXT], more[48] = "";
    text[0] = '\0';
    if (!result->death_ns || result->dead_worker >= crew->count)
        return;
    const struct fault_mortality *m = mortality_of(&result->ledger);
    made_text(result, made);
    if (result->deaths > 1)
        snprintf(more, sizeof more, ", the first of %u deaths", result->deaths);
    int n = snprintf(text, size, "worker %u died %s (%s, phase %s, after %llu operations%s)%s", result->dead_worker, spec->fault_text,
                     crew_first_exit_text(&crew->members[result->dead_worker], exit), phase_name(result->dead_phase),
                     (unsigned long long)m->ops, made, more);
    if (n < 0 || (size_t)n >= size)
        return;
    if (result->recovery_ns)
        snprintf(text + n, size - (size_t)n, "; the next acquisition by another came %s later",
                 units_print(&units_duration, (double)result->recovery_ns, after));
    else
        snprintf(text + n, size - (size_t)n, "; nobody has acquired the primitive since");
}

/* Did the one that died hold the primitive? */
static bool died_holding(const struct trial_result *result)
{
    return result->death_ns && (result->dead_phase == PHASE_INSIDE || result->dead_phase == PHASE_RELEASING);
}

const char *mortality_outcome(const struct trial_spec *spec, const struct trial_result *result)
{
    switch (result->verdict) {
    case VERDICT_CLEAN:
        return "recovered";
    case VERDICT_CORRUPT:
        return "corrupt";
    case VERDICT_WEDGED:
        return spec->sync->traits & SYNC_PERMIT && died_holding(result) ? "permit lost" : "wedged";
    case VERDICT_CRASHED:
        return spec->sync->traits & SYNC_ABORTS ? "aborted" : "crashed";
    case VERDICT_INCONCLUSIVE:
    case VERDICT_UNSUPPORTED:
    case VERDICT_ERROR:
    case VERDICTS:
        break;
    }
    return "inconclusive";
}
