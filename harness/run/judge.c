/* The judgement. */
#define _GNU_SOURCE
#include "run/judge.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "contract/worker.h"
#include "run/exposure.h"
#include "run/mortality.h"
#include "run/oom.h"
#include "run/room.h"
#include "run/sigbus.h"
#include "shm/region.h"

#define WINDOW_PART 4 /* the common window must be such a part of the duration */
#define ACTS_TOLD 3

static void add_slot(struct trial_result *result, const struct slot *slot)
{
    for (int k = 0; k < VIOLATIONS; k++) {
        result->violations[k] += slot->violations[k];
        result->violation_count += slot->violations[k];
    }
    result->handoffs += slot->handoffs;
    result->voluntary_switches += slot->voluntary_switches;
    result->involuntary_switches += slot->involuntary_switches;
    result->minor_faults += slot->minor_faults;
    result->major_faults += slot->major_faults;
    result->messages += slot->messages;
    result->bytes += slot->bytes;
    result->contended += slot->contended;
    result->preempted += slot->preempted;
    result->sampled += slot->sampled;
    result->recovered += slot->recovered;
    result->sleeps += slot->voluntary_switches;
}

static void add_up(const struct trial_spec *spec, struct trial_result *result)
{
    uint64_t last_ns = 0;
    bool all_ended = true;
    for (uint32_t i = 0; i <= result->ledger.workers; i++)
        add_slot(result, &result->ledger.slots[i]);
    for (uint32_t i = 0; i < result->ledger.workers; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        *(i < spec->shape.writers ? &result->writer_ops : &result->reader_ops) += slot->ops;
        bool planned = mortality_doomed(spec, &result->ledger, i);
        result->idle_workers += slot->ops == 0 && !planned;
        all_ended &= slot->ended_ns != 0 || planned;
        if (slot->ended_ns > last_ns)
            last_ns = slot->ended_ns;
    }
    result->ops = result->writer_ops + result->reader_ops;
    result->ran_ns = all_ended && last_ns > result->gate_ns ? last_ns - result->gate_ns : result->watched_ns;
}

__attribute__((format(printf, 3, 4))) static void decide(struct trial_result *result, enum verdict verdict,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(result->reason, sizeof result->reason, format, args);
    va_end(args);
    result->verdict = verdict;
}

/* Is the path, as /proc/PID/maps has it, that of the object of this name? */
static bool is_object(const char *path, const char *name)
{
    size_t folder = strlen(REGION_FOLDER), length = name ? strlen(name) : 0;
    return length && strncmp(path, REGION_FOLDER, folder) == 0 && strncmp(path + folder, name, length) == 0 &&
           (path[folder + length] == '\0' || path[folder + length] == ' ');
}

/* Where a memory fault lay, and why, as far as it can still be told. */
static void fault_text(const struct slot *slot, const struct trial_spec *spec, char *text, size_t size)
{
    const struct slot_fault *fault = &slot->fault;
    char why[420];
    text[0] = '\0';
    if (fault->signal != SIGBUS && fault->signal != SIGSEGV)
        return;
    uint64_t region_bytes = spec_region_bytes(spec), offset = fault->address - fault->region_base;
    struct sigbus_site site = {.what = "region", .name = spec->shape.name, .bytes = region_bytes, .offset = offset, .code = fault->code};
    bool inside = fault->region_base && offset < region_bytes + (1u << 20) && fault->address >= fault->region_base;
    /* what is mapped there is known, as a rule, and may be something else, close to the region */
    bool elsewhere = fault->object[0] && !is_object(fault->object, spec->shape.name);
    if (fault->code <= 0) {
        snprintf(text, size, " (sent by another process)");
    } else if (fault->signal == SIGBUS && elsewhere) {
        sigbus_explain_path(fault->object, fault->object_offset, fault->code, why, sizeof why);
        snprintf(text, size, " %s;", why);
    } else if (fault->signal == SIGBUS && inside) {
        sigbus_explain(&site, why, sizeof why);
        snprintf(text, size, " %s;", why);
    } else if (fault->region_base && offset < spec_span_bytes(spec)) {
        snprintf(text, size, " at offset %llu of the region: an access to memory that is not mapped so", (unsigned long long)offset);
    } else {
        snprintf(text, size, " at address 0x%llx, outside the region: %s", (unsigned long long)fault->address,
                 fault->signal == SIGBUS ? "a page of another mapping could not be had" : "an access to memory that is not mapped so");
    }
}

