/* The words a trial is judged with. */
#ifndef CONTRACT_VERDICT_H
#define CONTRACT_VERDICT_H

#include "contract/plugin.h"

/* "CLEAN", ... */
const char *verdict_name(enum verdict verdict);

/* The verdict of that name, letter case ignored; -1 for an unknown one. */
int verdict_find(const char *name);

/* NULL-ended list of the names. */
extern const char *const verdict_names[VERDICTS + 1];

#endif
