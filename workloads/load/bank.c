/* bank: transfers between accounts under the lock, readers sum them all; money that appears or vanishes shows.
 *
 * Costs a transfer two loads and stores of accounts on lines of their own, besides an owner word and a note of what is under way;
 * a reader all accounts.
 */
#include <string.h>

#include "contract/worker.h"
#include "workloads/load/plain.h"
#include "workloads/load/rows.h"

#define OPENING_BALANCE 1000

struct account {
    _Alignas(PLAIN_LINE) uint64_t balance;
};

/* The transfer under way, as it was before: what a dead holder has begun is taken back. */
struct intent {
    uint64_t open; /* 1 from before the first account changes until after the last one has */
    uint64_t from, to, from_held, to_held;
};

struct bank_area {
    _Alignas(PLAIN_LINE) uint64_t last;      /* index + 1 of who has made the last transfer */
    struct intent intent;
    _Alignas(PLAIN_LINE) uint64_t transfers; /* made so far */
    struct account accounts[];               /* size / 8 of them */
};

static uint32_t accounts_of(const struct shape *shape)
{
    return (uint32_t)(shape->size / 8);
}

static size_t bank_bytes(const struct shape *shape)
{
    return sizeof(struct bank_area) + accounts_of(shape) * sizeof(struct account);
}

static int bank_prepare(void *area, const struct shape *shape)
{
    struct bank_area *a = area;
    memset(area, 0, bank_bytes(shape));
    for (uint32_t i = 0; i < accounts_of(shape); i++)
        a->accounts[i].balance = OPENING_BALANCE;
    return 0;
}

static uint64_t bank_total(const struct worker *w)
{
    const struct bank_area *a = w->area;
    uint64_t total = 0;
    for (uint32_t i = 0; i < accounts_of(w->shape); i++)
        total += plain_get(&a->accounts[i].balance);
    return total;
}

/* *known is the total that was already reported. */
static void check_total(struct worker *w, uint64_t total, uint64_t *known, const char *when)
{
    uint64_t whole = (uint64_t)accounts_of(w->shape) * OPENING_BALANCE;
    if (total == *known)
        return;
    *known = total;
    if (total != whole)
        worker_violation_values(w, VIOLATION_COUNT, whole, total, "%s, the %u accounts hold %llu in all, and %llu were paid in",
                                when, accounts_of(w->shape), (unsigned long long)total, (unsigned long long)whole);
}

/* What the books say of the transfers made so far never goes down. */
static void check_books(struct worker *w, uint64_t transfers, uint64_t *seen)
{
    if (transfers < *seen)
        worker_violation_values(w, VIOLATION_BACK, *seen, transfers, "the number of transfers went back from %llu to %llu",
                                (unsigned long long)*seen, (unsigned long long)transfers);
    *seen = transfers;
}

static void note_intent(struct intent *intent, uint32_t from, uint32_t to, uint64_t from_held, uint64_t to_held)
{
    plain_set(&intent->from, from);
    plain_set(&intent->to, to);
    plain_set(&intent->from_held, from_held);
    plain_set(&intent->to_held, to_held);
    plain_set(&intent->open, 1);
}

/* Takes from one account, and pays into another one after whatever happens inside. */
static void transfer(struct worker *w, struct bank_area *a)
{
    uint32_t accounts = accounts_of(w->shape);
    uint32_t from = (uint32_t)seed_below(&w->random, accounts);
    uint32_t to = (from + 1 + (uint32_t)seed_below(&w->random, accounts - 1)) % accounts;
    uint64_t held = plain_get(&a->accounts[from].balance), amount = held / 8 + (held != 0);
    note_intent(&a->intent, from, to, held, plain_get(&a->accounts[to].balance));
    plain_set(&a->accounts[from].balance, held - amount);
    worker_inside(w);
    plain_set(&a->accounts[to].balance, plain_get(&a->accounts[to].balance) + amount);
    plain_set(&a->intent.open, 0);
}

