/* The lists of everything there is to run, in curated order. The content side defines them; the harness knows no row by name. */
#ifndef CONTRACT_CONTENTS_H
#define CONTRACT_CONTENTS_H

#include "contract/check.h"
#include "contract/fault.h"
#include "contract/finding.h"
#include "contract/load.h"
#include "contract/sync.h"

/* NULL-ended. */
extern const struct sync_ops *const contents_syncs[];
extern const struct load_ops *const contents_loads[];
extern const struct fault_ops *const contents_faults[];

/* NULL-ended; each is one family, an array of rows that ends with an empty one. */
extern const struct check_ops *const contents_checks[];
extern const struct finding_ops *const contents_findings[];

/* What runs when nothing is named: lists as they are typed. */
extern const char contents_default_load[];
extern const char contents_default_syncs[];

/* The row of that name, or NULL. */
const struct sync_ops *contents_sync(const char *name);
const struct load_ops *contents_load(const char *name);
const struct fault_ops *contents_fault(const char *name);

/* The positive control of a family (SYNC_CONTROL), or NULL. */
const struct sync_ops *contents_control(enum sync_family family);

/* Checks that every row has what its family and kind require; ends the program with a message if not. */
void contents_verify(void);

#endif
