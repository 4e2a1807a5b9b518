/* The diagnosis: what runtime this is, and what every row finds. */
#ifndef RUN_DIAGNOSE_H
#define RUN_DIAGNOSE_H

#include "contract/finding.h"

/* Which runtime this process is in; `unit` receives the name of a service, or stays empty. */
enum runtime runtime_detect(char *unit, size_t size);

/* Reads what all rows share. The result must be freed. */
void diagnosis_begin(struct diagnosis *d);

/* Lets every row about this subject look; rows that need a /dev/shm where there is none are left out. */
void diagnosis_run(struct diagnosis *d, const struct finding_ops *const *families, enum subject subject);

/* The worst severity that was found; -1 for nothing. */
int diagnosis_worst(const struct diagnosis *d);

void diagnosis_free(struct diagnosis *d);

#endif