/* SIGKILL that nobody here has sent. */
static void killed_text(char *text, size_t size)
{
    char why[400];
    if (room_explains_kill(why, sizeof why) || oom_explain(why, sizeof why))
        snprintf(text, size, ": %s;", why);
}

/* By itself, not by the harness's hand, and not by a deadly fault's. */
static bool died(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result, uint32_t i)
{
    const struct crew_member *member = &crew->members[i];
    bool failed = member->exit == EXIT_SIGNAL || (member->exit == EXIT_NORMAL && member->value);
    return failed && !mortality_doomed(spec, &result->ledger, i);
}

/* The first worker that died; one that only fell while a wedged crew was ended counts as well. The crew's count for none. */
static uint32_t first_death(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result)
{
    uint32_t i = 0;
    if (crew->failed && died(spec, crew, result, crew->first_failed))
        return crew->first_failed;
    while (i < crew->count && !died(spec, crew, result, i))
        i++;
    return i;
}

/* The one that says most: who fell over memory has noted where, and may have taken others along that say nothing. */
static uint32_t telling_death(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result)
{
    uint32_t first = first_death(spec, crew, result);
    for (uint32_t i = 0; i < crew->count; i++)
        if (died(spec, crew, result, i) && result->ledger.slots[i].fault.signal == SIGBUS)
            return result->ledger.slots[first].fault.signal == SIGBUS ? first : i;
    return first;
}

static void decide_crashed(const struct trial_spec *spec, const struct crew *crew, struct trial_result *result)
{
    uint32_t i = telling_death(spec, crew, result);
    const struct slot *slot = &result->ledger.slots[i];
    char exit[48], where[440];
    uint32_t deaths = 0;
    for (uint32_t k = 0; k < crew->count; k++)
        deaths += died(spec, crew, result, k);
    fault_text(slot, spec, where, sizeof where);
    if (crew->members[i].exit == EXIT_SIGNAL && crew->members[i].value == SIGKILL)
        killed_text(where, sizeof where);
    decide(result, VERDICT_CRASHED, "worker %u (%s, pid %d) was lost: %s%s in phase %s after %llu operations%s", i,
           i < spec->shape.writers ? "writer" : "reader", (int)crew->members[i].pid,
           crew_exit_text(&crew->members[i], exit), where, phase_name(slot->phase), (unsigned long long)slot->ops,
           deaths > 1 ? "; it was not the only one" : "");
}

/* A worker that left its loop by another way than its end, or whose own set-up of something failed. */
static bool decide_strayed(const struct trial_spec *spec, const struct crew *crew, struct trial_result *result)
{
    for (uint32_t i = 0; i <= crew->count; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        if (slot->failed) {
            char who[32] = "the audit";
            if (i < crew->count)
                snprintf(who, sizeof who, "worker %u", i);
            decide(result, VERDICT_ERROR, "%s: %s", who, slot->failure);
            result->error_status = STATUS_ENVIRONMENT;
            return true;
        }
        if (i == crew->count)
            break;
        bool planned = mortality_doomed(spec, &result->ledger, i);
        if (crew->members[i].exit == EXIT_NORMAL && slot->phase != PHASE_DONE && !planned) {
            decide(result, VERDICT_CRASHED, "worker %u (%s) exited by itself in phase %s after %llu operations", i,
                   i < spec->shape.writers ? "writer" : "reader", phase_name(slot->phase), (unsigned long long)slot->ops);
            return true;
        }
    }
    return false;
}

