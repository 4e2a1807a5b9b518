/* Two builds measured against each other: each trial of a plan by both, one after the other, in an order drawn by lot.
 *
 * Every trial is a process of its own, started anew: what the loader, the kernel and the allocator decide once a process
 * averages out over the trials, instead of being taken for a difference of the builds. Since the lot decides who goes first,
 * noise that comes and goes meets both alike.
 */
#ifndef CMD_AGAINST_H
#define CMD_AGAINST_H

#include "cmd/plan.h"

struct against {
    const char *binary;    /* the baseline; this program is the candidate. A plugin (.so): it takes the place of the plan's */
    const char *out;       /* folder, or NULL for results/runs/ID */
    const char *format;    /* of the comparison on standard output */
    const char *threshold; /* what counts as a change, as `shmoo compare` takes it; NULL: its default */
    bool quiet;
};

/* Runs the plan with both builds, and becomes `shmoo compare` of the two runs. Returns the exit status otherwise. */
int against_run(const struct plan *plan, const struct against *against);

/* A share: "5%", "0.05". */
int against_threshold_valid(const char *text, struct error *error);

#endif
