/* Benchmark of the rings between two pinned processes: against a bare ping-pong of two flags, and against one process by itself.
 *
 *     ring_bench [ROUNDS]        prints a line of JSON for each measure of each round; analysis/bench.py reads them
 *
 * What is measured is what a trial's workers do, with all their checks, counters and samples; only gate and monitor are left out,
 * since they take longer than a round. Rounds last less than a millisecond and alternate with the bare loops: a virtual machine's
 * CPUs move and are taken away, and only what was measured right after each other can be compared.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract/contents.h"
#include "contract/worker.h"
#include "run/crew_worker.h"
#include "run/instances.h"
#include "shm/payload.h"
#include "workloads/sync/queue_ring.h"

#define ROUNDS 101
#define TRIPS 3000
#define MESSAGES 60
#define LARGE (64 * 1024)
#define SLOTS 4 /* what the load gives a ring for elements of that size */
#define RESTING_NS (2 * NS_PER_MS)

static int cpus[2];

static void pin_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* Whatever else runs here shall not come in between, where that may be asked for; no round lasts longer than some milliseconds. */
static void go_before_others(void)
{
    const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0)
        fprintf(stderr, "ring_bench: no real-time priority here: other load will show\n");
}

static bool find_cpus(void)
{
    cpu_set_t set;
    int found = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return false;
    for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
        if (CPU_ISSET(cpu, &set))
            cpus[found++] = cpu;
    return found == 2;
}

static void *shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("ring_bench: mmap");
        exit(3);
    }
    return memory;
}

static void put(const char *bench, const char *what, const char *unit, const char *bound, double ours, double bare)
{
    if (ours > 0 && bare > 0)
        printf("{\"bench\": \"%s\", \"what\": \"%s\", \"unit\": \"%s\", \"bound\": \"%s\", \"ours\": %.6g, \"bare\": %.6g}\n", bench, what,
               unit, bound, ours, bare);
    fflush(stdout);
}

struct flag {
    _Alignas(RING_LINE) uint64_t value;
};

/* Two processes that start at one moment, and when the last of them was through. */
struct pair {
    struct flag ready[2];
    struct flag ended_ns[2];
};

static uint64_t begin(struct pair *pair, int side)
{
    pin_to(cpus[side]);
    __atomic_store_n(&pair->ready[side].value, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&pair->ready[!side].value, __ATOMIC_ACQUIRE))
        cpu_relax();
    return clock_ns();
}

/* Runs both sides, in a child and here; each calls begin() when it is ready, and returns what that returns. Returns the time from
 * the start here to the end of the later one. */
static uint64_t both(struct pair *pair, uint64_t (*work)(struct pair *pair, void *user, int side), void *user)
{
    memset(pair, 0, sizeof *pair);
    pin_to(cpus[1]); /* the child is there from its beginning, and need not wait until this one lets it run */
    pid_t pid = fork();
    if (pid == 0) {
        work(pair, user, 1);
        pair->ended_ns[1].value = clock_ns();
        _exit(0);
    }
    uint64_t start = work(pair, user, 0);
    uint64_t end = clock_ns();
    int status = 1;
    waitpid(pid, &status, 0);
    if (status != 0)
        return 0;
    return (pair->ended_ns[1].value > end ? pair->ended_ns[1].value : end) - start;
}

static uint64_t play_flags(struct pair *pair, void *user, int side)
{
    struct flag *flags = user;
    uint64_t start = begin(pair, side);
    for (uint64_t n = 1; n <= TRIPS; n++) {
        if (side == 0)
            __atomic_store_n(&flags[0].value, n, __ATOMIC_RELEASE);
        while (__atomic_load_n(&flags[!side].value, __ATOMIC_ACQUIRE) != n)
            cpu_relax();
        if (side == 1)
            __atomic_store_n(&flags[1].value, n, __ATOMIC_RELEASE);
    }
    return start;
}

/* Two flags, each in lines of its own, and nothing else: nanoseconds a round trip. */
static double bare_round_trip(struct pair *pair, struct flag *flags)
{
    flags[0].value = flags[1].value = 0;
    return (double)both(pair, play_flags, flags) / TRIPS;
}

/* A crew of two without a harness around it. */
struct bench {
    struct trial_spec spec;
    struct crew_plan plan;
    struct ledger ledger;
    struct instances instances;
    void *base;
};

