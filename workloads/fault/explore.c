/* explore: all disturbances by turns, in short slices. */
#include <stddef.h>

#include "contract/fault.h"
#include "contract/sync.h"
#include "workloads/fault/rows.h"

/* Where somebody may wait for another's next step: a lock, a slot, the last one of a meeting, an element. */
#define WAITED_FOR (1u << SYNC_LOCK | 1u << SYNC_POOL | 1u << SYNC_BARRIER | 1u << SYNC_QUEUE)

/* Where somebody else's bytes come back. */
#define VALUES (1u << SYNC_CELL | 1u << SYNC_QUEUE | 1u << SYNC_COUNTER | 1u << SYNC_POOL)

/* No single one finds every bug. In the order of the first time round: what finds most, soonest, comes first, and what needs many
 * processes or a special moment follows; of what is long, only what shows in no other way comes early. Rounds of one operation are
 * there three times: what is open for nanoseconds at a round's end takes many of them. The first long hold is longer than a tenth of
 * a second, which is as long as a lease is as a rule; elsewhere than in locks time limits are shorter. Of the readers many are
 * inside together then, and once while one of them is held up on his way in or out. The tight loop at the end is long: it is for
 * what breaks after a million operations; in cells with signals, by which it is no slower. Some sizes are odd: what copies whole
 * words or lines is right for all others. Some are large, so that many are interrupted in the middle of a copy: what knows a whole
 * value by a few bits is fooled once in hundreds of times. One is larger than a page, and than sixteen bits can tell. At a barrier
 * all wait for whom is held up, and are soon asleep: holds are short, and many. Who says that the death of a holder is noticed is
 * taken at his word. */
static const struct disturbance disturbances[] = {
    {.fault = &fault_none, .writers = 2, .readers = 2},
    {.fault = &fault_rounds, .parameter = 1, .writers = 1, .readers = 1},
    {.fault = &fault_signals, .parameter = 300, .writers = 2, .readers = 2, .size = 61, .longer = 2},
    {.fault = &fault_leave, .parameter = 2000, .writers = 6, .readers = 6},
    {.fault = &fault_yield, .parameter = 16, .writers = 12, .readers = 12},
    {.fault = &fault_churn, .choices = {CHURN_INSIDE}, .parameter = 3, .writers = 4, .readers = 2, .longer = 8, .traits = SYNC_ROBUST},
    {.fault = &fault_linger, .parameter = 105, .writers = 2, .readers = 18, .longer = 8, .families = 1u << SYNC_LOCK},
    {.fault = &fault_linger, .parameter = 45, .writers = 2, .readers = 2, .longer = 4, .families = WAITED_FOR & ~(1u << SYNC_LOCK)},
    {.fault = &fault_brink, .parameter = 20, .writers = 2, .readers = 0, .longer = 5, .families = 1u << SYNC_LOCK | 1u << SYNC_POOL},
    {.fault = &fault_breakpoint, .parameter = 1000, .writers = 2, .readers = 1, .longer = 3, .families = 1u << SYNC_CELL},
    {.fault = &fault_breakpoint, .parameter = 1000, .writers = 2, .readers = 2, .longer = 3,
     .families = ~(1u << SYNC_CELL | 1u << SYNC_BARRIER)},
    {.fault = &fault_breakpoint, .parameter = 100, .writers = 2, .readers = 2, .longer = 6, .families = 1u << SYNC_BARRIER},
    {.fault = &fault_breakpoint, .parameter = 1000, .writers = 3, .readers = 1, .longer = 2},
    {.fault = &fault_breakpoint, .parameter = 1000, .writers = 1, .readers = 10, .longer = 10,
     .families = 1u << SYNC_LOCK, .traits = SYNC_SHARED},
    {.fault = &fault_signals, .parameter = 100, .writers = 4, .readers = 4, .size = 509, .longer = 10, .families = VALUES},
    {.fault = &fault_signals, .parameter = 100, .writers = 2, .readers = 2,
     .size = 70001, .longer = 2, .families = 1u << SYNC_CELL | 1u << SYNC_QUEUE},
    {.fault = &fault_none, .writers = 8, .readers = 8, .size = 509},
    {.fault = &fault_rounds_held, .parameter = 1, .writers = 2, .readers = 2},
    {.fault = &fault_none, .writers = 1, .readers = 1, .size = 139},
    {.fault = &fault_rounds, .parameter = 1, .writers = 2, .readers = 0, .longer = 4},
    {.fault = &fault_both, .parameter = 5, .writers = 1, .readers = 1},
    {.fault = &fault_stop, .parameter = 2, .writers = 2, .readers = 2, .size = 1021},
    {.fault = &fault_priority, .parameter = 8, .writers = 4, .readers = 4},
    {.fault = &fault_step, .parameter = 20, .writers = 1, .readers = 2, .size = 29},
    {.fault = &fault_linger, .parameter = 20, .writers = 2, .readers = 2, .longer = 3, .families = WAITED_FOR},
    {.fault = &fault_rounds, .parameter = 1, .writers = 1, .readers = 1, .size = 256, .longer = 4},
    {.fault = &fault_linger, .parameter = 300, .writers = 2, .readers = 18, .longer = 14, .families = WAITED_FOR},
    {.fault = &fault_breakpoint, .parameter = 100000, .writers = 2, .readers = 2, .longer = 4},
    {.fault = &fault_none, .writers = 1, .readers = 1, .longer = 20, .families = ~(1u << SYNC_CELL)},
    {.fault = &fault_signals, .parameter = 100, .writers = 3, .readers = 3, .size = 509, .longer = 20, .families = 1u << SYNC_CELL},
    {.fault = &fault_signals, .parameter = 100, .writers = 3, .readers = 3, .longer = 10,
     .families = 1u << SYNC_LOCK, .traits = SYNC_BLOCKING},
    {.fault = NULL},
};

const struct fault_ops fault_explore = {
    .name = "explore",
    .summary = "all disturbances by turns, in short slices, those that have found something more often",
    .expect = -1,
    .disturbances = disturbances,
};
