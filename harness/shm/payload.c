/* The payload: filling records, and reading them back word by word, in blocks that the compiler turns into vectors. */
#include "shm/payload.h"

#include <string.h>

#define WORD sizeof(uint64_t)
#define LANES 8           /* words of a vector */
#define VECTORS 4         /* vectors of a block: one branch a block */
#define BLOCK (LANES * VECTORS)
#define CHUNK 8           /* words that are read one by one before they are judged */

typedef uint64_t vector __attribute__((vector_size(LANES * sizeof(uint64_t)), aligned(1), may_alias));

/* The wide loops run on what the CPU has; without dispatch the baseline does the same, slower. Sanitized builds keep the
 * baseline: the resolver runs before their runtime is ready. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(SANITIZED)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define DISPATCHED
#endif

#define STEP(n, k) (((n) + (k)) * PAYLOAD_STRIDE)
#define RAMP(n) (vector){STEP(n, 0), STEP(n, 1), STEP(n, 2), STEP(n, 3), STEP(n, 4), STEP(n, 5), STEP(n, 6), STEP(n, 7)}

static uint64_t word_at(uint64_t stamp, size_t index)
{
    return stamp + index * PAYLOAD_STRIDE;
}

/* The loops over a block's vectors must not stay loops: their vectors belong in registers. */
#define UNROLLED _Pragma("GCC unroll 8")

/* Each loop returns how many words it has done; the rest is left to the scalar tail. */
DISPATCHED static size_t fill_blocks(unsigned char *record, size_t words, uint64_t stamp)
{
    vector value[VECTORS];
    size_t i = 0;
    UNROLLED for (unsigned k = 0; k < VECTORS; k++)
        value[k] = stamp + RAMP((uint64_t)k * LANES);
    for (; i + BLOCK <= words; i += BLOCK) {
        volatile vector *to = (volatile vector *)(record + i * WORD);
        UNROLLED for (unsigned k = 0; k < VECTORS; k++) {
            to[k] = value[k];
            value[k] += (uint64_t)BLOCK * PAYLOAD_STRIDE;
        }
    }
    return i;
}

/* Stops at the first block with a foreign word and leaves that block, as it was read, in `block`. */
DISPATCHED static size_t read_blocks(const unsigned char *record, size_t words, uint64_t stamp, uint64_t *block)
{
    vector expected[VECTORS];
    size_t i = 0;
    UNROLLED for (unsigned k = 0; k < VECTORS; k++)
        expected[k] = stamp + RAMP((uint64_t)k * LANES);
    for (; i + BLOCK <= words; i += BLOCK) {
        /* volatile: one load a word; a second one for the evidence would read another state */
        const volatile vector *from = (const volatile vector *)(record + i * WORD);
        vector read[VECTORS], wrong = {0};
        UNROLLED for (unsigned k = 0; k < VECTORS; k++) {
            read[k] = from[k];
            wrong |= read[k] ^ expected[k];
            expected[k] += (uint64_t)BLOCK * PAYLOAD_STRIDE;
        }
        uint64_t any = wrong[0] | wrong[1] | wrong[2] | wrong[3] | wrong[4] | wrong[5] | wrong[6] | wrong[7];
        if (__builtin_expect(any != 0, 0)) {
            memcpy(block, read, sizeof read);
            break;
        }
    }
    return i;
}

static uint64_t load_word(const unsigned char *record, size_t index)
{
    typedef uint64_t loose __attribute__((aligned(1), may_alias));
    return *(const volatile loose *)(record + index * WORD);
}

typedef uint32_t loose32 __attribute__((aligned(1), may_alias));
typedef uint16_t loose16 __attribute__((aligned(1), may_alias));

/* The last bytes % 8 bytes, in the low bytes of a word: in pieces of four, two and one, so that a record of one of these
 * sizes is read and written at once, as a program's flag would be. */
static uint64_t load_tail(const unsigned char *record, size_t bytes)
{
    const unsigned char *at = record + bytes / WORD * WORD;
    uint64_t word = 0;
    unsigned shift = 0;
    if (bytes & 4) {
        word = *(const volatile loose32 *)at;
        shift = 32;
    }
    if (bytes & 2) {
        word |= (uint64_t) * (const volatile loose16 *)(at + shift / 8) << shift;
        shift += 16;
    }
    if (bytes & 1)
        word |= (uint64_t) * (const volatile unsigned char *)(at + shift / 8) << shift;
    return word;
}

