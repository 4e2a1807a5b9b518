/* Keeping the accounts of a stream. */
#include "workloads/load/account.h"

#include <string.h>

#define LINE 128
#define RECENT_BITS 32

/* Fewer blocks for large crews: there is an account for each pair of a producer and a consumer. */
static void choose_widths(const struct shape *shape, struct account_book *book)
{
    uint64_t pairs = (uint64_t)shape->writers * (shape->readers + 1);
    book->blocks = pairs <= 4096 ? ACCOUNT_BLOCKS_MAX : pairs <= 65536 ? 8 : 1;
    book->recent = pairs <= 4096 ? 32 : pairs <= 65536 ? 8 : 1;
}

static size_t account_bytes(const struct account_book *book)
{
    return sizeof(struct account) + book->blocks * sizeof(struct account_block) + book->recent * sizeof(uint64_t);
}

static size_t lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

/* A consumer's accounts lie together, each producer's one by itself: nobody writes into another's lines. */
static size_t row_bytes(const struct account_book *book)
{
    return lines(book->shape->writers * account_bytes(book));
}

size_t account_book_bytes(const struct shape *shape)
{
    struct account_book book = {.shape = shape};
    choose_widths(shape, &book);
    return shape->writers * lines(account_bytes(&book)) + shape->readers * row_bytes(&book);
}

struct account_book account_book_open(const struct shape *shape, void *memory)
{
    struct account_book book = {.shape = shape, .accounts = memory};
    choose_widths(shape, &book);
    return book;
}

struct account *account_of(const struct account_book *book, uint32_t worker, uint32_t producer)
{
    uint32_t writers = book->shape->writers;
    size_t at = worker * lines(account_bytes(book));
    if (worker >= writers)
        at = writers * lines(account_bytes(book)) + (worker - writers) * row_bytes(book) + producer * account_bytes(book);
    return (struct account *)(void *)(book->accounts + at);
}

/* Blocks of twice the width. */
static void fold(struct account *account, uint32_t blocks)
{
    struct account_block *b = account->blocks;
    for (uint32_t i = 0; i < blocks; i++) {
        struct account_block low = {0}, high = {0};
        if (2 * i < blocks)
            low = b[2 * i];
        if (2 * i + 1 < blocks)
            high = b[2 * i + 1];
        b[i] = (struct account_block){low.count + high.count, low.sum + high.sum, low.mix + high.mix};
    }
    account->shift++;
}

void account_add(const struct account_book *book, struct account *account, uint64_t number)
{
    while (number >> account->shift >= book->blocks)
        fold(account, book->blocks);
    struct account_block *block = &account->blocks[number >> account->shift];
    block->count++;
    block->sum += number;
    block->mix += seed_scramble(number);
}

static uint64_t *recent_word(const struct account_book *book, struct account *account, uint64_t number)
{
    uint64_t *words = (uint64_t *)(void *)&account->blocks[book->blocks];
    return &words[number / RECENT_BITS & (book->recent - 1)];
}

/* Which of a word's numbers have never come; nothing can be said of a word that nobody has written. */
static void note_missing(uint64_t word, bool first, uint64_t *missing, uint32_t *missing_count)
{
    uint32_t gone = ~(uint32_t)word;
    if (word == 0 && !first)
        return;
    if (word >> 32 == 0)
        gone &= ~1u; /* there is no number 0 */
    *missing_count = (uint32_t)__builtin_popcount(gone);
    *missing = gone ? (word >> 32) * RECENT_BITS + (uint64_t)__builtin_ctz(gone) : 0;
}

enum account_news account_note(const struct account_book *book, struct account *account, uint64_t number, uint64_t *missing,
                               uint32_t *missing_count)
{
    uint64_t *place = recent_word(book, account, number), word = slot_load(place);
    uint64_t group = number / RECENT_BITS, bit = 1ULL << number % RECENT_BITS;
    bool late = number < account->newest;
    *missing = *missing_count = 0;
    if (number > account->newest)
        account->newest = number;
    if (word >> 32 == group && word & bit)
        return ACCOUNT_AGAIN;
    if (word >> 32 > group)
        return ACCOUNT_LATE;
    if (word >> 32 < group) {
        note_missing(word, (group & (book->recent - 1)) == 0, missing, missing_count);
        word = group << 32;
    }
    slot_store(place, word | bit);
    return late ? ACCOUNT_LATE : ACCOUNT_NEW;
}

bool account_has(const struct account_book *book, const struct account *account, uint64_t number)
{
    uint64_t word = slot_load(recent_word(book, (struct account *)(uintptr_t)account, number));
    return word >> 32 == number / RECENT_BITS && word >> number % RECENT_BITS & 1;
}

/* What went in less what came out. */
struct difference {
    uint32_t shift;
    uint64_t pushed[ACCOUNT_BLOCKS_MAX];
    struct account_block blocks[ACCOUNT_BLOCKS_MAX];
};

static void subtract(const struct account_book *book, const struct account *account, bool popped, struct difference *d)
{
    for (uint32_t i = 0; i < book->blocks; i++) {
        const struct account_block *from = &account->blocks[i];
        struct account_block *to = &d->blocks[(uint64_t)i << account->shift >> d->shift];
        if (!popped)
            d->pushed[(uint64_t)i << account->shift >> d->shift] += from->count;
        to->count += popped ? -from->count : from->count;
        to->sum += popped ? -from->sum : from->sum;
        to->mix += popped ? -from->mix : from->mix;
    }
}

