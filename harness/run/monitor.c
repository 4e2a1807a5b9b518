/* The monitor: the loop that the harness spends a trial in. */
#include "run/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/seed.h"
#include "run/interrupt.h"
#include "run/judge.h"
#include "run/mortality.h"
#include "run/room.h"
#include "run/starvation.h"
#include "run/tally.h"

#define INTERVALS_MAX 4096
#define FAULTS_MAX 4096
/* A trial whose time is over before its processes have met goes on, so often and so long at the most. A short one more often: a busy
 * machine may leave a crew without two CPUs for half a second, and nobody minds waiting for that. */
#define EXTENSIONS_MAX 3
#define EXTENSIONS_SHORT 9
#define SHORT_NS NS_PER_S
#define EXTENSIONS_DEADLY 40 /* the victim has a number of operations to come to, and the others must get there too */
#define EXTENSION_MAX_NS (2 * NS_PER_S)
/* How often the watchdog looks. */
#define WATCH_TICK_NS (20 * NS_PER_MS)
#define SUSPICIOUS_TICK_NS (8 * NS_PER_MS)
/* How long the crew of a hunt is waited for once there is evidence. */
#define FOUND_GRACE_NS (20 * NS_PER_MS)
/* A slice whose crew stands still when its time is over is not ended before it moves or is proven wedged, for so long at the
 * most: the end would wake up whom nobody else would have woken. */
#define STILL_NS (3 * NS_PER_MS)
#define STILL_TICK_NS NS_PER_MS
#define STILL_MAX_NS (500 * NS_PER_MS)
#define EAGER_TICK_NS NS_PER_MS /* until all are under way, when the window begins; longer for large crews */

struct monitor {
    struct crew *crew;
    const struct trial_spec *spec;
    struct trial_result *result;
    struct watchdog watchdog;
    struct starvation starvation;
    struct nemesis nemesis;
    uint64_t random;
    uint64_t tick_ns, next_tick_ns, last_tick_ns, next_fault_ns, deadline_ns; /* clock values */
    uint64_t last_ops, window_start_ns, window_start_ops;
    unsigned extensions;
    bool window_open, stopped;
};

static void note_interval(struct monitor *m, uint64_t now, const struct ledger_view *view)
{
    struct trial_result *r = m->result;
    if (r->interval_count >= INTERVALS_MAX || !r->intervals)
        return;
    r->intervals[r->interval_count++] = (struct interval){
        .at_ns = now - r->gate_ns,
        .length_ns = now - m->last_tick_ns,
        .ops = view->ops - m->last_ops,
        .inside = view->inside,
        .acquiring = view->acquiring,
    };
    m->last_tick_ns = now;
    m->last_ops = view->ops;
}

/* The common window: from the first look that saw all under way to the last one that saw none done. */
static void note_window(struct monitor *m, uint64_t now, const struct ledger_view *view)
{
    if (m->crew->failed || view->done)
        return;
    if (!m->window_open && view->started == m->crew->count) {
        m->window_open = true;
        m->window_start_ns = now;
        m->window_start_ops = view->ops;
    } else if (m->window_open) {
        m->result->window_ns = now - m->window_start_ns;
        m->result->window_ops = view->ops - m->window_start_ops;
    }
}

static struct ledger_view look(struct monitor *m, uint64_t now)
{
    struct ledger_view view = ledger_look(&m->result->ledger);
    if (!m->stopped)
        note_window(m, now, &view);
    if (!m->stopped)
        starvation_look(&m->starvation, m->crew, &m->result->ledger, m->spec, view.ops, now);
    if (view.inside > 1)
        m->result->overlaps++;
    return view;
}

/* Who is continued was stopped until then. */
static void end_stop(struct trial_result *r, uint32_t worker, uint64_t at_ns)
{
    for (uint32_t i = r->fault_count; i-- > 0;) {
        struct fault_note *note = &r->faults[i];
        if (note->worker != worker)
            continue;
        if (fault_note_stops(note) && !note->until_ns)
            note->until_ns = at_ns;
        return;
    }
}

