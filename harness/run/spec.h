/* One trial as the plan orders it. */
#ifndef RUN_SPEC_H
#define RUN_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/contents.h"
#include "shm/region.h"

struct trial_spec {
    uint32_t number;     /* in the run, from 1 */
    const char *job;     /* section of the job file */
    const struct load_ops *load;
    const struct sync_ops *sync;
    const struct fault_ops *fault;
    double fault_parameter;
    uint8_t fault_choices[FAULT_CHOICES];
    const char *fault_text; /* as given: "stop:5" */
    struct shape shape;     /* without its name, which is made when the trial starts */
    uint32_t repeat;        /* from 1 */
    uint64_t duration_ns;   /* 0: shape.ops_limit rules */
    const char *pin;
    enum verdict expect;
    bool expect_given; /* by --expect; otherwise it follows from load, sync, fault and crew */
    bool crew_given, size_given, pin_given; /* asked for, and not to be varied by a hunt */
    bool slice;      /* one of a hunt's: ends with the first violation, and is not extended */
    uint64_t count_ns; /* after the trial: the same crew so long again, with its system calls counted; 0: not */
    bool counts;     /* it is that second crew: its system calls are watched, its times are worth nothing */
    bool silent;     /* no system call may be made between gate and end: each one is a violation */
    bool control;    /* a positive control: it must break, or what leans on it is not CLEAN */
    uint32_t control_trial; /* the number of the control that this trial leans on; 0: none */
    uint32_t enough; /* hand-offs below which a clean trial is INCONCLUSIVE */
};

/* Its shape with all that follows from the sync. */
struct shape spec_shape(const struct trial_spec *spec);

/* Is that verdict what was expected of the trial? In a hunt, what is broken may show in any way. */
bool spec_as_expected(const struct trial_spec *spec, enum verdict verdict);

/* The verdict that such a trial should come to. */
enum verdict spec_expected(const struct trial_spec *spec);

/* Is the sync broken in a way that this crew and load can show? */
bool spec_breaks(const struct trial_spec *spec);

/* Does the fault run code of its own in the workers? */
bool spec_acts_inside(const struct trial_spec *spec);

/* NULL, or why load, sync and crew do not go together. */
const char *spec_unsupported(const struct trial_spec *spec);

/* How the region under test is to be made and mapped. */
struct region_layout spec_region_layout(const struct trial_spec *spec);

/* " pin same-llc prefault none": where the crew lies and how its memory does, as far as it was asked for. */
#define SPEC_PLACEMENT 200
const char *spec_placement(const struct trial_spec *spec, char text[SPEC_PLACEMENT]);

/* Bytes of the region under test: of the object of that name. */
uint64_t spec_region_bytes(const struct trial_spec *spec);

/* Bytes of address space from the region's start to the end of all that belongs to it: with the objects behind it (run/instances.h). */
uint64_t spec_span_bytes(const struct trial_spec *spec);

/* Where the load's area begins in the region. */
uint64_t spec_area_offset(const struct trial_spec *spec);

/* How many histograms each worker keeps, and what they are called. */
uint32_t spec_histograms(const struct trial_spec *spec);
const char *spec_histogram_name(const struct trial_spec *spec, uint32_t kind);

/* Which of them each worker also keeps over time: the one that a user of the primitive waits for. UINT32_MAX: none. */
uint32_t spec_course(const struct trial_spec *spec);

/* How long an interval is over which progress and latencies are noted. */
uint64_t spec_interval_ns(const struct trial_spec *spec);

#endif
