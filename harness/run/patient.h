/* The patient: one running process, what it maps of shared memory, and the locks in there. */
#ifndef RUN_PATIENT_H
#define RUN_PATIENT_H

#include "contract/finding.h"

/* Reads all that is known of a process; the search for the owners of locks ends at the deadline (clock_ns()). Fails with status
 * ENVIRONMENT when there is no such process, when it has no memory (a thread of the kernel, or one that has ended), or when it
 * may not be looked into. The result must be freed. */
int patient_read(struct patient *patient, pid_t pid, uint64_t deadline_ns, struct error *error);
void patient_free(struct patient *patient);

/* The part of it that is about locks; for patient_read(). */
void patient_read_locks(struct patient *patient, uint64_t deadline_ns);

#endif
