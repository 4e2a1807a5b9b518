/* Is there an order of pushes and pops that explains a queue's history? (Henzinger, Sezgin, Vafeiadis: Aspect-Oriented
 * Linearizability Proofs, 2013; Bouajjani, Emmi, Enea, Hamza: On Reducing Linearizability to State Reachability, 2015)
 *
 * With every element pushed once, there is one unless an element was popped that nobody had pushed by then; or twice; or one
 * that was pushed first was popped last: push a before push b, pop b before pop a; or a pop found the queue empty although at
 * every moment of it some element was certainly inside, pushed before and popped later. Sorting finds all of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shm/payload.h"
#include "workloads/load/history_ops.h"

/* What happened to one element; an operation that was not recorded is NULL and has the widest bounds that are certain. */
struct element {
    const struct history_op *push, *pop;
    uint64_t push_start, push_end, pop_start, pop_end;
    const struct element *longest; /* of the elements up to this one in an order by push_end, the last to be popped */
};

struct elements {
    struct history_ops all;
    struct element *list;
    size_t count;
    uint64_t popped_after; /* pops that were not recorded began after this */
};

/* "element 5 of worker 0, pushed by worker 0 from 1.0 to 2.0 us and popped by worker 3 from 4.0 to 5.0 us" */
static void element_text(const struct elements *e, const struct element *element, char text[200])
{
    const struct history_op *known = element->push ? element->push : element->pop;
    double origin = (double)e->all.origin;
    char name[64], pushed[64] = "pushed after the record", popped[64] = "not popped in the record";
    history_value_text(&e->all, known->value, name);
    if (element->push)
        snprintf(pushed, sizeof pushed, "pushed %.3f to %.3f us", ((double)element->push_start - origin) / 1e3,
                 ((double)element->push_end - origin) / 1e3);
    if (element->pop)
        snprintf(popped, sizeof popped, "popped %.3f to %.3f us by worker %u", ((double)element->pop_start - origin) / 1e3,
                 ((double)element->pop_end - origin) / 1e3, element->pop->worker);
    snprintf(text, 200, "%s (%s, %s)", name, pushed, popped);
}

static void tell_order(struct worker *auditor, const struct elements *e, const struct element *a, const struct element *b)
{
    char first[200], second[200];
    element_text(e, a, first);
    element_text(e, b, second);
    worker_violation_text(auditor, VIOLATION_HISTORY, "first in was not first out: %s was in the queue before %s", first, second);
}

static void tell_empty(struct worker *auditor, const struct elements *e, const struct history_op *pop, const struct element *first,
                       const struct element *then)
{
    char op[HISTORY_OP_TEXT], one[200], other[200];
    history_op_text(&e->all, pop, op);
    element_text(e, first, one);
    if (first->pop_start > pop->end) {
        worker_violation_text(auditor, VIOLATION_HISTORY, "%s, although %s was inside", op, one);
        return;
    }
    element_text(e, then, other);
    worker_violation_text(auditor, VIOLATION_HISTORY, "%s, although something was inside at every moment: %s, then %s", op, one,
                          other);
}

static void tell_pop(struct worker *auditor, const struct elements *e, const struct history_op *op, const struct history_op *before,
                     const char *why)
{
    char one[HISTORY_OP_TEXT], other[HISTORY_OP_TEXT] = "";
    history_op_text(&e->all, op, one);
    if (before)
        history_op_text(&e->all, before, other);
    worker_violation_text(auditor, VIOLATION_HISTORY, "%s%s%s", one, why, other);
}

static const struct history_op *group_end(const struct elements *e, const struct history_op *op)
{
    const struct history_op *next = op;
    while (next < e->all.ops + e->all.count && next->value == op->value)
        next++;
    return next;
}

/* The element of the operations from `op` up to `end`. False: what happened to it contradicts itself, which has been reported,
 * or it was pushed twice, and nobody can tell which came out. */