static uint64_t work_as(struct pair *pair, void *user, int side)
{
    struct bench *bench = user;
    struct worker w;
    crew_worker_init(&w, &bench->plan, (uint32_t)side, bench->base);
    w.polls = WORKER_POLLS_MANY;
    crew_worker_attach(&w, &bench->plan, bench->base);
    for (size_t at = 0; at < bench->plan.region_bytes; at += 4096) /* each process has a page table of its own to fill */
        (void)((volatile unsigned char *)bench->base)[at];
    uint64_t start = begin(pair, side);
    (w.writer ? w.load->write : w.load->read)(&w);
    return start;
}

static void fail(const char *what, const struct bench *bench)
{
    fprintf(stderr, "ring_bench: %s with %s: %s\n", bench->spec.load->name, bench->spec.sync->name, what);
    exit(3);
}

static void bench_begin(struct bench *bench, const char *load, const char *sync, uint64_t size, uint64_t ops)
{
    static uint64_t seed;
    struct error error;
    *bench = (struct bench){.spec = {
                                .load = contents_load(load),
                                .sync = contents_sync(sync),
                                .fault = contents_fault("none"),
                                .shape = {.writers = 1, .readers = 1, .size = size, .sampling = 64, .ops_limit = ops, .seed = ++seed},
                            }};
    struct trial_spec *spec = &bench->spec;
    spec->shape.family = spec->sync->family;
    spec->shape.name = "/shmoo-bench";
    bench->base = shared(spec_region_bytes(spec));
    if (ledger_create(&bench->ledger, 2, spec_histograms(spec), &error) ||
        instances_init(&bench->instances, spec, spec->shape.name, &error))
        fail(error.text, bench);
    bench->plan = (struct crew_plan){.spec = spec,
                                     .ledger = &bench->ledger,
                                     .region_base = bench->base,
                                     .region_bytes = spec_region_bytes(spec),
                                     .setups = bench->instances.setups};
    for (uint32_t i = 0; i < bench->instances.count && spec->sync->create; i++)
        if (spec->sync->create(instances_state(spec, bench->base, i), &bench->instances.setups[i]))
            fail("create", bench);
    if (spec->load->prepare((char *)bench->base + spec_area_offset(spec), &spec->shape))
        fail("prepare", bench);
}

/* Nothing that was found wrong may have been measured. */
static void bench_end(struct bench *bench)
{
    for (uint32_t i = 0; i < 2; i++)
        for (int k = 0; k < VIOLATIONS; k++)
            if (bench->ledger.slots[i].violations[k])
                fail(bench->ledger.slots[i].evidence[0].text, bench);
    munmap(bench->base, bench->plan.region_bytes);
    ledger_destroy(&bench->ledger);
    instances_free(&bench->instances);
}

static double round_trip(struct pair *pair, const char *sync)
{
    struct bench bench;
    bench_begin(&bench, "pingpong", sync, 8, TRIPS);
    double each = (double)both(pair, work_as, &bench) / TRIPS;
    bench_end(&bench);
    return each;
}

/* Gigabytes a second of payload, as the consumer has counted it. */
static double bandwidth(struct pair *pair, const char *sync)
{
    struct bench bench;
    bench_begin(&bench, "stream", sync, LARGE, MESSAGES);
    uint64_t ns = both(pair, work_as, &bench);
    double each = ns ? (double)bench.ledger.slots[1].bytes / (double)ns : 0;
    bench_end(&bench);
    return each;
}

/* What two processes can hand over at all: one sets as many blocks as a ring has slots, the other one reads them. */
struct blocks {
    struct flag flags[SLOTS]; /* 2 * lap: to be filled; one more: to be read */
    _Alignas(4096) unsigned char at[SLOTS][LARGE];
};

static void read_block(const unsigned char *block)
{
    typedef uint64_t vector __attribute__((vector_size(64), may_alias));
    const vector *v = (const vector *)(const void *)block;
    vector a = {0}, b = a;
    for (size_t i = 0; i < LARGE / sizeof *v; i += 2) {
        a |= v[i];
        b |= v[i + 1];
    }
    a |= b;
    __asm__ volatile("" : : "m"(a));
}

static uint64_t hand_over(struct pair *pair, void *user, int side)
{
    struct blocks *blocks = user;
    for (size_t at = 0; at < sizeof *blocks; at += 4096)
        (void)((volatile unsigned char *)blocks)[at];
    uint64_t start = begin(pair, side);
    for (uint64_t n = 0; n < MESSAGES; n++) {
        uint64_t *flag = &blocks->flags[n % SLOTS].value, turn = 2 * (n / SLOTS) + (uint64_t)side;
        unsigned char *block = blocks->at[n % SLOTS];
        while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) != turn)
            cpu_relax();
        if (side == 0)
            memset(block, (int)n, LARGE);
        else
            read_block(block);
        __atomic_store_n(flag, turn + 1, __ATOMIC_RELEASE);
    }
    return start;
}

