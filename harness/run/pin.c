/* Pinning, on hwloc. */
#include "run/pin.h"

#include <errno.h>
#include <hwloc.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

struct pin {
    uint32_t places;       /* worker i goes to place i % places; 0: not pinned */
    hwloc_bitmap_t *sets;
    char (*names)[64];
};

/* Loaded once: loading takes milliseconds, and the machine does not change. */
static hwloc_topology_t topology;

static int topology_ready(struct error *error)
{
    if (topology)
        return 0;
    /* what taskset or a container leaves us is all there is to place workers on */
    unsigned long flags = HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING;
    if (hwloc_topology_init(&topology) == 0 && hwloc_topology_set_flags(topology, flags) == 0 &&
        hwloc_topology_load(topology) == 0)
        return 0;
    topology = NULL;
    return error_set(error, STATUS_ENVIRONMENT, errno, "hwloc cannot read this machine's topology: %s; use --pin none",
                     error_name(errno));
}

/* N or N-M, one or several with a single comma or plus between. */
static bool is_cpu_list(const char *text)
{
    for (;;) {
        size_t digits = strspn(text, "0123456789");
        text += digits;
        if (digits && *text == '-') {
            digits = strspn(text + 1, "0123456789");
            text += 1 + digits;
        }
        if (digits == 0 || digits > 6)
            return false;
        if (*text == '\0')
            return true;
        if (*text != ',' && *text != '+')
            return false;
        text++;
    }
}

bool pin_joins(const char *left, const char *right)
{
    return is_cpu_list(left) && is_cpu_list(right) && !strchr(left, '+') && !strchr(right, '+');
}

int pin_valid(const char *policy, struct error *error)
{
    static const char *const policies[] = {"none", "compact", "scatter", "same-core", "same-llc", "other-numa", NULL};
    for (int i = 0; policies[i]; i++)
        if (strcmp(policy, policies[i]) == 0)
            return 0;
    if (is_cpu_list(policy))
        return 0;
    struct error inner;
    suggest_fail(&inner, "policy", policy, policies);
    return error_set(error, STATUS_USAGE, 0, "%s, or a list of CPUs like 0,2-3", inner.text);
}

static int pin_alloc(struct pin *pin, uint32_t places)
{
    pin->sets = calloc(places, sizeof *pin->sets);
    pin->names = calloc(places, sizeof *pin->names);
    pin->places = pin->sets && pin->names ? places : 0;
    return pin->places ? 0 : ENOMEM;
}

static void place_set(struct pin *pin, uint32_t place, hwloc_const_cpuset_t set)
{
    pin->sets[place] = hwloc_bitmap_dup(set);
    hwloc_bitmap_singlify(pin->sets[place]);
    hwloc_bitmap_list_snprintf(pin->names[place], sizeof pin->names[place], pin->sets[place]);
}

static int pin_compact(struct pin *pin, uint32_t workers)
{
    int pus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    uint32_t places = workers < (uint32_t)pus ? workers : (uint32_t)pus;
    if (pin_alloc(pin, places))
        return -1;
    for (uint32_t i = 0; i < places; i++)
        place_set(pin, i, hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, i)->cpuset);
    return 0;
}

static int pin_scatter(struct pin *pin, uint32_t workers)
{
    int pus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    uint32_t places = workers < (uint32_t)pus ? workers : (uint32_t)pus;
    hwloc_obj_t root = hwloc_get_root_obj(topology);
    hwloc_cpuset_t *sets = calloc(places, sizeof *sets);
    int rc = !sets || pin_alloc(pin, places) || hwloc_distrib(topology, &root, 1, sets, places, INT_MAX, 0) ? -1 : 0;
    for (uint32_t i = 0; sets && i < places; i++) {
        if (rc == 0)
            place_set(pin, i, sets[i]);
        hwloc_bitmap_free(sets[i]);
    }
    free(sets);
    return rc;
}

/* hwloc's spelling of a list of CPUs. */
static int read_list(hwloc_bitmap_t cpus, const char *policy)
{
    char *list = strdup(policy);
    for (char *plus = list; plus && (plus = strchr(plus, '+'));)
        *plus = ',';
    int rc = list ? hwloc_bitmap_list_sscanf(cpus, list) : -1;
    free(list);
    return rc;
}

static int pin_list(struct pin *pin, const char *policy, struct error *error)
{
    hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(topology);
    hwloc_bitmap_t asked = hwloc_bitmap_alloc();
    char list[256];
    int rc = -1;
    hwloc_bitmap_list_snprintf(list, sizeof list, allowed);
    if (read_list(asked, policy) != 0 || hwloc_bitmap_iszero(asked) || hwloc_bitmap_weight(asked) < 0) {
        error_set(error, STATUS_USAGE, 0, "--pin %s: not a list of CPUs; write it like 0,2-3", policy);
    } else if (!hwloc_bitmap_isincluded(asked, allowed)) {
        error_set(error, STATUS_ENVIRONMENT, 0, "--pin %s: not all of these CPUs can be used here; there are %s", policy, list);
    } else if (pin_alloc(pin, (uint32_t)hwloc_bitmap_weight(asked)) == 0) {
        int cpu = -1;
        for (uint32_t i = 0; i < pin->places; i++) {
            hwloc_bitmap_t one = hwloc_bitmap_alloc();
            cpu = hwloc_bitmap_next(asked, cpu);
            hwloc_bitmap_only(one, (unsigned)cpu);
            place_set(pin, i, one);
            hwloc_bitmap_free(one);
        }
        rc = 0;
    }
    hwloc_bitmap_free(asked);
    return rc;
}

