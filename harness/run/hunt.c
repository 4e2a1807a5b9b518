/* A hunt: choosing slices, running them, and adding them up. */
#include "run/hunt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/seed.h"
#include "run/exposure.h"
#include "run/instances.h"
#include "run/interrupt.h"
#include "run/preflight.h"
#include "run/trial.h"

/* The first time round slices are short, since most bugs show at once. Each time round they are twice as long: what shows after
 * so many operations only must have its time as well. */
#define SLICE_FIRST_NS (15 * NS_PER_MS)
#define SLICE_MAX_NS (500 * NS_PER_MS)
/* What is slow (a large state to be mapped, long sleeps, a busy machine) gets longer ones sooner. */
#define POOR_TO_DOUBLE 3
#define INTERVALS_MAX 4096
/* Of the slices, so many in a hundred must have had exposure enough for a verdict of their own. */
#define CLEAN_PERCENT 25
/* One slice in so many goes to what has paid off, the others to the disturbance whose turn it is. */
#define PAID_ONE_IN 4

/* What each disturbance has found since the program started in a family of primitives, by its place in its fault's list. What is
 * found the first time round does not count: it says no more than who comes first. */
static uint32_t paid[SYNC_FAMILIES][HUNT_DISTURBANCES_MAX];

struct hunt {
    const struct trial_spec *spec;
    struct trial_result *result;
    uint64_t start_ns, deadline_ns;
    uint32_t kinds, disturbances, loads;
    uint32_t poor;      /* slices in a row that had too little exposure */
    uint32_t too_large; /* kinds that there is no room for */
    bool *dead;       /* kinds of slices that turned out not to run here */
    uint32_t *turns;  /* of each disturbance: how many slices it had */
    uint64_t random;
    char undecided[400]; /* the reason of the last slice that came to no verdict */
};

/* The next of what has paid off, by lot and weight; UINT32_MAX: nothing has. */
static uint32_t choose_paid(struct hunt *hunt)
{
    const uint32_t *found = paid[hunt->spec->sync->family];
    uint32_t sum = 0;
    for (uint32_t d = 0; d < hunt->disturbances; d++)
        sum += found[d];
    if (sum == 0)
        return UINT32_MAX;
    uint64_t lot = seed_below(&hunt->random, sum);
    for (uint32_t d = 0; d < hunt->disturbances; d++) {
        if (lot < found[d])
            return d;
        lot -= found[d];
    }
    return UINT32_MAX;
}

/* The loads change from one turn of a disturbance to its next, and from one disturbance to its neighbour; long slices begin with
 * the first one. UINT32_MAX: this disturbance can run with none. */
static uint32_t next_load(struct hunt *hunt, uint32_t disturbance)
{
    const struct disturbance *all = hunt->spec->fault->disturbances;
    uint32_t live = 0, turn = hunt->turns[disturbance]++ + (all && all[disturbance].longer ? 0 : disturbance);
    for (uint32_t load = 0; load < hunt->loads; load++)
        live += !hunt->dead[load * hunt->disturbances + disturbance];
    for (uint32_t load = 0, skip = live ? turn % live : 0; load < hunt->loads; load++) {
        uint32_t kind = load * hunt->disturbances + disturbance;
        if (!hunt->dead[kind] && skip-- == 0)
            return kind;
    }
    return UINT32_MAX;
}

/* The kind of the n-th slice; UINT32_MAX: nothing can run. */
static uint32_t choose(struct hunt *hunt, uint32_t n)
{
    uint32_t d = n >= hunt->disturbances && n % PAID_ONE_IN == 0 ? choose_paid(hunt) : UINT32_MAX;
    uint32_t kind = d == UINT32_MAX ? d : next_load(hunt, d);
    for (uint32_t tries = 0; kind == UINT32_MAX && tries < hunt->disturbances; tries++) {
        d = 0;
        for (uint32_t k = 1; k < hunt->disturbances; k++)
            d = hunt->turns[k] < hunt->turns[d] ? k : d;
        kind = next_load(hunt, d);
    }
    return kind;
}

static void note_slice(struct hunt *hunt, const struct trial_spec *slice, const struct trial_result *r, uint64_t began_ns)
{
    struct trial_result *sum = hunt->result;
    if (!sum->intervals || sum->interval_count >= INTERVALS_MAX)
        return;
    uint64_t now = clock_ns();
    struct interval *interval = &sum->intervals[sum->interval_count++];
    *interval = (struct interval){
        .at_ns = now - hunt->start_ns,
        .length_ns = now - began_ns,
        .ops = r->ops,
        .handoffs = r->handoffs,
        .contended = r->contended,
        .verdict = r->verdict,
    };
    snprintf(interval->slice, sizeof interval->slice, "%s %uw+%ur fault %s", slice->load->name, slice->shape.writers,
             slice->shape.readers, slice->fault_text);
}

