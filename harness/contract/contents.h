/* The lists of everything there is to run, in curated order. The content side defines them; the harness knows no row by name. */
#ifndef CONTRACT_CONTENTS_H
#define CONTRACT_CONTENTS_H

#include "contract/check.h"
#include "contract/fault.h"
#include "contract/finding.h"
#include "contract/load.h"
#include "contract/sync.h"

struct tight_loops;

/* NULL-ended; the syncs of this program itself. */
extern const struct sync_ops *const contents_syncs[];
extern const struct tight_loops *const contents_tights[]; /* see contract/tight.h */
extern const struct load_ops *const contents_loads[];
extern const struct fault_ops *const contents_faults[];

/* NULL-ended; each is one family, an array of rows that ends with an empty one. */
extern const struct check_ops *const contents_checks[];
extern const struct finding_ops *const contents_findings[];

/* Ends with a row without an id. */
extern const struct check_difference *const contents_differences;

/* What runs when nothing is named: lists as they are typed. */
extern const char contents_default_load[];
extern const char contents_default_syncs[];
extern const char contents_default_hunt[]; /* the load, where a plugin is given and no load */

/* Every sync there is, those that plugins have brought behind those of this program; NULL behind the last. */
const struct sync_ops *contents_sync_at(size_t i);

/* Adds a row, which must stay; -1: there is no room for more. */
int contents_add_sync(const struct sync_ops *row);

/* The row of that name, or NULL. */
const struct sync_ops *contents_sync(const char *name);
const struct load_ops *contents_load(const char *name);
const struct fault_ops *contents_fault(const char *name);

/* The positive control of a family (SYNC_CONTROL), or NULL. */
const struct sync_ops *contents_control(enum sync_family family);

/* Checks that every row has what its family and kind require; ends the program with a message if not. */
void contents_verify(void);

#endif
