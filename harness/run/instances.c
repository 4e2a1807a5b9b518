/* The instances of a sync's state: layout, set-up and taking down. */
#include "run/instances.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/seed.h"
#include "run/guards.h"
#include "run/isolate.h"
#include "run/plugin.h"

uint32_t instances_count(const struct trial_spec *spec)
{
    uint32_t count = spec->load->instances ? spec->load->instances : 1;
    if (spec->load->instances_used)
        count = spec->load->instances_used(&spec->shape);
    return spec->load->per_writer ? count * spec->shape.writers : count;
}

struct sync_setup instances_setup(const struct trial_spec *spec)
{
    return (struct sync_setup){
        .name = spec->shape.name,
        .writers = spec->load->per_writer ? 1 : spec->shape.writers,
        .readers = spec->load->per_writer ? 1 : spec->shape.readers,
        .size = spec->shape.size,
        .capacity = spec->load->capacity ? spec->load->capacity(&spec->shape) : 0,
        .seed = spec->shape.seed,
    };
}

/* What state_size() has answered, by setting: the layout asks again and again, in every process. */
struct size_answer {
    const struct sync_ops *sync;
    size_t (*function)(const struct sync_setup *setup);
    uint32_t writers, readers, capacity;
    size_t size;
    struct isolate_outcome outcome;
};
#define SIZE_ANSWERS 1024
#define LOST_MAX 64
/* No state is larger; keeps the sums of a layout from running over. */
#define STATE_MAX (1LL << 46)

struct size_question {
    const struct sync_ops *sync;
    struct sync_setup setup;
};

static int64_t ask_size(void *user)
{
    const struct size_question *question = user;
    size_t bytes = plugin_bind_or_end(question->sync)->state_size(&question->setup);
    return bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX;
}

/* One that has crashed or hung is not asked again, whatever the setting: each time may take seconds. */
static struct size_answer *lost_answer(const struct sync_ops *sync)
{
    static struct size_answer lost[LOST_MAX];
    struct size_answer *answer = lost;
    while (answer < lost + LOST_MAX - 1 && answer->sync && answer->sync != sync)
        answer++;
    return answer;
}

static const struct isolate_outcome *size_answer(const struct trial_spec *spec)
{
    static struct size_answer answers[SIZE_ANSWERS];
    struct size_answer *lost = lost_answer(spec->sync);
    if (lost->sync == spec->sync)
        return &lost->outcome;
    struct size_question question = {.sync = spec->sync, .setup = instances_setup(spec)};
    const struct sync_setup *setup = &question.setup;
    struct size_answer key = {spec->sync,      spec->sync->state_size, setup->writers, setup->readers,
                              setup->capacity, setup->size,            {0}};
    uint64_t mix = (uint64_t)(uintptr_t)key.sync;
    mix = seed_scramble(mix ^ ((uint64_t)key.writers << 32 | key.readers));
    mix = seed_scramble(mix ^ key.size ^ (uint64_t)key.capacity << 32);
    struct size_answer *answer = &answers[mix % SIZE_ANSWERS];
    if (answer->sync != key.sync || answer->function != key.function || answer->writers != key.writers ||
        answer->readers != key.readers || answer->capacity != key.capacity || answer->size != key.size) {
        key.outcome = isolate_call(ask_size, &question, ISOLATE_PATIENCE_NS);
        *answer = key;
        if (key.outcome.end == ISOLATE_DIED || key.outcome.end == ISOLATE_HUNG)
            *lost = key;
    }
    return &answer->outcome;
}

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

uint64_t instances_state_bytes(const struct trial_spec *spec)
{
    uint64_t bytes = spec->sync->state_bytes;
    if (spec->sync->state_size) {
        const struct isolate_outcome *answer = size_answer(spec);
        bytes = answer->end == ISOLATE_RETURNED && answer->value <= STATE_MAX ? (uint64_t)answer->value : 0;
    }
    return round_up(bytes, SYNC_STATE_ALIGN);
}

int instances_size(const struct trial_spec *spec, enum verdict *verdict, struct error *error)
{
    const struct isolate_outcome *answer = spec->sync->state_size ? size_answer(spec) : NULL;
    if (!answer || (answer->end == ISOLATE_RETURNED && answer->value <= STATE_MAX))
        return 0;
    *verdict = isolate_verdict(answer);
    if (answer->end == ISOLATE_RETURNED)
        return error_set(error, STATUS_UNEXPECTED, 0, "sync %s: state_size: asks for %lld bytes, more than any region can have",
                         spec->sync->name, (long long)answer->value);
    return error_set(error, answer->end == ISOLATE_UNSTARTED ? STATUS_ENVIRONMENT : STATUS_UNEXPECTED, answer->errnum,
                     "sync %s: state_size %s", spec->sync->name, answer->text);
}

