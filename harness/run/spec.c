/* One trial as the plan orders it: what follows from it. */
#include "run/spec.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "run/instances.h"
#include "run/mortality.h"
#include "run/pages.h"
#include "run/pin.h"
#include "run/room.h"

#define INTERVALS_WANTED 50
#define INTERVAL_MIN_NS (10 * NS_PER_MS)
#define INTERVAL_MAX_NS NS_PER_S

struct shape spec_shape(const struct trial_spec *spec)
{
    struct shape shape = spec->shape;
    shape.family = spec->sync->family;
    return shape;
}

static bool exposed_to_death(const struct trial_spec *spec)
{
    return shape_workers(&spec->shape) > 1 && !spec->load->uses_system;
}

bool spec_breaks(const struct trial_spec *spec)
{
    const struct shape shape = spec_shape(spec);
    enum verdict sync = spec->sync->expect;
    bool exposed = !spec->load->uses_system && (spec->load->exclusive ? 0 : shape.readers) >= spec->sync->expect_readers &&
                   (shape.size >= spec->sync->expect_size || (spec->load->loads && !spec->size_given)) &&
                   (spec->sync->expect_alone || spec->load->loads || spec->load->breakable(&shape));
    return sync == VERDICT_WEDGED || (sync != VERDICT_CLEAN && exposed);
}

/* What the fault brings about by itself; 0: it follows from the rest. */
static unsigned verdicts_of(const struct trial_spec *spec)
{
    return spec->fault->verdicts ? spec->fault->verdicts(spec->fault_choices) : 0;
}

enum verdict spec_expected(const struct trial_spec *spec)
{
    if (spec->fault->deadly && exposed_to_death(spec))
        return mortality_expected(spec);
    if (spec->fault->expect >= 0)
        return (enum verdict)spec->fault->expect;
    if (verdicts_of(spec))
        return (enum verdict)__builtin_ctz(verdicts_of(spec));
    if (spec_breaks(spec))
        return spec->sync->expect;
    /* one process alone cannot meet anybody: no verdict is the right one */
    return shape_workers(&spec->shape) > 1 ? VERDICT_CLEAN : VERDICT_INCONCLUSIVE;
}

bool spec_acts_inside(const struct trial_spec *spec)
{
    const struct fault_ops *fault = spec->fault;
    return fault->begin || fault->before || fault->inside || fault->calling || fault->called || fault->deadly || fault->disturbances;
}

static const char *silence_refused(const struct trial_spec *spec)
{
    if (spec->load->uses_system)
        return "this load is made of system calls: there is nothing to prove";
    if (spec_acts_inside(spec))
        return "this fault makes system calls of its own in the workers: nothing can be proven beside it";
    return NULL;
}

/* Does the fault shrink or unlink the region's object, or take its pages or the room for them away? */
static bool acts_on_object(const struct fault_ops *fault)
{
    bool acts = fault->unlinks || fault->needs & (FAULT_NEEDS_OWN_SHM | FAULT_NEEDS_MEMORY_LIMIT);
    for (const int *signal = fault->brings; signal && *signal; signal++)
        acts |= *signal == SIGBUS;
    return acts;
}

/* A region of pages from the pool has no name, and is had by an inherited descriptor alone. */
static const char *pool_refused(const struct trial_spec *spec)
{
    return acts_on_object(spec->fault) ? "--pages: this fault acts on the region's object in /dev/shm, and huge pages of the pool are not there"
                                       : NULL;
}

static const char *many_refused(const struct trial_spec *spec)
{
    if (spec->load->uses_system)
        return "--regions many: this load makes objects of its own, and keeps nothing of the primitive's in the region";
    if (spec->shape.layout.choice[LAYOUT_PACKING] == PACKING_PACKED)
        return "--regions many: states that lie side by side (--packing packed) are in one object";
    if (acts_on_object(spec->fault))
        return "--regions many: this fault acts on the region's one object, and of many it would be unclear which";
    return NULL;
}

/* States side by side have the alignment that their size tells, and no more. */
static const char *packing_refused(const struct trial_spec *spec)
{
    if (!(spec->load->layouts >> LAYOUT_PACKING & 1))
        return "--packing: this load has no cells that could lie side by side; neighbours and cells have (shmoo list load)";
    if (spec->shape.layout.choice[LAYOUT_PACKING] == PACKING_PACKED && (spec->sync->state_size || spec->sync->origin))
        return "--packing packed: only a state whose size is fixed and known by type can lie at any address, and this sync's is neither";
    return NULL;
}

