/* A trial from its first step to its last. */
#define _GNU_SOURCE
#include "run/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/audit.h"
#include "run/instances.h"
#include "run/interrupt.h"
#include "run/judge.h"
#include "run/monitor.h"
#include "run/pin.h"
#include "run/process.h"

/* What a trial has made and must take back, in the order of making. */
struct stage {
    char name[REGION_NAME_MAX];
    struct trial_spec spec; /* with the name in its shape */
    struct instances instances;
    struct region region;
    struct pin *pin;
    struct crew crew;
    struct crew_plan plan;
    bool region_made, crew_made;
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
}

/* The trial could not be run: for a reason, or because the run is to end. */
static void fail(struct trial_result *result, const struct error *error)
{
    result->interrupted = interrupt_pending();
    result->verdict = result->interrupted ? VERDICT_INCONCLUSIVE : VERDICT_ERROR;
    result->error_status = error->status;
    snprintf(result->reason, sizeof result->reason, "%s",
             result->interrupted ? "interrupted before the crew had started" : error->text);
}

static int make_data(struct stage *stage, struct trial_result *result, struct error *error)
{
    const struct trial_spec *spec = &stage->spec;
    if (ledger_create(&result->ledger, shape_workers(&spec->shape), spec_histograms(spec), error))
        return -1;
    if (region_create(&stage->region, stage->name, spec_region_bytes(spec), error))
        return -1;
    stage->region_made = true;
    if (instances_init(&stage->instances, spec, stage->name, error) ||
        instances_create(&stage->instances, stage->region.base, error))
        return -1;
    int rc = spec->load->prepare((char *)stage->region.base + spec_area_offset(spec), &spec->shape);
    if (rc)
        return error_set(error, STATUS_ENVIRONMENT, rc, "load %s in region %s: prepare: %s", spec->load->name, stage->name,
                         error_name(rc));
    return pin_create(&stage->pin, spec->pin, shape_workers(&spec->shape), error);
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
        .setups = stage->instances.setups,
    };
    stage->crew_made = true;
    if (crew_start(&stage->crew, &stage->plan, error))
        return -1;
    char why[600];
    if (monitor_gather(&stage->crew, &result->ledger, why, sizeof why))
        return error_set(error, STATUS_ENVIRONMENT, 0, "crew of %u: %s", stage->crew.count, why);
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

/* Gate to last exit, and what the data say afterwards. */
static void run_crew(struct stage *stage, struct trial_result *result)
{
    char why[700] = "", audit_failure[200] = "";
    enum watch watch = monitor_run(&stage->crew, &stage->spec, result, why, sizeof why);
    result->fork_ns = stage->crew.fork_ns;
    crew_end(&stage->crew);
    keep_ends(stage, result);
    if (watch == WATCH_GO_ON && stage->crew.failed == 0)
        audit_run(&stage->plan, audit_failure, sizeof audit_failure);
    judge(&stage->spec, &stage->crew, watch, why, audit_failure[0] ? audit_failure : NULL, result);
}

static void take_back(struct stage *stage, struct trial_result *result)
{
    struct error error;
    if (stage->crew_made)
        crew_free(&stage->crew);
    if (stage->region_made)
        instances_destroy(&stage->instances, stage->region.base);
    if (stage->region_made && stage->spec.load->sweep)
        stage->spec.load->sweep(&stage->spec.shape);
    if (stage->region_made && region_destroy(&stage->region, &error))
        notice("%s", error.text);
    memcpy(result->region_step_ns, stage->region.step_ns, sizeof result->region_step_ns);
    memcpy(result->region_step_done, stage->region.step_done, sizeof result->region_step_done);
    result->reserved_by = stage->region.reserved_by;
    instances_free(&stage->instances);
    pin_destroy(stage->pin);
}

void trial_run(const struct trial_spec *spec, struct trial_result *result)
{
    struct stage stage;
    struct error error;
    memset(result, 0, sizeof *result);
    const char *unsupported = spec_unsupported(spec);
    if (unsupported) {
        result->verdict = VERDICT_UNSUPPORTED;
        result->as_expected = !spec->expect_given || spec->expect == VERDICT_UNSUPPORTED;
        snprintf(result->reason, sizeof result->reason, "%s", unsupported);
        return;
    }
    stage_init(&stage, spec);
    if (make_data(&stage, result, &error) || make_crew(&stage, result, &error))
        fail(result, &error);
    else
        run_crew(&stage, result);
    take_back(&stage, result);
}

void trial_result_free(struct trial_result *result)
{
    ledger_destroy(&result->ledger);
    free(result->ends);
    free(result->intervals);
    free(result->faults);
    memset(result, 0, sizeof *result);
}