bool instances_packed(const struct trial_spec *spec)
{
    return spec->shape.layout.choice[LAYOUT_PACKING] == PACKING_PACKED;
}

bool instances_apart(const struct trial_spec *spec)
{
    return spec->shape.layout.choice[LAYOUT_REGIONS] == REGIONS_MANY;
}

static uint64_t page_of(const struct trial_spec *spec)
{
    return region_page_bytes(spec_region_layout(spec).pages);
}

/* A multiple of a type's size is a multiple of its alignment. */
uint64_t instances_stride_bytes(const struct trial_spec *spec)
{
    if (instances_packed(spec))
        return spec->sync->state_bytes;
    uint64_t state = instances_state_bytes(spec);
    return instances_apart(spec) ? round_up(state + 2 * INSTANCES_GUARD, page_of(spec)) : state + INSTANCES_GUARD;
}

uint64_t instances_gap_bytes(const struct trial_spec *spec)
{
    return instances_packed(spec) ? 0 : instances_stride_bytes(spec) - instances_state_bytes(spec);
}

uint64_t instances_all_bytes(const struct trial_spec *spec)
{
    return round_up(instances_count(spec) * instances_stride_bytes(spec), SYNC_STATE_ALIGN);
}

uint64_t instances_bytes(const struct trial_spec *spec)
{
    if (instances_apart(spec))
        return 0;
    return instances_all_bytes(spec) + (instances_packed(spec) ? 2 : 1) * INSTANCES_GUARD;
}

uint64_t instances_origin(const struct trial_spec *spec)
{
    return instances_apart(spec) ? round_up(spec_region_bytes(spec), page_of(spec)) : 0;
}

void *instances_state(const struct trial_spec *spec, void *base, uint32_t i)
{
    return (char *)base + instances_origin(spec) + INSTANCES_GUARD + i * instances_stride_bytes(spec);
}

int instances_init(struct instances *instances, const struct trial_spec *spec, const char *name, struct error *error)
{
    uint32_t count = instances_count(spec);
    /* the names follow the setups in one allocation */
    char(*names)[INSTANCES_NAME_MAX];
    *instances = (struct instances){.spec = spec, .count = count};
    instances->setups = calloc(count, sizeof *instances->setups + sizeof *names);
    if (!instances->setups)
        return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory for %u instances of sync %s", count, spec->sync->name);
    names = (char(*)[INSTANCES_NAME_MAX])(void *)(instances->setups + count);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], i ? "%s.i%u" : "%s", name, i);
        instances->setups[i] = instances_setup(spec);
        instances->setups[i].name = names[i];
    }
    return 0;
}

void instances_free(struct instances *instances)
{
    handover_end(&instances->handover);
    free(instances->setups);
    instances->setups = NULL;
    instances->count = instances->made = 0;
}

/* The calls of create() or destroy() for all instances, in one process; `reached` is in memory that it shares with the harness. */
struct calls {
    struct instances *instances;
    void *base;
    bool destroys;
    uint32_t count;
    uint32_t *reached;
};

/* The first errno, or 0. After one that create() returned nothing more is created; destroy() is called for all. */
static int call_all(const struct calls *calls)
{
    const struct sync_ops *sync = plugin_bind_or_end(calls->instances->spec->sync);
    int first = 0;
    for (uint32_t i = 0; i < calls->count && (calls->destroys || !first); i++) {
        __atomic_store_n(calls->reached, i, __ATOMIC_RELAXED);
        int rc = (calls->destroys ? sync->destroy : sync->create)(instances_state(calls->instances->spec, calls->base, i),
                                                                  &calls->instances->setups[i]);
        if (first == 0)
            first = rc;
    }
    return first;
}

#define SCRIBBLED INT64_MIN

static int64_t destroy_each(const struct calls *calls)
{
    handover_shed(&calls->instances->handover);
    return call_all(calls);
}

static int64_t create_each(const struct calls *calls)
{
    struct handover *handover = &calls->instances->handover;
    if (!handover_is_under_way(handover)) {
        handover_shed(handover);
        return call_all(calls);
    }
    handover_mark(handover);
    int rc = call_all(calls);
    isolate_doing("handing its descriptors over");
    return rc ? rc : handover_send(handover);
}

/* An errno comes first: who could not do its work may have left anything. */
static int64_t call_each(void *user)
{
    const struct calls *calls = user;
    const struct trial_spec *spec = calls->instances->spec;
    bool whole = guards_whole(spec, calls->base);
    int64_t rc = calls->destroys ? destroy_each(calls) : create_each(calls);
    return rc == 0 && whole && !guards_whole(spec, calls->base) ? SCRIBBLED : rc;
}

