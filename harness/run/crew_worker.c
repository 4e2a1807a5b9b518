/* A worker process: set-up, gate, loop, farewell. */
#define _GNU_SOURCE
#include "run/crew_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "contract/worker.h"
#include "run/fault_place.h"
#include "run/handover.h"
#include "run/instances.h"
#include "run/interrupt.h"
#include "run/plugin.h"
#include "run/priority.h"
#include "run/process.h"
#include "run/state_objects.h"
#include "run/syscalls.h"
#include "shm/page_sizes.h"
#include "shm/region.h"

static struct slot *own_slot; /* for the signal handler */

/* Notes where a memory fault was, then lets the signal do what it does: the default action is back in place, and the raised
 * signal is delivered when the handler returns. */
static void note_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    own_slot->fault.code = info->si_code;
    own_slot->fault.address = (uint64_t)(uintptr_t)info->si_addr;
    if (info->si_code > 0)
        fault_place_note(&own_slot->fault);
    slot_store(&own_slot->fault.signal, (uint32_t)signal);
    raise(signal);
}

static void catch_faults(void)
{
    static char stack[16384];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = note_fault, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_ONSTACK)};
    sigaltstack(&alternate, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

__attribute__((format(printf, 3, 4))) _Noreturn static void give_up(struct slot *slot, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(slot->failure, sizeof slot->failure, format, args);
    va_end(args);
    slot_store(&slot->failed, (uint32_t)(errnum ? errnum : EINVAL));
    _exit(WORKER_SETUP_FAILED);
}

static void die_with(pid_t harness)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != harness) /* it died before the line above */
        _exit(WORKER_SETUP_FAILED);
}

static void set_sync(struct worker *w, const struct sync_ops *sync)
{
    w->sync = sync;
    if (sync->family != SYNC_LOCK)
        return;
    w->lock = sync->lock;
    if (!w->lock.acquire_shared) {
        w->lock.acquire_shared = w->lock.acquire;
        w->lock.release_shared = w->lock.release;
    }
}

void crew_worker_init(struct worker *w, const struct crew_plan *plan, uint32_t index, void *region_base)
{
    const struct trial_spec *spec = plan->spec;
    uint32_t workers = shape_workers(&spec->shape);
    memset(w, 0, sizeof *w);
    w->shape = &spec->shape;
    w->load = spec->load;
    w->index = index;
    w->writer = index < spec->shape.writers;
    w->self = (struct sync_self){.state = instances_state(spec, region_base, 0), .setup = plan->setups,
                                 .index = spec->load->per_writer ? !w->writer : index};
    w->instances = &w->self;
    w->area = (char *)region_base + spec_area_offset(spec);
    w->slot = &plan->ledger->slots[index];
    w->crew = (struct crew_view){plan->ledger->slots, workers, &plan->ledger->gate->stop, plan->ledger->commons};
    w->histograms = ledger_histograms(plan->ledger, index);
    w->paced = spec->shape.think_ns != 0 || spec->shape.rate > 0;
    w->ops_limit = spec->shape.ops_limit ? spec->shape.ops_limit : UINT64_MAX;
    w->until_sample = 1;
    w->probing = spec->slice;
    w->polls = workers <= pin_cpus_of_crew(plan->pin, workers) ? WORKER_POLLS_MANY : WORKER_POLLS_FEW;
    w->ops = w->slot->lives ? w->slot->ops : 0; /* of whoever had this place before */
    w->random = seed_scramble(spec->shape.seed + index + 1 + ((uint64_t)w->slot->lives << 32));
    w->fault = spec->fault;
    w->fault_parameter = spec->fault_parameter;
    w->fault_choices = spec->fault_choices;
    w->inside_at = UINT64_MAX;
    w->silent = spec->silent;
    w->region = region_base;
    w->region_bytes = spec_span_bytes(spec);
    set_sync(w, spec->sync);
}

/* Has the sync's functions in this process. */
static void bind_sync(struct worker *w, const struct sync_ops *sync)
{
    char why[300];
    slot_store(&w->slot->phase, PHASE_LOADING);
    const struct sync_ops *bound = plugin_bind(sync, why, sizeof why);
    if (!bound)
        give_up(w->slot, ELIBACC, "worker %u: sync %s: plugin %.100s: %s", w->index, sync->name, sync->origin, why);
    set_sync(w, bound);
}

/* Room in which each worker finds an address of its own by its number: all have the same room, as processes that were forked from
 * one have. NULL: address space is short. */
