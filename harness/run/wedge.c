/* The explanation of a standstill, from /proc, the ledger and the region. */
#define _GNU_SOURCE
#include "run/wedge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "run/instances.h"
#include "run/isolate.h"
#include "run/plugin.h"
#include "run/process.h"

#define TOLD_MAX 4
#define DEAD_TOLD_MAX 2
#define DESCRIBE_PATIENCE_NS NS_PER_S
#define STATE_MOST 65536 /* of a state that is copied to be looked at */

/* Bytes of the region, which may have lost its pages: through the kernel, to whom that is no signal but an error. */
static bool read_bytes(const void *at, void *bytes, size_t count)
{
    struct iovec to = {bytes, count}, from = {(void *)(uintptr_t)at, count};
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)count;
}

/* Of states in objects of their own: in whose that offset lies. *offset becomes the one in there. */
static uint32_t instance_at(const struct trial_spec *spec, uint64_t *offset)
{
    uint64_t stride = instances_stride_bytes(spec), behind = *offset - instances_origin(spec);
    *offset = behind % stride;
    return (uint32_t)(behind / stride);
}

/* "sleeps in a futex wait: the word at offset 128 of the region is 0, it waits while it is 2" */
static void futex_text(const struct crew *crew, const struct slot *slot, const struct process_call *call, char *text, size_t size)
{
    const struct trial_spec *spec = crew->plan ? crew->plan->spec : NULL;
    uint64_t offset = call->word_at - slot->fault.region_base, bytes = spec ? spec_span_bytes(spec) : 0;
    if (slot->fault.region_base && bytes >= 4 && offset <= bytes - 4) {
        uint32_t word;
        char now[32] = "cannot be read", object[40] = "region";
        if (read_bytes((const char *)crew->plan->region_base + offset, &word, sizeof word))
            snprintf(now, sizeof now, "is 0x%x", word);
        if (instances_apart(spec) && offset >= instances_origin(spec))
            snprintf(object, sizeof object, "object of state %u", instance_at(spec, &offset));
        snprintf(text, size, "sleeps in a futex wait while the word at offset %llu of the %s is 0x%x (it %s)", (unsigned long long)offset,
                 object, call->expected, now);
    } else {
        snprintf(text, size, "sleeps in a futex wait outside the region");
    }
}

static void doing_text(const struct crew *crew, const struct slot *slot, pid_t pid, char *text, size_t size)
{
    struct process_look p = process_look(pid);
    struct process_call call = process_call(pid);
    char wchan[48];
    process_wchan(pid, wchan, sizeof wchan);
    if (p.state == 0)
        snprintf(text, size, "cannot be seen in /proc");
    else if (p.state == 'T' || p.state == 't')
        snprintf(text, size, "is stopped by a signal");
    else if (p.state == 'R')
        snprintf(text, size, "spins in user space");
    else if (call.futex)
        futex_text(crew, slot, &call, text, size);
    else
        snprintf(text, size, "sleeps in the kernel%s%s%s", wchan[0] ? " (" : "", wchan, wchan[0] ? ")" : "");
}

void wedge_note(struct wedge_since *since, const struct ledger *ledger, uint64_t now)
{
    for (uint32_t i = 0; i < ledger->workers; i++) {
        const struct slot *slot = &ledger->slots[i];
        uint64_t moves = slot_load(&slot->ops) + slot_load(&slot->beats);
        uint32_t phase = slot_load(&slot->phase);
        if (moves != since[i].moves || phase != since[i].phase || since[i].at_ns == 0)
            since[i] = (struct wedge_since){.moves = moves, .phase = phase, .at_ns = now};
    }
}

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strnlen(text, size);
    va_list args;
    if (used + 1 >= size)
        return;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static bool ended_holding(const struct crew *crew, const struct ledger *ledger, uint32_t i)
{
    uint32_t phase = slot_load(&ledger->slots[i].phase);
    return crew->members[i].exit != EXIT_NOT_YET && (phase == PHASE_INSIDE || phase == PHASE_RELEASING);
}

/* "; worker 1 (pid 77, killed by SIGKILL) died inside, after 30 operations, at version 12" */
static void dead_text(const struct crew *crew, const struct ledger *ledger, char *text, size_t size)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < crew->count && told < DEAD_TOLD_MAX; i++) {
        const struct slot *slot = &ledger->slots[i];
        char exit[48];
        if (!ended_holding(crew, ledger, i))
            continue;
        append(text, size, "; worker %u (pid %d, %s) ended in phase %s", i, (int)crew->members[i].pid,
               crew_exit_text(&crew->members[i], exit), phase_name(slot_load(&slot->phase)));
        if (slot_known(slot))
            append(text, size, ", at version %llu", (unsigned long long)slot_known(slot));
        told++;
    }
}

/* Whose number is it? Of the crew, of a process whose place somebody else has now, or of nobody that can be seen from here. */
static void owner_text(const struct crew *crew, uint64_t owner, char *text, size_t size)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        if ((uint64_t)crew->members[i].pid != owner)
            continue;
        bool alive = crew->members[i].exit == EXIT_NOT_YET;
        append(text, size, ", and its owner is worker %u (pid %llu), which %s", i, (unsigned long long)owner,
               alive ? "lives" : "is dead");
        return;
    }
    for (uint32_t i = 0; i < crew->count; i++)
        if ((uint64_t)crew->members[i].pid_before == owner) {
            append(text, size, ", and its owner was worker %u before it was replaced (pid %llu), which is dead", i,
                   (unsigned long long)owner);
            return;
        }
    append(text, size, ", and its owner is thread %llu, which is none of the crew's", (unsigned long long)owner);
}

