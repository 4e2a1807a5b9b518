/* Gathering: waiting for the crew at the gate, and for nobody who will not come. */
#include "run/gather.h"

#include <stdbool.h>

#include "base/clock.h"
#include "run/crew_worker.h"
#include "run/interrupt.h"
#include "run/isolate.h"
#include "run/process.h"

/* CPU time after which an attach() that has not returned goes round in circles. */
#define TURN_NS (500 * NS_PER_MS)
/* Whatever the processes look like, nobody is waited for longer; more for large crews. */
#define LONGEST_NS (20 * NS_PER_S)
#define LONGEST_EACH_NS (20 * NS_PER_MS)

static uint64_t count_ready(const struct crew *crew, const struct ledger *ledger)
{
    uint64_t ready = 0;
    for (uint32_t i = 0; i < crew->count; i++)
        ready += slot_load(&ledger->slots[i].phase) == PHASE_READY;
    return ready;
}

/* A set-up step that returned an errno. A plugin's own is its own affair; otherwise the system cannot have it. */
static int fail_refused(const struct crew *crew, const struct ledger *ledger, uint32_t i, bool attaching,
                        const struct sync_ops *sync, struct error *error)
{
    const struct slot *slot = &ledger->slots[i];
    enum status status = attaching && sync->origin ? STATUS_UNEXPECTED : STATUS_ENVIRONMENT;
    return error_set(error, status, (int)slot_load(&slot->failed), "crew of %u: worker %u ended before the start: %.*s",
                     crew->count, i, (int)sizeof slot->failure - 1, slot->failure);
}

/* Where the primitive's own code is run before the gate opens. */
static const char *own_step(enum phase phase)
{
    return phase == PHASE_ATTACHING ? "attach()" : phase == PHASE_LOADING ? "loading the plugin" : NULL;
}

static int fail_ended(const struct crew *crew, const struct ledger *ledger, const struct sync_ops *sync, enum verdict *verdict,
                      struct error *error)
{
    uint32_t i = 0;
    char text[48];
    while (i + 1 < crew->count && crew->members[i].exit == EXIT_NOT_YET)
        i++;
    const struct crew_member *member = &crew->members[i];
    const char *step = own_step(slot_load(&ledger->slots[i].phase));
    bool refused = member->exit == EXIT_NORMAL && member->value == WORKER_SETUP_FAILED && slot_load(&ledger->slots[i].failed);
    if (refused)
        return fail_refused(crew, ledger, i, step != NULL, sync, error);
    crew_exit_text(member, text);
    if (!step)
        return error_set(error, STATUS_ENVIRONMENT, 0, "crew of %u: worker %u ended before the start: %s", crew->count, i, text);
    *verdict = VERDICT_CRASHED;
    return error_set(error, STATUS_UNEXPECTED, 0, "worker %u (pid %d) was lost in %s of sync %s: %s", i, (int)member->pid, step,
                     sync->name, text);
}

/* The first worker that is in code of the primitive's and has had every chance to come out: it sleeps, or has used the CPU for long. */
static bool anybody_stuck(const struct crew *crew, const struct ledger *ledger, uint32_t *worker)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        if (!own_step(slot_load(&ledger->slots[i].phase)) || crew->members[i].exit != EXIT_NOT_YET)
            continue;
        struct process_look look = process_look(crew->members[i].pid);
        *worker = i;
        if ((look.state && look.state != 'R') || process_cpu_ns(crew->members[i].pid) > TURN_NS)
            return true;
    }
    return false;
}

/* A slot that no worker can have left like that. */
static bool overwritten(const struct crew *crew, const struct ledger *ledger, uint32_t *worker)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        const struct slot *slot = &ledger->slots[i];
        *worker = i;
        if (slot->mark != SLOT_MARK || slot_load(&slot->phase) > PHASE_READY)
            return true;
    }
    return false;
}

static int fail_overwritten(uint32_t worker, const struct sync_ops *sync, enum verdict *verdict, struct error *error)
{
    *verdict = VERDICT_CORRUPT;
    return error_set(error, STATUS_UNEXPECTED, 0, "scribbled: the harness's own record of worker %u was overwritten before the start: sync %s "
                     "writes outside its state, while it is loaded, or in attach()", worker, sync->name);
}

/* On a machine that is busy with other things: that says nothing about the primitive, and the next trial may fare better. */
static int fail_late(const struct crew *crew, uint64_t ready, enum verdict *verdict, struct error *error)
{
    *verdict = VERDICT_INCONCLUSIVE;
    return error_set(error, STATUS_NOTHING, 0,
                     "crew of %u: only %llu workers came to the gate in time: other processes take the CPUs; use a smaller population, "
                     "or run it when there is less to do", crew->count, (unsigned long long)ready);
}

int gather(struct crew *crew, const struct ledger *ledger, const struct sync_ops *sync, enum verdict *verdict,
           struct error *error)
{
    uint64_t start = clock_ns(), moved = start, before = 0, ready;
    uint64_t deadline = start + LONGEST_NS + crew->count * LONGEST_EACH_NS;
    uint32_t stuck = 0;
    *verdict = VERDICT_ERROR;
    while ((ready = count_ready(crew, ledger)) < crew->count) {
        crew_poll(crew, crew->count > 100 ? 5 : 1);
        uint64_t now = clock_ns();
        if (ready != before)
            moved = now;
        before = ready;
        if (overwritten(crew, ledger, &stuck))
            return fail_overwritten(stuck, sync, verdict, error);
        if (crew->alive < crew->count)
            return fail_ended(crew, ledger, sync, verdict, error);
        if (interrupt_pending())
            return error_set(error, STATUS_ENVIRONMENT, 0, "interrupted before the start");
        if (now > moved + ISOLATE_PATIENCE_NS && anybody_stuck(crew, ledger, &stuck)) {
            *verdict = VERDICT_WEDGED;
            return error_set(error, STATUS_UNEXPECTED, 0,
                             "worker %u (pid %d) did not come out of %s of sync %s within %.1f s; %llu of %u workers did",
                             stuck, (int)crew->members[stuck].pid, own_step(slot_load(&ledger->slots[stuck].phase)), sync->name,
                             (double)(now - start) / 1e9,
                             (unsigned long long)ready, crew->count);
        }
        if (now > deadline)
            return fail_late(crew, ready, verdict, error);
    }
    return 0;
}