static void nemesis_note(struct nemesis *nemesis, uint32_t worker, const char *detail)
{
    struct monitor *m = nemesis->harness;
    struct trial_result *r = m->result;
    if (r->fault_count >= FAULTS_MAX || !r->faults)
        return;
    uint64_t at_ns = clock_ns() - r->gate_ns;
    if (strcmp(detail, "continued") == 0)
        end_stop(r, worker, at_ns);
    struct fault_note *note = &r->faults[r->fault_count++];
    note->at_ns = at_ns;
    note->worker = worker;
    snprintf(note->detail, sizeof note->detail, "%s", detail);
}

static uint32_t nemesis_begin(struct nemesis *nemesis, uint32_t worker, const char *detail)
{
    struct monitor *m = nemesis->harness;
    uint32_t number = m->result->fault_count;
    nemesis_note(nemesis, worker, detail);
    if (m->result->fault_count > number)
        m->result->faults[number].lasts = true;
    return number;
}

static void nemesis_end(struct nemesis *nemesis, uint32_t number)
{
    struct monitor *m = nemesis->harness;
    if (number < m->result->fault_count)
        m->result->faults[number].until_ns = clock_ns() - m->result->gate_ns;
}

static int nemesis_fill_shm(struct nemesis *nemesis, bool full)
{
    (void)nemesis;
    return room_fill_shm(full);
}

static int nemesis_limit_memory(struct nemesis *nemesis, uint64_t bytes)
{
    const struct monitor *m = nemesis->harness;
    return room_limit_memory(m->crew, bytes);
}

static int nemesis_deny_forks(struct nemesis *nemesis, bool denied)
{
    (void)nemesis;
    return room_deny_forks(denied);
}

static pid_t nemesis_process(struct nemesis *nemesis, uint32_t worker)
{
    const struct monitor *m = nemesis->harness;
    const struct crew_member *member = &m->crew->members[worker];
    return member->exit == EXIT_NOT_YET ? member->pid : 0;
}

static int nemesis_signal(struct nemesis *nemesis, uint32_t worker, int signal, const char *detail)
{
    struct monitor *m = nemesis->harness;
    struct trial_result *r = m->result;
    int rc = crew_signal(m->crew, worker, signal);
    uint32_t before = r->fault_count;
    nemesis_note(nemesis, worker, rc == 0 ? detail : "was gone already");
    if (r->fault_count > before)
        r->faults[before].signal = rc == 0 ? signal : 0;
    return rc;
}

/* The slot is made ready before: the new process begins where the old one's counters are. */
static int nemesis_respawn(struct nemesis *nemesis, uint32_t worker)
{
    struct monitor *m = nemesis->harness;
    struct slot *slot = &nemesis->slots[worker];
    char detail[sizeof m->result->faults->detail];
    slot_store(&slot->phase, PHASE_STARTING);
    slot_store(&slot->doomed, 0);
    slot_store(&slot->sentence, 0);
    slot_store(&slot->lives, slot->lives + 1);
    int rc = crew_respawn(m->crew, worker);
    if (rc) { /* dead by the fault's hand for good */
        slot_store(&slot->lives, slot->lives - 1);
        slot_store(&slot->doomed, FAULT_NOT_REPLACED);
    }
    snprintf(detail, sizeof detail, "not replaced: fork: %s", error_name(rc));
    nemesis_note(nemesis, worker, rc ? detail : "replaced");
    return rc;
}

static void act_fault(struct monitor *m, uint64_t now)
{
    m->nemesis.now_ns = now - m->result->gate_ns;
    m->nemesis.alive = m->crew->alive;
    uint64_t next = m->spec->fault->act(&m->nemesis);
    m->nemesis.step++;
    m->next_fault_ns = next == UINT64_MAX ? UINT64_MAX : m->result->gate_ns + next;
}

