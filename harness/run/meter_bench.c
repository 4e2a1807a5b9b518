/* Bench of the meter: what the harness's own loop costs, as a ratio to a bare loop of the same primitive written by hand.
 *
 * The harness's side is a whole trial: stop flag, counters, a record of 64 bytes filled and verified in every operation, one
 * latency in 64. The bare side is a process that locks, touches shared data and unlocks, and nothing else. Alone, the time of an
 * operation is CPU time; contended, it is the time in which the crew did one. Rounds of all sides take turns in one run; each
 * figure is the median of the ratios of neighbouring rounds, with its quartiles. The control compares the bare loop with itself:
 * what it shows besides 1 is this machine's noise. Nothing fails for being slow.
 */
#include "run/trial.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/pin.h"
#include "shm/payload_line.h"

#define ROUND_NS (40 * NS_PER_MS)
#define WARM_NS  (4 * NS_PER_MS)
#define BATCH    64
enum { ROUNDS_MAX = 101, CREW = 2 };

/* What the processes of a bare loop share: each part has cache lines of its own. */
struct bare {
    _Alignas(128) union {
        pthread_mutex_t mutex;
        sem_t semaphore;
        pthread_spinlock_t spin;
        uint32_t word;
    } lock;
    _Alignas(128) uint64_t line[PAYLOAD_LINE_WORDS]; /* the shared data */
    struct {
        _Alignas(128) uint64_t ops;
        uint64_t cpu_ns; /* of the loop, when it has ended */
    } done[CREW];
    _Alignas(128) uint32_t stop;
};

/* The least that touches shared data, and as many bytes as a record has, neither made from a pattern nor looked at. */
#define TOUCH_COUNTER (*(volatile uint64_t *)&b->line[0])++
#define TOUCH_LINE                                                                                                          \
    for (int w = 0; w < PAYLOAD_LINE_WORDS; w++)                                                                            \
    ((volatile uint64_t *)b->line)[w]++

#define BARE_LOOP(name, acquire, release, touch)                                                                            \
    static void name(struct bare *b, uint32_t index)                                                                        \
    {                                                                                                                       \
        for (uint64_t ops = BATCH; !__atomic_load_n(&b->stop, __ATOMIC_RELAXED); ops += BATCH) {                            \
            for (int i = 0; i < BATCH; i++) {                                                                               \
                acquire;                                                                                                    \
                touch;                                                                                                      \
                release;                                                                                                    \
            }                                                                                                               \
            __atomic_store_n(&b->done[index].ops, ops, __ATOMIC_RELAXED);                                                   \
        }                                                                                                                   \
    }

#define BARE_LOOPS(name, acquire, release)                                                                                  \
    BARE_LOOP(name##_counter, acquire, release, TOUCH_COUNTER)                                                              \
    BARE_LOOP(name##_line, acquire, release, TOUCH_LINE)

static inline void tas_take(uint32_t *word)
{
    while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
}

BARE_LOOPS(mutex, pthread_mutex_lock(&b->lock.mutex), pthread_mutex_unlock(&b->lock.mutex))
BARE_LOOPS(semaphore, sem_wait(&b->lock.semaphore), sem_post(&b->lock.semaphore))
BARE_LOOPS(spin, pthread_spin_lock(&b->lock.spin), pthread_spin_unlock(&b->lock.spin))
BARE_LOOPS(tas, tas_take(&b->lock.word), __atomic_store_n(&b->lock.word, 0, __ATOMIC_RELEASE))

static void set_up(struct bare *b, const char *name)
{
    pthread_mutexattr_t shared;
    memset(b, 0, sizeof *b);
    if (strcmp(name, "mutex") == 0) {
        pthread_mutexattr_init(&shared);
        pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
        pthread_mutex_init(&b->lock.mutex, &shared);
        pthread_mutexattr_destroy(&shared);
    } else if (strcmp(name, "semaphore") == 0) {
        sem_init(&b->lock.semaphore, 1, 1);
    } else if (strcmp(name, "spin") == 0) {
        pthread_spin_init(&b->lock.spin, PTHREAD_PROCESS_SHARED);
    }
}

static const struct primitive {
    const char *name;
    void (*counter)(struct bare *b, uint32_t index), (*line)(struct bare *b, uint32_t index);
    double bound; /* uncontended */
} primitives[] = {
    {"mutex", mutex_counter, mutex_line, 1.08},
    {"semaphore", semaphore_counter, semaphore_line, 1.04},
    {"spin", spin_counter, spin_line, 1.25},
    {"tas", tas_counter, tas_line, 1.25},
};

static uint64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* One round of a bare loop in `workers` processes: nanoseconds of an operation. Negative: it could not be run. */
static double bare_round(struct bare *b, const struct primitive *p, bool line, uint32_t workers)
{
    struct pin *pin = NULL;
    struct error error;
    pid_t pids[CREW];
    uint64_t before[CREW], ops = 0;
    set_up(b, p->name);
    if (pin_create(&pin, "scatter", workers, &error))
        return -1;
    for (uint32_t i = 0; i < workers; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            pin_apply(pin, i);
            uint64_t used = cpu_now();
            (line ? p->line : p->counter)(b, i);
            b->done[i].cpu_ns = cpu_now() - used;
            _exit(0);
        }
    }
    pin_destroy(pin);
    clock_wait_until(clock_ns() + WARM_NS);
    uint64_t start = clock_ns();
    for (uint32_t i = 0; i < workers; i++)
        before[i] = __atomic_load_n(&b->done[i].ops, __ATOMIC_RELAXED);
    clock_wait_until(start + ROUND_NS);
    uint64_t end = clock_ns();
    for (uint32_t i = 0; i < workers; i++)
        ops += __atomic_load_n(&b->done[i].ops, __ATOMIC_RELAXED) - before[i];
    __atomic_store_n(&b->stop, 1, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < workers; i++)
        if (pids[i] > 0)
            waitpid(pids[i], NULL, 0);
    if (workers == 1 && b->done[0].ops)
        return (double)b->done[0].cpu_ns / (double)b->done[0].ops;
    return ops ? (double)(end - start) / (double)ops : -1;
}

/* The same by a trial; `row` is the primitive's, or a copy of it, which the harness cannot tell from a plugin's. */
static double trial_round(const struct sync_ops *row, uint32_t workers)
{
    static struct trial_result result;
    struct trial_spec spec = {
        .number = 1,
        .job = "bench",
        .load = contents_load("snapshot"),
        .sync = row,
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = workers, .size = PAYLOAD_LINE, .sampling = 64, .seed = 7},
        .repeat = 1,
        .duration_ns = ROUND_NS,
        .pin = "scatter",
        .expect = VERDICT_CLEAN,
    };
    trial_run(&spec, &result);
    double ns = result.window_ops ? (double)result.window_ns / (double)result.window_ops : -1;
    if (workers == 1 && result.workers == 1 && result.ops)
        ns = (double)(result.ledger.slots[0].user_ns + result.ledger.slots[0].system_ns) / (double)result.ops;
    if (result.verdict != VERDICT_CLEAN && result.verdict != VERDICT_INCONCLUSIVE)
        fprintf(stderr, "meter_bench: %s: %s: %s\n", row->name, verdict_name(result.verdict), result.reason);
    trial_result_free(&result);
    return ns;
}

