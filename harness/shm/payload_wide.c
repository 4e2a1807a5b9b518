/* The wide loops over a record's vectors, for each instruction set, and the choice among them. */
#include "shm/payload_wide.h"

#include <string.h>

#include "shm/payload.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef uint64_t loose __attribute__((aligned(1), may_alias));

/* The loops over a batch's vectors must not stay loops: their vectors belong in registers. */
#define UNROLLED _Pragma("GCC unroll 32")

#ifdef __x86_64__
#define BASE_ANY(v) (_mm_movemask_epi8(_mm_cmpeq_epi8((__m128i)(v), _mm_setzero_si128())) != 0xffff)
#else
#define BASE_ANY(v) (((v)[0] | (v)[1]) != 0)
#endif

/* Where the set has no instruction for it. */
#define SOME_UNLIKE(a, b, c) (((a) ^ (c)) | ((b) ^ (c)))
#define SOME_OR(a, b, c)     ((a) | (b) | (c))

#define RAMP(n) \
    (n) * PAYLOAD_STRIDE, ((n) + 1) * PAYLOAD_STRIDE, ((n) + 2) * PAYLOAD_STRIDE, ((n) + 3) * PAYLOAD_STRIDE, \
    ((n) + 4) * PAYLOAD_STRIDE, ((n) + 5) * PAYLOAD_STRIDE, ((n) + 6) * PAYLOAD_STRIDE, ((n) + 7) * PAYLOAD_STRIDE
/* What stands in the words of a record beyond its stamp. */
static const _Alignas(64) uint64_t ramp[64] = {RAMP(0), RAMP(8), RAMP(16), RAMP(24), RAMP(32), RAMP(40), RAMP(48), RAMP(56)};

#define WIDE(name) base_##name
#define WIDE_TARGET
#define WIDE_BYTES 16
#define WIDE_LONG 8
#define WIDE_ANY(v) BASE_ANY(v)
#define WIDE_UNLIKE(a, b, c) SOME_UNLIKE(a, b, c)
#define WIDE_OR(a, b, c) SOME_OR(a, b, c)
#define WIDE_SPREAD(v, at) ((v) = *(const volatile loose *)(at) + (base_vector){0})
#include "shm/payload_wide.inc.h"

#ifdef __x86_64__

#define WIDE(name) avx2_##name
#define WIDE_TARGET PAYLOAD_TARGET_AVX2
#define WIDE_BYTES 32
#define WIDE_LONG 8
#define WIDE_UNLIKE(a, b, c) SOME_UNLIKE(a, b, c)
#define WIDE_OR(a, b, c) SOME_OR(a, b, c)
#define WIDE_SPREAD(v, at) __asm__ volatile("vpbroadcastq %1, %0" : "=x"(v) : "m"(*(at)))
#define WIDE_ANY(v) (!_mm256_testz_si256((__m256i)(v), (__m256i)(v)))
#include "shm/payload_wide.inc.h"

#define WIDE(name) avx512_##name
#define WIDE_TARGET PAYLOAD_TARGET_AVX512
#define WIDE_BYTES 64
#define WIDE_LONG 16
#define WIDE_UNLIKE(a, b, c) ((avx512_vector)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), 0x7e))
#define WIDE_OR(a, b, c) ((avx512_vector)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), 0xfe))
#define WIDE_SPREAD(v, at) __asm__ volatile("vpbroadcastq %1, %0" : "=v"(v) : "m"(*(at)))
#define WIDE_ANY(v) (_mm512_test_epi64_mask((__m512i)(v), (__m512i)(v)) != 0)
#include "shm/payload_wide.inc.h"

#endif

const struct payload_wide *payload_wide(enum payload_isa isa)
{
    static const struct payload_wide *const sets[PAYLOAD_ISAS] = {
        [PAYLOAD_BASE] = &base_set,
#ifdef __x86_64__
        [PAYLOAD_AVX2] = &avx2_set,
        [PAYLOAD_AVX512] = &avx512_set,
#endif
    };
    return sets[isa];
}

const char *payload_isa_name(enum payload_isa isa)
{
    static const char *const names[PAYLOAD_ISAS] = {
        [PAYLOAD_SCALAR] = "scalar", [PAYLOAD_BASE] = "base", [PAYLOAD_AVX2] = "avx2", [PAYLOAD_AVX512] = "avx512"};
    return names[isa];
}

bool payload_isa_here(enum payload_isa isa)
{
    switch (isa) {
    case PAYLOAD_SCALAR:
    case PAYLOAD_BASE:
        return true;
#ifdef __x86_64__
    case PAYLOAD_AVX2:
        return __builtin_cpu_supports("avx2");
    case PAYLOAD_AVX512:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#endif
    default:
        return false;
    }
}

enum payload_isa payload_isa(void)
{
    static enum payload_isa known; /* PAYLOAD_SCALAR: not asked yet */
    for (int isa = PAYLOAD_ISAS - 1; known == PAYLOAD_SCALAR; isa--)
        if (payload_isa_here((enum payload_isa)isa))
            known = (enum payload_isa)isa;
    return known;
}