static double bare_transfer(struct pair *pair, struct blocks *blocks)
{
    memset(blocks->flags, 0, sizeof blocks->flags);
    return (double)MESSAGES * LARGE / (double)both(pair, hand_over, blocks);
}

/* One process fills and verifies the slots of such a ring in turn, where they lie. */
static double alone_in_place(unsigned char *memory)
{
    uint64_t start = clock_ns();
    struct payload_view view;
    for (uint64_t n = 0; n < MESSAGES; n++) {
        unsigned char *slot = memory + n % SLOTS * LARGE;
        payload_fill(slot, LARGE, payload_stamp(n + 1, 0, 1));
        if (!payload_read(slot, LARGE, &view))
            abort();
    }
    return (double)MESSAGES * LARGE / (double)(clock_ns() - start);
}

/* One process sends itself through the same ring: fill, push, pop, verify. */
static double alone_through_ring(unsigned char *memory)
{
    const struct sync_setup setup = {.name = "/bench", .writers = 1, .readers = 1, .size = LARGE, .capacity = SLOTS};
    unsigned char *out = memory, *in = memory + LARGE, *ring = memory + 2 * LARGE;
    memset(ring, 0, ring_spsc_bytes(&setup));
    ring_spsc_init(ring, &setup);
    uint64_t start = clock_ns();
    struct payload_view view;
    for (uint64_t n = 0; n < MESSAGES; n++) {
        size_t got;
        payload_fill(out, LARGE, payload_stamp(n + 1, 0, 1));
        if (ring_spsc_push(ring, out, LARGE) || ring_spsc_pop(ring, in, LARGE, &got) || !payload_read(in, got, &view))
            abort();
    }
    return (double)MESSAGES * LARGE / (double)(clock_ns() - start);
}

static void one_round(struct pair *pair, struct flag *flags, unsigned char *memory, struct blocks *blocks)
{
    double bare = bare_round_trip(pair, flags), spsc = round_trip(pair, "ring-spsc");
    double again = bare_round_trip(pair, flags), mpmc = round_trip(pair, "ring-mpmc");
    put("round-trip/bare", "two flags against two flags: what is noise", "ns", "", again, bare);
    put("round-trip/spsc", "ping-pong of 8 B, filled and verified, through ring-spsc; bare: two flags", "ns", "<= 1.10", spsc, bare);
    put("round-trip/mpmc", "the same through ring-mpmc", "ns", "", mpmc, again);
    alone_in_place(memory); /* the caches are warm after that */
    double in_place = alone_in_place(memory), through = alone_through_ring(memory);
    double transfer = bare_transfer(pair, blocks);
    double zero_copy = bandwidth(pair, "ring-spsc-inplace"), copied = bandwidth(pair, "ring-spsc");
    put("64-KiB/ring", "messages of 64 KiB copied in and out by two; bare: one process through the same ring, with the same copies",
        "GB/s", ">= 0.90", copied, through);
    put("64-KiB/in-place", "messages of 64 KiB filled and verified in the ring by two; bare: one process through the ring, with copies",
        "GB/s", ">= 0.90", zero_copy, through);
    put("64-KiB/transfer", "the same; bare: one process sets such blocks, the other one reads them, and nothing is checked", "GB/s", ">= 0.90",
        zero_copy, transfer);
    put("64-KiB/no-transfer", "the same; bare: one process fills and verifies its own cache, and nothing goes anywhere", "GB/s", ">= 0.90",
        zero_copy, in_place);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    const struct timespec rest = {.tv_nsec = (long)RESTING_NS};
    if (!find_cpus()) {
        fprintf(stderr, "ring_bench: two CPUs are needed, and this process has fewer\n");
        return 3;
    }
    struct pair *pair = shared(sizeof *pair);
    struct flag *flags = shared(2 * sizeof *flags);
    unsigned char *memory = shared(16 * LARGE);
    struct blocks *blocks = shared(sizeof *blocks);
    go_before_others();
    for (int i = 0; i < rounds; i++) {
        pin_to(cpus[0]);
        one_round(pair, flags, memory, blocks);
        nanosleep(&rest, NULL); /* a new time slice for the next round */
    }
    return 0;
}