static void add(struct trial_result *sum, const struct trial_spec *slice, const struct trial_result *r)
{
    sum->ops += r->ops;
    sum->writer_ops += r->writer_ops;
    sum->reader_ops += r->reader_ops;
    sum->handoffs += r->handoffs;
    sum->late_handoffs += exposure_late(r, instances_count(slice));
    sum->contended += r->contended;
    sum->preempted += r->preempted;
    sum->sampled += r->sampled;
    sum->overlaps += r->overlaps;
    sum->recovered += r->recovered;
    sum->sleeps += r->sleeps;
    sum->slices++;
    sum->slices_clean += r->verdict == VERDICT_CLEAN && !r->death_ns;
    sum->fork_ns += r->fork_ns;
    sum->reap_ns += r->reap_ns;
}

/* The slice that decided lends the hunt its crew, its evidence and its faults; moments count from the hunt's start. */
static void adopt(struct hunt *hunt, const struct trial_spec *slice, struct trial_result *r)
{
    struct trial_result *sum = hunt->result;
    uint64_t offset_ns = r->gate_ns > hunt->start_ns ? r->gate_ns - hunt->start_ns : 0;
    sum->ledger = r->ledger;
    sum->ledger.kinds = 0; /* its histograms are one slice's, and not the hunt's */
    sum->ends = r->ends;
    sum->workers = r->workers;
    sum->faults = r->faults;
    sum->fault_count = r->fault_count;
    for (uint32_t i = 0; i < r->fault_count; i++)
        sum->faults[i].at_ns += offset_ns;
    memcpy(sum->violations, r->violations, sizeof sum->violations);
    sum->violation_count = r->violation_count;
    sum->idle_workers = r->idle_workers;
    sum->slice = slice->shape;
    sum->found_ns = r->found_ns ? r->found_ns + offset_ns : 0;
    r->ledger.base = NULL;
    r->ends = NULL;
    r->faults = NULL;
}

static void decide_found(struct hunt *hunt, const struct trial_spec *slice, struct trial_result *r)
{
    struct trial_result *sum = hunt->result;
    char where[256];
    sum->verdict = r->verdict;
    sum->error_status = r->error_status;
    adopt(hunt, slice, r);
    snprintf(where, sizeof where,
             "; slice %u, %.2f s after the start: --load %s --writers %u --readers %u --size %llu --fault %s --seed %llu", sum->slices,
             (double)sum->found_ns / 1e9, slice->load->name, slice->shape.writers, slice->shape.readers,
             (unsigned long long)slice->shape.size, slice->fault_text, (unsigned long long)slice->shape.seed);
    snprintf(sum->reason, sizeof sum->reason, "%.*s%s", (int)(sizeof sum->reason - sizeof where), r->reason, where);
}

static uint64_t slice_ns(const struct hunt *hunt, uint32_t n, uint32_t disturbance)
{
    const struct disturbance *all = hunt->spec->fault->disturbances;
    uint64_t ns = all && all[disturbance].longer ? SLICE_FIRST_NS * all[disturbance].longer : SLICE_FIRST_NS;
    for (uint32_t times_round = n / hunt->disturbances; times_round && ns < SLICE_MAX_NS; times_round--)
        ns *= 2;
    for (uint32_t n_poor = hunt->poor / POOR_TO_DOUBLE; n_poor && ns < SLICE_MAX_NS; n_poor--)
        ns *= 2;
    return ns < SLICE_MAX_NS ? ns : SLICE_MAX_NS;
}

/* What was left out. */
static void tell_too_large(const struct hunt *hunt)
{
    char *text = hunt->result->reason;
    size_t used = strlen(text);
    if (hunt->too_large)
        snprintf(text + used, sizeof hunt->result->reason - used, "; %u of %u kinds of slices were left out: /dev/shm or the memory has no room for them",
                 hunt->too_large, hunt->kinds);
}

/* One slice. True: the hunt goes on. */
static bool run_slice(struct hunt *hunt, uint32_t n, uint32_t kind)
{
    struct trial_spec slice;
    struct trial_result r;
    hunt_slice(hunt->spec, kind, &slice);
    slice.shape.seed = seed_part(hunt->spec->shape.seed, n);
    slice.duration_ns = slice_ns(hunt, n, kind % hunt->disturbances);
    uint64_t began_ns = clock_ns();
    trial_run(&slice, &r);
    bool broken = r.verdict == VERDICT_CORRUPT || r.verdict == VERDICT_WEDGED || r.verdict == VERDICT_CRASHED;
    bool found = broken && !(slice.fault->deadly && r.as_expected); /* a death may leave that behind */
    if (r.verdict == VERDICT_UNSUPPORTED)
        hunt->dead[kind] = true;
    else
        add(hunt->result, &slice, &r);
    note_slice(hunt, &slice, &r, began_ns);
    if (found && n >= hunt->disturbances)
        paid[slice.sync->family][kind % hunt->disturbances]++;
    if (found || r.verdict == VERDICT_ERROR)
        decide_found(hunt, &slice, &r);
    if (r.verdict == VERDICT_INCONCLUSIVE)
        snprintf(hunt->undecided, sizeof hunt->undecided, "%.200s (%s, %u + %u, fault %s)", r.reason, slice.load->name,
                 slice.shape.writers, slice.shape.readers, slice.fault_text);
    hunt->poor = r.verdict == VERDICT_INCONCLUSIVE ? hunt->poor + 1 : 0;
    hunt->result->interrupted = r.interrupted;
    bool over = found || r.verdict == VERDICT_ERROR || r.interrupted;
    trial_result_free(&r);
    return !over;
}