/* One that writes a large state has more time for it: a gigabyte a second is slow. */
static uint64_t patience_of(const struct trial_spec *spec)
{
    return ISOLATE_PATIENCE_NS + instances_count(spec) * instances_stride_bytes(spec);
}

/* An errno of a plugin's is its own affair; one of a row of this program means that the system cannot have it. */
static enum status status_of(const struct sync_ops *sync, const struct isolate_outcome *outcome)
{
    bool own = sync->origin != NULL || outcome->end == ISOLATE_DIED || outcome->end == ISOLATE_HUNG;
    return own && outcome->end != ISOLATE_UNSTARTED ? STATUS_UNEXPECTED : STATUS_ENVIRONMENT;
}

/* What can be done about the errno of a call that makes something in the system. */
static const char *way_out(int errnum)
{
    switch (errnum) {
    case ENOSPC:
        return "; /dev/shm is full (`shmoo ls`), or the system has no more semaphores, message queues or segments to give (`ipcs -l`): "
               "free some";
    case EMFILE:
    case ENFILE:
        return "; a limit on open files (`ulimit -n`) or on this user's POSIX message queues (`ulimit -q`) is reached: raise it";
    case ENOMEM:
        return "; free some memory, or use a smaller population";
    case EACCES:
    case EPERM:
        return "; this user may not: see the modes of /dev/shm, and what a container forbids";
    default:
        return "";
    }
}

static int call_instances(struct calls *calls, const char *name, enum verdict *verdict, struct error *error)
{
    const struct trial_spec *spec = calls->instances->spec;
    if (calls->count == 0 || !(calls->destroys ? spec->sync->destroy : spec->sync->create))
        return 0;
    /* what it leaves behind is judged, not ended here */
    struct isolate_outcome outcome = isolate_call_sparing(call_each, calls, patience_of(spec));
    if (outcome.end == ISOLATE_RETURNED && outcome.value == 0)
        return 0;
    *verdict = isolate_verdict(&outcome);
    uint32_t reached = __atomic_load_n(calls->reached, __ATOMIC_RELAXED);
    const char *region = calls->instances->setups[reached < calls->count ? reached : 0].name;
    enum status status = status_of(spec->sync, &outcome);
    if (outcome.end == ISOLATE_RETURNED && outcome.value == SCRIBBLED) {
        *verdict = VERDICT_CORRUPT;
        return error_set(error, STATUS_UNEXPECTED, 0, "scribbled: sync %s in region %s: %s has overwritten a guard beside the state", spec->sync->name,
                         region, name);
    }
    if (outcome.end == ISOLATE_RETURNED)
        return error_set(error, status, (int)outcome.value, "sync %s in region %s: %s: %s%s", spec->sync->name, region, name,
                         error_name((int)outcome.value), status == STATUS_ENVIRONMENT ? way_out((int)outcome.value) : "");
    return error_set(error, status, outcome.errnum, "sync %s in region %s: %s %s", spec->sync->name, region, name, outcome.text);
}

static int call_shared(struct calls *calls, const char *name, enum verdict *verdict, struct error *error)
{
    calls->reached = mmap(NULL, sizeof *calls->reached, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *verdict = VERDICT_ERROR;
    if (calls->reached == MAP_FAILED)
        return error_set(error, STATUS_ENVIRONMENT, errno, "sync %s: %s: mmap: %s", calls->instances->spec->sync->name, name,
                         error_name(errno));
    int rc = call_instances(calls, name, verdict, error);
    munmap(calls->reached, sizeof *calls->reached);
    return rc;
}

int instances_create(struct instances *instances, void *base, enum verdict *verdict, struct error *error)
{
    struct calls calls = {.instances = instances, .base = base, .count = instances->count};
    bool hands_over = instances->spec->sync->traits & SYNC_INHERITED;
    guards_write(instances->spec, base);
    instances->made = instances->count;
    *verdict = VERDICT_ERROR;
    if (hands_over && handover_begin(&instances->handover, error))
        return -1;
    int rc = call_shared(&calls, "create", verdict, error);
    if (rc)
        handover_end(&instances->handover);
    return rc || !hands_over ? rc : handover_receive(&instances->handover, error);
}

int instances_destroy(struct instances *instances, void *base, enum verdict *verdict, struct error *error)
{
    struct calls calls = {.instances = instances, .base = base, .destroys = true, .count = instances->made};
    instances->made = 0;
    return call_shared(&calls, "destroy", verdict, error);
}
