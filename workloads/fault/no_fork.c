/* no-fork: a worker dies, and for a while nobody can be put in its place, since the harness's forks are refused. */
#include "workloads/fault/die.h"
#include "workloads/fault/rows.h"

#define LOOK_NS (NS_PER_MS / 2)
#define OPERATIONS_MIN 20
#define OPERATIONS_SPREAD 200

/* Behind what all deaths share. */
struct absence {
    struct die_commons deaths;
    uint32_t note;
    bool denied, over;
    uint64_t until_ns; /* since the gate */
};
_Static_assert(sizeof(struct absence) <= FAULT_COMMONS_BYTES, "what the fault shares lies in the commons");

static const char *no_fork_refuses(const struct shape *shape, double ms)
{
    (void)ms;
    return die_place_refuses(shape, DIE_BEFORE, DIE_KILL);
}

static struct fault_victims victims(const struct shape *shape, const uint8_t *choices)
{
    (void)shape, (void)choices;
    return (struct fault_victims){0};
}

static bool respawns(const uint8_t *choices)
{
    (void)choices;
    return true;
}

static enum death dies_at(const uint8_t *choices)
{
    (void)choices;
    return DEATH_OUTSIDE;
}

static int no_fork_begin(struct worker *w, double ms)
{
    (void)ms;
    int rc = die_prepare(w, false);
    uint64_t operation = OPERATIONS_MIN + seed_below(&w->random, OPERATIONS_SPREAD);
    if (rc == 0 && w->slot->lives == 0 && die_chosen(w->shape, DIE_ONE, w->index))
        die_condemn(w, DIE_BEFORE, DIE_KILL, operation, 0);
    return rc;
}

/* The victim has gone: a first try, which must fail; then nothing until the time is over; then another one. */
static void replace(struct nemesis *nemesis, struct absence *absence)
{
    uint32_t victim = die_victim(nemesis->shape, DIE_ONE);
    struct slot *slot = &nemesis->slots[victim];
    if (absence->until_ns == 0) {
        nemesis->respawn(nemesis, victim);
        absence->until_ns = nemesis->now_ns + (uint64_t)(nemesis->parameter * (double)NS_PER_MS);
    } else if (nemesis->now_ns >= absence->until_ns) {
        nemesis->deny_forks(nemesis, false);
        nemesis->end(nemesis, absence->note);
        if (slot_load(&slot->doomed))
            nemesis->respawn(nemesis, victim);
        absence->over = true;
    }
}

static uint64_t no_fork_act(struct nemesis *nemesis)
{
    struct absence *absence = nemesis->commons;
    uint32_t victim = die_victim(nemesis->shape, DIE_ONE);
    if (nemesis->step == 0) {
        absence->denied = nemesis->deny_forks(nemesis, true) == 0;
        absence->note = nemesis->begin(nemesis, nemesis->workers, absence->denied ? "forks are refused" : "forks cannot be refused");
    }
    if (slot_load(&nemesis->slots[victim].doomed) && !nemesis->process(nemesis, victim))
        replace(nemesis, absence);
    return absence->over ? UINT64_MAX : nemesis->now_ns + LOOK_NS;
}

const struct fault_ops fault_no_fork = {
    .name = "no-fork",
    .summary = "a worker dies, and for so many milliseconds nobody can be put in its place: fork fails with EAGAIN; then somebody is",
    .parameter = "milliseconds",
    .fallback = 50,
    .min = 0,
    .max = 3600e3,
    .expect = -1,
    .deadly = true,
    .repeats = true,
    .needs = FAULT_NEEDS_FORK_LIMIT,
    .dies_at = dies_at,
    .victims = victims,
    .respawns = respawns,
    .refuses = no_fork_refuses,
    .begin = no_fork_begin,
    .before = die_before,
    .inside = die_inside,
    .calling = die_calling,
    .called = die_called,
    .act = no_fork_act,
};
