/* die: a worker ends at a chosen place of its operation, in a chosen manner, and the others must cope. */
#define _GNU_SOURCE
#include <string.h>

#include "workloads/fault/die.h"
#include "workloads/fault/rows.h"
#include "workloads/fault/within.h"

/* The words behind the name, in this order. */
enum { PLACE, MANNER, WHO, AFTERWARDS };
enum { FOR_GOOD, RESPAWN };
static const char *const afterwards[] = {"for-good", "respawn", NULL};

/* A worker dies after so many operations at the soonest, and so many more by lot: the others are under way by then. */
#define OPERATIONS_MIN 20
#define OPERATIONS_SPREAD 200
/* But where an operation takes a turn on a busy CPU, no number of them is waited for longer than this. */
#define HURRY_NS (500 * NS_PER_MS)
/* Whoever is to die at a random instruction of the primitive does so within so many. */
#define INSTRUCTIONS_SPREAD 200
#define LOOK_NS (NS_PER_MS / 2)

static enum die_place place(const uint8_t *choices)
{
    return (enum die_place)choices[PLACE];
}

static enum die_manner manner(const uint8_t *choices)
{
    return (enum die_manner)choices[MANNER];
}

static bool respawns(const uint8_t *choices)
{
    return choices[AFTERWARDS] == RESPAWN && manner(choices) != DIE_STOP;
}

uint32_t die_victim(const struct shape *shape, enum die_who who)
{
    uint64_t state = shape->seed ^ 0x646965;
    if (who == DIE_READER && shape->readers)
        return shape->writers + (uint32_t)seed_below(&state, shape->readers);
    return (uint32_t)seed_below(&state, shape->writers);
}

bool die_chosen(const struct shape *shape, enum die_who who, uint32_t index)
{
    switch (who) {
    case DIE_WRITERS:
        return index < shape->writers;
    case DIE_ALL_BUT_ONE:
        return index != die_victim(shape, who);
    case DIE_ONE:
    case DIE_READER:
        break;
    }
    return index == die_victim(shape, who);
}

static struct fault_victims victims(const struct shape *shape, const uint8_t *choices)
{
    struct fault_victims victims = {0};
    for (uint32_t i = 0; i < shape->writers + shape->readers && manner(choices) != DIE_STOP && !respawns(choices); i++)
        if (die_chosen(shape, (enum die_who)choices[WHO], i))
            *(i < shape->writers ? &victims.writers : &victims.readers) += 1;
    return victims;
}

const char *die_place_refuses(const struct shape *shape, enum die_place where, enum die_manner how)
{
    bool signalled = how == DIE_KILL || how == DIE_SEGV || how == DIE_ABORT || how == DIE_STOP;
    bool held = where == DIE_INSIDE || where == DIE_RELEASING || where == DIE_AFTER;
    if (where == DIE_WAITING && !signalled)
        return "who waits can be ended by a signal only: die:waiting:kill, segv, abort or stop";
    if (where == DIE_WAITING && (shape->family == SYNC_CELL || shape->family == SYNC_COUNTER))
        return "nobody waits long for a cell or a counter: die:within or die:writing";
    if (shape->writers + shape->readers < 2)
        return "with one process there is nobody to see what becomes of its death";
    if (shape->family != SYNC_LOCK && held && !(shape->family == SYNC_POOL && where == DIE_INSIDE))
        return "what is no lock has no critical section to die in: die:before, die:waiting, die:within or die:writing";
    return where == DIE_WITHIN || where == DIE_WRITING ? within_refuses() : NULL;
}

static const char *die_refuses(const struct shape *shape, const uint8_t *choices, double number)
{
    (void)number;
    if (choices[WHO] == DIE_READER && shape->readers == 0)
        return "there is no reader to die (--readers)";
    return die_place_refuses(shape, place(choices), manner(choices));
}

/* The number that stands for a random one is 0 within the primitive: behind no instruction nothing has happened yet. */
static uint64_t number_of(struct worker *w, double number)
{
    bool random = place(w->fault_choices) == DIE_WITHIN && number < 1;
    return random ? 1 + seed_below(&w->random, INSTRUCTIONS_SPREAD) : (uint64_t)number;
}

/* Nobody dies a second time: who was put in the place of a dead one lives. */
static int die_begin(struct worker *w, double number)
{
    enum die_place where = place(w->fault_choices);
    int rc = die_prepare(w, where == DIE_WITHIN || where == DIE_WRITING);
    uint64_t operation = OPERATIONS_MIN + seed_below(&w->random, OPERATIONS_SPREAD);
    if (rc == 0 && w->slot->lives == 0 && die_chosen(w->shape, (enum die_who)w->fault_choices[WHO], w->index))
        die_condemn(w, where, manner(w->fault_choices), operation, number_of(w, number));
    return rc;
}

static uint64_t die_act(struct nemesis *nemesis)
{
    struct die_commons *commons = nemesis->commons;
    bool stops = manner(nemesis->choices) == DIE_STOP, replaces = respawns(nemesis->choices);
    if (nemesis->step == 0 && place(nemesis->choices) == DIE_WAITING)
        commons->hunted = die_victim(nemesis->shape, (enum die_who)nemesis->choices[WHO]) + 1;
    die_strike_waiting(nemesis, manner(nemesis->choices));
    if (stops)
        die_continue_stopped(nemesis);
    if (replaces && nemesis->alive < nemesis->workers)
        die_respawn(nemesis);
    if (nemesis->now_ns >= HURRY_NS)
        slot_store(&commons->hurry, 1);
    if (stops || replaces || commons->hunted)
        return nemesis->now_ns + LOOK_NS;
    return commons->hurry ? UINT64_MAX : HURRY_NS;
}

enum death die_death_at(enum die_place where, enum die_manner how)
{
    if (how == DIE_STOP)
        return DEATH_NONE;
    switch (where) {
    case DIE_INSIDE:
        return how == DIE_UNMAP ? DEATH_UNMAPPED : DEATH_INSIDE;
    case DIE_RELEASING:
        return DEATH_HOLDING;
    case DIE_WAITING:
        return DEATH_WAITING;
    case DIE_WITHIN:
    case DIE_WRITING:
        return DEATH_WITHIN;
    case DIE_BEFORE:
    case DIE_AFTER:
    case DIE_PLACES:
        break;
    }
    return DEATH_OUTSIDE;
}

static enum death die_at(const uint8_t *choices)
{
    return die_death_at(place(choices), manner(choices));
}

const struct fault_ops fault_die = {
    .name = "die",
    .summary = "ends a worker at a place of its operation: die:inside:kill:4 kills it when it has written four words of the record; "
               "the others go on, and are judged; die:within:kill:30 kills it behind the thirtieth instruction of the primitive's code "
               "(0: at random), die:writing:kill:3 before the store that follows three others; then writers, all-but-one or reader, "
               "and respawn",
    .choices = {die_places, die_manners, die_whom, afterwards},
    .parameter = "words",
    .fallback = 4,
    .min = 0,
    .max = 1e9,
    .expect = -1,
    .deadly = true,
    .means = WITHIN_MEANS,
    .dies_at = die_at,
    .victims = victims,
    .respawns = respawns,
    .refuses_choices = die_refuses,
    .begin = die_begin,
    .before = die_before,
    .inside = die_inside,
    .calling = die_calling,
    .called = die_called,
    .act = die_act,
};
