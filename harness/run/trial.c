/* A trial from its first step to its last. */
#define _GNU_SOURCE
#include "run/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ticks.h"
#include "contract/worker.h"
#include "run/audit.h"
#include "run/gather.h"
#include "run/instances.h"
#include "run/interrupt.h"
#include "run/judge.h"
#include "run/layout_got.h"
#include "run/leftover.h"
#include "run/limits.h"
#include "run/monitor.h"
#include "run/pages.h"
#include "run/mortality.h"
#include "run/pin.h"
#include "run/priority.h"
#include "run/process.h"
#include "run/room.h"
#include "run/settle.h"
#include "run/state_objects.h"
#include "run/stray.h"
#include "run/tally.h"

#define AUDIT_PATIENCE_NS (30 * NS_PER_S)
/* What a wedged crew has left may well keep who looks at it for ever. */
#define REMAINS_PATIENCE_NS (300 * NS_PER_MS)
/* Processes of a primitive's own that have been told to end get so long for it. */
#define STRAY_PATIENCE_NS (300 * NS_PER_MS)

/* What a trial has made and must take back, in the order of making. */
struct stage {
    char name[REGION_NAME_MAX];
    struct trial_spec spec; /* with the name in its shape */
    struct instances instances;
    struct region region;
    struct state_objects states;
    struct pin *pin;
    struct crew crew;
    struct crew_plan plan;
    int *spared; /* descriptors that workers inherit */
    bool region_made, crew_made;
    enum verdict verdict; /* when it could not be made: whose fault that is */
};

static void stage_init(struct stage *stage, const struct trial_spec *spec)
{
    static unsigned serial;
    unsigned long long start = process_look(0).start;
    memset(stage, 0, sizeof *stage);
    stage->crew.epoll = -1;
    snprintf(stage->name, sizeof stage->name, "/" TRIAL_NAME_PREFIX "%d.%llu.%u", (int)getpid(), start, ++serial);
    stage->spec = *spec;
    stage->spec.shape = spec_shape(spec);
    stage->spec.shape.name = stage->name;
    stage->verdict = VERDICT_ERROR;
    ticks_begin();
    stray_begin();
}

/* The trial could not be run: the primitive's own set-up crashed or hung, there is another reason, or the run is to end. */
static void fail(const struct stage *stage, struct trial_result *result, const struct error *error)
{
    result->interrupted = interrupt_pending();
    result->verdict = result->interrupted ? VERDICT_INCONCLUSIVE : stage->verdict;
    bool declined = stage->verdict == VERDICT_UNSUPPORTED && !stage->spec.expect_given;
    result->as_expected = declined || (!result->interrupted && stage->verdict != VERDICT_ERROR && spec_as_expected(&stage->spec, stage->verdict));
    result->error_status = error->status;
    snprintf(result->reason, sizeof result->reason, "%s",
             result->interrupted ? "interrupted before the crew had started" : error->text);
}

/* The region has been written to: has it the pages that it was to have? */
static int missed_pages(struct stage *stage, struct error *error)
{
    enum layout_pages pages = (enum layout_pages)stage->spec.shape.layout.choice[LAYOUT_PAGES];
    struct page_sizes had;
    char why[600];
    if (pages == PAGES_SYSTEM || page_sizes_read(stage->region.base, spec_span_bytes(&stage->spec), &had) || !pages_missed(pages, &had, why, sizeof why))
        return 0;
    stage->verdict = VERDICT_UNSUPPORTED;
    return error_set(error, STATUS_ENVIRONMENT, 0, "%s", why);
}

/* Where states have objects of their own, these are to lie behind it. */
static int make_region(struct stage *stage, struct error *error)
{
    const struct trial_spec *spec = &stage->spec;
    struct region_layout layout = spec_region_layout(spec);
    uint64_t span = spec_span_bytes(spec);
    if (instances_apart(spec) && !(layout.at = region_room(layout.pages, span)))
        return error_set(error, STATUS_ENVIRONMENT, ENOMEM, "region %s: no address space for it and %u objects behind it: "
                         "`ulimit -v unlimited`, or a smaller population", stage->name, instances_count(spec));
    stage->region_made = region_create_as(&stage->region, stage->name, spec_region_bytes(spec), layout, error) == 0;
    if (!stage->region_made && layout.at)
        munmap(layout.at, span);
    return stage->region_made ? 0 : -1;
}

