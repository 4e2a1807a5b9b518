/* Bench of the meter: what the harness's own loop costs, as a ratio to bare loops of the same primitive written by hand.
 *
 * The harness's side is a whole trial: stop flag, counters, a record of 64 bytes filled and verified in every operation, one
 * latency in 64. The other sides are processes that run a loop of meter_bench_loops.h: bare ones, and ones that do some or all of
 * what the harness's does, in as few instructions as it takes. What those cost, no harness with these duties can save.
 *
 * Alone, the time of an operation is CPU time; contended, it is the time in which the crew did one. Rounds of all sides take turns
 * in one run, and each figure is of neighbouring rounds. A round in which a process waited for a CPU is done again, a few times at
 * the most: it tells what else ran here. `chrt -f 2` keeps that out; crews are below this process then, as in any run, since it could
 * not end one that spins otherwise. The controls compare a bare loop with itself, and contended with the same loop and one store more:
 * what they show besides 1 is this machine's noise, and what a lock under contention makes of a nanosecond. Nothing fails for being
 * slow.
 */
#include "run/trial.h"

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
#include "run/meter_bench_loops.h"
#include "run/pin.h"
#include "run/priority.h"
#include "run/process.h"

/* Contended longer: in its first 50 ms here, hardly any loser of a mutex comes to sleep, and an operation takes half as long again. */
#define ROUND_NS(workers) ((workers) == 1 ? 40 * NS_PER_MS : 200 * NS_PER_MS)
#define WARM_NS  (4 * NS_PER_MS)
#define DELAYED_ONE_IN 100 /* a round in which the crew waited for CPUs for a larger part was disturbed */
enum { ROUNDS_MAX = 101, TRIES = 6 };

BARE_LOOPS(mutex, pthread_mutex_lock(&b->lock.mutex), pthread_mutex_unlock(&b->lock.mutex))
BARE_LOOPS(semaphore, sem_wait(&b->lock.semaphore), sem_post(&b->lock.semaphore))
BARE_LOOPS(spin, pthread_spin_lock(&b->lock.spin), pthread_spin_unlock(&b->lock.spin))
BARE_LOOPS(tas, tas_take(&b->lock.word), __atomic_store_n(&b->lock.word, 0, __ATOMIC_RELEASE))

/* AGAIN is COUNTER alone, and LINE contended. */
enum side { HARNESS, PLUGIN, COUNTER, LINE, AGAIN, NUDGED, STAMPS, RECORD, DUTIES, TABLE, SIDES };

