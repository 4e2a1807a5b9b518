/* One line of payload, 64 bytes, inline: read whole and compared, and replaced, in a handful of instructions of each set.
 *
 * A line is written in stores of 32 bytes (16 in the base set): no wider than those of a C library's memcpy of that size, so that
 * a line that nothing protects tears here as it would there.
 */
#ifndef SHM_PAYLOAD_LINE_H
#define SHM_PAYLOAD_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/payload.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define PAYLOAD_LINE 64
#define PAYLOAD_LINE_WORDS (PAYLOAD_LINE / 8)
#define PAYLOAD_LINE_INLINE static inline __attribute__((always_inline, unused))

/* The word at index i of a line, read once. */
PAYLOAD_LINE_INLINE uint64_t payload_line_word(const void *line, unsigned i)
{
    typedef uint64_t loose __attribute__((aligned(1), may_alias));
    return ((const volatile loose *)line)[i];
}

typedef uint64_t payload_pair __attribute__((vector_size(16), aligned(1), may_alias));

/* Words i and i + 1 of the pattern. */
#define PAYLOAD_PAIR(stamp, i) ((payload_pair){(i) * PAYLOAD_STRIDE, ((i) + 1) * PAYLOAD_STRIDE} + (uint64_t)(stamp))

PAYLOAD_LINE_INLINE bool payload_pairs_differ(const payload_pair read[4], uint64_t stamp)
{
    payload_pair wrong = (read[0] ^ PAYLOAD_PAIR(stamp, 0)) | (read[1] ^ PAYLOAD_PAIR(stamp, 2)) |
                         (read[2] ^ PAYLOAD_PAIR(stamp, 4)) | (read[3] ^ PAYLOAD_PAIR(stamp, 6));
#ifdef __x86_64__
    return _mm_movemask_epi8(_mm_cmpeq_epi8((__m128i)wrong, _mm_setzero_si128())) != 0xffff;
#else
    return (wrong[0] | wrong[1]) != 0;
#endif
}

/* Is the line the pattern of `stamp`? For readers: word by word, as a program reads its fields, and each once. Between two loads
 * somebody who should be outside may write, and shows; a single wide load would not let him. If not, what was read is left in
 * `read`. */
PAYLOAD_LINE_INLINE bool payload_line_same(const void *line, uint64_t stamp, uint64_t read[PAYLOAD_LINE_WORDS])
{
    uint64_t got[PAYLOAD_LINE_WORDS], wrong = 0;
    for (unsigned i = 0; i < PAYLOAD_LINE_WORDS; i++)
        got[i] = payload_line_word(line, i);
    for (unsigned i = 0; i < PAYLOAD_LINE_WORDS; i++)
        wrong |= got[i] ^ (stamp + i * PAYLOAD_STRIDE);
    if (__builtin_expect(wrong == 0, 1))
        return true;
    for (unsigned i = 0; i < PAYLOAD_LINE_WORDS; i++)
        read[i] = got[i];
    return false;
}

/* Puts the pattern of `next` in the place of that of `stamp`. For writers, whom everybody waits for. Was it there? The old line is
 * read once, in loads as wide as the set has them; if it was another, what was read is left in `read`. The new line is on its way
 * before the old one is judged: what a release waits for is stores. */
PAYLOAD_LINE_INLINE bool payload_line_replace_base(void *line, uint64_t stamp, uint64_t next, uint64_t read[PAYLOAD_LINE_WORDS])
{
    volatile payload_pair *at = line;
    payload_pair got[4] = {at[0], at[1], at[2], at[3]};
    for (int i = 0; i < 4; i++)
        at[i] = PAYLOAD_PAIR(next, 2 * (unsigned)i);
    if (__builtin_expect(!payload_pairs_differ(got, stamp), 1))
        return true;
    for (int i = 0; i < 4; i++)
        ((payload_pair *)(void *)read)[i] = got[i];
    return false;
}

#ifdef __x86_64__

typedef uint64_t payload_half __attribute__((vector_size(32), aligned(1), may_alias));

#define PAYLOAD_HALF(stamp, i)                                                                                              \
    ((payload_half){(i) * PAYLOAD_STRIDE, ((i) + 1) * PAYLOAD_STRIDE, ((i) + 2) * PAYLOAD_STRIDE, ((i) + 3) * PAYLOAD_STRIDE} + \
     (uint64_t)(stamp))

PAYLOAD_TARGET_AVX2 PAYLOAD_LINE_INLINE void payload_line_write_avx2(void *line, uint64_t stamp)
{
    volatile payload_half *to = line;
    to[0] = PAYLOAD_HALF(stamp, 0);
    to[1] = PAYLOAD_HALF(stamp, 4);
}

PAYLOAD_TARGET_AVX2 PAYLOAD_LINE_INLINE bool payload_line_replace_avx2(void *line, uint64_t stamp, uint64_t next,
                                                                       uint64_t read[PAYLOAD_LINE_WORDS])
{
    const volatile payload_half *from = line;
    payload_half got[2] = {from[0], from[1]};
    payload_line_write_avx2(line, next);
    payload_half wrong = (got[0] ^ PAYLOAD_HALF(stamp, 0)) | (got[1] ^ PAYLOAD_HALF(stamp, 4));
    if (__builtin_expect(_mm256_testz_si256((__m256i)wrong, (__m256i)wrong), 1))
        return true;
    ((payload_half *)(void *)read)[0] = got[0];
    ((payload_half *)(void *)read)[1] = got[1];
    return false;
}

typedef uint64_t payload_whole __attribute__((vector_size(64), aligned(1), may_alias));

PAYLOAD_TARGET_AVX512 PAYLOAD_LINE_INLINE bool payload_line_replace_avx512(void *line, uint64_t stamp, uint64_t next,
                                                                           uint64_t read[PAYLOAD_LINE_WORDS])
{
    const payload_whole ramp = {0,
                                PAYLOAD_STRIDE,
                                2 * PAYLOAD_STRIDE,
                                3 * PAYLOAD_STRIDE,
                                4 * PAYLOAD_STRIDE,
                                5 * PAYLOAD_STRIDE,
                                6 * PAYLOAD_STRIDE,
                                7 * PAYLOAD_STRIDE};
    payload_whole got = *(const volatile payload_whole *)line;
    payload_line_write_avx2(line, next);
    if (__builtin_expect(_mm512_cmpneq_epi64_mask((__m512i)got, (__m512i)(ramp + stamp)) == 0, 1))
        return true;
    *(payload_whole *)(void *)read = got;
    return false;
}

#endif

#endif
