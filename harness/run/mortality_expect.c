/* What a planned death should make of a trial: by the place of the death, the primitive's family and its traits. */
#include <stddef.h>

#include "run/mortality.h"

static struct fault_victims victims_of(const struct trial_spec *spec)
{
    struct shape shape = spec_shape(spec);
    return spec->fault->victims ? spec->fault->victims(&shape, spec->fault_choices) : (struct fault_victims){0};
}

static bool respawns(const struct trial_spec *spec)
{
    return spec->fault->respawns && spec->fault->respawns(spec->fault_choices);
}

/* What waits for others who have died, and for nobody who comes, is stuck whatever its primitive is worth. */
static const char *refuses_bereft(const struct trial_spec *spec)
{
    const struct shape shape = spec_shape(spec);
    struct fault_victims dead = victims_of(spec);
    uint32_t workers = dead.writers + dead.readers;
    bool waits = spec->sync->family == SYNC_QUEUE && spec->sync->traits & SYNC_BLOCKING;
    if (waits && (dead.writers == shape.writers || dead.readers == shape.readers))
        return "a queue that waits needs a producer and a consumer that live on: more --writers or --readers";
    bool pool = spec->load->families >> SYNC_POOL & 1;
    if (pool && spec->load->capacity(&shape) <= 2 * workers)
        return "who dies may take two slots along, and none would be left for the others: a larger crew, or fewer who die";
    return NULL;
}

/* With nobody left who could break what is broken, it stays whole. */
bool mortality_breaks(const struct trial_spec *spec)
{
    struct fault_victims dead = victims_of(spec);
    struct shape left = spec_shape(spec);
    left.writers -= dead.writers;
    left.readers -= dead.readers;
    return spec_breaks(spec) && left.writers && spec->load->breakable(&left);
}

const char *mortality_refuses(const struct trial_spec *spec)
{
    if (!spec->fault->deadly)
        return NULL;
    if (!spec->load->survivable)
        return "of this load nobody could judge what a dead worker leaves: counter, snapshot, bank, stream, pool or phases";
    bool waits = spec->sync->family == SYNC_LOCK || spec->sync->family == SYNC_BARRIER || spec->sync->traits & SYNC_BLOCKING;
    if (spec->fault->dies_at(spec->fault_choices) == DEATH_WAITING && !waits)
        return "nobody waits in a primitive that answers at once: die:within or die:writing";
    if (respawns(spec) && !spec->load->resumable)
        return "no new process can take up a dead one's work in this load: counter, snapshot or bank";
    return refuses_bereft(spec);
}

/* Does death at that place leave the record half written? Who only reads leaves nothing; who dies again and again does sooner or
 * later. */
static bool leaves_torn(const struct trial_spec *spec)
{
    struct fault_victims dead = victims_of(spec);
    bool reader = dead.writers == 0 && dead.readers;
    if (spec->fault->repeats)
        return spec->load->torn_by_death != NULL;
    return !reader && spec->load->torn_by_death && spec->load->torn_by_death(&spec->shape, spec->fault_parameter);
}

/* Dead while it held the primitive: who learns of it, and what does that do to the data? */
static enum verdict expected_holding(const struct sync_ops *sync, bool torn)
{
    if (sync->traits & SYNC_ROBUST)
        return torn && sync->traits & SYNC_UNREPAIRED ? VERDICT_CORRUPT : VERDICT_CLEAN;
    if (sync->traits & SYNC_RELEASED)
        return torn ? VERDICT_CORRUPT : VERDICT_CLEAN;
    return VERDICT_WEDGED;
}

/* Is a death noticed by the kernel alone, whatever the victim was about to do? A robust mutex of the C library's is not enough: a
 * waiter that was woken up on behalf of all, and dies before it has the lock, takes the wake-up with it, unless the word is 0 in
 * that moment (futex(2), the robust list's pending entry). */
static bool noticed_anywhere(const struct sync_ops *sync)
{
    return sync->traits & (SYNC_ROBUST | SYNC_RELEASED) && !(sync->traits & SYNC_LISTED);
}