static const struct primitive {
    const char *name;
    bare_loop *plain[SIDES], *record[PAYLOAD_ISAS], *duties[PAYLOAD_ISAS], *by_table[PAYLOAD_ISAS];
    struct bare_table table;
    const char *bound; /* uncontended */
} primitives[] = {
#define PRIMITIVE(row, bound_)                                                                                              \
    {#row, {[COUNTER] = row##_counter, [LINE] = row##_line, [NUDGED] = row##_nudged, [STAMPS] = row##_stamps},              \
     BARE_SETS(row##_record), BARE_SETS(row##_duties), BARE_SETS(row##_table), {row##_acquire, row##_release}, bound_}
    PRIMITIVE(mutex, "<= 1.08"),
    PRIMITIVE(semaphore, "<= 1.04"),
    PRIMITIVE(spin, "<= 1.25"),
    PRIMITIVE(tas, "<= 1.25"),
};

static void set_up(struct bare *b, const char *name)
{
    pthread_mutexattr_t shared;
    memset(b, 0, sizeof *b);
    payload_fill(b->line, PAYLOAD_LINE, payload_stamp(0, PAYLOAD_NOBODY, TAG));
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

static uint64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void worker(struct bare *b, bare_loop *loop, const struct pin *pin, uint32_t index)
{
    struct bare_done *done = &b->done[index];
    uint64_t delayed = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin_apply(pin, index);
    priority_restore();
    process_delayed_ns(&delayed);
    uint64_t used = cpu_now();
    loop(b, index);
    done->cpu_ns = cpu_now() - used;
    process_delayed_ns(&done->delayed_ns);
    done->delayed_ns -= delayed;
    _exit(0);
}

struct round {
    double ns; /* of an operation; negative: it could not be run */
    uint64_t delayed_ns;
};

/* How many operations the crew has done. */
static uint64_t done_by_all(const struct bare *b)
{
    uint64_t ops = 0;
    for (uint32_t i = 0; i < CREW; i++)
        ops += __atomic_load_n(&b->done[i].ops, __ATOMIC_RELAXED);
    return ops;
}

static struct round bare_round(struct bare *b, const struct primitive *p, bare_loop *loop, uint32_t workers)
{
    struct pin *pin = NULL;
    struct error error;
    struct round round = {.ns = -1};
    pid_t pids[CREW];
    set_up(b, p->name);
    b->table = p->table;
    b->self.state = b;
    if (pin_create(&pin, "scatter", workers, &error))
        return round;
    for (uint32_t i = 0; i < workers; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            worker(b, loop, pin, i);
    }
    pin_destroy(pin);
    clock_wait_until(clock_ns() + WARM_NS);
    uint64_t start = clock_ns(), before = done_by_all(b);
    clock_wait_until(start + ROUND_NS(workers));
    uint64_t end = clock_ns(), ops = done_by_all(b) - before;
    __atomic_store_n(&b->stop, 1, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < workers; i++) {
        if (pids[i] > 0)
            waitpid(pids[i], NULL, 0);
        round.delayed_ns += b->done[i].delayed_ns;
        if (b->done[i].broken)
            fprintf(stderr, "meter_bench: %s: %llu records were not what they should be\n", p->name,
                    (unsigned long long)b->done[i].broken);
    }
    if (workers == 1 && b->done[0].ops)
        round.ns = (double)b->done[0].cpu_ns / (double)b->done[0].ops;
    else if (ops)
        round.ns = (double)(end - start) / (double)ops;
    return round;
}

/* The same by a trial; `row` is the primitive's, or a copy of it, which the harness cannot tell from a plugin's. */
static struct round trial_round(const struct sync_ops *row, uint32_t workers)
{
    static struct trial_result result;
    struct trial_spec spec = {
        .number = 1,
        .job = "bench",
        .load = contents_load("snapshot"),
        .sync = row,
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = workers, .size = PAYLOAD_LINE, .sampling = getenv("SAMP") ? (uint32_t)atoi(getenv("SAMP")) : 64, .seed = 7},
        .repeat = 1,
        .duration_ns = ROUND_NS(workers),
        .pin = "scatter",
        .expect = VERDICT_CLEAN,
    };
    trial_run(&spec, &result);
    struct round round = {.ns = result.window_ops ? (double)result.window_ns / (double)result.window_ops : -1};
    const struct slot *slots = result.ledger.slots;
    if (workers == 1 && result.workers == 1 && result.ops)
        round.ns = (double)(slots[0].user_ns + slots[0].system_ns) / (double)result.ops;
    for (uint32_t i = 0; i < result.workers && slots; i++)
        round.delayed_ns += slots[i].delayed_ns;
    if (result.verdict != VERDICT_CLEAN && result.verdict != VERDICT_INCONCLUSIVE)
        fprintf(stderr, "meter_bench: %s: %s: %s\n", row->name, verdict_name(result.verdict), result.reason);
    trial_result_free(&result);
    return round;
}

static struct round round_of(struct bare *b, const struct primitive *p, enum side side, uint32_t workers)
{
    const struct sync_ops *row = contents_sync(p->name);
    struct sync_ops copy = *row;
    if (side == HARNESS || side == PLUGIN)
        return trial_round(side == HARNESS ? row : &copy, workers);
    if (side == RECORD || side == DUTIES || side == TABLE)
        return bare_round(b, p, (side == RECORD ? p->record : side == DUTIES ? p->duties : p->by_table)[payload_isa()], workers);
    if (side == AGAIN)
        side = workers == 1 ? COUNTER : LINE;
    return bare_round(b, p, p->plain[side], workers);
}

/* How many rounds were done, how many of them again, and how many were disturbed at the last try, too. */
static unsigned tried, repeated, disturbed;

/* All in all one try more a round: where the machine never rests, waiting for it helps nobody. */
static double quiet_round(struct bare *b, const struct primitive *p, enum side side, uint32_t workers)
{
    struct round round = round_of(b, p, side, workers);
    uint64_t most_ns = ROUND_NS(workers) / DELAYED_ONE_IN;
    tried++;
    for (int k = 1; k < TRIES && repeated < tried && (round.ns < 0 || round.delayed_ns > most_ns); k++, repeated++)
        round = round_of(b, p, side, workers);
    disturbed += round.delayed_ns > most_ns;
    return round.ns;
}

/* A figure: the ratio of two sides. What it means is said with the first primitive. */
struct figure {
    const char *name, *bound, *what;
    enum side ours, bare;
};

static const struct figure alone[] = {
    {"harness", NULL, "a trial; bare: a loop that counts in shared memory", HARNESS, COUNTER},
    {"of 64 bytes", "", "a trial; bare: a loop that touches 64 bytes", HARNESS, LINE},
    {"stamps", "", "the bare loop that counts with two readings of the clock in 64 operations, and without", STAMPS, COUNTER},
    {"record", "", "a loop that verifies and replaces 64 bytes, and no more; bare: one that counts", RECORD, COUNTER},
    {"duties", "", "a loop by hand with the record, the stamps, stop flag, phase and count: the floor under `harness`", DUTIES, COUNTER},
    {"over duties", "", "a trial; bare: that loop", HARNESS, DUTIES},
    {"plugin", "<= 1.15", "a trial by way of the row, as for a plugin; bare: a trial", PLUGIN, HARNESS},
    {"table", "", "the loop by hand with all duties, the lock called by a table of functions; bare: in place: the floor under `plugin`",
     TABLE, DUTIES},
    {"control", "", "the loop that counts against itself: what is noise", AGAIN, COUNTER},
};
static const struct figure contended[] = {
    {"of 64 bytes", "0.97 - 1.03", "a trial of two; bare: two in a loop that touches 64 bytes", HARNESS, LINE},
    {"duties", "", "two in the loop by hand with all duties; bare: that loop", DUTIES, LINE},
    {"over duties", "", "a trial of two; bare: two in the loop by hand with all duties", HARNESS, DUTIES},
    {"plugin", "<= 1.15", "a trial of two by way of the row; bare: a trial of two", PLUGIN, HARNESS},
    {"nudged", "", "the loop that touches 64 bytes with one store more, outside; bare: without: what a nanosecond does", NUDGED, LINE},
    {"control", "", "the loop that touches 64 bytes against itself: what is noise", AGAIN, LINE},
};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static bool needed(const struct figure *figures, size_t count, enum side side)
{
    for (size_t i = 0; i < count; i++)
        if (figures[i].ours == side || figures[i].bare == side)
            return true;
    return false;
}

static void compare(struct bare *b, const struct primitive *p, uint32_t workers, int rounds, bool first)
{
    const struct figure *figures = workers == 1 ? alone : contended;
    size_t count = workers == 1 ? COUNT_OF(alone) : COUNT_OF(contended);
    for (int r = 0; r < rounds; r++) {
        double ns[SIDES];
        for (int k = 0; k < SIDES; k++) {
            enum side side = (enum side)((k + r) % SIDES); /* nobody always comes first */
            ns[side] = needed(figures, count, side) ? quiet_round(b, p, side, workers) : -1;
        }
        for (size_t i = 0; i < count; i++) {
            const struct figure *f = &figures[i];
            if (ns[f->ours] > 0 && ns[f->bare] > 0)
                printf("{\"bench\": \"%s%s: %s\", \"what\": \"%s\", \"unit\": \"ns\", \"bound\": \"%s\", \"ours\": %.6g, \"bare\": %.6g}\n",
                       p->name, workers == 1 ? "" : " x2", f->name, first ? f->what : "", f->bound ? f->bound : p->bound,
                       ns[f->ours], ns[f->bare]);
        }
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 15;
    const char *only = argc > 2 ? argv[2] : NULL;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "Usage: meter_bench [ROUNDS [PRIMITIVE]], 1 to %d\n", ROUNDS_MAX);
        return STATUS_USAGE;
    }
    struct bare *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED) {
        perror("meter_bench: mmap");
        return STATUS_ENVIRONMENT;
    }
    ticks_begin();
    priority_raise();
    for (uint32_t workers = 1; workers <= CREW; workers++) {
        if (workers > pin_cpus_allowed()) {
            printf("contended: N/A, this process may use one CPU only\n");
            break;
        }
        bool first = true;
        for (size_t i = 0; i < COUNT_OF(primitives); i++) {
            if (only && strcmp(only, primitives[i].name) != 0)
                continue;
            compare(b, &primitives[i], workers, rounds, first);
            first = false;
        }
    }
    printf("%u rounds; %u were done again, since a process had waited for a CPU, and %u count although one had\n", tried, repeated,
           disturbed);
    munmap(b, sizeof *b);
    return 0;
}