static char *address_room(const struct crew_plan *plan, uint32_t index)
{
    uint64_t page = region_page_bytes(spec_region_layout(plan->spec).pages), span = spec_span_bytes(plan->spec);
    bool asked = plan->spec->shape.layout.choice[LAYOUT_ADDRESS] == ADDRESS_DIFFERENT;
    uint32_t places = asked ? plan->ledger->workers + 1 : 13; /* few will do to show pointers in the state */
    char *room = mmap(NULL, span + (places + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t ahead = (page - (uintptr_t)room % page) % page;
    return room == MAP_FAILED ? NULL : room + ahead + (1 + index % places) * page;
}

/* Gives the inherited mapping up for one of its own: where the creator had it, or at an address that is another one in each
 * process, so that state with pointers in it would show. */
static int attach_region(struct region *region, const struct crew_plan *plan, uint32_t index, struct error *error)
{
    struct region_layout layout = spec_region_layout(plan->spec);
    layout.inherited = plan->region_fd;
    enum layout_address address = (enum layout_address)plan->spec->shape.layout.choice[LAYOUT_ADDRESS];
    if (address == ADDRESS_SAME || plan->spec->sync->traits & SYNC_SAME_ADDRESS) {
        layout.at = plan->region_base;
    } else {
        munmap(plan->region_base, spec_span_bytes(plan->spec));
        layout.at = address_room(plan, index);
        if (!layout.at && (address == ADDRESS_DIFFERENT || instances_apart(plan->spec)))
            return error_set(error, STATUS_ENVIRONMENT, ENOMEM,
                             "region %s: no address space for a worker's mappings at an address of their own: `ulimit -v unlimited`, or fewer workers",
                             plan->region_name);
    }
    return region_attach_as(region, plan->region_name, plan->region_bytes, layout, error);
}

/* Is it an instance that this worker uses? The auditor, who comes behind the last of the crew, may want any. */
static bool uses_instance(const struct worker *w, uint32_t instance)
{
    return !w->load->per_writer || w->index >= w->crew.workers || instance - worker_first_instance(w) < w->load->instances;
}

/* Of states in objects of their own, those that it uses. */
static int attach_states(const struct worker *w, const struct crew_plan *plan, struct error *error)
{
    for (uint32_t i = 0; plan->states && i < plan->states->made; i++)
        if (uses_instance(w, i) && state_objects_attach(plan->states, i, w->region, error))
            return -1;
    return 0;
}

/* Every instance of the sync's state is attached to by itself. */
void crew_worker_attach(struct worker *w, const struct crew_plan *plan, void *base)
{
    bind_sync(w, plan->spec->sync);
    const struct sync_ops *sync = w->sync;
    uint32_t count = instances_count(plan->spec);
    w->instances = calloc(count, sizeof *w->instances);
    if (!w->instances)
        give_up(w->slot, ENOMEM, "worker %u: out of memory for %u instances of sync %s", w->index, count, sync->name);
    for (uint32_t i = 0; i < count; i++) {
        struct sync_self *self = &w->instances[i];
        if (!uses_instance(w, i))
            continue;
        *self = (struct sync_self){.state = instances_state(plan->spec, base, i), .setup = &plan->setups[i], .index = w->self.index};
        slot_store(&w->slot->phase, PHASE_ATTACHING);
        int rc = sync->attach ? sync->attach(self) : 0;
        if (rc)
            give_up(w->slot, rc, "worker %u: sync %s: attach: %s", w->index, sync->name, error_name(rc));
    }
    slot_store(&w->slot->phase, PHASE_STARTING);
    worker_select(w, w->index < w->crew.workers ? worker_first_instance(w) : 0);
}

static void detach_sync(struct worker *w, const struct crew_plan *plan)
{
    for (uint32_t i = 0; i < instances_count(plan->spec) && w->sync->detach; i++)
        if (uses_instance(w, i))
            w->sync->detach(&w->instances[i]);
    free(w->instances);
}

static void attach(struct worker *w, const struct crew_plan *plan, uint32_t index, struct region *region)
{
    struct error error;
    struct slot *slot = &plan->ledger->slots[index];
    int rc = pin_apply(plan->pin, index);
    if (rc)
        give_up(slot, rc, "worker %u: pinning to CPU %s: %s; use --pin none", index, pin_cpus(plan->pin, index),
                error_name(rc));
    uint64_t start = clock_ns();
    if (attach_region(region, plan, index, &error))
        give_up(slot, error.errnum, "worker %u: %.480s", index, error.text);
    slot->fault.region_base = (uint64_t)(uintptr_t)region->base;
    crew_worker_init(w, plan, index, region->base);
    if (attach_states(w, plan, &error))
        give_up(slot, error.errnum, "worker %u: %.480s", index, error.text);
    slot->map_ns = clock_ns() - start;
    crew_worker_attach(w, plan, region->base);
    rc = w->fault->begin ? w->fault->begin(w, w->fault_parameter) : 0;
    if (rc)
        give_up(slot, rc, "worker %u: fault %s: begin: %s", index, w->fault->name, error_name(rc));
}

static uint64_t timeval_ns(struct timeval t)
{
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * NS_PER_US;
}

/* What the kernel has counted for this process. */
struct usage {
    struct rusage rusage;
    uint64_t delayed_ns;
    bool delay_known;
};

static void look_usage(struct usage *usage)
{
    getrusage(RUSAGE_SELF, &usage->rusage);
    usage->delay_known = process_delayed_ns(&usage->delayed_ns);
}

static void note_usage(struct slot *slot, const struct usage *begun, const struct usage *ended)
{
    const struct rusage *before = &begun->rusage, *after = &ended->rusage;
    slot->delay_known = begun->delay_known && ended->delay_known;
    slot->delayed_ns += slot->delay_known ? ended->delayed_ns - begun->delayed_ns : 0;
    slot->voluntary_switches += (uint64_t)(after->ru_nvcsw - before->ru_nvcsw);
    slot->involuntary_switches += (uint64_t)(after->ru_nivcsw - before->ru_nivcsw);
    slot->minor_faults += (uint64_t)(after->ru_minflt - before->ru_minflt);
    slot->major_faults += (uint64_t)(after->ru_majflt - before->ru_majflt);
    slot->user_ns += timeval_ns(after->ru_utime) - timeval_ns(before->ru_utime);
    slot->system_ns += timeval_ns(after->ru_stime) - timeval_ns(before->ru_stime);
}

/* The intended starts of an open loop are spread evenly over the crew. What a dead worker has missed is nobody's to make up for. */
static void set_pace(struct worker *w, uint64_t opened_ns)
{
    uint64_t from_ns = w->slot->lives ? clock_ns() : opened_ns;
    if (w->shape->rate <= 0)
        return;
    uint32_t workers = w->crew.workers;
    w->period_ns = (uint64_t)((double)workers / w->shape->rate * 1e9);
    if (w->period_ns == 0)
        w->period_ns = 1;
    w->intended_ns = from_ns + w->period_ns * w->index / workers - w->period_ns;
}

/* Latencies over time, from the opening of the gate; stamped as that histogram's samples are. */
static void begin_course(struct worker *w, const struct crew_plan *plan, struct course *course)
{
    uint32_t kind = spec_course(plan->spec);
    uint64_t origin = plan->ledger->gate->opened_ns, width_ns = spec_interval_ns(plan->spec);
    if (!course || kind == UINT32_MAX)
        return;
    if (kind == HISTOGRAM_ACQUIRE)
        course_begin(&w->course, course, kind, ticks_now() - ticks_of(clock_ns() - origin), ticks_of(width_ns), width_ns);
    else
        course_begin(&w->course, course, kind, origin, width_ns, width_ns);
}

/* Only when it was asked for: looking takes the kernel a walk through the page tables. */
static void note_pages(struct worker *w, const struct crew_plan *plan)
{
    struct page_sizes had;
    if (plan->spec->shape.layout.choice[LAYOUT_PAGES] == PAGES_SYSTEM || page_sizes_read(w->region, w->region_bytes, &had))
        return;
    w->slot->page_bytes = had.page_bytes;
    w->slot->mapped_bytes = had.mapped_bytes;
    w->slot->huge_bytes = had.huge_bytes;
}

/* Of the two that came first. In a hunt nobody asks for it; where somebody was to die, the other one may wait for nobody. */
static void note_distance(struct worker *w, const struct crew_plan *plan)
{
    if (w->index < DISTANCE_SIDES && w->crew.workers >= DISTANCE_SIDES && !w->probing && !w->fault->deadly)
        w->slot->line_ns = distance_measure(&plan->ledger->gate->distance, w->index);
}

static void work(struct worker *w, const struct crew_plan *plan)
{
    struct usage before, after;
    struct gate *gate = plan->ledger->gate;
    struct course *course = ledger_course(plan->ledger, w->index);
    bool watched = plan->spec->counts;
    if (course && spec_course(plan->spec) != UINT32_MAX)
        course_touch(course);
    slot_store(&w->slot->phase, PHASE_READY);
    gate_wait(gate);
    set_pace(w, gate->opened_ns);
    begin_course(w, plan, course);
    look_usage(&before);
    w->switches_seen = (uint64_t)before.rusage.ru_nivcsw;
    w->switches_asked = ticks_now();
    slot_store(&w->slot->phase, PHASE_IDLE);
    if (!w->slot->started_ns)
        slot_store(&w->slot->started_ns, clock_ns());
    if (w->silent || watched)
        syscalls_begin(w);
    (w->writer ? w->load->write : w->load->read)(w);
    if (w->silent || watched)
        syscalls_end(w);
    if (w->fault->end)
        w->fault->end(w, w->fault_parameter);
    slot_store(&w->slot->ended_ns, clock_ns());
    if (w->silent)
        syscalls_report(w);
    look_usage(&after);
    note_usage(w->slot, &before, &after);
    note_distance(w, plan);
    note_pages(w, plan);
    slot_store(&w->slot->phase, PHASE_DETACHING);
}

_Noreturn void crew_worker_run(const struct crew_plan *plan, uint32_t index, pid_t harness)
{
    struct worker worker;
    struct region region;
    own_slot = &plan->ledger->slots[index];
    die_with(harness);
    interrupt_reset();
    priority_restore();
    catch_faults();
    dup2(STDERR_FILENO, STDOUT_FILENO); /* whatever a primitive prints: the harness's standard output carries data only */
    if (plan->handover)
        handover_shed(plan->handover);
    attach(&worker, plan, index, &region);
    work(&worker, plan);
    detach_sync(&worker, plan);
    region_detach(&region, NULL);
    slot_store(&own_slot->phase, PHASE_DONE);
    _exit(WORKER_DONE);
}
