/* Accounts of a stream: which elements of which producer a worker has pushed or popped, in little memory, exactly in sum.
 *
 * An account counts the numbers of the elements in blocks of equal width, which doubles when the numbers outgrow them: how many,
 * their sum, and the sum of their scrambled values. Pushes and pops of a block agree in all three unless elements were lost,
 * doubled or invented (but for a chance of 2^-64), and one or two such elements follow from the differences. The last elements
 * of all are kept one by one, as bits.
 */
#ifndef WORKLOADS_LOAD_ACCOUNT_H
#define WORKLOADS_LOAD_ACCOUNT_H

#include "contract/worker.h"

#define ACCOUNT_BLOCKS_MAX 64

struct account_block {
    uint64_t count, sum, mix;
};

struct account {
    uint64_t newest; /* highest number so far; numbers begin with 1 */
    uint32_t shift;  /* a block has 2^shift numbers */
    uint32_t unused;
    struct account_block blocks[]; /* then the recent bits: words of (number / 32) << 32 | 32 bits */
};

/* All accounts of a trial: each producer's pushes, and each consumer's pops of each producer's elements. */
struct account_book {
    const struct shape *shape;
    unsigned char *accounts;
    uint32_t blocks, recent; /* of each account; powers of two */
};

size_t account_book_bytes(const struct shape *shape);
struct account_book account_book_open(const struct shape *shape, void *memory);

/* What `worker` has pushed, or popped of that producer's. */
struct account *account_of(const struct account_book *book, uint32_t worker, uint32_t producer);

/* Adds an element's number to the blocks. */
void account_add(const struct account_book *book, struct account *account, uint64_t number);

enum account_news {
    ACCOUNT_NEW,
    ACCOUNT_AGAIN, /* it was there before */
    ACCOUNT_LATE,  /* later ones were there before */
};

/* Notes an element among the recent ones. *missing: the lowest number that has never come although some hundred later ones
 * have, and `missing_count` how many such; 0: none. Meaningful when all elements of that producer come to this account. */
enum account_news account_note(const struct account_book *book, struct account *account, uint64_t number, uint64_t *missing,
                               uint32_t *missing_count);

/* Is it among the recent ones of an account, which somebody else may be writing? */
bool account_has(const struct account_book *book, const struct account *account, uint64_t number);

/* Of a producer that has died: its next element counts as pushed if it has come out. */
void account_settle(const struct account_book *book, uint32_t producer);

/* Compares what went in with what came out, and reports what is lost, doubled or invented; so many of all elements may be
 * missing. */
void account_audit(struct worker *auditor, const struct account_book *book, uint32_t missing);

#endif