enum side { HARNESS, PLUGIN, COUNTER, LINE, AGAIN, SIDES };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints the ratio of two sides, round by round; rounds that one of them has not are left out. */
static void put_ratio(const char *what, double (*ns)[SIDES], int rounds, enum side a, enum side b, const char *bound)
{
    double ratios[ROUNDS_MAX], base[ROUNDS_MAX];
    int n = 0;
    for (int r = 0; r < rounds; r++) {
        if (ns[r][a] <= 0 || ns[r][b] <= 0)
            continue;
        base[n] = ns[r][b];
        ratios[n++] = ns[r][a] / ns[r][b];
    }
    if (n == 0) {
        printf("%-52s %9s\n", what, "N/A");
        return;
    }
    qsort(ratios, (size_t)n, sizeof ratios[0], by_value);
    qsort(base, (size_t)n, sizeof base[0], by_value);
    printf("%-52s %9.3f  %6.3f - %-6.3f  %-12s %9.1f\n", what, ratios[n / 2], ratios[n / 4], ratios[3 * n / 4], bound, base[n / 2]);
    fflush(stdout);
}

static void compare(struct bare *b, const struct primitive *p, uint32_t workers, int rounds)
{
    static double ns[ROUNDS_MAX][SIDES];
    const struct sync_ops *row = contents_sync(p->name);
    struct sync_ops copy = *row;
    const char *where = workers == 1 ? "alone" : "contended";
    char what[80], bound[32];
    for (int r = 0; r < rounds; r++) {
        for (int k = 0; k < SIDES; k++) {
            enum side side = (enum side)((k + r) % SIDES); /* nobody always comes first */
            if (side == HARNESS || side == PLUGIN)
                ns[r][side] = trial_round(side == HARNESS ? row : &copy, workers);
            else
                ns[r][side] = bare_round(b, p, side == LINE, workers);
        }
    }
    snprintf(what, sizeof what, "%s %s: harness / bare, a counter", p->name, where);
    snprintf(bound, sizeof bound, "<= %.2f", p->bound);
    put_ratio(what, ns, rounds, HARNESS, COUNTER, workers == 1 ? bound : "");
    snprintf(what, sizeof what, "%s %s: harness / bare, 64 bytes", p->name, where);
    put_ratio(what, ns, rounds, HARNESS, LINE, workers == 1 ? "" : "0.97 - 1.03");
    snprintf(what, sizeof what, "%s %s: plugin / harness", p->name, where);
    put_ratio(what, ns, rounds, PLUGIN, HARNESS, "<= 1.15");
    snprintf(what, sizeof what, "%s %s: control, bare / bare", p->name, where);
    put_ratio(what, ns, rounds, AGAIN, COUNTER, "1");
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 15;
    const char *only = argc > 2 ? argv[2] : NULL;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "Usage: meter_bench [ROUNDS [PRIMITIVE]], 1 to %d; one primitive: alone\n", ROUNDS_MAX);
        return STATUS_USAGE;
    }
    struct bare *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED) {
        perror("meter_bench: mmap");
        return STATUS_ENVIRONMENT;
    }
    printf("Time of an operation as a ratio: median and quartiles of %d interleaved rounds of %d ms\n", rounds,
           (int)(ROUND_NS / NS_PER_MS));
    printf("%-52s %9s  %-15s  %-12s %9s\n", "", "ratio", "quartiles", "bound", "below, ns");
    for (uint32_t workers = 1; workers <= (only ? 1 : CREW); workers++) {
        if (workers > pin_cpus_allowed()) {
            printf("contended: N/A, this process may use one CPU only\n");
            break;
        }
        for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++)
            if (!only || strcmp(only, primitives[i].name) == 0)
                compare(b, &primitives[i], workers, rounds);
    }
    munmap(b, sizeof *b);
    return 0;
}
