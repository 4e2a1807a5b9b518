/* The patient: one running process, what it maps of shared memory, and the locks in there. */
#ifndef RUN_PATIENT_H
#define RUN_PATIENT_H

#include "contract/finding.h"

/* Reads all that is known of a process. Fails with status ENVIRONMENT when there is no such process, or it may not be looked
 * into. The result must be freed. */
int patient_read(struct patient *patient, pid_t pid, struct error *error);
void patient_free(struct patient *patient);

#endif
