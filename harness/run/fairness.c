/* Computing fairness from the workers' counters. */
#include "run/fairness.h"

#include <string.h>

/* Operations a second; negative: unknown. */
static double rate_of(const struct slot *slot)
{
    if (slot->lives || slot->started_ns == 0 || slot->ended_ns <= slot->started_ns)
        return -1;
    return (double)slot->ops / ((double)(slot->ended_ns - slot->started_ns) / 1e9);
}

static bool got_through(const struct trial_result *result)
{
    return result->gate_ns && result->death_ns == 0 && result->slices == 0 && result->verdict != VERDICT_WEDGED &&
           result->verdict != VERDICT_CRASHED && result->verdict != VERDICT_ERROR;
}

/* The scheduler ran it for the first time when all was over. */
static bool was_late(const struct trial_result *result, const struct slot *slot)
{
    return result->stopped_ns && slot->started_ns >= result->stopped_ns;
}

/* For how long a fault had it stopped. */
static uint64_t stopped_ns(const struct trial_result *result, uint32_t worker)
{
    uint64_t ns = 0;
    for (uint32_t i = 0; i < result->fault_count; i++) {
        const struct fault_note *note = &result->faults[i];
        if (note->worker == worker && note->until_ns > note->at_ns && fault_note_stops(note))
            ns += note->until_ns - note->at_ns;
    }
    return ns;
}

/* Seconds of its loop in which the primitive had the worker before it: on a CPU, or asleep and not yet woken. Where the kernel does
 * not tell, the CPU time of one that never slept; all of the loop for one that did. */
static double attended_s(const struct trial_result *result, uint32_t worker)
{
    const struct slot *slot = &result->ledger.slots[worker];
    uint64_t whole = slot->ended_ns - slot->started_ns, used = slot->user_ns + slot->system_ns;
    uint64_t away = slot->delay_known ? slot->delayed_ns : slot->voluntary_switches || used > whole ? 0 : whole - used;
    away += stopped_ns(result, worker);
    return (double)(away < whole ? whole - away : 0) / 1e9;
}

/* A role's sums, over those who were not late. */
struct role {
    uint32_t from, to;
    uint32_t ran;
    double ops, rates, squares, most, attended_s;
};

static bool add_up(const struct trial_result *result, struct role *role, struct fairness *f)
{
    for (uint32_t i = role->from; i < role->to; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        double rate = rate_of(slot);
        if (rate < 0)
            return false;
        if (was_late(result, slot)) {
            f->late_count++;
            continue;
        }
        if (role->ran++ == 0 || rate < f->least) {
            f->least = rate;
            f->least_worker = i;
        }
        role->ops += (double)slot->ops;
        role->rates += rate;
        role->squares += rate * rate;
        role->most = rate > role->most ? rate : role->most;
        role->attended_s += attended_s(result, i);
    }
    return role->ran > 1 && role->rates > 0;
}

static void name_starved(uint32_t i, double part, struct fairness *f)
{
    if (f->starved_count == 0 || part < f->most_starved_least) {
        f->most_starved = i;
        f->most_starved_least = part;
    }
    if (f->starved_count < FAIRNESS_NAMED)
        f->starved[f->starved_count] = i;
    f->starved_count++;
}

/* Operations that it should have had in the time that it had, were all served alike. */
static double due_of(const struct role *role, double attended)
{
    return role->attended_s > 0 ? role->ops * attended / role->attended_s : 0;
}

/* Whose part is too small, and whose doing is it? */
static void explain_small(const struct trial_result *result, const struct role *role, struct fairness *f)
{
    for (uint32_t i = role->from; i < role->to; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        double part = rate_of(slot) / (role->rates / role->ran), attended = attended_s(result, i);
        if (was_late(result, slot) || part >= FAIRNESS_STARVED)
            continue;
        double due = due_of(role, attended), small = FAIRNESS_STARVED * role->ops / role->ran;
        if (due >= FAIRNESS_TURNS && due >= small && (double)slot->ops < FAIRNESS_STARVED * due)
            name_starved(i, part, f);
        else if (attended <= (double)(slot->ended_ns - slot->started_ns) / 2e9)
            f->unscheduled_count++;
    }
    f->unscheduled_count += f->late_count;
}

bool fairness_of(const struct trial_spec *spec, const struct trial_result *result, bool writers, struct fairness *fairness)
{
    struct role role = {.from = writers ? 0 : spec->shape.writers, .to = writers ? spec->shape.writers : result->workers};
    memset(fairness, 0, sizeof *fairness);
    if (role.to > result->workers || role.to < role.from + 2 || !got_through(result) || !add_up(result, &role, fairness))
        return false;
    fairness->workers = role.to - role.from;
    fairness->jain = role.rates * role.rates / (role.ran * role.squares);
    fairness->min_max = fairness->least / role.most;
    fairness->least /= role.rates / role.ran;
    explain_small(result, &role, fairness);
    return true;
}