/* What cannot be laid out that way, with that load, sync and fault. */
static const char *layout_refused(const struct trial_spec *spec)
{
    const uint8_t *choice = spec->shape.layout.choice;
    if (choice[LAYOUT_PREFAULT] == PREFAULT_NONE && spec->fault->needs & (FAULT_NEEDS_OWN_SHM | FAULT_NEEDS_MEMORY_LIMIT))
        return "--prefault none: this fault takes room away, and pages that are not there yet would be a SIGBUS: no primitive's doing";
    if (choice[LAYOUT_PAGES] != PAGES_SYSTEM && spec->load->uses_system)
        return "--pages: this load makes objects of its own, whose pages it leaves to the system";
    if (choice[LAYOUT_PAGES] >= PAGES_HUGE_2M && pool_refused(spec))
        return pool_refused(spec);
    if (pages_refuse((enum layout_pages)choice[LAYOUT_PAGES], 0))
        return pages_refuse((enum layout_pages)choice[LAYOUT_PAGES], 0);
    if (choice[LAYOUT_ADDRESS] == ADDRESS_DIFFERENT && spec->sync->traits & SYNC_SAME_ADDRESS)
        return "--address different: this sync needs the region at one address in all processes (trait same-address)";
    if (choice[LAYOUT_ADDRESS] != ADDRESS_FREE && spec->load->uses_system)
        return "--address: this load maps objects of its own, and leaves it to the system where";
    if (choice[LAYOUT_REGIONS] == REGIONS_MANY && many_refused(spec))
        return many_refused(spec);
    if (choice[LAYOUT_PACKING] != PACKING_USUAL)
        return packing_refused(spec);
    return NULL;
}

static bool exceeds(uint32_t count, uint32_t max)
{
    return max && count > max;
}

bool spec_as_expected(const struct trial_spec *spec, enum verdict verdict)
{
    /* what is written beside a packed state is another one: whose, decides how it shows */
    bool anyhow = spec->load->loads || spec->fault->disturbances || instances_packed(spec);
    bool broken = verdict == VERDICT_CORRUPT || verdict == VERDICT_WEDGED || verdict == VERDICT_CRASHED;
    if (!spec->expect_given && (mortality_allows(spec, verdict) || verdicts_of(spec) >> verdict & 1))
        return true;
    bool expect_broken = spec->expect == VERDICT_CORRUPT || spec->expect == VERDICT_WEDGED;
    return verdict == spec->expect || (anyhow && !spec->expect_given && broken && expect_broken);
}

static const char *family_refused(const struct trial_spec *spec)
{
    static char text[160];
    int used = snprintf(text, sizeof text, "this load cannot be run with a sync of that family, %s; it takes one of:",
                        sync_family_name(spec->sync->family));
    for (int i = 0; i < SYNC_FAMILIES; i++)
        if (spec->load->families >> i & 1)
            used += snprintf(text + used, sizeof text - (size_t)used, " %s", sync_family_name((enum sync_family)i));
    return text;
}

const char *spec_unsupported(const struct trial_spec *spec)
{
    const struct sync_ops *sync = spec->sync;
    const struct shape shape = spec_shape(spec);
    if (!(spec->load->families >> sync->family & 1))
        return family_refused(spec);
    uint32_t writers = spec->load->per_writer ? 1 : shape.writers, readers = spec->load->per_writer ? 1 : shape.readers;
    if (exceeds(writers + readers, sync->max_workers))
        return "this sync is made for fewer processes; see its line in: shmoo list sync";
    if (exceeds(writers, sync->max_writers))
        return "this sync is made for fewer writers; see its line in: shmoo list sync";
    if (spec->load->exclusive && sync->family == SYNC_LOCK && exceeds(shape_workers(&shape), sync->max_writers))
        return "this load needs the lock for writing in all its processes, and this sync is made for fewer writers";
    if (exceeds(readers, sync->max_readers))
        return "this sync is made for fewer readers; see its line in: shmoo list sync";
    if (sync->max_size && shape.size > sync->max_size)
        return "this sync is made for smaller values; see its line in: shmoo list sync";
    if (spec->silent && silence_refused(spec))
        return silence_refused(spec);
    const char *refusal = spec->load->refuses ? spec->load->refuses(&shape, sync, spec->fault) : NULL;
    if (refusal)
        return refusal;
    const char *refused = spec->fault->refuses_choices
                              ? spec->fault->refuses_choices(&shape, spec->fault_choices, spec->fault_parameter)
                              : NULL;
    if (refused)
        return refused;
    const char *absent = pin_absent(spec->pin ? spec->pin : "none");
    if (absent)
        return absent;
    if (layout_refused(spec))
        return layout_refused(spec);
    const char *missing = room_refuses(spec->fault->needs);
    if (missing)
        return missing;
    const char *unjudged = mortality_refuses(spec);
    if (unjudged)
        return unjudged;
    return spec->fault->refuses ? spec->fault->refuses(&shape, spec->fault_parameter) : NULL;
}

