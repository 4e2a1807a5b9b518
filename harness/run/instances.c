/* The instances of a sync's state: layout, guards, set-up and taking down. */
#include "run/instances.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/worker.h"

uint32_t instances_count(const struct trial_spec *spec)
{
    return spec->load->instances ? spec->load->instances : 1;
}

static struct sync_setup setup_of(const struct trial_spec *spec)
{
    return (struct sync_setup){
        .name = spec->shape.name,
        .writers = spec->shape.writers,
        .readers = spec->shape.readers,
        .size = spec->shape.size,
        .capacity = spec->load->capacity ? spec->load->capacity(&spec->shape) : 0,
        .seed = spec->shape.seed,
    };
}

static uint64_t state_bytes(const struct trial_spec *spec)
{
    struct sync_setup setup = setup_of(spec);
    uint64_t bytes = spec->sync->state_size ? spec->sync->state_size(&setup) : spec->sync->state_bytes;
    return (bytes + SYNC_STATE_ALIGN - 1) / SYNC_STATE_ALIGN * SYNC_STATE_ALIGN;
}

static uint64_t stride_of(const struct trial_spec *spec)
{
    return state_bytes(spec) + INSTANCES_GUARD;
}

uint64_t instances_bytes(const struct trial_spec *spec)
{
    return INSTANCES_GUARD + instances_count(spec) * stride_of(spec);
}

void *instances_state(const struct trial_spec *spec, void *base, uint32_t i)
{
    return (char *)base + INSTANCES_GUARD + i * stride_of(spec);
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
        instances->setups[i] = setup_of(spec);
        instances->setups[i].name = names[i];
    }
    return 0;
}

void instances_free(struct instances *instances)
{
    free(instances->setups);
    instances->setups = NULL;
    instances->count = instances->made = 0;
}

/* A pattern that tells the guard's place, and that no primitive writes by accident. */
static uint64_t guard_word(uint32_t guard, uint32_t word)
{
    return 0x5a5aa5a55a5aa5a5ULL ^ ((uint64_t)guard << 32 | word);
}

static uint64_t *guard_at(const struct trial_spec *spec, void *base, uint32_t guard)
{
    return (uint64_t *)(void *)((char *)base + guard * stride_of(spec));
}

static void guards_write(const struct trial_spec *spec, void *base)
{
    for (uint32_t guard = 0; guard <= instances_count(spec); guard++)
        for (uint32_t word = 0; word < INSTANCES_GUARD / 8; word++)
            guard_at(spec, base, guard)[word] = guard_word(guard, word);
}

int instances_create(struct instances *instances, void *base, struct error *error)
{
    const struct sync_ops *sync = instances->spec->sync;
    guards_write(instances->spec, base);
    for (uint32_t i = 0; i < instances->count; i++) {
        const struct sync_setup *setup = &instances->setups[i];
        instances->made = i + 1;
        int rc = sync->create ? sync->create(instances_state(instances->spec, base, i), setup) : 0;
        if (rc)
            return error_set(error, STATUS_ENVIRONMENT, rc, "sync %s in region %s: create: %s", sync->name, setup->name,
                             error_name(rc));
    }
    return 0;
}

void instances_destroy(struct instances *instances, void *base)
{
    const struct sync_ops *sync = instances->spec->sync;
    for (uint32_t i = 0; i < instances->made && sync->destroy; i++)
        sync->destroy(instances_state(instances->spec, base, i), &instances->setups[i]);
    instances->made = 0;
}

void instances_audit(const struct trial_spec *spec, void *base, struct worker *auditor)
{
    uint32_t guards = instances_count(spec) + 1;
    for (uint32_t i = 0; i < guards * (INSTANCES_GUARD / 8); i++) {
        uint32_t guard = i / (INSTANCES_GUARD / 8), word = i % (INSTANCES_GUARD / 8);
        uint64_t *found = guard_at(spec, base, guard);
        if (found[word] == guard_word(guard, word))
            continue;
        struct evidence *evidence = worker_violation(auditor, VIOLATION_SCRIBBLED);
        if (!evidence)
            return;
        evidence->offset = word * 8;
        evidence->bytes_count = EVIDENCE_BYTES < INSTANCES_GUARD - word * 8 ? EVIDENCE_BYTES : INSTANCES_GUARD - word * 8;
        memcpy(evidence->bytes, found + word, evidence->bytes_count);
        bool before = guard == 0;
        uint64_t state = state_bytes(spec);
        snprintf(evidence->text, sizeof evidence->text,
                 "the guard %s the primitive's own state (%llu bytes) was overwritten at byte %u: somebody writes outside it",
                 before ? "before" : "behind", (unsigned long long)state, word * 8);
        i = (guard + 1) * (INSTANCES_GUARD / 8) - 1; /* one report for each guard */
    }
}
