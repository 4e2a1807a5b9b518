/* The audit, in a process of its own. */
#include "run/audit.h"

#include <errno.h>
#include <stdio.h>

#include "contract/worker.h"
#include "run/crew_worker.h"
#include "run/guards.h"
#include "run/handover.h"
#include "run/instances.h"
#include "run/isolate.h"
#include "run/mortality.h"

/* The auditor never began the trial's fault, and must not act it. */
static const struct fault_ops undisturbed = {.name = "none", .summary = "no fault", .expect = -1};

static void begin(struct worker *auditor, const struct crew_plan *plan)
{
    if (plan->handover)
        handover_shed(plan->handover);
    crew_worker_init(auditor, plan, plan->ledger->workers, plan->region_base);
    auditor->fault = &undisturbed;
}

/* The last of a crew may die inside with nobody left to acquire the lock after it, and so to repair the data: the promise of a
 * robust lock is to the next owner, and here it is that. */
static int64_t inherit(void *user)
{
    const struct crew_plan *plan = user;
    struct worker heir;
    begin(&heir, plan);
    heir.self.index = 0;
    crew_worker_attach(&heir, plan, plan->region_base);
    for (uint32_t i = 0; i < instances_count(plan->spec); i++) {
        worker_select(&heir, i);
        int rc = heir.lock.acquire(&heir.self);
        if (rc == 0 || (rc == EOWNERDEAD && worker_refused(&heir, rc, "acquire")))
            heir.lock.release(&heir.self);
    }
    return 0;
}

static bool has_heir(const struct crew_plan *plan)
{
    const struct trial_spec *spec = plan->spec;
    return spec->sync->family == SYNC_LOCK && (spec->sync->traits & SYNC_ROBUST) && !(spec->sync->traits & SYNC_UNREPAIRED) &&
           !spec->load->per_writer && mortality_any(spec, plan->ledger);
}

static bool anybody_died(const struct crew_plan *plan)
{
    bool died = mortality_any(plan->spec, plan->ledger);
    for (uint32_t i = 0; i < plan->ledger->workers; i++)
        died |= plan->ledger->slots[i].doomed || plan->ledger->slots[i].lives;
    return died;
}

/* Who is told of a death repairs data that somebody else is at work on, or that need none. */
static void deaths_audit(const struct crew_plan *plan, struct worker *auditor)
{
    uint64_t told = 0;
    for (uint32_t i = 0; i < plan->ledger->workers; i++)
        told += plan->ledger->slots[i].recovered;
    if (told && !anybody_died(plan))
        worker_violation_text(auditor, VIOLATION_SYNC_ERROR, "%s: acquire returned EOWNERDEAD %llu times, and nobody has died",
                              plan->spec->sync->name, (unsigned long long)told);
}

static int64_t audit(void *user)
{
    const struct crew_plan *plan = user;
    struct worker auditor;
    begin(&auditor, plan);
    if (plan->spec->sync->family != SYNC_LOCK) { /* the data of the others can be had through the sync alone */
        auditor.self.index = 0;
        crew_worker_attach(&auditor, plan, plan->region_base);
    }
    if (!mortality_any(plan->spec, plan->ledger))
        plan->spec->load->audit(&auditor);
    else if (plan->spec->load->inspect)
        plan->spec->load->inspect(&auditor);
    deaths_audit(plan, &auditor);
    guards_audit(plan->spec, plan->region_base, &auditor);
    return 0;
}

void audit_inherit(const struct crew_plan *plan, uint64_t patience_ns)
{
    if (has_heir(plan))
        isolate_call(inherit, (void *)(uintptr_t)plan, patience_ns); /* an heir that fails leaves the data to the audit's eyes */
}

void audit_run(const struct crew_plan *plan, uint64_t patience_ns, char *failure, size_t size)
{
    /* a gigabyte a second is slow even for a verification of uncached memory */
    struct isolate_outcome outcome = isolate_call(audit, (void *)(uintptr_t)plan, patience_ns + spec_span_bytes(plan->spec));
    if (outcome.end == ISOLATE_RETURNED)
        return;
    snprintf(failure, size, "the audit of the region %s%s", outcome.text,
             outcome.signal ? ": the region is not what it was" : "");
}
