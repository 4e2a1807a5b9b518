/* The nearest valid name for a mistyped one. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

#include "base/error.h"

/* The name of the NULL-ended list that takes the fewest edits (insert, delete, replace, swap of neighbours; letter case
 * counts half as much as a letter). NULL only for an empty list. The list keeps ownership. */
const char *suggest_nearest(const char *typed, const char *const *names);

/* Fails with status USAGE and the text `unknown WHAT "typed"; did you mean "x"? Valid: a b c`. */
int suggest_fail(struct error *error, const char *what, const char *typed, const char *const *names);

#endif
