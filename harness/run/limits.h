/* What the system's limits make of a primitive, by its own here(). */
#ifndef RUN_LIMITS_H
#define RUN_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "contract/verdict.h"
#include "run/spec.h"

/* Asks in a process of its own, and writes the answer's sentence. False: it cannot be set up here, as the sentence says. -1 in *rc: the
 * call did not return; *verdict and *error tell. */
bool limits_ask(const struct trial_spec *spec, char *text, size_t size, int *rc, enum verdict *verdict, struct error *error);

#endif