static void store_tail(unsigned char *record, size_t bytes, uint64_t word)
{
    unsigned char *at = record + bytes / WORD * WORD;
    if (bytes & 4) {
        *(volatile loose32 *)at = (uint32_t)word;
        at += 4;
        word >>= 32;
    }
    if (bytes & 2) {
        *(volatile loose16 *)at = (uint16_t)word;
        at += 2;
        word >>= 16;
    }
    if (bytes & 1)
        *(volatile unsigned char *)at = (unsigned char)word;
}

void payload_fill(void *record, size_t bytes, uint64_t stamp)
{
    typedef uint64_t loose __attribute__((aligned(1), may_alias));
    unsigned char *to = record;
    size_t words = bytes / WORD;
    for (size_t i = words >= BLOCK ? fill_blocks(to, words, stamp) : 0; i < words; i++)
        *(volatile loose *)(to + i * WORD) = word_at(stamp, i);
    if (bytes % WORD)
        store_tail(to, bytes, word_at(stamp, words));
}

/* Notes a foreign word: `read` holds `count` words as they were read, from word `first` on; word `at` is the first wrong. */
static bool note_tear(struct payload_view *view, const uint64_t *read, size_t first, size_t count, size_t at)
{
    size_t from = at - first > 2 ? at - first - 2 : 0;
    size_t words = count - from;
    if (words > PAYLOAD_EXCERPT / WORD)
        words = PAYLOAD_EXCERPT / WORD;
    view->whole = false;
    view->offset = at * WORD;
    view->other = read[at - first] - at * PAYLOAD_STRIDE;
    view->excerpt_at = (first + from) * WORD;
    view->excerpt_bytes = words * WORD;
    memcpy(view->excerpt, read + from, words * WORD);
    return false;
}

/* Judges `count` words that were read into `read`, the first of them being word `first` of the record. */
static bool words_check(struct payload_view *view, const uint64_t *read, size_t first, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (read[k] != word_at(view->stamp, first + k))
            return note_tear(view, read, first, count, first + k);
    return true;
}

/* Reads words one by one, each once, and judges them chunk by chunk; the stamp comes from the record's first word. */
static bool words_read(const unsigned char *record, size_t first, size_t end, struct payload_view *view)
{
    for (; first < end; first += CHUNK) {
        uint64_t read[CHUNK] = {0};
        size_t count = end - first < CHUNK ? end - first : CHUNK;
        uint64_t wrong = 0;
        for (size_t k = 0; k < count; k++)
            read[k] = load_word(record, first + k);
        if (first == 0)
            view->stamp = read[0];
        for (size_t k = 0; k < count; k++)
            wrong |= read[k] ^ word_at(view->stamp, first + k);
        if (__builtin_expect(wrong != 0, 0))
            return words_check(view, read, first, count);
    }
    return true;
}

static bool tail_check(const unsigned char *record, size_t bytes, struct payload_view *view)
{
    size_t words = bytes / WORD;
    uint64_t mask = payload_mask(bytes % WORD);
    uint64_t read = load_tail(record, bytes);
    if (read == (word_at(view->stamp, words) & mask))
        return true;
    note_tear(view, &read, words, 1, words);
    view->other = (read - words * PAYLOAD_STRIDE) & mask;
    view->excerpt_bytes = bytes % WORD;
    return false;
}

bool payload_read(const void *record, size_t bytes, struct payload_view *view)
{
    const unsigned char *from = record;
    size_t words = bytes / WORD, done = words < CHUNK ? words : CHUNK;
    view->whole = true;
    if (words == 0) {
        view->stamp = load_tail(from, bytes);
        return true;
    }
    if (!words_read(from, 0, done, view))
        return false;
    if (words - done >= BLOCK) {
        uint64_t block[BLOCK];
        done += read_blocks(from + done * WORD, words - done, word_at(view->stamp, done), block);
        if (words - done >= BLOCK)
            return words_check(view, block, done, BLOCK);
    }
    if (!words_read(from, done, words, view))
        return false;
    return bytes % WORD ? tail_check(from, bytes, view) : true;
}

uint64_t payload_peek(const void *record, size_t bytes)
{
    return bytes >= WORD ? load_word(record, 0) : load_tail(record, bytes);
}

uint64_t payload_peek_last(const void *record, size_t bytes)
{
    size_t last = bytes / WORD - 1;
    return load_word(record, last) - last * PAYLOAD_STRIDE;
}
