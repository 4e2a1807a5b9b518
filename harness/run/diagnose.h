/* The diagnosis: what every row finds. */
#ifndef RUN_DIAGNOSE_H
#define RUN_DIAGNOSE_H

#include "contract/finding.h"

/* Reads what all rows share; the objects of /dev/shm, which take the most time, where they are wanted. The result must be freed. */
void diagnosis_begin(struct diagnosis *d, bool objects);

/* Lets every row about this subject look; rows that need a /dev/shm where there is none are left out. */
void diagnosis_run(struct diagnosis *d, const struct finding_ops *const *families, enum subject subject);

/* The worst severity that was found; -1 for nothing. */
int diagnosis_worst(const struct diagnosis *d);

void diagnosis_free(struct diagnosis *d);

#endif
