/* The nearest valid name for a mistyped one. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

#include "base/error.h"

/* The name of the NULL-ended list that takes the fewest edits (insert, delete, replace, swap of neighbours; letter case
 * counts half as much as a letter). NULL only for an empty list. The list keeps ownership. */
const char *suggest_nearest(const char *typed, const char *const *names);

/* The same if it is likely to be what was meant: no more edits than half of the letters, or one word begins with the other one.
 * NULL otherwise: a guess that is far off only leads astray. */
const char *suggest_likely(const char *typed, const char *const *names);

/* Fails with status USAGE and the text `unknown WHAT "typed"; did you mean "x"? Valid: a b c`, without the question where nothing
 * is likely to have been meant. A long list ends in " ... and N more". */
int suggest_fail(struct error *error, const char *what, const char *typed, const char *const *names);

#endif
