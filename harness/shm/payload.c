/* The payload: filling records, and reading them back, each word once; wide loops do the middle of large ones. */
#include "shm/payload.h"

#include <string.h>

#include "shm/payload_wide.h"

#define WORD sizeof(uint64_t)
#define CHUNK 8   /* words that are read one by one before they are judged */

static uint64_t word_at(uint64_t stamp, size_t index)
{
    return stamp + index * PAYLOAD_STRIDE;
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

/* The loops of the best instruction set here. */
static inline const struct payload_wide *wide_here(void)
{
    static const struct payload_wide *wide;
    if (__builtin_expect(!wide, 0))
        wide = payload_wide(payload_isa());
    return wide;
}

static inline void fill_by(const struct payload_wide *wide, void *record, size_t bytes, uint64_t stamp)
{
    typedef uint64_t loose __attribute__((aligned(1), may_alias));
    unsigned char *to = record;
    size_t words = bytes / WORD;
    for (size_t i = wide && bytes >= PAYLOAD_WIDE_FROM ? wide->fill(to, words, stamp) : 0; i < words; i++)
        *(volatile loose *)(to + i * WORD) = word_at(stamp, i);
    if (bytes % WORD)
        store_tail(to, bytes, word_at(stamp, words));
}

void payload_fill(void *record, size_t bytes, uint64_t stamp)
{
    fill_by(wide_here(), record, bytes, stamp);
}

void payload_fill_by(enum payload_isa isa, void *record, size_t bytes, uint64_t stamp)
{
    fill_by(payload_wide(isa), record, bytes, stamp);
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

/* Words that are too few for a wide loop, or are left by one. */
static bool rest_read(const unsigned char *from, size_t bytes, size_t done, struct payload_view *view)
{
    size_t words = bytes / WORD;
    if (words == 0) {
        view->stamp = load_tail(from, bytes);
        return true;
    }
    if (!words_read(from, done, words, view))
        return false;
    return bytes % WORD ? tail_check(from, bytes, view) : true;
}

_Thread_local uint64_t payload_batch[PAYLOAD_BATCH];

/* What the wide loop stopped at is judged, and the loop goes on behind it if that was whole. It is when the stamp that the loop went
 * by, a word read before, had become another write's by the time its vector was read: what was read then is what counts. */
bool payload_read_on(const struct payload_wide *wide, const void *record, size_t bytes, size_t done, struct payload_view *view)
{
    const unsigned char *from = record;
    size_t words = bytes / WORD;
    view->whole = true;
    while (wide && words - done >= wide->vector_words) {
        size_t count = words - done >= wide->long_words ? wide->long_words : wide->vector_words;
        if (done == 0)
            view->stamp = payload_batch[0];
        if (!words_check(view, payload_batch, done, count))
            return false;
        done += count;
        done += wide->read_from(from + done * WORD, words - done, word_at(view->stamp, done), payload_batch);
    }
    return rest_read(from, bytes, done, view);
}

bool payload_read(const void *record, size_t bytes, struct payload_view *view)
{
    return wide_here()->read(record, bytes, view);
}

bool payload_read_by(enum payload_isa isa, const void *record, size_t bytes, struct payload_view *view)
{
    return isa == PAYLOAD_SCALAR ? payload_read_on(NULL, record, bytes, 0, view) : payload_wide(isa)->read(record, bytes, view);
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