static const struct evidence *first_evidence(const struct trial_result *result, uint32_t *worker)
{
    const struct evidence *first = NULL;
    for (uint32_t i = 0; i <= result->ledger.workers; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        if (slot->evidence_count && (!first || slot->evidence[0].at_ns < first->at_ns)) {
            first = &slot->evidence[0];
            *worker = i;
        }
    }
    return first;
}

/* "3 violations; the first, torn, was found by worker 2: ..." */
static void evidence_text(const struct trial_result *result, char *text, size_t size)
{
    uint32_t worker = 0;
    const struct evidence *evidence = first_evidence(result, &worker);
    char who[32] = "the audit";
    if (worker < result->ledger.workers)
        snprintf(who, sizeof who, "worker %u", worker);
    if (!evidence)
        snprintf(text, size, "%llu violations", (unsigned long long)result->violation_count);
    else
        snprintf(text, size, "%llu violation%s; the first, %s, was found by %s: %s", (unsigned long long)result->violation_count,
                 result->violation_count == 1 ? "" : "s", violation_name(evidence->kind), who, evidence->text);
}

static void decide_corrupt(struct trial_result *result)
{
    char text[sizeof result->reason];
    evidence_text(result, text, sizeof text);
    decide(result, VERDICT_CORRUPT, "%s", text);
}

/* Of a signal that the fault works with, and that has not reached the worker's handler: the primitive had it blocked. */
static bool died_of_means(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result, uint32_t i)
{
    const struct crew_member *member = &crew->members[i];
    const int *means = spec->fault->means;
    if (member->exit != EXIT_SIGNAL || result->ledger.slots[i].fault.signal != 0)
        return false;
    while (means && *means && *means != member->value)
        means++;
    return means && *means;
}

/* Such a death says nothing about the primitive, and with what was done to it the trial is over. */
static bool decide_unsuited(const struct trial_spec *spec, const struct crew *crew, struct trial_result *result)
{
    uint32_t first = first_death(spec, crew, result);
    for (uint32_t i = 0; i < crew->count; i++)
        if (died(spec, crew, result, i) && !died_of_means(spec, crew, result, i))
            return false;
    if (result->violation_count)
        decide_corrupt(result);
    else
        decide(result, VERDICT_UNSUPPORTED,
               "fault %s works with SIG%s, which the code of sync %s has blocked in phase %s (worker %u died of it): the other faults "
               "can be used",
               spec->fault->name, sigabbrev_np(crew->members[first].value), spec->sync->name,
               phase_name(result->ledger.slots[first].phase), first);
    return true;
}

/* What was found before a death or a standstill may be its cause. */
static void tell_cause(struct trial_result *result)
{
    char text[320], rest[sizeof result->reason];
    if (!result->violation_count || (result->verdict != VERDICT_WEDGED && result->verdict != VERDICT_CRASHED))
        return;
    evidence_text(result, text, sizeof text);
    memcpy(rest, result->reason, sizeof rest);
    snprintf(result->reason, sizeof result->reason, "%s; then %.690s", text, rest);
}

bool judge_exposed(const struct trial_spec *spec, const struct ledger *ledger)
{
    struct trial_result sum = {0};
    for (uint32_t i = 0; i < ledger->workers; i++)
        add_slot(&sum, &ledger->slots[i]);
    if (sum.violation_count || shape_workers(&spec->shape) < 2)
        return true;
    if (mortality_strikes(spec)) /* what is broken is to show that it is, with whoever is left */
        return mortality_survived(spec, ledger) && !mortality_breaks(spec);
    bool met = spec->load->uses_system || exposure_met(sum.contended, sum.sampled) ||
               (shape_workers(&spec->shape) > WORKER_MET && sum.handoffs >= EXPOSURE_MANY);
    return sum.handoffs >= spec->enough && (met || spec->enough == 0);
}

