/* The slices of a hunt: which kinds there are, and what each is as a trial of its own. */
#include "run/hunt_slice.h"

#include <stdio.h>
#include <string.h>

uint32_t hunt_loads(const struct trial_spec *spec)
{
    uint32_t count = 0;
    for (const struct load_ops *const *load = spec->load->loads; load && *load; load++)
        count++;
    return spec->load->loads ? count : 1;
}

uint32_t hunt_disturbances(const struct trial_spec *spec)
{
    uint32_t count = 0;
    for (const struct disturbance *d = spec->fault->disturbances; d && d->fault && count < HUNT_DISTURBANCES_MAX; d++)
        count++;
    return spec->fault->disturbances ? count : 1;
}

bool hunt_is(const struct trial_spec *spec)
{
    return spec->load->loads || spec->fault->disturbances;
}

uint32_t hunt_slices(const struct trial_spec *spec)
{
    return hunt_loads(spec) * hunt_disturbances(spec);
}

/* As many processes as there are to be, but not more in a role than the sync is made for; who is left over changes roles. */
static void fit_crew(const struct sync_ops *sync, uint32_t *writers, uint32_t *readers)
{
    uint32_t all = *writers + *readers;
    if (sync->max_workers && all > sync->max_workers)
        all = sync->max_workers;
    if (*writers > all)
        *writers = all;
    if (sync->max_writers && *writers > sync->max_writers)
        *writers = sync->max_writers;
    *readers = all - *writers;
    if (sync->max_readers && *readers > sync->max_readers)
        *readers = sync->max_readers;
    if (!sync->max_writers)
        *writers = all - *readers;
}

/* The disturbance's or the load's own size, but none that the load or the sync is not made for, nor one below which what is
 * broken cannot show. */
static void fit_size(struct trial_spec *slice, uint64_t size)
{
    const struct load_ops *load = slice->load;
    uint64_t most = slice->sync->max_size;
    size = size ? size : load->default_size;
    if (size < slice->sync->expect_size)
        size = slice->sync->expect_size;
    if (load->max_size && size > load->max_size)
        size = load->default_size;
    slice->shape.size = most && size > most ? most : size < load->min_size ? load->min_size : size;
}

/* As after --fault: "churn:inside:5". */
static void write_fault(const struct disturbance *d, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", d->fault->name);
    for (int i = 0; i < FAULT_CHOICES; i++)
        if (d->choices[i])
            used += (size_t)snprintf(text + used, size - used, ":%s", d->fault->choices[i][d->choices[i]]);
    if (d->fault->parameter)
        snprintf(text + used, size - used, ":%g", d->parameter);
}

/* What says that it leaves the data of the dead as they are need not be told so. */
static bool is_concerned(const struct sync_ops *sync, const struct disturbance *d)
{
    if (d->fault->deadly && sync->traits & SYNC_UNREPAIRED)
        return false;
    return (!d->families || d->families & 1u << sync->family) && (!d->traits || d->traits & sync->traits);
}

bool hunt_slice(const struct trial_spec *spec, uint32_t i, struct trial_spec *slice)
{
    static char fault_text[64];
    const struct disturbance *d = spec->fault->disturbances ? &spec->fault->disturbances[i % hunt_disturbances(spec)] : NULL;
    *slice = *spec;
    slice->slice = true;
    if (spec->load->loads)
        slice->load = spec->load->loads[i / hunt_disturbances(spec) % hunt_loads(spec)];
    bool concerns = !d || is_concerned(spec->sync, d);
    if (d) {
        slice->fault = d->fault;
        slice->fault_parameter = d->parameter;
        slice->shape.history = d->history ? d->history : spec->shape.history;
        if (!spec->pin_given && d->pin)
            slice->pin = d->pin;
        if (!spec->crew_given) {
            slice->shape.writers = d->writers;
            slice->shape.readers = d->readers;
        }
        memcpy(slice->fault_choices, d->choices, sizeof slice->fault_choices);
        write_fault(d, fault_text, sizeof fault_text);
        slice->fault_text = fault_text;
    }
    if (!spec->crew_given)
        fit_crew(spec->sync, &slice->shape.writers, &slice->shape.readers);
    if (!spec->size_given)
        fit_size(slice, d ? d->size : 0);
    slice->enough = slice->load->enough;
    slice->expect = VERDICT_CLEAN;
    bool size_fits = slice->shape.size >= slice->load->min_size &&
                     (slice->load->max_size == 0 || slice->shape.size <= slice->load->max_size);
    return concerns && size_fits && slice->shape.writers >= slice->load->min_writers && !spec_unsupported(slice);
}

const char *hunt_unsupported(const struct trial_spec *spec)
{
    struct trial_spec slice;
    const char *reason = "none of the loads and disturbances goes with this sync and crew";
    if (spec->silent)
        return "a hunt cannot prove that there are no system calls: name loads one by one, without a fault";
    for (uint32_t i = 0; i < hunt_slices(spec); i++) {
        if (hunt_slice(spec, i, &slice))
            return NULL;
        const char *why = spec_unsupported(&slice);
        reason = why && hunt_slices(spec) == 1 ? why : reason;
    }
    return reason;
}

void hunt_crew(const struct trial_spec *spec, uint32_t *writers, uint32_t *readers)
{
    struct trial_spec slice;
    uint32_t largest = 0;
    for (uint32_t i = 0; i < hunt_slices(spec); i++) {
        if (!hunt_slice(spec, i, &slice) || shape_workers(&slice.shape) <= largest)
            continue;
        *writers = slice.shape.writers;
        *readers = slice.shape.readers;
        largest = *writers + *readers;
    }
}