static int make_data(struct stage *stage, struct trial_result *result, struct error *error)
{
    const struct trial_spec *spec = &stage->spec;
    if (instances_size(spec, &stage->verdict, error))
        return -1;
    enum layout_pages pages = (enum layout_pages)spec->shape.layout.choice[LAYOUT_PAGES];
    const char *short_of = pages_refuse(pages, spec_span_bytes(spec));
    if (short_of) {
        stage->verdict = VERDICT_UNSUPPORTED;
        return error_set(error, STATUS_ENVIRONMENT, ENOMEM, "%s", short_of);
    }
    pages_choose(pages);
    if (make_region(stage, error) || instances_init(&stage->instances, spec, stage->name, error) ||
        state_objects_create(&stage->states, &stage->instances, stage->region.base, error) ||
        instances_create(&stage->instances, stage->region.base, &stage->verdict, error))
        return -1;
    stray_spare(); /* helpers that create() has started live until destroy() has returned */
    if (ledger_create(&result->ledger, shape_workers(&spec->shape), spec_histograms(spec), error)) /* not for create() to see */
        return -1;
    int rc = spec->load->prepare((char *)stage->region.base + spec_area_offset(spec), &spec->shape);
    if (rc)
        return error_set(error, STATUS_ENVIRONMENT, rc, "load %s in region %s: prepare: %s", spec->load->name, stage->name,
                         error_name(rc));
    if (missed_pages(stage, error))
        return -1;
    return pin_create(&stage->pin, spec->pin, shape_workers(&spec->shape), error);
}

/* Objects without a name are had by their descriptors. */
static int spare(struct stage *stage, struct error *error)
{
    struct handover *handover = &stage->instances.handover;
    stage->spared = state_objects_descriptors(&stage->states, stage->region.fd, &handover->spared_count);
    handover->spared = stage->spared;
    return stage->spared ? 0 : error_set(error, STATUS_ENVIRONMENT, ENOMEM, "out of memory for a list of descriptors");
}

static int make_crew(struct stage *stage, struct trial_result *result, struct error *error)
{
    uint64_t start = clock_ns();
    stage->plan = (struct crew_plan){
        .spec = &stage->spec,
        .ledger = &result->ledger,
        .pin = stage->pin,
        .region_name = stage->name,
        .region_bytes = stage->region.bytes,
        .region_base = stage->region.base,
        .region_fd = stage->region.fd,
        .states = &stage->states,
        .setups = stage->instances.setups,
        .handover = &stage->instances.handover,
    };
    if (!stage->region.linked && spare(stage, error))
        return -1;
    stage->crew_made = true;
    if (crew_start(&stage->crew, &stage->plan, error))
        return -1;
    if (gather(&stage->crew, &result->ledger, stage->spec.sync, &stage->verdict, error))
        return -1;
    result->ready_ns = clock_ns() - start;
    return 0;
}

static void keep_ends(const struct stage *stage, struct trial_result *result)
{
    const struct crew *crew = &stage->crew;
    result->ends = calloc(crew->count, sizeof *result->ends);
    if (!result->ends)
        return;
    result->workers = crew->count;
    for (uint32_t i = 0; i < crew->count; i++) {
        struct worker_end *end = &result->ends[i];
        char text[48];
        const char *cpus = pin_cpus(stage->pin, i);
        end->pid = crew->members[i].pid;
        end->phase = (enum phase)slot_load(&result->ledger.slots[i].phase);
        snprintf(end->exit, sizeof end->exit, "%s", crew_exit_text(&crew->members[i], text));
        snprintf(end->cpus, sizeof end->cpus, "%s", cpus ? cpus : "");
    }
}

/* What the primitive's code has forked must write nowhere any more. Returns how many had to be ended. */
static uint32_t end_strays(bool patiently)
{
    return patiently && stray_wait(STRAY_PATIENCE_NS) ? 0 : stray_end();
}

static void report_strays(const struct trial_result *result, uint32_t count)
{
    struct worker auditor = {.slot = ledger_auditor(&result->ledger)};
    if (count)
        worker_violation_text(&auditor, VIOLATION_STRAY,
                              "%u process%s that the primitive's own code has forked still ran when the workers had ended", count,
                              count == 1 ? "" : "es");
}

/* The oracle's word on a record that a wedged crew has left: for the record only, since nobody could have walked into it. */
static void look_at_remains(const struct stage *stage, struct trial_result *result)
{
    struct slot *slot = ledger_auditor(&result->ledger);
    char failure[200] = "";
    const struct load_ops *load = stage->spec.load;
    if (!mortality_any(&stage->spec, &result->ledger) || !load->inspect || !load->torn_by_death)
        return;
    audit_run(&stage->plan, REMAINS_PATIENCE_NS, failure, sizeof failure);
    if (!failure[0])
        result->remains = slot->evidence_count ? REMAINS_TORN : REMAINS_WHOLE;
    slot->evidence_count = 0;
    memset(slot->violations, 0, sizeof slot->violations);
}

/* Gate to last exit, and what the data say afterwards. */
static void run_crew(struct stage *stage, struct trial_result *result)
{
    char why[1400] = "", audit_failure[200] = "";
    enum watch watch = monitor_run(&stage->crew, &stage->spec, result, why, sizeof why);
    result->fork_ns = stage->crew.fork_ns;
    bool by_themselves = stage->crew.alive == 0 && stage->crew.failed == 0;
    crew_end(&stage->crew);
    uint32_t strays = end_strays(by_themselves);
    report_strays(result, by_themselves ? strays : 0);
    settle(&result->ledger, result->gate_ns);
    keep_ends(stage, result);
    if (watch == WATCH_GO_ON && mortality_unplanned(&stage->spec, &stage->crew, &result->ledger) == 0) {
        audit_inherit(&stage->plan, REMAINS_PATIENCE_NS);
        audit_run(&stage->plan, AUDIT_PATIENCE_NS, audit_failure, sizeof audit_failure);
    } else if (watch == WATCH_WEDGED)
        look_at_remains(stage, result);
    settle(&result->ledger, result->gate_ns);
    if (stage->spec.silent || stage->spec.counts)
        syscalls_add_up(&result->ledger, &result->syscalls);
    judge(&stage->spec, &stage->crew, watch, why, audit_failure[0] ? audit_failure : NULL, result);
    layout_got(&stage->spec, result);
}