static void decide_whole(const struct trial_spec *spec, struct trial_result *result)
{
    uint32_t workers = shape_workers(&spec->shape);
    if (result->interrupted)
        decide(result, VERDICT_INCONCLUSIVE, "interrupted by SIG%s before its time was over", sigabbrev_np(result->interrupted));
    else if (result->idle_workers)
        decide(result, VERDICT_INCONCLUSIVE, "%u of %u workers did nothing: the trial did not test what it was to test",
               result->idle_workers, workers);
    else if (workers < 2)
        decide(result, VERDICT_INCONCLUSIVE, "one process alone meets nobody: %llu operations without a hand-off prove nothing",
               (unsigned long long)result->ops);
    else if (result->handoffs < spec->enough)
        decide(result, VERDICT_INCONCLUSIVE,
               "only %llu hand-offs between processes, %u are needed: run it longer, or with less think time",
               (unsigned long long)result->handoffs, spec->enough);
    else if (spec->enough && spec->fault->verdicts && !result->fault_count)
        decide(result, VERDICT_INCONCLUSIVE, "the trial was over before the fault did anything: run it longer");
    else if (!exposure_enough(spec, result))
        decide(result, VERDICT_INCONCLUSIVE,
               "%s%llu of %llu sampled operations met another process at the primitive: use more CPUs, run it longer, or disturb "
               "it with --fault yield",
               exposure_in_turns(result) ? "all had to take turns on one CPU, and " : "the processes hardly ran at the same time: ",
               (unsigned long long)result->contended, (unsigned long long)result->sampled);
    else
        decide(result, VERDICT_CLEAN,
               "%llu operations with %llu hand-offs between processes, and nothing broke: at 95 %% a failure is rarer than %.1e "
               "per hand-off%s",
               (unsigned long long)result->ops, (unsigned long long)result->handoffs, exposure_upper_95(result->handoffs),
               spec->silent ? "; no worker made a system call between gate and end" : "");
}

/* The survivors of a planned death: have they gone on? */
static void decide_survived(const struct trial_spec *spec, struct trial_result *result)
{
    if (result->interrupted || result->idle_workers)
        decide_whole(spec, result);
    else if (!result->death_ns)
        decide(result, VERDICT_INCONCLUSIVE, "nobody came to the place where the fault strikes: run it longer");
    else if (!result->recovery_ns)
        decide(result, VERDICT_INCONCLUSIVE, "the trial was over before anybody asked for the primitive again: run it longer");
    else
        decide(result, VERDICT_CLEAN, "the others went on, %llu operations in all, and nothing broke",
               (unsigned long long)result->ops);
}

/* What was decided is told behind who died. */
static void tell_death(const struct trial_spec *spec, const struct crew *crew, struct trial_result *result)
{
    char death[300], rest[sizeof result->reason];
    mortality_text(spec, crew, result, death, sizeof death);
    memcpy(rest, result->reason, sizeof rest);
    if (death[0])
        snprintf(result->reason, sizeof result->reason, "%s; %.1600s", death, rest);
}

/* Ended from outside although it still moved: no pass, and no wedge either. */
static void decide_slow(const struct trial_spec *spec, const char *why, struct trial_result *result)
{
    if (result->violation_count)
        decide_corrupt(result);
    else if (result->interrupted)
        decide_whole(spec, result);
    else
        decide(result, VERDICT_INCONCLUSIVE, "too slow to end by itself, ended by the watchdog: %s", why);
}

/* Did all who died go by a signal that the fault brings about by itself? */
static bool brought(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        const int *signal = spec->fault->brings;
        while (signal && *signal && *signal != crew->members[i].value)
            signal++;
        bool by_it = crew->members[i].exit == EXIT_SIGNAL && signal && *signal;
        if (died(spec, crew, result, i) && !by_it)
            return false;
    }
    return spec->fault->brings != NULL;
}

/* If anybody died: did the fault kill one of them? Who dies without its doing was not meant to; who dies after it may have had
 * no choice (glibc aborts a waiter on a priority-inheriting mutex whose owner has died). */
static bool died_by_fault(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result)
{
    bool any = false;
    for (uint32_t i = 0; i < crew->count; i++)
        any |= died(spec, crew, result, i);
    if (spec->fault->deadly && spec->sync->traits & SYNC_ABORTS)
        return true;
    if (any && brought(spec, crew, result))
        return true;
    for (uint32_t k = 0; k < result->fault_count; k++) {
        const struct fault_note *note = &result->faults[k];
        if (note->worker >= crew->count)
            continue;
        const struct crew_member *member = &crew->members[note->worker];
        if (member->exit == EXIT_SIGNAL && member->value == note->signal)
            return true;
    }
    return !any;
}

