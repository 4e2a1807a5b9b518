/* Bench of the payload: bytes filled and verified in a second, as a ratio to plain writing and reading of the same memory.
 *
 * Plain reading takes all bytes into a few vectors and throws the result away; plain writing is memset(). Seconds are of CPU time,
 * which other work does not lengthen. Rounds take turns, and ratios are medians with quartiles. Nothing fails for being slow.
 */
#include "shm/payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum { ROUNDS = 31 };
#define ROUND_BYTES ((size_t)256 << 20)

typedef uint64_t vector __attribute__((vector_size(64), aligned(64)));

/* Every byte is loaded, in vectors as wide as the set has them. */
#define PLAIN_READ(set, target)                                                                                             \
    target static void read_##set(const void *from, size_t bytes)                                                           \
    {                                                                                                                       \
        const vector *v = from;                                                                                             \
        vector a = {0}, b = a, c = a, d = a;                                                                                \
        for (size_t i = 0; i < bytes / sizeof *v; i += 4) {                                                                 \
            a |= v[i];                                                                                                      \
            b |= v[i + 1];                                                                                                  \
            c |= v[i + 2];                                                                                                  \
            d |= v[i + 3];                                                                                                  \
        }                                                                                                                   \
        a |= b | c | d;                                                                                                     \
        __asm__ volatile("" : : "m"(a));                                                                                    \
    }

PLAIN_READ(base, )
#ifdef __x86_64__
PLAIN_READ(avx2, PAYLOAD_TARGET_AVX2)
PLAIN_READ(avx512, PAYLOAD_TARGET_AVX512)
#endif

static void plain_read(void *memory, size_t bytes)
{
#ifdef __x86_64__
    if (payload_isa() == PAYLOAD_AVX512)
        read_avx512(memory, bytes);
    else if (payload_isa() == PAYLOAD_AVX2)
        read_avx2(memory, bytes);
    else
#endif
        read_base(memory, bytes);
}

static void plain_write(void *memory, size_t bytes)
{
    memset(memory, 0x5a, bytes);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void fill(void *memory, size_t bytes)
{
    payload_fill(memory, bytes, payload_stamp(1, 2, 3));
}

static void verify(void *memory, size_t bytes)
{
    struct payload_view view;
    if (!payload_read(memory, bytes, &view))
        abort();
}

static uint64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* GB/s. */
static double rate(void (*work)(void *memory, size_t bytes), void *memory, size_t bytes)
{
    size_t times = ROUND_BYTES / bytes;
    uint64_t start = cpu_now();
    for (size_t i = 0; i < times; i++)
        work(memory, bytes);
    return (double)(times * bytes) / (double)(cpu_now() - start);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void put(const char *what, size_t bytes, double *ratios, double *ours)
{
    qsort(ratios, ROUNDS, sizeof *ratios, by_value);
    qsort(ours, ROUNDS, sizeof *ours, by_value);
    printf("%-36s %8zu  %9.3f  %6.3f - %-6.3f  >= 0.85 %9.1f\n", what, bytes, ratios[ROUNDS / 2], ratios[ROUNDS / 4],
           ratios[3 * ROUNDS / 4], ours[ROUNDS / 2]);
}

static void compare(void *memory, size_t bytes)
{
    double reads[ROUNDS], writes[ROUNDS], verified[ROUNDS], filled[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        double plain = rate(plain_write, memory, bytes);
        filled[r] = rate(fill, memory, bytes);
        writes[r] = filled[r] / plain;
        plain = rate(plain_read, memory, bytes);
        verified[r] = rate(verify, memory, bytes);
        reads[r] = verified[r] / plain;
    }
    put("verify / plain read", bytes, reads, verified);
    put("fill / plain write (memset)", bytes, writes, filled);
}

int main(void)
{
    const size_t most = (size_t)1 << 20;
    void *memory = aligned_alloc(4096, most);
    if (!memory) {
        perror("payload_bench");
        return 3;
    }
    printf("Bandwidth as a ratio: median and quartiles of %d interleaved rounds\n", ROUNDS);
    printf("%-36s %8s  %9s  %-15s  bound   %9s\n", "", "bytes", "ratio", "quartiles", "GB/s");
    compare(memory, 4096);
    compare(memory, most);
    free(memory);
    return 0;
}
