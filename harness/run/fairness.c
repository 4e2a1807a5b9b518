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

static void name_starved(const struct trial_result *result, uint32_t from, uint32_t to, double equal, struct fairness *f)
{
    for (uint32_t i = from; i < to; i++) {
        if (rate_of(&result->ledger.slots[i]) >= FAIRNESS_STARVED * equal)
            continue;
        if (f->starved_count < FAIRNESS_NAMED)
            f->starved[f->starved_count] = i;
        f->starved_count++;
    }
}

bool fairness_of(const struct trial_spec *spec, const struct trial_result *result, bool writers, struct fairness *fairness)
{
    uint32_t from = writers ? 0 : spec->shape.writers, to = writers ? spec->shape.writers : result->workers;
    double sum = 0, squares = 0, least = -1, most = 0;
    memset(fairness, 0, sizeof *fairness);
    if (to > result->workers || to < from + 2 || !got_through(result))
        return false;
    for (uint32_t i = from; i < to; i++) {
        double rate = rate_of(&result->ledger.slots[i]);
        if (rate < 0)
            return false;
        sum += rate;
        squares += rate * rate;
        most = rate > most ? rate : most;
        if (least < 0 || rate < least) {
            least = rate;
            fairness->least_worker = i;
        }
    }
    if (sum <= 0)
        return false;
    fairness->workers = to - from;
    fairness->jain = sum * sum / ((double)fairness->workers * squares);
    fairness->min_max = least / most;
    fairness->least = least / (sum / fairness->workers);
    name_starved(result, from, to, sum / fairness->workers, fairness);
    return true;
}
