/* The wide loops of one instruction set; payload_wide.c includes this once for each, with
 *
 *     WIDE(name)      the name of a function of this set
 *     WIDE_TARGET     its attributes
 *     WIDE_BYTES      of a vector
 *     WIDE_LONG       vectors of a long batch: as many as registers hold, since what was read must be there when it turns out wrong
 *     WIDE_ANY(v)     is any bit of the vector set?
 *     WIDE_UNLIKE(a, b, c)  the bits in which three vectors are not all the same
 *     WIDE_OR(a, b, c)    the bits of three vectors
 *     WIDE_SPREAD(v, at)  fills a vector with the word at `at`, which is read once
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

/* First long batches. The first vector of a batch must be the one that is expected there, and each of the others must be as far from
 * the one before it as the pattern has them: differences that are all to be the same are judged two in a step, where vectors with an
 * expectation each would take a step each, and one more to move it on. The loads are volatile: one a word, and no second one for the
 * evidence, which would read another state. The stamp goes from memory to a vector without a detour: everything waits for it. */
WIDE_TARGET static inline __attribute__((always_inline)) size_t WIDE(read_words)(const unsigned char *record, size_t words, const uint64_t *hint, uint64_t *stamp,
                                                 uint64_t batch[PAYLOAD_BATCH])
{
    enum { STEP = WIDE_LONG * WIDE_WORDS };
    const WIDE(vector) apart = (WIDE(vector)){0} + (uint64_t)(WIDE_WORDS * PAYLOAD_STRIDE);
    WIDE(vector) expected, read[WIDE_LONG], away[WIDE_LONG], wrong;
    size_t i = 0;
    WIDE_SPREAD(expected, hint);
    *stamp = expected[0];
    expected = WIDE_PATTERN(0, expected);
    for (; i + STEP <= words; i += STEP) {
        const volatile WIDE(vector) *from = (const volatile WIDE(vector) *)(record + i * 8);
        read[0] = from[0];
        read[1] = from[1];
        wrong = (read[0] ^ expected) | ((read[1] - read[0]) ^ apart);
        UNROLLED for (unsigned k = 2; k < WIDE_LONG; k++) {
            read[k] = from[k];
            away[k] = read[k] - read[k - 1];
            if (k % 2)
                away[k - 1] = WIDE_UNLIKE(away[k], away[k - 1], apart);
            if (k % 4 == 1)
                wrong = WIDE_OR(wrong, away[k - 3], away[k - 1]);
        }
        wrong |= away[WIDE_LONG - 2];
        if (__builtin_expect(WIDE_ANY(wrong), 0)) {
            memcpy(batch, read, sizeof read);
            return i;
        }
        expected += (uint64_t)(STEP * PAYLOAD_STRIDE);
    }
    for (; i + WIDE_WORDS <= words; i += WIDE_WORDS) {
        read[0] = *(const volatile WIDE(vector) *)(record + i * 8);
        wrong = read[0] ^ expected;
        if (__builtin_expect(WIDE_ANY(wrong), 0)) {
            memcpy(batch, read, sizeof read[0]);
            return i;
        }
        expected += apart;
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
#undef WIDE_UNLIKE
#undef WIDE_OR
#undef WIDE_PATTERN
#undef WIDE_WORDS
#undef WIDE_FILLED
