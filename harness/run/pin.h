/* Pinning: which worker runs on which CPUs, by hwloc's view of the machine.
 *
 * Policies: "none"; "compact" (next to each other: hardware threads, then cores, then packages); "scatter" (as far apart as
 * the machine allows); "same-core" (on the hardware threads of one core); "same-llc" (on different cores below one last-level
 * cache); "other-numa" (on different NUMA nodes by turns); or a list of CPUs in the kernel's numbering, "0,2-3", used in turn;
 * "0+2-3" is the same where commas part one policy from the next.
 */
#ifndef RUN_PIN_H
#define RUN_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pin; /* a policy, resolved for this machine */

/* Checks a policy's spelling without looking at the machine. */
int pin_valid(const char *policy, struct error *error);

/* Are these neighbours in a list of policies the CPUs of one? A list that is written with + stands for itself. */
bool pin_joins(const char *left, const char *right);

/* NULL, or why this machine has no such CPUs: a trial with that policy is UNSUPPORTED here. */
const char *pin_absent(const char *policy);

/* Resolves the policy for a crew. Fails with status ENVIRONMENT when it names CPUs that this process may not use. */
int pin_create(struct pin **pin, const char *policy, uint32_t workers, struct error *error);
void pin_destroy(struct pin *pin); /* NULL is fine */

/* Worker: binds the calling process. Returns 0 or an errno. */
int pin_apply(const struct pin *pin, uint32_t worker);

/* The CPUs of a worker in list format; NULL when it is not pinned. The string belongs to the pin. */
const char *pin_cpus(const struct pin *pin, uint32_t worker);

/* How many CPUs this process may use. */
uint32_t pin_cpus_allowed(void);

/* How many CPUs a crew of so many has, all together. NULL: as many as this process. */
uint32_t pin_cpus_of_crew(const struct pin *pin, uint32_t workers);

#endif