static unsigned allowed_within(const struct trial_spec *spec)
{
    if (spec->sync->death_within)
        return spec->sync->death_within;
    if (spec_breaks(spec))
        return 1u << spec->sync->expect;
    return 1u << VERDICT_CLEAN | (noticed_anywhere(spec->sync) ? 0 : 1u << VERDICT_WEDGED);
}

/* Who was seen waiting may have stood in the line or just before it, or been granted the primitive in that very moment. */
static unsigned allowed_waiting(const struct trial_spec *spec)
{
    if (spec_breaks(spec))
        return 0;
    return 1u << VERDICT_CLEAN | (noticed_anywhere(spec->sync) ? 0 : 1u << VERDICT_WEDGED);
}

/* Somewhere, by lot: whatever one of the places may bring. */
static unsigned allowed_anywhere(const struct trial_spec *spec)
{
    const struct sync_ops *sync = spec->sync;
    unsigned allowed = allowed_within(spec) | allowed_waiting(spec);
    if (!spec_breaks(spec) && sync->family == SYNC_LOCK)
        allowed |= 1u << expected_holding(sync, leaves_torn(spec)) | 1u << expected_holding(sync, false);
    return allowed;
}

bool mortality_allows(const struct trial_spec *spec, enum verdict verdict)
{
    const struct sync_ops *sync = spec->sync;
    unsigned allowed = 0;
    if (!mortality_strikes(spec))
        return false;
    enum death death = spec->fault->dies_at(spec->fault_choices);
    if (sync->family == SYNC_BARRIER && !spec_breaks(spec))
        return verdict == VERDICT_WEDGED; /* it waits for the dead */
    if (death == DEATH_WITHIN)
        allowed = allowed_within(spec);
    else if (death == DEATH_WAITING)
        allowed = allowed_waiting(spec);
    else if (death == DEATH_ANYWHERE)
        allowed = allowed_anywhere(spec);
    else if (death == DEATH_INSIDE && spec->fault->repeats && !spec_breaks(spec))
        allowed = 1u << expected_holding(sync, false);
    if (spec_breaks(spec) && !mortality_breaks(spec))
        allowed |= 1u << VERDICT_CLEAN;
    /* a queue that loses elements may keep its consumers waiting for them */
    if (sync->family == SYNC_QUEUE && spec_breaks(spec))
        allowed |= 1u << VERDICT_CORRUPT | 1u << VERDICT_WEDGED;
    /* glibc may abort those who wait for what will never be given back */
    bool wedges = allowed >> VERDICT_WEDGED & 1 || mortality_expected(spec) == VERDICT_WEDGED;
    if (wedges && sync->traits & SYNC_ABORTS)
        allowed |= 1u << VERDICT_CRASHED;
    return allowed >> verdict & 1;
}

/* The verdict that stands for all that are allowed. */
static enum verdict stands_for(unsigned allowed)
{
    return allowed >> VERDICT_CLEAN & 1 ? VERDICT_CLEAN : (enum verdict)__builtin_ctz(allowed);
}

enum verdict mortality_expected(const struct trial_spec *spec)
{
    const struct sync_ops *sync = spec->sync;
    enum death death = spec->fault->dies_at(spec->fault_choices);
    if (spec_breaks(spec))
        return sync->expect;
    if (sync->family == SYNC_BARRIER && death != DEATH_NONE)
        return VERDICT_WEDGED;
    switch (death) {
    case DEATH_INSIDE: /* of a pool: with a slot in its hands */
        return sync->family == SYNC_LOCK ? expected_holding(sync, leaves_torn(spec)) : VERDICT_CLEAN;
    case DEATH_UNMAPPED:
        return sync->family != SYNC_LOCK       ? VERDICT_CLEAN
               : sync->traits & SYNC_LISTED ? VERDICT_WEDGED
                                            : expected_holding(sync, leaves_torn(spec));
    case DEATH_HOLDING:
        return expected_holding(sync, false);
    case DEATH_WAITING:
        return sync->traits & SYNC_QUEUED ? VERDICT_WEDGED : VERDICT_CLEAN;
    case DEATH_WITHIN:
        return stands_for(allowed_within(spec));
    case DEATH_ANYWHERE:
        return stands_for(allowed_anywhere(spec));
    case DEATH_NONE:
    case DEATH_OUTSIDE:
        break;
    }
    return VERDICT_CLEAN;
}