const char *spec_placement(const struct trial_spec *spec, char text[SPEC_PLACEMENT])
{
    const struct layout *layout = &spec->shape.layout;
    size_t used = 0;
    text[0] = '\0';
    if (spec->pin_given)
        used += (size_t)snprintf(text, SPEC_PLACEMENT, " pin %.80s", spec->pin);
    for (int i = 0; i < LAYOUT_AXES; i++)
        if (layout->choice[i] && used < SPEC_PLACEMENT)
            used += (size_t)snprintf(text + used, SPEC_PLACEMENT - used, " %s %s", layout_rows[i].name,
                                     layout_word(layout, (enum layout_axis)i));
    return text;
}

struct region_layout spec_region_layout(const struct trial_spec *spec)
{
    static const enum region_fill fills[] = {
        [PREFAULT_FALLOCATE] = REGION_RESERVED, [PREFAULT_NONE] = REGION_UNTOUCHED, [PREFAULT_POPULATE] = REGION_POPULATED};
    const uint8_t *choice = spec->shape.layout.choice;
    return (struct region_layout){.fill = fills[choice[LAYOUT_PREFAULT]], .pages = pages_of_region((enum layout_pages)choice[LAYOUT_PAGES])};
}

uint64_t spec_area_offset(const struct trial_spec *spec)
{
    return instances_bytes(spec);
}

/* A hunt has no region of its own: its slices have. */
uint64_t spec_region_bytes(const struct trial_spec *spec)
{
    const struct shape shape = spec_shape(spec);
    if (spec->load->loads)
        return 0;
    uint64_t bytes = spec_area_offset(spec) + spec->load->area_bytes(&shape);
    return region_whole_pages(spec_region_layout(spec).pages, bytes ? bytes : 1);
}

uint64_t spec_span_bytes(const struct trial_spec *spec)
{
    if (spec->load->loads || !instances_apart(spec))
        return spec_region_bytes(spec);
    return instances_origin(spec) + instances_count(spec) * instances_stride_bytes(spec);
}

uint32_t spec_histograms(const struct trial_spec *spec)
{
    uint32_t kinds = HISTOGRAM_OWN;
    for (const char *const *name = spec->load->histograms; *name; name++)
        kinds++;
    return kinds;
}

const char *spec_histogram_name(const struct trial_spec *spec, uint32_t kind)
{
    static const char *const common[HISTOGRAM_OWN] = {"acquire", "hold", "response", "service", "handoff"};
    return kind < HISTOGRAM_OWN ? common[kind] : spec->load->histograms[kind - HISTOGRAM_OWN];
}

uint32_t spec_course(const struct trial_spec *spec)
{
    if (spec->load->loads || spec->slice || spec->counts || spec->load->uses_system)
        return UINT32_MAX;
    if (spec->shape.rate > 0)
        return HISTOGRAM_RESPONSE;
    return spec_histograms(spec) > HISTOGRAM_OWN ? HISTOGRAM_OWN : HISTOGRAM_ACQUIRE;
}

uint64_t spec_interval_ns(const struct trial_spec *spec)
{
    uint64_t interval = spec->duration_ns / INTERVALS_WANTED;
    return interval < INTERVAL_MIN_NS ? INTERVAL_MIN_NS : interval > INTERVAL_MAX_NS ? INTERVAL_MAX_NS : interval;
}