/* Of a state that describes itself to nobody: how it begins. */
static void first_words(const unsigned char *state, uint64_t bytes, struct sync_sight *sight)
{
    size_t used = (size_t)snprintf(sight->words, sizeof sight->words, "its state begins with");
    for (uint64_t at = 0; at + 4 <= bytes && at < 16; at += 4) {
        uint32_t word;
        memcpy(&word, state + at, sizeof word);
        used += (size_t)snprintf(sight->words + used, sizeof sight->words - used, " 0x%x", word);
    }
}

/* A primitive's own describe(), in a process of its own: the state may be anything, and so may the code. */
struct description {
    const struct sync_ops *sync;
    const struct sync_setup *setup;
    const unsigned char *copy;
    struct sync_sight *sight; /* shared */
};

static int64_t describe(void *user)
{
    const struct description *d = user;
    plugin_bind_or_end(d->sync)->describe(d->copy, d->setup, d->sight);
    return 0;
}

static void own_words(const struct trial_spec *spec, const struct sync_setup *setup, const unsigned char *copy, struct sync_sight *sight)
{
    struct sync_sight *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct description description = {spec->sync, setup, copy, shared};
    if (shared == MAP_FAILED)
        return;
    if (isolate_call(describe, &description, DESCRIBE_PATIENCE_NS).end == ISOLATE_RETURNED)
        *sight = *shared;
    sight->words[sizeof sight->words - 1] = '\0';
    if (!text_is_utf8(sight->words))
        sight->words[0] = '\0';
    munmap(shared, sizeof *shared);
}

/* Of a load with many instances: the one in whose state somebody sleeps; `count` if nobody does. */
static uint32_t awaited_instance(const struct crew *crew, const struct ledger *ledger, uint32_t count)
{
    const struct trial_spec *spec = crew->plan->spec;
    uintptr_t base = (uintptr_t)crew->plan->region_base;
    for (uint32_t i = 0; i < crew->count && count > 1; i++) {
        struct process_call call = {.futex = false};
        if (crew->members[i].exit == EXIT_NOT_YET)
            call = process_call(crew->members[i].pid);
        uint64_t offset = call.word_at - ledger->slots[i].fault.region_base;
        for (uint32_t k = 0; k < count && call.futex && ledger->slots[i].fault.region_base; k++)
            if (offset - ((uintptr_t)instances_state(spec, crew->plan->region_base, k) - base) < instances_state_bytes(spec))
                return k;
    }
    return count > 1 ? count : 0;
}

/* The lock's word, and the owner in it. */
static void lock_text(const struct crew *crew, const struct ledger *ledger, char *text, size_t size)
{
    const struct trial_spec *spec = crew->plan ? crew->plan->spec : NULL;
    struct sync_sight sight = {.words = ""};
    if (!spec || !crew->plan->region_base)
        return;
    uint32_t count = instances_count(spec), which = awaited_instance(crew, ledger, count);
    if (which == count)
        return;
    uint64_t bytes = instances_state_bytes(spec);
    unsigned char *copy = bytes && bytes <= STATE_MOST ? malloc(bytes) : NULL;
    if (copy && read_bytes(instances_state(spec, crew->plan->region_base, which), copy, bytes)) {
        if (spec->sync->describe)
            own_words(spec, &crew->plan->setups[which], copy, &sight);
        else
            first_words(copy, bytes, &sight);
    }
    free(copy);
    if (sight.words[0] && count > 1)
        append(text, size, "; %s, number %u of %u: %s", spec->sync->name, which, count, sight.words);
    else if (sight.words[0])
        append(text, size, "; %s: %s", spec->sync->name, sight.words);
    if (sight.owner)
        owner_text(crew, sight.owner, text, size);
}

static void waiter_text(const struct crew *crew, const struct ledger *ledger, const struct wedge_since *since, uint64_t now, uint32_t i,
                        char *text, size_t size)
{
    const struct slot *slot = &ledger->slots[i];
    char doing[200];
    doing_text(crew, slot, crew->members[i].pid, doing, sizeof doing);
    append(text, size, "; worker %u (pid %d) %s, phase %s", i, (int)crew->members[i].pid, doing,
           phase_name(slot_load(&slot->phase)));
    if (since && since[i].at_ns && now > since[i].at_ns)
        append(text, size, " for %.2f s", (double)(now - since[i].at_ns) / 1e9);
    append(text, size, ", after %llu operations", (unsigned long long)slot_load(&slot->ops));
    if (slot_known(slot))
        append(text, size, ", at version %llu", (unsigned long long)slot_known(slot));
}

void wedge_explain(const struct crew *crew, const struct ledger *ledger, const struct wedge_since *since, uint64_t now, char *text,
                   size_t size)
{
    uint32_t told = 0;
    dead_text(crew, ledger, text, size);
    lock_text(crew, ledger, text, size);
    for (uint32_t i = 0; i < crew->count && told < TOLD_MAX; i++)
        if (crew->members[i].exit == EXIT_NOT_YET) {
            waiter_text(crew, ledger, since, now, i, text, size);
            told++;
        }
    if (crew->alive > told)
        append(text, size, "; and %u more", crew->alive - told);
}
