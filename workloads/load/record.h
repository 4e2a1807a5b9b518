/* A guarded record in the region: stamped bytes between two guards, and the judgement of what is read from it.
 *
 * Used by the loads that write whole records (snapshot, quit). The caller holds whatever lock there is.
 */
#ifndef WORKLOADS_LOAD_RECORD_H
#define WORKLOADS_LOAD_RECORD_H

#include "contract/worker.h"
#include "shm/payload.h"

#define RECORD_GUARD 64

/* Where things lie, from the start of the record's memory: guard, payload, guard, with no gap. */
size_t record_bytes(uint64_t size);

/* The payload in the record's memory. */
static inline unsigned char *record_payload(void *memory)
{
    return (unsigned char *)memory + RECORD_GUARD;
}

/* Writes version 0 by nobody, and the guards. */
void record_prepare(void *memory, const struct shape *shape);

/* The trial's tag: tells this trial's stamps from another's. */
static inline uint32_t record_tag(const struct shape *shape)
{
    return (uint32_t)(seed_scramble(shape->seed ^ 0x746167) & ((1u << PAYLOAD_TAG_BITS) - 1));
}

/* The stamp of the initial content. */
static inline uint64_t record_initial(const struct shape *shape)
{
    return payload_stamp(0, PAYLOAD_NOBODY, record_tag(shape));
}

/* Fills the payload as worker `w`, passing through worker_inside() when half of it is written. */
void record_write(struct worker *w, void *memory, uint64_t version);

/* Is the payload still what worker `w` has just written as `version`? Looks at the first, the last and a random word;
 * reports an overlap if not. */
void record_confirm(struct worker *w, void *memory, uint64_t version);

/* The same of whatever was written or read under this stamp, for who is still inside. */
void record_kept(struct worker *w, void *memory, uint64_t stamp);

/* Reads and judges the payload: torn or foreign content is reported. True: the record is whole, *stamp is its stamp. */
bool record_read(struct worker *w, void *memory, uint64_t *stamp);

/* The same of words that were read from it elsewhere, whole or not. */
bool record_judge(struct worker *w, const void *read, uint64_t *stamp);

/* Is the stamp one that a worker of this trial makes? Reported if not. */
bool record_expected(struct worker *w, uint64_t stamp);

/* Reports that a word of the payload is not any more what the worker has just written as `version`. */
void record_overwritten(struct worker *w, const void *memory, uint64_t version, size_t word);

/* Judges the version of a whole record against what this worker has seen and what was known to be complete. Then it
 * becomes what this worker has seen. `floor` 0: nothing was known. */
void record_order(struct worker *w, uint64_t stamp, uint64_t floor);

/* The newest version that one other worker, chosen at random, knows to be complete: to be asked before entering. */
uint64_t record_floor(struct worker *w);

/* Completes what a dead holder had begun: the write that the first word names becomes the record. */
void record_repair(struct worker *w, void *memory);

/* Would a writer's death, when so many words are written, leave two writes mixed? */
bool record_torn_by_death(const struct shape *shape, double words);

/* Reports guards that have changed. */
void record_audit(struct worker *auditor, void *memory);

/* The writer as evidence names it: an index, or -1 for the initial content. */
static inline int32_t record_writer(uint64_t stamp)
{
    return payload_writer(stamp) == PAYLOAD_NOBODY ? -1 : (int32_t)payload_writer(stamp);
}

#endif
