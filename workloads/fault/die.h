/* Deaths: the places of an operation where a worker may end, and the manners in which it does. What the rows share that kill.
 *
 * A worker is condemned before an operation, and dies in it when it comes to the place. Who waits is struck from outside.
 */
#ifndef WORKLOADS_FAULT_DIE_H
#define WORKLOADS_FAULT_DIE_H

#include "contract/worker.h"

enum die_place { DIE_INSIDE, DIE_BEFORE, DIE_WAITING, DIE_RELEASING, DIE_AFTER, DIE_WITHIN, DIE_WRITING, DIE_PLACES };
enum die_manner { DIE_KILL, DIE_SEGV, DIE_ABORT, DIE_EXIT, DIE_QUICK_EXIT, DIE_EXEC, DIE_UNMAP, DIE_STOP };
enum die_who { DIE_ONE, DIE_WRITERS, DIE_ALL_BUT_ONE, DIE_READER };

/* The words for them, each list NULL-ended. */
extern const char *const die_places[];
extern const char *const die_manners[];
extern const char *const die_whom[];

/* In the memory that the crew shares. */
struct die_commons {
    struct fault_mortality mortality;
    uint32_t stopped; /* index + 1 of a worker that is stopped and has not been noticed yet */
    /* the nemesis's own */
    uint32_t hurry; /* operations have taken long: nobody's number is waited for any more */
    uint32_t hunted, seen, to_continue; /* index + 1 of who is to be struck when it waits, was seen waiting, or is to go on */
    uint64_t seen_ops, until_ns;
    uint64_t next_ns; /* since the gate: the next sentence */
};
_Static_assert(sizeof(struct die_commons) <= FAULT_COMMONS_BYTES, "what the deaths share lies in the commons");

/* In each worker. */
struct die_plan {
    enum die_place place;
    enum die_manner manner;
    bool doomed;        /* it dies in the first operation from `operation` on */
    bool armed;         /* and counts towards that already, over as many operations as it takes */
    uint64_t operation;
    uint64_t number;    /* words written, instructions or stores made there */
    uint32_t deaths;    /* that there had been when this worker's last call began */
};

/* The worker that the seed chooses for `who`, and whether `index` is among the chosen. */
uint32_t die_victim(const struct shape *shape, enum die_who who);
bool die_chosen(const struct shape *shape, enum die_who who, uint32_t index);

/* NULL, or why that place makes no sense for that crew and family. */
const char *die_place_refuses(const struct shape *shape, enum die_place place, enum die_manner manner);
enum death die_death_at(enum die_place place, enum die_manner manner);

/* In each worker, before the gate: makes the plan; `counts`: it may have to count instructions or stores. 0 or an errno. */
int die_prepare(struct worker *w, bool counts);

/* Condemns this worker to die in the operation number `operation`, or the next one. */
void die_condemn(struct worker *w, enum die_place place, enum die_manner manner, uint64_t operation, uint64_t number);

/* Ends the process, or stops it. */
void die_now(struct worker *w);

/* The hooks of a row. */
void die_before(struct worker *w, double parameter);
void die_inside(struct worker *w, double parameter);
void die_calling(struct worker *w, double parameter);
void die_called(struct worker *w, double parameter);

/* From outside: strikes whom the commons have hunted, when it is seen waiting; continues who was stopped. */
void die_strike_waiting(struct nemesis *nemesis, enum die_manner manner);
void die_continue_stopped(struct nemesis *nemesis);
/* Puts new processes in the places of the dead. */
void die_respawn(struct nemesis *nemesis);

#endif
