/* The guards of the instances' states: where they lie, what is in them, and who has written there. */
#include "run/guards.h"

#include <stdio.h>
#include <string.h>

#include "contract/worker.h"
#include "run/instances.h"

static uint32_t guards_count(const struct trial_spec *spec)
{
    return instances_packed(spec) ? 2 : instances_count(spec) + 1;
}

/* Before state `guard`, or behind the last one. */
static uint64_t *guard_at(const struct trial_spec *spec, void *base, uint32_t guard)
{
    char *first = (char *)instances_state(spec, base, 0);
    uint64_t gap = instances_gap_bytes(spec), state = instances_stride_bytes(spec) - gap;
    if (guard == 0)
        return (uint64_t *)(void *)(first - INSTANCES_GUARD);
    if (instances_packed(spec))
        return (uint64_t *)(void *)(first + instances_all_bytes(spec));
    return (uint64_t *)(void *)(first + guard * (state + gap) - gap);
}

/* A gap ends in a line of the next slot's; behind the last one there is none. */
static uint64_t guard_words(const struct trial_spec *spec, uint32_t guard)
{
    uint64_t gap = instances_gap_bytes(spec);
    if (guard == 0 || instances_packed(spec))
        return INSTANCES_GUARD / 8;
    bool last = guard == instances_count(spec) && gap > INSTANCES_GUARD;
    return (last ? gap - INSTANCES_GUARD : gap) / 8;
}

/* A pattern that tells the guard's place, and that no primitive writes by accident. */
static uint64_t guard_word(uint32_t guard, uint64_t word)
{
    return 0x5a5aa5a55a5aa5a5ULL ^ ((uint64_t)guard << 32 | word);
}

void guards_write(const struct trial_spec *spec, void *base)
{
    for (uint32_t guard = 0; guard < guards_count(spec); guard++) {
        uint64_t *words = guard_at(spec, base, guard);
        for (uint64_t word = 0, count = guard_words(spec, guard); word < count; word++)
            words[word] = guard_word(guard, word);
    }
}

/* The next word of a guard that has changed, from guard `from` on. */
static bool find_scribble(const struct trial_spec *spec, void *base, uint32_t from, uint32_t *guard, uint64_t *word)
{
    for (*guard = from; *guard < guards_count(spec); ++*guard) {
        const uint64_t *words = guard_at(spec, base, *guard);
        uint64_t count = guard_words(spec, *guard);
        for (*word = 0; *word < count; ++*word)
            if (words[*word] != guard_word(*guard, *word))
                return true;
    }
    return false;
}

bool guards_whole(const struct trial_spec *spec, void *base)
{
    uint32_t guard;
    uint64_t word;
    return !find_scribble(spec, base, 0, &guard, &word);
}

void guards_audit(const struct trial_spec *spec, void *base, struct worker *auditor)
{
    uint32_t guard;
    uint64_t word;
    for (uint32_t from = 0; find_scribble(spec, base, from, &guard, &word); from = guard + 1) { /* one report for each guard */
        struct evidence *evidence = worker_violation(auditor, VIOLATION_SCRIBBLED);
        if (!evidence)
            return;
        uint64_t rest = (guard_words(spec, guard) - word) * 8;
        evidence->offset = word * 8;
        evidence->bytes_count = EVIDENCE_BYTES < rest ? EVIDENCE_BYTES : (uint32_t)rest;
        memcpy(evidence->bytes, guard_at(spec, base, guard) + word, evidence->bytes_count);
        snprintf(evidence->text, sizeof evidence->text,
                 "the guard %s the primitive's own state (%llu bytes) was overwritten at byte %llu: somebody writes outside it",
                 guard == 0 ? "before" : "behind", (unsigned long long)instances_state_bytes(spec), (unsigned long long)word * 8);
    }
}
