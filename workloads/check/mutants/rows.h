/* The mistakes, one row each: MUTANT(identifier, what is wrong in it, how), and WRONG(function, errno, errno that is told instead). */
/* No guard: it is included once for each thing that is made of the rows. */
#include "workloads/check/mutants/rows_object.h"
#include "workloads/check/mutants/rows_memory.h"
#include "workloads/check/mutants/rows_process.h"
#include "workloads/check/mutants/rows_sync.h"
#include "workloads/check/mutants/rows_errno.h"
