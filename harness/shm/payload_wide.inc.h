/* The wide loops of one instruction set; payload_wide.c includes this once for each, with
 *
 *     WIDE(name)      the name of a function of this set
 *     WIDE_TARGET     its attributes
 *     WIDE_BYTES      of a vector
 *     WIDE_LONG       vectors of a long batch: as many as registers hold, since what was read must be there when it turns out wrong
 *     WIDE_ANY(v)     is any bit of the vector set?
 *     WIDE_SPREAD(v, at)  fills a vector with the word at `at`, which is read once
 *     WIDE_KEEP(v)    hides from the compiler how the vector came about: it would regroup sums until registers are short
 */

typedef uint64_t WIDE(vector) __attribute__((vector_size(WIDE_BYTES), aligned(1), may_alias));

#define WIDE_WORDS (WIDE_BYTES / 8)
#define WIDE_FILLED 4 /* vectors stored in one turn */

/* The pattern of a stamp, or of a vector full of it, from the k-th vector of a record on. */
#define WIDE_PATTERN(k, stamp) (*(const WIDE(vector) *)(const void *)(ramp + (k) * WIDE_WORDS) + (stamp))

WIDE_TARGET static size_t WIDE(fill)(unsigned char *record, size_t words, uint64_t stamp)
{
    WIDE(vector) value[WIDE_FILLED];
    size_t i = 0;
    UNROLLED for (unsigned k = 0; k < WIDE_FILLED; k++)
        value[k] = WIDE_PATTERN(k, stamp);
    for (; i + WIDE_FILLED * WIDE_WORDS <= words; i += WIDE_FILLED * WIDE_WORDS) {
        volatile WIDE(vector) *to = (volatile WIDE(vector) *)(record + i * 8);
        UNROLLED for (unsigned k = 0; k < WIDE_FILLED; k++) {
            to[k] = value[k];
            value[k] += (uint64_t)(WIDE_FILLED * WIDE_WORDS * PAYLOAD_STRIDE);
        }
    }
    for (; i + WIDE_WORDS <= words; i += WIDE_WORDS) {
        *(volatile WIDE(vector) *)(record + i * 8) = value[0];
        value[0] += (uint64_t)(WIDE_WORDS * PAYLOAD_STRIDE);
    }
    return i;
}

/* First long batches. Half of their vectors have expectations at hand, which are moved on in between: registers are few. Two
 * chains of differences, so that a batch does not wait for its own sum. The loads are volatile: one a word, and no second one for
 * the evidence, which would read another state. The stamp goes from memory to a vector without a detour: everything waits for it. */
WIDE_TARGET static inline __attribute__((always_inline)) size_t WIDE(read_words)(const unsigned char *record, size_t words, const uint64_t *hint, uint64_t *stamp,
                                                 uint64_t batch[PAYLOAD_BATCH])
{
    enum { HALF = WIDE_LONG / 2, STEP = HALF * WIDE_WORDS };
    WIDE(vector) expected[HALF], read[WIDE_LONG], even, odd, stamps;
    size_t i = 0;
    WIDE_SPREAD(stamps, hint);
    UNROLLED for (unsigned k = 0; k < HALF; k++)
        expected[k] = WIDE_PATTERN(k, stamps);
    *stamp = stamps[0];
    for (; i + 2 * STEP <= words; i += 2 * STEP) {
        const volatile WIDE(vector) *from = (const volatile WIDE(vector) *)(record + i * 8);
        UNROLLED for (unsigned k = 0; k < WIDE_LONG; k += 2) {
            read[k] = from[k];
            read[k + 1] = from[k + 1];
            even = k ? even | (read[k] ^ expected[k % HALF]) : read[0] ^ expected[0];
            odd = k ? odd | (read[k + 1] ^ expected[(k + 1) % HALF]) : read[1] ^ expected[1];
            expected[k % HALF] += (uint64_t)(STEP * PAYLOAD_STRIDE);
            expected[(k + 1) % HALF] += (uint64_t)(STEP * PAYLOAD_STRIDE);
            WIDE_KEEP(even);
            WIDE_KEEP(odd);
            WIDE_KEEP(expected[k % HALF]);
            WIDE_KEEP(expected[(k + 1) % HALF]);
        }
        even |= odd;
        if (__builtin_expect(WIDE_ANY(even), 0)) {
            memcpy(batch, read, sizeof read);
            return i;
        }
    }
    for (; i + WIDE_WORDS <= words; i += WIDE_WORDS) {
        read[0] = *(const volatile WIDE(vector) *)(record + i * 8);
        odd = read[0] ^ expected[0];
        if (__builtin_expect(WIDE_ANY(odd), 0)) {
            memcpy(batch, read, sizeof read[0]);
            return i;
        }
        expected[0] += (uint64_t)(WIDE_WORDS * PAYLOAD_STRIDE);
    }
    return i;
}

static const struct payload_wide WIDE(set);

WIDE_TARGET static size_t WIDE(read_from)(const unsigned char *record, size_t words, uint64_t stamp, uint64_t batch[PAYLOAD_BATCH])
{
    uint64_t ignored;
    return WIDE(read_words)(record, words, &stamp, &ignored, batch);
}

/* All of the usual case in one frame: a kibibyte takes no longer than three calls. */
WIDE_TARGET static bool WIDE(read)(const void *record, size_t bytes, struct payload_view *view)
{
    if (bytes < PAYLOAD_WIDE_FROM)
        return payload_read_on(NULL, record, bytes, 0, view);
    size_t done = WIDE(read_words)(record, bytes / 8, record, &view->stamp, payload_batch);
    view->whole = true;
    return done * 8 == bytes || payload_read_on(&WIDE(set), record, bytes, done, view);
}

static const struct payload_wide WIDE(set) = {
    .fill = WIDE(fill),
    .read = WIDE(read),
    .read_from = WIDE(read_from),
    .vector_words = WIDE_WORDS,
    .long_words = WIDE_LONG * WIDE_WORDS,
};

#undef WIDE
#undef WIDE_TARGET
#undef WIDE_BYTES
#undef WIDE_LONG
#undef WIDE_ANY
#undef WIDE_SPREAD
#undef WIDE_KEEP
#undef WIDE_PATTERN
#undef WIDE_WORDS
#undef WIDE_FILLED