/* A primitive so slow that no slice has exposure enough by itself may have it in all of them together. */
static bool exposed(const struct trial_result *sum)
{
    if (sum->slices_clean && sum->slices_clean * 100 >= sum->slices * CLEAN_PERCENT)
        return true;
    return sum->handoffs >= EXPOSURE_MANY && exposure_met(sum->contended, sum->sampled);
}

/* What takes long to come about has had the exposure of long slices only. */
static const char *late_strength(const struct trial_result *sum, char *text, size_t bytes)
{
    if (sum->late_handoffs == 0)
        return "; what takes a million operations on one object first was not tried: hunt for longer";
    snprintf(text, bytes, ", and than %.1e where it takes a million operations on one object first",
             exposure_upper_95(sum->late_handoffs));
    return text;
}

static void decide_whole(struct hunt *hunt)
{
    struct trial_result *sum = hunt->result;
    double seconds = (double)sum->watched_ns / 1e9;
    char late[128];
    if (sum->interrupted) {
        sum->verdict = VERDICT_INCONCLUSIVE;
        snprintf(sum->reason, sizeof sum->reason, "interrupted after %u slices, before its time was over", sum->slices);
    } else if (exposed(sum)) {
        sum->verdict = VERDICT_CLEAN;
        snprintf(sum->reason, sizeof sum->reason,
                 "%u slices in %.1f s, %u with enough exposure: %llu operations with %llu hand-offs between processes, and "
                 "nothing broke: at 95 %% a failure is rarer than %.1e per hand-off%s",
                 sum->slices, seconds, sum->slices_clean, (unsigned long long)sum->ops, (unsigned long long)sum->handoffs,
                 exposure_upper_95(sum->handoffs), late_strength(sum, late, sizeof late));
    } else {
        sum->verdict = VERDICT_INCONCLUSIVE;
        snprintf(sum->reason, sizeof sum->reason, "only %u of %u slices had exposure enough for a verdict; the last that had not: %s",
                 sum->slices_clean, sum->slices, hunt->undecided[0] ? hunt->undecided : "none could be run");
    }
}

static bool hunt_begin(struct hunt *hunt, const struct trial_spec *spec, struct trial_result *result)
{
    *hunt = (struct hunt){.spec = spec, .result = result, .start_ns = clock_ns(), .kinds = hunt_slices(spec)};
    struct trial_spec slice;
    hunt->disturbances = hunt_disturbances(spec);
    hunt->loads = hunt_loads(spec);
    hunt->random = seed_scramble(spec->shape.seed ^ 0x68756e74);
    hunt->deadline_ns = hunt->start_ns + spec->duration_ns;
    hunt->dead = calloc(hunt->kinds, sizeof *hunt->dead);
    hunt->turns = calloc(hunt->disturbances, sizeof *hunt->turns);
    result->intervals = calloc(INTERVALS_MAX, sizeof *result->intervals);
    result->gate_ns = hunt->start_ns;
    struct preflight_room room = preflight_room();
    for (uint32_t i = 0; hunt->dead && i < hunt->kinds; i++) {
        bool applies = hunt_slice(spec, i, &slice), has_room = !applies || preflight_fits(&room, &slice);
        hunt->dead[i] = !applies || !has_room;
        hunt->too_large += !has_room;
    }
    return hunt->dead && hunt->turns && result->intervals;
}

void hunt_run(const struct trial_spec *spec, struct trial_result *result)
{
    struct hunt hunt;
    memset(result, 0, sizeof *result);
    const char *unsupported = hunt_unsupported(spec);
    bool ready = hunt_begin(&hunt, spec, result);
    result->verdict = unsupported ? VERDICT_UNSUPPORTED : VERDICT_ERROR;
    snprintf(result->reason, sizeof result->reason, "%s", unsupported ? unsupported : "out of memory");
    bool go_on = ready && !unsupported, whole = go_on;
    for (uint32_t n = 0; go_on; n++) {
        uint32_t kind = choose(&hunt, n);
        go_on = whole = kind != UINT32_MAX && run_slice(&hunt, n, kind);
        if (go_on && (clock_ns() >= hunt.deadline_ns || interrupt_pending()))
            break;
    }
    result->watched_ns = result->ran_ns = clock_ns() - hunt.start_ns;
    if (ready && !unsupported && (whole || result->interrupted || result->slices == 0)) {
        decide_whole(&hunt);
        tell_too_large(&hunt);
    }
    result->as_expected = spec_as_expected(spec, result->verdict);
    if (unsupported)
        result->gate_ns = 0;
    free(hunt.dead);
    free(hunt.turns);
}
