/* Mortality: planned deaths told from others, and the time until somebody goes on. */
#include "run/mortality.h"

#include <stdio.h>

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

void mortality_note(const struct trial_spec *spec, struct trial_result *result)
{
    const struct fault_mortality *m = mortality_of(&result->ledger);
    uint64_t death_ns = m->death_ns, next_ns = m->next_ns;
    if (!spec->fault->deadly || death_ns <= result->gate_ns)
        return;
    result->death_ns = death_ns - result->gate_ns;
    result->dead_worker = m->victim;
    if (result->remains == REMAINS_UNKNOWN)
        result->remains = result->violation_count ? REMAINS_TORN : next_ns ? REMAINS_WHOLE : REMAINS_UNKNOWN;
    result->recovery_ns = next_ns > death_ns ? next_ns - death_ns : 0;
}

void mortality_text(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result, char *text, size_t size)
{
    char exit[48], after[UNITS_TEXT];
    text[0] = '\0';
    if (!result->death_ns || result->dead_worker >= crew->count)
        return;
    const struct slot *slot = &result->ledger.slots[result->dead_worker];
    int n = snprintf(text, size, "worker %u died %s (%s, phase %s, after %llu operations)", result->dead_worker, spec->fault_text,
                     crew_exit_text(&crew->members[result->dead_worker], exit), phase_name(slot->phase),
                     (unsigned long long)slot->ops);
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
    if (!result->death_ns || result->dead_worker >= result->workers)
        return false;
    enum phase phase = result->ends[result->dead_worker].phase;
    return phase == PHASE_INSIDE || phase == PHASE_RELEASING;
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

/* Does death at that place leave the record half written? */
static bool leaves_torn(const struct trial_spec *spec)
{
    return spec->load->torn_by_death && spec->load->torn_by_death(&spec->shape, spec->fault_parameter);
}

/* Dead while it held the primitive: who learns of it, and what does that do to the data? */
static enum verdict expected_holding(const struct sync_ops *sync, bool torn)
{
    if (sync->traits & SYNC_ROBUST)
        return torn && sync->traits & SYNC_UNREPAIRED ? VERDICT_CORRUPT : VERDICT_CLEAN;
    if (sync->traits & SYNC_RELEASED)
        return torn ? VERDICT_CORRUPT : VERDICT_CLEAN;
    return VERDICT_WEDGED;
}

/* Is a death noticed by the kernel alone, whatever the victim was about to do? A robust mutex of the C library's is not enough: a
 * waiter that was woken up on behalf of all, and dies before it has the lock, takes the wake-up with it, unless the word is 0 in
 * that moment (futex(2), the robust list's pending entry). */
static bool noticed_anywhere(const struct sync_ops *sync)
{
    return sync->traits & (SYNC_ROBUST | SYNC_RELEASED) && !(sync->traits & SYNC_LISTED);
}

static unsigned allowed_within(const struct sync_ops *sync)
{
    if (sync->death_within)
        return sync->death_within;
    return 1u << sync->expect | (noticed_anywhere(sync) || sync->expect != VERDICT_CLEAN ? 0 : 1u << VERDICT_WEDGED);
}

/* Who was seen waiting may have stood in the line or just before it, or been granted the primitive in that very moment. */
static unsigned allowed_waiting(const struct sync_ops *sync)
{
    if (sync->expect != VERDICT_CLEAN)
        return 0;
    return 1u << VERDICT_CLEAN | (noticed_anywhere(sync) ? 0 : 1u << VERDICT_WEDGED);
}

bool mortality_allows(const struct trial_spec *spec, enum verdict verdict)
{
    const struct sync_ops *sync = spec->sync;
    unsigned allowed = 0;
    if (!mortality_strikes(spec))
        return false;
    enum death death = spec->fault->dies_at(spec->fault_choices);
    if (death == DEATH_WITHIN)
        allowed = allowed_within(sync);
    else if (death == DEATH_WAITING)
        allowed = allowed_waiting(sync);
    /* glibc may abort those who wait for what will never be given back */
    bool wedges = allowed >> VERDICT_WEDGED & 1 || mortality_expected(spec) == VERDICT_WEDGED;
    if (wedges && sync->traits & SYNC_ABORTS)
        allowed |= 1u << VERDICT_CRASHED;
    return allowed >> verdict & 1;
}

/* The verdict that stands for all that are allowed. */
static enum verdict expected_within(const struct sync_ops *sync)
{
    unsigned allowed = allowed_within(sync);
    return allowed >> VERDICT_CLEAN & 1 ? VERDICT_CLEAN : (enum verdict)__builtin_ctz(allowed);
}

enum verdict mortality_expected(const struct trial_spec *spec)
{
    const struct sync_ops *sync = spec->sync;
    if (sync->expect != VERDICT_CLEAN)
        return sync->expect;
    switch (spec->fault->dies_at(spec->fault_choices)) {
    case DEATH_INSIDE:
        return expected_holding(sync, leaves_torn(spec));
    case DEATH_UNMAPPED:
        return sync->traits & SYNC_LISTED ? VERDICT_WEDGED : expected_holding(sync, leaves_torn(spec));
    case DEATH_HOLDING:
        return expected_holding(sync, false);
    case DEATH_WAITING:
        return sync->traits & SYNC_QUEUED ? VERDICT_WEDGED : VERDICT_CLEAN;
    case DEATH_WITHIN:
        return expected_within(sync);
    case DEATH_NONE:
    case DEATH_OUTSIDE:
        break;
    }
    return VERDICT_CLEAN;
}