/* A primitive that cannot be taken down is no clean one. After anything worse it may have had no choice. */
static void take_down(struct stage *stage, struct trial_result *result)
{
    enum verdict verdict;
    struct error error;
    int rc = instances_destroy(&stage->instances, stage->region.base, &verdict, &error);
    state_objects_destroy(&stage->states);
    stray_release();
    uint32_t strays = end_strays(rc == 0);
    if (rc == 0 && strays) {
        verdict = VERDICT_CORRUPT;
        rc = error_set(&error, STATUS_UNEXPECTED, 0, "stray: %u process%s of sync %s still ran after its destroy()", strays,
                       strays == 1 ? "" : "es", stage->spec.sync->name);
    }
    if (rc == 0)
        return;
    leftover_sweep(stage->name);
    if (result->verdict != VERDICT_CLEAN && (result->verdict != VERDICT_INCONCLUSIVE || result->interrupted))
        return;
    char before[sizeof result->reason];
    memcpy(before, result->reason, sizeof before);
    snprintf(result->reason, sizeof result->reason, "%.400s; before that the trial was %s: %.500s", error.text,
             verdict_name(result->verdict), before);
    result->verdict = verdict;
    result->error_status = error.status;
    result->as_expected = verdict != VERDICT_ERROR && spec_as_expected(&stage->spec, verdict);
}

static void take_back(struct stage *stage, struct trial_result *result)
{
    struct error error;
    const struct fault_ops *fault = stage->spec.fault;
    ledger_retire(&result->ledger);
    room_restore();
    if (fault->undo && result->ledger.commons)
        fault->undo(&stage->spec.shape, result->ledger.commons);
    if (stage->region_made && fault->unlinks && fault->unlinks(stage->spec.fault_choices) && !region_is_named(&stage->region))
        region_forget_name(&stage->region);
    if (stage->crew_made)
        crew_free(&stage->crew);
    if (stage->region_made)
        take_down(stage, result);
    else
        end_strays(false);
    if (stage->region_made && stage->spec.load->sweep)
        stage->spec.load->sweep(&stage->spec.shape);
    if (stage->region_made && region_destroy(&stage->region, &error))
        notice("%s", error.text);
    state_objects_add_steps(&stage->states, &stage->region);
    result->region_objects = stage->region_made ? 1 + stage->states.made : 0;
    memcpy(result->region_step_ns, stage->region.step_ns, sizeof result->region_step_ns);
    memcpy(result->region_step_done, stage->region.step_done, sizeof result->region_step_done);
    result->reserved_by = stage->region.reserved_by;
    state_objects_free(&stage->states);
    instances_free(&stage->instances);
    free(stage->spared);
    pin_destroy(stage->pin);
}

static void decline(const struct trial_spec *spec, const char *why, struct trial_result *result)
{
    result->verdict = VERDICT_UNSUPPORTED;
    result->as_expected = !spec->expect_given || spec->expect == VERDICT_UNSUPPORTED;
    snprintf(result->reason, sizeof result->reason, "%s", why);
}

/* What the crew's class makes of its figures is the system's setting too. */
static void note_class(struct trial_result *result)
{
    size_t n = strlen(result->setting);
    const char *joint = n ? "; " : "";
    char class[300];
    if (priority_realtime(class, sizeof class))
        snprintf(result->setting + n, sizeof result->setting - n, "%s%s", joint, class);
}

void trial_run(const struct trial_spec *spec, struct trial_result *result)
{
    struct stage stage;
    struct error error;
    memset(result, 0, sizeof *result);
    const char *unsupported = spec_unsupported(spec);
    if (unsupported) {
        decline(spec, unsupported, result);
        return;
    }
    stage_init(&stage, spec);
    int lost;
    if (!limits_ask(&stage.spec, result->setting, sizeof result->setting, &lost, &stage.verdict, &error)) {
        stray_end();
        decline(spec, result->setting, result);
        return;
    }
    note_class(result);
    if (lost || make_data(&stage, result, &error) || make_crew(&stage, result, &error))
        fail(&stage, result, &error);
    else
        run_crew(&stage, result);
    take_back(&stage, result);
    tally_run(spec, result);
}

void trial_result_free(struct trial_result *result)
{
    ledger_destroy(&result->ledger);
    free(result->ends);
    free(result->intervals);
    free(result->faults);
    memset(result, 0, sizeof *result);
}