static bool make_element(struct worker *auditor, const struct elements *e, const struct history_op *op,
                         const struct history_op *end, struct element *element)
{
    const struct history_op *push = op->kind == HISTORY_WRITE ? op : NULL, *pop = op + (push != NULL);
    uint64_t pushed_after = push ? push->start : history_written_after(&e->all, op->value);
    if (pop == end)
        pop = NULL;
    else if (pop->kind == HISTORY_WRITE)
        return false;
    *element = (struct element){push, pop, pushed_after, push ? push->end : HISTORY_NEVER, pop ? pop->start : e->popped_after,
                                pop ? pop->end : HISTORY_NEVER, NULL};
    for (const struct history_op *again = pop; again && ++again < end;)
        tell_pop(auditor, e, again, pop, ", and so had ");
    bool early = pop && (pushed_after == HISTORY_NEVER || pop->end < pushed_after);
    if (early)
        tell_pop(auditor, e, pop, push, push ? " before " : ", which nobody had pushed by then");
    return !early && (!pop || pop + 1 == end);
}

static int by_push_end(const void *a, const void *b)
{
    const struct element *x = a, *y = b;
    return x->push_end < y->push_end ? -1 : x->push_end > y->push_end;
}

/* Of the elements whose push was over before that moment, the one that was popped last; NULL: there are none. */
static const struct element *longest_before(const struct elements *e, uint64_t moment)
{
    size_t low = 0, high = e->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (e->list[middle].push_end < moment)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? e->list[low - 1].longest : NULL;
}

static void note_longest(struct elements *e)
{
    qsort(e->list, e->count, sizeof *e->list, by_push_end);
    for (size_t i = 0; i < e->count; i++) {
        const struct element *before = i ? e->list[i - 1].longest : NULL;
        e->list[i].longest = before && before->pop_start > e->list[i].pop_start ? before : &e->list[i];
    }
}

static void check_order(struct worker *auditor, const struct elements *e)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct element *b = &e->list[i], *a = longest_before(e, b->push_start);
        if (a && b->pop && b->pop_end < a->pop_start)
            tell_order(auditor, e, a, b);
    }
}

/* Follows the elements that were certainly inside from the pop's start on, each before the last one may have gone. */
static void check_empty(struct worker *auditor, const struct elements *e, const struct history_op *pop)
{
    const struct element *first = longest_before(e, pop->start), *then = first;
    uint64_t reach = pop->start;
    while (then && then->pop_start > reach) {
        reach = then->pop_start;
        if (reach > pop->end) {
            tell_empty(auditor, e, pop, first, first == then ? NULL : longest_before(e, first->pop_start));
            return;
        }
        then = longest_before(e, reach);
    }
}

static uint64_t popped_after(const struct history_ops *all)
{
    const struct shape *shape = all->auditor->shape;
    uint64_t after = HISTORY_NEVER;
    for (uint32_t i = shape->writers; i < shape_workers(shape); i++)
        if (all->until[i] < after)
            after = all->until[i];
    return after;
}

void history_check_queue(struct worker *auditor, void *memory, bool empties)
{
    struct elements e = {.all = {.noun = "element", .verbs = {"pushed", "popped", "found it empty"}}};
    size_t count = 0, empty = 0;
    if (auditor->shape->history == 0)
        return;
    history_gather(auditor, memory, &e.all);
    e.popped_after = popped_after(&e.all);
    for (size_t i = 0; i < e.all.count; i++) /* they have no value: to the front */
        if (e.all.ops[i].kind == HISTORY_EMPTY) {
            struct history_op op = e.all.ops[i];
            e.all.ops[i] = e.all.ops[empty];
            e.all.ops[empty++] = op;
        }
    struct history_op *ops = e.all.ops + empty, *end = e.all.ops + e.all.count;
    qsort(ops, e.all.count - empty, sizeof *ops, history_by_value);
    e.list = history_room(auditor, e.all.count, sizeof *e.list);
    for (const struct history_op *op = ops, *next; op < end; op = next) {
        next = group_end(&e, op);
        count += make_element(auditor, &e, op, next, &e.list[count]);
    }
    e.count = count;
    note_longest(&e);
    check_order(auditor, &e);
    for (size_t i = 0; empties && i < empty; i++)
        check_empty(auditor, &e, &e.all.ops[i]);
    free(e.list);
    history_free(&e.all);
}