/* A policy by how the workers lie to each other. */
struct relation {
    const char *policy;
    hwloc_obj_type_t each; /* one worker to each of these ... */
    bool within;           /* ... inside one cache or core; otherwise anywhere */
    const char *absent;
};

static const struct relation relations[] = {
    {"same-core", HWLOC_OBJ_PU, true, "--pin same-core: no core here has two hardware threads that this process may use"},
    {"same-llc", HWLOC_OBJ_CORE, true, "--pin same-llc: no last-level cache is known here that two usable cores share"},
    {"other-numa", HWLOC_OBJ_NUMANODE, false, "--pin other-numa: this process may not use CPUs of two NUMA nodes"},
};

static const struct relation *relation_of(const char *policy)
{
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++)
        if (strcmp(policy, relations[i].policy) == 0)
            return &relations[i];
    return NULL;
}

/* The cache that is farthest from the core: the one that has no other above it. */
static hwloc_obj_t last_level_cache(hwloc_obj_t core)
{
    hwloc_obj_t last = NULL;
    for (hwloc_obj_t above = core->parent; above; above = above->parent)
        if (hwloc_obj_type_is_dcache(above->type))
            last = above;
    return last;
}

/* A thing within which a crew could lie, for each core: itself, or its last-level cache. NULL: it has none. */
static hwloc_obj_t around(const struct relation *relation, hwloc_obj_t core)
{
    return relation->each == HWLOC_OBJ_PU ? core : last_level_cache(core);
}

/* How many of the relation's places have CPUs in that set. */
static uint32_t places_in(const struct relation *relation, hwloc_const_cpuset_t set, struct pin *pin)
{
    uint32_t count = 0;
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(topology, relation->each, o));) {
        if (!o->cpuset || hwloc_bitmap_iszero(o->cpuset) || !hwloc_bitmap_isincluded(o->cpuset, set))
            continue;
        if (pin)
            place_set(pin, count, o->cpuset);
        count++;
    }
    return count;
}

/* The set in which the crew is to lie: the first with two places. NULL: there is none. */
static hwloc_const_cpuset_t set_for(const struct relation *relation)
{
    hwloc_const_cpuset_t all = hwloc_get_root_obj(topology)->cpuset;
    if (!relation->within)
        return places_in(relation, all, NULL) >= 2 ? all : NULL;
    for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core));) {
        hwloc_obj_t whole = around(relation, core);
        if (whole && places_in(relation, whole->cpuset, NULL) >= 2)
            return whole->cpuset;
    }
    return NULL;
}

const char *pin_absent(const char *policy)
{
    struct error ignored;
    const struct relation *relation = relation_of(policy);
    if (!relation || topology_ready(&ignored))
        return NULL;
    return set_for(relation) ? NULL : relation->absent;
}

static int pin_related(struct pin *pin, const struct relation *relation, struct error *error)
{
    hwloc_const_cpuset_t set = set_for(relation);
    if (!set)
        return error_set(error, STATUS_ENVIRONMENT, 0, "%s", relation->absent);
    if (pin_alloc(pin, places_in(relation, set, NULL)))
        return -1;
    places_in(relation, set, pin);
    return 0;
}

int pin_create(struct pin **result, const char *policy, uint32_t workers, struct error *error)
{
    struct pin *pin = calloc(1, sizeof *pin);
    if (!pin)
        return error_set(error, STATUS_ENVIRONMENT, ENOMEM, "--pin %s: out of memory", policy);
    *result = pin;
    if (strcmp(policy, "none") == 0)
        return 0;
    int rc = topology_ready(error);
    if (rc == 0) {
        error_set(error, STATUS_ENVIRONMENT, ENOMEM, "--pin %s: hwloc cannot place %u workers", policy, workers);
        rc = strcmp(policy, "compact") == 0   ? pin_compact(pin, workers)
             : strcmp(policy, "scatter") == 0 ? pin_scatter(pin, workers)
             : relation_of(policy)            ? pin_related(pin, relation_of(policy), error)
                                              : pin_list(pin, policy, error);
    }
    if (rc) {
        pin_destroy(pin);
        *result = NULL;
    }
    return rc;
}

void pin_destroy(struct pin *pin)
{
    if (!pin)
        return;
    for (uint32_t i = 0; i < pin->places; i++)
        hwloc_bitmap_free(pin->sets[i]);
    free(pin->sets);
    free(pin->names);
    free(pin);
}

int pin_apply(const struct pin *pin, uint32_t worker)
{
    if (pin->places == 0)
        return 0;
    return hwloc_set_cpubind(topology, pin->sets[worker % pin->places], HWLOC_CPUBIND_THREAD) == 0 ? 0 : errno;
}

const char *pin_cpus(const struct pin *pin, uint32_t worker)
{
    return pin->places ? pin->names[worker % pin->places] : NULL;
}

uint32_t pin_cpus_allowed(void)
{
    struct error ignored;
    if (topology_ready(&ignored))
        return 1;
    int weight = hwloc_bitmap_weight(hwloc_topology_get_allowed_cpuset(topology));
    return weight > 0 ? (uint32_t)weight : 1;
}

uint32_t pin_cpus_of_crew(const struct pin *pin, uint32_t workers)
{
    if (!pin || pin->places == 0)
        return pin_cpus_allowed();
    hwloc_bitmap_t all = hwloc_bitmap_alloc();
    for (uint32_t i = 0; i < pin->places && i < workers; i++)
        hwloc_bitmap_or(all, all, pin->sets[i]);
    int count = hwloc_bitmap_weight(all);
    hwloc_bitmap_free(all);
    return count > 0 ? (uint32_t)count : 1;
}