/* What was done to the crew's world, where the verdict may be its doing. */
static void tell_acts(const struct trial_spec *spec, struct trial_result *result)
{
    size_t used = strlen(result->reason);
    if (!spec->fault->verdicts || result->verdict == VERDICT_CLEAN)
        return;
    for (uint32_t k = 0; k < result->fault_count && k < ACTS_TOLD && used < sizeof result->reason; k++)
        used += (size_t)snprintf(result->reason + used, sizeof result->reason - used, "; at %.3f s, %s",
                                 (double)result->faults[k].at_ns / 1e9, result->faults[k].detail);
}

/* When was it found? */
static void note_found(struct trial_result *result)
{
    uint32_t worker;
    const struct evidence *evidence = first_evidence(result, &worker);
    if (result->verdict == VERDICT_CORRUPT && evidence && evidence->at_ns > result->gate_ns)
        result->found_ns = evidence->at_ns - result->gate_ns;
    else if (result->verdict == VERDICT_CORRUPT || result->verdict == VERDICT_WEDGED || result->verdict == VERDICT_CRASHED)
        result->found_ns = result->watched_ns;
}

/* Does the common window say anything about the trial? On a busy machine it may be a moment of it, in which one worker had a turn
 * or nobody: then a throughput made of it would tell the scheduler's doings. */
static bool window_tells(const struct trial_spec *spec, const struct trial_result *result)
{
    bool by_time = spec->shape.ops_limit == 0 && !spec->fault->deadly;
    return result->window_ops > 0 && (!by_time || result->window_ns >= spec->duration_ns / WINDOW_PART);
}

void judge(const struct trial_spec *spec, const struct crew *crew, enum watch watch, const char *why,
           const char *audit_failure, struct trial_result *result)
{
    add_up(spec, result);
    mortality_note(spec, result);
    bool cut_short = result->interrupted != 0; /* nobody waited long enough to call it a wedge */
    bool dead = first_death(spec, crew, result) < crew->count, unsuited = dead && decide_unsuited(spec, crew, result);
    if (dead && !unsuited)
        decide_crashed(spec, crew, result);
    else if (unsuited)
        ;
    else if (watch == WATCH_WEDGED && !(cut_short && result->violation_count))
        decide(result, cut_short ? VERDICT_INCONCLUSIVE : VERDICT_WEDGED, "%s", why);
    else if (watch == WATCH_SLOW)
        decide_slow(spec, why, result);
    else if (decide_strayed(spec, crew, result))
        ;
    else if (result->violation_count)
        decide_corrupt(result);
    else if (audit_failure)
        decide(result, VERDICT_CRASHED, "%s", audit_failure);
    else if (spec->fault->deadly && mortality_strikes(spec))
        decide_survived(spec, result);
    else
        decide_whole(spec, result);
    tell_cause(result);
    if (spec->fault->deadly)
        tell_death(spec, crew, result);
    tell_acts(spec, result);
    note_found(result);
    if (result->verdict == VERDICT_CRASHED || result->verdict == VERDICT_WEDGED || !window_tells(spec, result))
        result->window_ns = 0; /* a crew that fell apart has no throughput, either */
    /* corruption proves itself, but a trial in which somebody did nothing or had to be ended is not what was asked for */
    bool whole = result->idle_workers == 0 && watch != WATCH_SLOW;
    bool of_data = result->verdict == VERDICT_CLEAN || result->verdict == VERDICT_CORRUPT;
    result->as_expected = spec_as_expected(spec, result->verdict) && (whole || !of_data);
    if (!spec->expect_given && result->verdict == VERDICT_UNSUPPORTED)
        result->as_expected = true;
    if (!spec->expect_given && !unsuited && !died_by_fault(spec, crew, result))
        result->as_expected = false;
}
