/* churn: again and again somebody dies whom the seed chooses, at a place that it chooses, and is replaced, or not. */
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>

#include "workloads/fault/die.h"
#include "workloads/fault/rows.h"
#include "workloads/fault/within.h"

/* The words behind the name, in this order. */
enum { PLACE, MANNER, WHO, AFTERWARDS };
enum { ANYWHERE }; /* the places of a single death follow */
_Static_assert(CHURN_INSIDE == DIE_INSIDE + 1, "the word inside");
enum who { ANYBODY, WRITERS, READERS, ALL_BUT_ONE };
enum { RESPAWN, FOR_GOOD };
static const char *const places[] = {"anywhere", "inside", "before", "waiting", "releasing", "after", "within", "writing", NULL};
static const char *const manners[] = {"kill", "segv", "abort", "exit", "_exit", "exec", "unmap", NULL};
static const char *const whom[] = {"anybody", "writers", "readers", "all-but-one", NULL};
static const char *const afterwards[] = {"respawn", "for-good", NULL};

#define LOOK_NS (NS_PER_MS / 2)
#define INSTRUCTIONS_SPREAD 200
#define STORES_SPREAD 16
/* A sentence: place + 1 and number. Whoever has taken it up keeps this mark in its stead until it is dead. */
#define SENTENCE_PLACE_BITS 4
#define SENTENCE_PLACE_MASK ((1u << SENTENCE_PLACE_BITS) - 1)
#define SENTENCE_TAKEN (1u << SENTENCE_PLACE_BITS)
#define TRIES 64
/* How long an heir stays, now and then: whom a death lets in by mistake comes while the heir is still there. */
#define HEIR_NS (400 * NS_PER_US)
#define HEIR_STAYS_IN_FOUR 3
/* Now and then so many die at about the same time: who takes over from somebody dead may die in his turn, before all is well. */
#define TOGETHER 3
#define TOGETHER_ONE_IN 4

static bool replaced(const uint8_t *choices)
{
    return choices[AFTERWARDS] == RESPAWN;
}

static bool definite(const uint8_t *choices)
{
    return choices[PLACE] != ANYWHERE;
}

/* Has a death at that place a meaning for this crew? Who waits for what is no lock cannot be told from who passes through. */
static bool possible(const struct shape *shape, enum die_place place, enum die_manner manner)
{
    if (place == DIE_WAITING && shape->family != SYNC_LOCK)
        return false;
    return die_place_refuses(shape, place, manner) == NULL;
}

static const char *churn_refuses(const struct shape *shape, const uint8_t *choices, double ms)
{
    (void)ms;
    enum die_manner manner = (enum die_manner)choices[MANNER];
    if (choices[WHO] == READERS && shape->readers == 0)
        return "there is no reader to die (--readers)";
    return die_place_refuses(shape, definite(choices) ? (enum die_place)(choices[PLACE] - 1) : DIE_BEFORE, manner);
}

static struct fault_victims victims(const struct shape *shape, const uint8_t *choices)
{
    if (replaced(choices))
        return (struct fault_victims){0};
    return (struct fault_victims){.writers = choices[WHO] == READERS ? 0 : shape->writers,
                                  .readers = choices[WHO] == WRITERS ? 0 : shape->readers};
}

static enum death dies_at(const uint8_t *choices)
{
    if (!definite(choices))
        return DEATH_ANYWHERE;
    return die_death_at((enum die_place)(choices[PLACE] - 1), (enum die_manner)choices[MANNER]);
}

/* What this process has recovered so far, and those before it in its place. */
static uint32_t recovered;

static int churn_begin(struct worker *w, double ms)
{
    const uint8_t *choices = w->fault_choices;
    (void)ms;
    recovered = slot_load(&w->slot->recovered);
    bool counts = choices[PLACE] == ANYWHERE || choices[PLACE] - 1 == DIE_WITHIN || choices[PLACE] - 1 == DIE_WRITING;
    return die_prepare(w, counts && within_refuses() == NULL);
}

/* A sentence is carried out in the operation that comes next. */
static void churn_before(struct worker *w, double ms)
{
    uint32_t sentence = slot_load(&w->slot->sentence), place = sentence & SENTENCE_PLACE_MASK;
    if (__builtin_expect(place != 0, 0)) {
        slot_store(&w->slot->sentence, SENTENCE_TAKEN);
        die_condemn(w, (enum die_place)(place - 1), (enum die_manner)w->fault_choices[MANNER], w->ops, sentence >> SENTENCE_PLACE_BITS);
    }
    die_before(w, ms);
}

/* Who has taken over from somebody dead stays for a while, as one who must put things in order would. */
static void churn_inside(struct worker *w, double ms)
{
    uint32_t now = slot_load(&w->slot->recovered);
    if (__builtin_expect(now != recovered, 0)) {
        recovered = now;
        struct timespec stay = {.tv_nsec = (long)seed_below(&w->random, HEIR_NS)};
        if (seed_below(&w->random, 4) < HEIR_STAYS_IN_FOUR)
            nanosleep(&stay, NULL);
    }
    die_inside(w, ms);
}