static void compare(const struct account_book *book, uint32_t producer, struct difference *d)
{
    uint32_t workers = shape_workers(book->shape);
    memset(d, 0, sizeof *d);
    d->shift = account_of(book, producer, producer)->shift;
    for (uint32_t i = book->shape->writers; i < workers; i++)
        if (account_of(book, i, producer)->shift > d->shift)
            d->shift = account_of(book, i, producer)->shift;
    subtract(book, account_of(book, producer, producer), false, d);
    for (uint32_t i = book->shape->writers; i < workers; i++)
        subtract(book, account_of(book, i, producer), true, d);
}

#define SEARCH_MAX (1ULL << 22)

/* Two numbers, both missing (sign 1), both too many (-1), or `a` missing and `b` too many (0), that explain a difference.
 * False: there are none in the block that begins with `low`. */
static bool find_two(const struct account_block *block, int sign, uint64_t low, uint64_t width, uint64_t *a, uint64_t *b)
{
    uint64_t sum = sign < 0 ? -block->sum : block->sum, mix = sign < 0 ? -block->mix : block->mix;
    for (*a = low; *a - low < width && width <= SEARCH_MAX; ++*a) {
        *b = sign ? sum - *a : *a - sum;
        uint64_t other = seed_scramble(*b);
        if (*b - low < width && *b != *a && seed_scramble(*a) + (sign ? other : -other) == mix)
            return true;
    }
    return false;
}

static void tell_one(struct worker *auditor, const struct account_book *book, uint32_t producer, uint64_t number, bool lost)
{
    uint64_t pushed = account_of(book, producer, producer)->newest;
    if (lost)
        worker_violation_text(auditor, VIOLATION_LOST, "element %llu of worker %u (which pushed %llu) went in and never came out",
                              (unsigned long long)number, producer, (unsigned long long)pushed);
    else
        worker_violation_text(auditor, number > pushed ? VIOLATION_FOREIGN : VIOLATION_DUPLICATED,
                              number > pushed ? "element %llu of worker %u came out and never went in: it pushed %llu"
                                              : "element %llu of worker %u (which pushed %llu) came out once too often",
                              (unsigned long long)number, producer, (unsigned long long)pushed);
}

static void explain(struct worker *auditor, const struct account_book *book, uint32_t producer, const struct difference *d,
                    uint32_t i)
{
    const struct account_block *block = &d->blocks[i];
    uint64_t low = (uint64_t)i << d->shift, width = 1ULL << d->shift, a, b;
    int64_t count = (int64_t)block->count;
    if (count == 1 && seed_scramble(block->sum) == block->mix) {
        tell_one(auditor, book, producer, block->sum, true);
    } else if (count == -1 && seed_scramble(-block->sum) == -block->mix) {
        tell_one(auditor, book, producer, -block->sum, false);
    } else if (auditor->slot->evidence_count < SLOT_EVIDENCE && (count == 2 || count == -2 || count == 0) &&
               find_two(block, (int)count / 2, low, width, &a, &b)) {
        tell_one(auditor, book, producer, a, count >= 0);
        tell_one(auditor, book, producer, b, count > 0);
    } else {
        worker_violation_values(auditor, count < 0 ? VIOLATION_DUPLICATED : VIOLATION_LOST, d->pushed[i],
                                d->pushed[i] - block->count,
                                "of the elements %llu to %llu of worker %u %llu went in and %llu came out%s",
                                (unsigned long long)(low ? low : 1), (unsigned long long)(low + width - 1), producer,
                                (unsigned long long)d->pushed[i], (unsigned long long)(d->pushed[i] - block->count),
                                count ? "" : ", but not the same ones");
    }
}

void account_settle(const struct account_book *book, uint32_t producer)
{
    struct account *account = account_of(book, producer, producer);
    uint64_t next = account->newest + 1;
    for (uint32_t i = book->shape->writers; i < shape_workers(book->shape); i++)
        if (account_of(book, i, producer)->newest == next) {
            account_add(book, account, next);
            account->newest = next;
            return;
        }
}

/* Elements are missing from this block, and nothing else is wrong with it, as far as can be told. */
static bool only_missing(const struct account_block *block, uint32_t *missing)
{
    int64_t count = (int64_t)block->count;
    bool whole = count != 1 || seed_scramble(block->sum) == block->mix;
    if (count <= 0 || count > *missing || !whole)
        return false;
    *missing -= (uint32_t)count;
    return true;
}

void account_audit(struct worker *auditor, const struct account_book *book, uint32_t missing)
{
    struct difference d;
    for (uint32_t producer = 0; producer < book->shape->writers; producer++) {
        compare(book, producer, &d);
        for (uint32_t i = 0; i < book->blocks; i++)
            if ((d.blocks[i].count || d.blocks[i].sum || d.blocks[i].mix) && !only_missing(&d.blocks[i], &missing))
                explain(auditor, book, producer, &d, i);
    }
}
