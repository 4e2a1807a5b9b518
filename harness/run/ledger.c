/* The ledger: laying it out, and looking at it from outside. */
#define _GNU_SOURCE
#include "run/ledger.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/units.h"

#define PAGE 4096u

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static size_t commons_at(void)
{
    return round_up(sizeof(struct gate), PAGE);
}

static size_t slots_at(void)
{
    return commons_at() + round_up(FAULT_COMMONS_BYTES, PAGE);
}

static size_t histograms_at(uint32_t workers)
{
    return slots_at() + round_up((workers + 1) * sizeof(struct slot), PAGE);
}

static size_t stride_of(uint32_t kinds)
{
    return round_up(kinds * sizeof(struct histogram), PAGE);
}

static size_t courses_at(uint32_t workers, uint32_t kinds)
{
    return histograms_at(workers) + (workers + 1) * stride_of(kinds);
}

static size_t course_stride(void)
{
    return round_up(sizeof(struct course), PAGE);
}

/* One worker in so many keeps a course. */
static uint32_t course_every(uint32_t workers)
{
    return (workers + LEDGER_COURSES - 1) / LEDGER_COURSES;
}

size_t ledger_bytes(uint32_t workers, uint32_t kinds)
{
    return courses_at(workers, kinds) + (workers < LEDGER_COURSES ? workers : LEDGER_COURSES) * course_stride();
}

int ledger_create(struct ledger *ledger, uint32_t workers, uint32_t kinds, struct error *error)
{
    memset(ledger, 0, sizeof *ledger);
    size_t bytes = ledger_bytes(workers, kinds);
    char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        char text[UNITS_TEXT];
        return error_set(error, STATUS_ENVIRONMENT, errno,
                         "ledger of %u workers (%s): mmap: %s; use a smaller population, or raise `ulimit -v`", workers,
                         units_print(&units_size, (double)bytes, text), error_name(errno));
    }
    *ledger = (struct ledger){
        .base = base,
        .bytes = bytes,
        .gate = (struct gate *)(void *)base,
        .commons = base + commons_at(),
        .slots = (struct slot *)(void *)(base + slots_at()),
        .histograms = base + histograms_at(workers),
        .stride = stride_of(kinds),
        .courses = base + courses_at(workers, kinds),
        .workers = workers,
        .kinds = kinds,
    };
    for (uint32_t i = 0; i <= workers; i++)
        ledger->slots[i].mark = SLOT_MARK;
    return 0;
}

void ledger_retire(const struct ledger *ledger)
{
    if (ledger->base)
        madvise(ledger->base, ledger->bytes, MADV_DONTFORK);
}

void ledger_destroy(struct ledger *ledger)
{
    if (ledger->base)
        munmap(ledger->base, ledger->bytes);
    ledger->base = NULL;
}

struct histogram *ledger_histograms(const struct ledger *ledger, uint32_t index)
{
    return (struct histogram *)(void *)(ledger->histograms + index * ledger->stride);
}

struct course *ledger_course(const struct ledger *ledger, uint32_t index)
{
    uint32_t every = course_every(ledger->workers);
    if (index >= ledger->workers || index % every)
        return NULL;
    return (struct course *)(void *)(ledger->courses + index / every * course_stride());
}

struct slot *ledger_auditor(const struct ledger *ledger)
{
    return &ledger->slots[ledger->workers];
}

struct ledger_view ledger_look(const struct ledger *ledger)
{
    struct ledger_view view = {0};
    for (uint32_t i = 0; i < ledger->workers; i++) {
        const struct slot *slot = &ledger->slots[i];
        uint32_t phase = slot_load(&slot->phase);
        uint64_t ops = slot_load(&slot->ops);
        view.ops += ops;
        view.progress += ops + slot_load(&slot->beats) + (phase >= PHASE_READY) + (phase >= PHASE_DETACHING) + (phase == PHASE_DONE);
        view.started += slot_load(&slot->started_ns) != 0;
        view.inside += phase == PHASE_INSIDE;
        view.acquiring += phase == PHASE_ACQUIRING;
        view.done += phase == PHASE_DETACHING || phase == PHASE_DONE;
        view.violated |= slot_load(&slot->evidence_count) != 0;
    }
    return view;
}