static uint32_t number_at(struct nemesis *nemesis, enum die_place place)
{
    uint64_t words = nemesis->shape->size / 8;
    switch (place) {
    case DIE_INSIDE:
        return (uint32_t)seed_below(nemesis->random, words < UINT16_MAX ? (uint32_t)words + 1 : UINT16_MAX);
    case DIE_WITHIN:
        return 1 + (uint32_t)seed_below(nemesis->random, INSTRUCTIONS_SPREAD);
    case DIE_WRITING:
        return (uint32_t)seed_below(nemesis->random, STORES_SPREAD);
    default:
        return 0;
    }
}

static enum die_place choose_place(struct nemesis *nemesis)
{
    enum die_place place = DIE_BEFORE;
    if (definite(nemesis->choices))
        return (enum die_place)(nemesis->choices[PLACE] - 1);
    for (int i = 0; i < TRIES; i++) {
        place = (enum die_place)seed_below(nemesis->random, DIE_PLACES);
        if (possible(nemesis->shape, place, (enum die_manner)nemesis->choices[MANNER]))
            return place;
    }
    return DIE_BEFORE;
}

/* Is somebody's death settled already? A second one must not come before it: who counts its stores has no right to write to the
 * region in between, and killed then from outside it leaves a robust lock that the kernel cannot mark. */
static bool is_condemned(const struct nemesis *nemesis, uint32_t worker)
{
    const struct die_commons *commons = nemesis->commons;
    const struct slot *slot = &nemesis->slots[worker];
    return slot_load(&slot->sentence) || slot_load(&slot->doomed) || commons->hunted == worker + 1;
}

/* The last one of all is left alone: somebody must be there to see what became of the others. */
static bool is_last(struct nemesis *nemesis)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < nemesis->workers && left < 2; i++)
        left += nemesis->process(nemesis, i) && !is_condemned(nemesis, i);
    return left < 2;
}

/* One that lives, and may die; `workers` when none was met. */
static uint32_t choose_victim(struct nemesis *nemesis)
{
    const struct shape *shape = nemesis->shape;
    enum who who = (enum who)nemesis->choices[WHO];
    uint32_t first = who == READERS ? shape->writers : 0;
    uint32_t count = (who == WRITERS ? shape->writers : nemesis->workers) - first;
    bool nobody = is_last(nemesis);
    for (int i = 0; i < TRIES && !nobody; i++) {
        uint32_t victim = first + (uint32_t)seed_below(nemesis->random, count);
        bool spared = who == ALL_BUT_ONE && victim == die_victim(shape, DIE_ALL_BUT_ONE);
        if (!spared && nemesis->process(nemesis, victim) && !is_condemned(nemesis, victim))
            return victim;
    }
    return nemesis->workers;
}

static void condemn(struct nemesis *nemesis)
{
    struct die_commons *commons = nemesis->commons;
    uint32_t victim = choose_victim(nemesis);
    enum die_place place = choose_place(nemesis);
    char detail[48];
    if (victim == nemesis->workers)
        return;
    if (place == DIE_WAITING) {
        if (!commons->hunted)
            commons->hunted = victim + 1;
        return;
    }
    uint32_t number = number_at(nemesis, place);
    slot_store(&nemesis->slots[victim].sentence, (number << SENTENCE_PLACE_BITS) + place + 1);
    snprintf(detail, sizeof detail, "condemned: %s %u", die_places[place], number);
    nemesis->note(nemesis, victim, detail);
}

static uint64_t churn_act(struct nemesis *nemesis)
{
    struct die_commons *commons = nemesis->commons;
    uint64_t period_ns = (uint64_t)(nemesis->parameter * (double)NS_PER_MS);
    if (replaced(nemesis->choices) && nemesis->alive < nemesis->workers)
        die_respawn(nemesis);
    die_strike_waiting(nemesis, (enum die_manner)nemesis->choices[MANNER]);
    if (nemesis->now_ns >= commons->next_ns) {
        uint32_t times = seed_below(nemesis->random, TOGETHER_ONE_IN) == 0 ? TOGETHER : 1;
        while (nemesis->step && times--)
            condemn(nemesis);
        commons->next_ns = nemesis->now_ns + period_ns / 2 + seed_next(nemesis->random) % (period_ns + 1);
    }
    return nemesis->now_ns + LOOK_NS;
}

const struct fault_ops fault_churn = {
    .name = "churn",
    .summary = "every so many milliseconds somebody dies, and is replaced by a new process: churn:5; churn:inside:segv:writers:20; "
               "churn:anywhere:kill:all-but-one:for-good:10. When, who and where is the seed's to say",
    .choices = {places, manners, whom, afterwards},
    .parameter = "milliseconds",
    .fallback = 20,
    .min = 1,
    .max = 1e6,
    .expect = -1,
    .deadly = true,
    .means = WITHIN_MEANS,
    .repeats = true,
    .dies_at = dies_at,
    .victims = victims,
    .respawns = replaced,
    .refuses_choices = churn_refuses,
    .begin = churn_begin,
    .before = churn_before,
    .inside = churn_inside,
    .calling = die_calling,
    .called = die_called,
    .act = churn_act,
};