static void stop(struct monitor *m)
{
    if (m->stopped)
        return;
    uint64_t now = clock_ns();
    look(m, now);
    m->stopped = true;
    gate_stop(m->result->ledger.gate);
    if (m->spec->fault->release)
        m->spec->fault->release(m->result->ledger.commons);
    watchdog_stopping(&m->watchdog, now);
    if (m->spec->fault->act && m->crew->group > 0)
        killpg(m->crew->group, SIGCONT); /* whom the nemesis left stopped must be able to end */
    m->next_fault_ns = UINT64_MAX;
}

static void open_gate(struct monitor *m)
{
    struct trial_result *r = m->result;
    r->gate_ns = gate_open(r->ledger.gate);
    m->deadline_ns = m->spec->duration_ns ? r->gate_ns + m->spec->duration_ns : UINT64_MAX;
    m->last_tick_ns = r->gate_ns;
    m->next_tick_ns = r->gate_ns + m->tick_ns;
    m->next_fault_ns = UINT64_MAX;
    watchdog_start(&m->watchdog, m->spec, r->gate_ns);
    starvation_start(&m->starvation, m->spec);
    if (m->spec->fault->act)
        act_fault(m, r->gate_ns);
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(const struct monitor *m, uint64_t now)
{
    uint64_t until = m->stopped ? now + 20 * NS_PER_MS
                                : earliest(earliest(m->deadline_ns, m->next_tick_ns), m->next_fault_ns);
    if (!m->window_open && !m->stopped)
        until = earliest(until, now + EAGER_TICK_NS * (1 + m->crew->count / 50));
    bool soon = watchdog_suspicious(&m->watchdog) || m->spec->slice;
    until = earliest(until, now + (soon ? SUSPICIOUS_TICK_NS : WATCH_TICK_NS));
    return until <= now ? 0 : (int)((until - now + NS_PER_MS - 1) / NS_PER_MS);
}

static bool stands_still(struct monitor *m, uint64_t now)
{
    struct ledger_view view = ledger_look(&m->result->ledger);
    bool moved = view.progress + (m->crew->count - m->crew->alive) != m->watchdog.progress;
    bool patient = now < m->result->gate_ns + m->spec->duration_ns + STILL_MAX_NS;
    return !moved && !view.violated && patient && now > m->watchdog.progress_ns + STILL_NS;
}

static unsigned extensions_max(const struct trial_spec *spec)
{
    if (mortality_strikes(spec))
        return EXTENSIONS_DEADLY;
    uint64_t fit = SHORT_NS / (spec->duration_ns ? spec->duration_ns : 1);
    return fit < EXTENSIONS_MAX ? EXTENSIONS_MAX : fit > EXTENSIONS_SHORT ? EXTENSIONS_SHORT : (unsigned)fit;
}

uint64_t monitor_longest_ns(const struct trial_spec *spec)
{
    return spec->duration_ns + (spec->slice ? 0 : extensions_max(spec) * earliest(spec->duration_ns, EXTENSION_MAX_NS));
}

/* The time is over: enough, or some more of it? */
static void time_over(struct monitor *m, uint64_t now)
{
    uint64_t more = earliest(m->spec->duration_ns, EXTENSION_MAX_NS);
    if (m->spec->slice && stands_still(m, now)) {
        m->deadline_ns = now + STILL_TICK_NS;
        return;
    }
    if (m->spec->counts && ledger_look(&m->result->ledger).ops < TALLY_OPS && now < m->result->gate_ns + TALLY_LONGER * m->spec->duration_ns) {
        m->deadline_ns = now + m->spec->duration_ns;
        return;
    }
    if (m->spec->slice || m->spec->counts || m->extensions >= extensions_max(m->spec) || judge_exposed(m->spec, &m->result->ledger)) {
        stop(m);
        return;
    }
    m->extensions++;
    m->deadline_ns = now + more;
}

/* A worker that died or an interrupt ends the trial; a worker that died is not waited for, the others are. */
static void react(struct monitor *m, uint64_t now)
{
    if (mortality_unplanned(m->spec, m->crew, &m->result->ledger))
        stop(m);
    else if (now >= m->deadline_ns && !m->stopped)
        time_over(m, now);
    if (interrupt_pending() && !m->result->interrupted) {
        m->result->interrupted = interrupt_pending();
        stop(m);
    }
    if (!m->stopped && now >= m->next_fault_ns)
        act_fault(m, now);
}

static enum watch turn(struct monitor *m, char *why, size_t size)
{
    crew_poll(m->crew, wait_ms(m, clock_ns()));
    if (m->stopped)
        gate_stop(m->result->ledger.gate); /* again: a primitive that writes where it must not may have taken it back */
    react(m, clock_ns());
    uint64_t now = clock_ns(); /* not before any moment that react() has noted */
    struct ledger_view view = look(m, now);
    if (!m->stopped && now >= m->next_tick_ns) {
        note_interval(m, now, &view);
        m->next_tick_ns = now + m->tick_ns;
    }
    if (m->crew->alive == 0 && !m->nemesis.pending)
        return WATCH_GO_ON;
    if (m->spec->slice && view.violated) { /* it has been decided; whoever is still inside something broken need not get out */
        stop(m);
        if (now > m->watchdog.stopped_ns + FOUND_GRACE_NS)
            return snprintf(why, size, "ended after the first violation"), WATCH_SLOW;
    }
    return watchdog_look(&m->watchdog, m->crew, &m->result->ledger, &view, now, m->result->interrupted != 0, why, size);
}

static void prepare(struct monitor *m)
{
    m->tick_ns = spec_interval_ns(m->spec);
    m->random = seed_scramble(m->spec->shape.seed ^ 0x6e656d65736973);
    m->nemesis = (struct nemesis){
        .harness = m,
        .workers = m->crew->count,
        .random = &m->random,
        .parameter = m->spec->fault_parameter,
        .choices = m->spec->fault_choices,
        .shape = &m->spec->shape,
        .slots = m->result->ledger.slots,
        .commons = m->result->ledger.commons,
        .signal = nemesis_signal,
        .process = nemesis_process,
        .note = nemesis_note,
        .respawn = nemesis_respawn,
        .begin = nemesis_begin,
        .end = nemesis_end,
        .fill_shm = nemesis_fill_shm,
        .limit_memory = nemesis_limit_memory,
        .deny_forks = nemesis_deny_forks,
    };
    m->result->intervals = calloc(INTERVALS_MAX, sizeof *m->result->intervals);
    m->result->faults = calloc(FAULTS_MAX, sizeof *m->result->faults);
}

/* What nobody has ended has lasted until now. */
static void end_notes(struct monitor *m)
{
    for (uint32_t i = 0; i < m->result->fault_count; i++)
        if (m->result->faults[i].lasts && !m->result->faults[i].until_ns)
            nemesis_end(&m->nemesis, i);
}

enum watch monitor_run(struct crew *crew, const struct trial_spec *spec, struct trial_result *result, char *why, size_t size)
{
    struct monitor m = {.crew = crew, .spec = spec, .result = result};
    enum watch watch = WATCH_GO_ON;
    prepare(&m);
    open_gate(&m);
    while ((crew->alive || (m.nemesis.pending && !m.stopped)) && watch == WATCH_GO_ON)
        watch = turn(&m, why, size);
    end_notes(&m);
    room_deny_forks(false); /* the audit needs one */
    result->stopped_ns = m.watchdog.stopped_ns;
    uint64_t stopped_ns = m.watchdog.stopped_ns ? m.watchdog.stopped_ns : crew->last_exit_ns;
    watchdog_free(&m.watchdog);
    starvation_free(&m.starvation);
    gate_stop(result->ledger.gate);
    result->watched_ns = clock_ns() - result->gate_ns;
    result->reap_ns = crew->last_exit_ns > stopped_ns ? crew->last_exit_ns - stopped_ns : 0;
    return watch;
}
