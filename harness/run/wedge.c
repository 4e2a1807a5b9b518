/* The explanation of a standstill, from /proc, the ledger and the region. */
#define _GNU_SOURCE
#include "run/wedge.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "run/process.h"

#define TOLD_MAX 4

/* A word of the region, which may have lost its pages: through the kernel, to whom that is no signal but an error. */
static bool read_word(const void *at, uint32_t *word)
{
    struct iovec to = {word, sizeof *word}, from = {(void *)(uintptr_t)at, sizeof *word};
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)sizeof *word;
}

/* "sleeps in a futex wait: the word at offset 128 of the region is 0, it waits while it is 2" */
static void futex_text(const struct crew *crew, const struct slot *slot, const struct process_call *call, char *text, size_t size)
{
    uint64_t offset = call->word_at - slot->fault.region_base, bytes = crew->plan ? crew->plan->region_bytes : 0;
    if (slot->fault.region_base && bytes >= 4 && offset <= bytes - 4) {
        uint32_t word;
        char now[32] = "cannot be read";
        if (read_word((const char *)crew->plan->region_base + offset, &word))
            snprintf(now, sizeof now, "is 0x%x", word);
        snprintf(text, size, "sleeps in a futex wait while the word at offset %llu of the region is 0x%x (it %s)",
                 (unsigned long long)offset, call->expected, now);
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

void wedge_explain(const struct crew *crew, const struct ledger *ledger, char *text, size_t size)
{
    uint32_t told = 0;
    size_t used = strnlen(text, size);
    for (uint32_t i = 0; i < crew->count && told < TOLD_MAX && used + 1 < size; i++) {
        const struct slot *slot = &ledger->slots[i];
        char doing[160];
        if (crew->members[i].exit != EXIT_NOT_YET)
            continue;
        doing_text(crew, slot, crew->members[i].pid, doing, sizeof doing);
        snprintf(text + used, size - used, "; worker %u (pid %d) %s, phase %s, after %llu operations", i,
                 (int)crew->members[i].pid, doing, phase_name(slot_load(&slot->phase)), (unsigned long long)slot_load(&slot->ops));
        used = strnlen(text, size);
        told++;
    }
    if (crew->alive > told && used + 1 < size)
        snprintf(text + used, size - used, "; and %u more", crew->alive - told);
}
