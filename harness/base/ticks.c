/* Time stamps: choosing their source, and measuring what a tick is and what a stamp costs. */
#include "base/ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALIBRATION_NS (8 * NS_PER_MS)

struct ticks_scale ticks_scale;

#ifdef __x86_64__

/* Does the kernel keep its clock by the counter? It does only if the counter is the same in all CPUs and never stops. */
static bool counter_trusted(void)
{
    char text[64] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (!file)
        return false;
    if (!fgets(text, sizeof text, file))
        text[0] = '\0';
    fclose(file);
    return strcmp(text, "tsc\n") == 0;
}

struct moment {
    uint64_t ns, ticks;
};

/* Clock and counter at one moment: of several readings of the counter between two of the clock the tightest counts. */
static struct moment moment_take(void)
{
    struct moment best = {0};
    uint64_t tightest = UINT64_MAX;
    for (int i = 0; i < 50; i++) {
        uint64_t before = clock_ns(), ticks = __builtin_ia32_rdtsc(), after = clock_ns();
        if (after - before >= tightest)
            continue;
        tightest = after - before;
        best = (struct moment){before + tightest / 2, ticks};
    }
    return best;
}

void ticks_begin(void)
{
    if (ticks_scale.counter || !counter_trusted())
        return;
    struct moment start = moment_take();
    clock_wait_until(start.ns + CALIBRATION_NS);
    struct moment end = moment_take();
    if (end.ticks <= start.ticks || end.ns <= start.ns)
        return;
    ticks_scale.ns_times_2_32 = (uint64_t)(((unsigned __int128)(end.ns - start.ns) << 32) / (end.ticks - start.ticks));
    ticks_scale.counter = ticks_scale.ns_times_2_32 != 0;
}

#else

void ticks_begin(void)
{
}

#endif

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The largest stretch of which both are multiples. */
static uint64_t common(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double exact_ns(uint64_t ticks)
{
    return ticks_scale.counter ? (double)ticks * (double)ticks_scale.ns_times_2_32 / 4294967296.0 : (double)ticks;
}

struct ticks_facts ticks_measure(void)
{
    enum { ROUNDS = 101, BATCH = 100 };
    double costs[ROUNDS], empties[ROUNDS];
    uint64_t step = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t start = ticks_now(), last = start, now;
        for (int k = 0; k < BATCH; k++, last = now) {
            now = ticks_now();
            step = common(now - last, step);
        }
        start = last = ticks_now();
        for (int k = 0; k < BATCH; k++)
            last = ticks_now();
        costs[i] = (double)ticks_ns(last - start) / BATCH;
        start = ticks_now();
        empties[i] = (double)ticks_ns(ticks_now() - start);
    }
    qsort(costs, ROUNDS, sizeof costs[0], by_value);
    qsort(empties, ROUNDS, sizeof empties[0], by_value);
    return (struct ticks_facts){
        .name = ticks_scale.counter ? "TSC" : "CLOCK_MONOTONIC",
        .cost_ns = costs[ROUNDS / 2],
        .empty_ns = empties[ROUNDS / 2],
        .step_ns = exact_ns(step),
    };
}