static void bank_write(struct worker *w)
{
    struct bank_area *a = w->area;
    uint64_t me = w->index + 1, seen = 0, known = (uint64_t)accounts_of(w->shape) * OPENING_BALANCE;
    while (worker_next(w)) {
        bool sums = w->timed; /* now and then, a writer reads the books as well */
        if (!worker_enter(w))
            return;
        if (plain_get(&a->last) != me) {
            worker_handoff(w);
            plain_set(&a->last, me);
        }
        uint64_t transfers = plain_get(&a->transfers);
        check_books(w, transfers, &seen);
        if (sums)
            check_total(w, bank_total(w), &known, "before a transfer");
        transfer(w, a);
        plain_set(&a->transfers, transfers + 1);
        seen = transfers + 1;
        if (plain_get(&a->last) != me)
            worker_violation_values(w, VIOLATION_OVERLAP, w->index, plain_get(&a->last) - 1,
                                    "two holders at once: while worker %u made a transfer, worker %llu came in", w->index,
                                    (unsigned long long)plain_get(&a->last) - 1);
        worker_leave(w);
        worker_done(w);
    }
}

static void bank_read(struct worker *w)
{
    struct bank_area *a = w->area;
    uint64_t seen = 0, known = (uint64_t)accounts_of(w->shape) * OPENING_BALANCE;
    while (worker_next(w)) {
        if (!worker_enter_shared(w))
            return;
        uint64_t transfers = plain_get(&a->transfers), total = bank_total(w);
        worker_inside(w);
        uint64_t later = plain_get(&a->transfers);
        worker_leave(w);
        if (later != transfers)
            worker_violation_values(w, VIOLATION_OVERLAP, transfers, later,
                                    "while worker %u was reading, the number of transfers went from %llu to %llu", w->index,
                                    (unsigned long long)transfers, (unsigned long long)later);
        if (transfers != seen)
            worker_handoff(w);
        check_books(w, transfers, &seen);
        check_total(w, total, &known, "under the lock");
        worker_done(w);
    }
}

static void bank_audit(struct worker *auditor)
{
    const struct bank_area *a = auditor->area;
    uint64_t made = 0, known = (uint64_t)accounts_of(auditor->shape) * OPENING_BALANCE;
    for (uint32_t i = 0; i < auditor->shape->writers; i++)
        made += slot_load(&auditor->crew.slots[i].ops);
    if (a->transfers != made)
        worker_violation_values(auditor, VIOLATION_LOST, made, a->transfers, "%llu transfers were made, the books show %llu",
                                (unsigned long long)made, (unsigned long long)a->transfers);
    check_total(auditor, bank_total(auditor), &known, "at the end");
}

/* Takes back what the dead holder had begun. */
static void bank_repair(struct worker *w)
{
    struct bank_area *a = w->area;
    const struct intent *intent = &a->intent;
    uint64_t accounts = accounts_of(w->shape), from = plain_get(&intent->from), to = plain_get(&intent->to);
    if (!plain_get(&intent->open) || from >= accounts || to >= accounts)
        return;
    plain_set(&a->accounts[from].balance, plain_get(&intent->from_held));
    plain_set(&a->accounts[to].balance, plain_get(&intent->to_held));
    plain_set(&a->intent.open, 0);
}

static void bank_inspect(struct worker *auditor)
{
    uint64_t known = (uint64_t)accounts_of(auditor->shape) * OPENING_BALANCE;
    check_total(auditor, bank_total(auditor), &known, "after a death");
}

/* In the middle, money has been taken and not yet paid in. */
static bool bank_torn_by_death(const struct shape *shape, double words)
{
    (void)shape;
    (void)words;
    return true;
}

static bool bank_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 1;
}

const struct load_ops load_bank = {
    .name = "bank",
    .summary = "writers transfer between accounts, readers sum them all: nothing may be gained or lost",
    .families = 1u << SYNC_LOCK,
    .default_size = 64,
    .min_size = 16,
    .max_size = 1 << 20,
    .size_means = "the accounts, eight bytes each, on lines of their own",
    .min_writers = 1,
    .enough = 30,
    .area_bytes = bank_bytes,
    .prepare = bank_prepare,
    .write = bank_write,
    .read = bank_read,
    .audit = bank_audit,
    .repair = bank_repair,
    .survivable = true,
    .resumable = true,
    .inspect = bank_inspect,
    .torn_by_death = bank_torn_by_death,
    .breakable = bank_breakable,
};
