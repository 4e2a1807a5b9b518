/* Scenes for the watchdog, played by real crews: two that are wedged, and four that are only slow.
 *
 * SCENE_TRIES=20 plays each so often, and prints how long it took to tell; a wedge must be told within a second, and what is slow
 * must never be called a wedge. On a machine that is busy otherwise a spinning crew's turns take longer: then it takes longer to
 * tell, and the time is printed, not judged.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/testing.h"
#include "contract/worker.h"
#include "run/trial.h"

#define SCENE_NS (400 * NS_PER_MS)
#define FIRST_OPERATION 50
#define HOGS_EACH_CPU 8

static struct trial_result result;
static uint64_t times_ns[64];
static uint32_t told;

static uint32_t tries(void)
{
    const char *text = getenv("SCENE_TRIES");
    int wanted = text ? atoi(text) : 2;
    return wanted < 1 ? 1 : wanted > 64 ? 64 : (uint32_t)wanted;
}

/* The first worker that comes to its fiftieth operation acts the scene inside, once in a trial. */
static bool is_on(struct worker *w)
{
    uint32_t *acted = w->crew.fault_commons, nobody = 0;
    return w->ops >= FIRST_OPERATION &&
           __atomic_compare_exchange_n(acted, &nobody, w->index + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void sleep_inside(struct worker *w, double parameter)
{
    (void)parameter;
    if (is_on(w))
        nanosleep(&(struct timespec){.tv_nsec = (long)SCENE_NS}, NULL);
}

static void stop_inside(struct worker *w, double parameter)
{
    (void)parameter;
    if (is_on(w))
        raise(SIGSTOP);
}

static uint64_t continue_later(struct nemesis *nemesis)
{
    uint64_t *since_ns = (uint64_t *)nemesis->commons + 1;
    uint32_t worker = __atomic_load_n((uint32_t *)nemesis->commons, __ATOMIC_ACQUIRE);
    if (worker && !*since_ns)
        *since_ns = nemesis->now_ns;
    if (*since_ns && nemesis->now_ns > *since_ns + SCENE_NS) {
        nemesis->signal(nemesis, worker - 1, SIGCONT, "continued");
        return UINT64_MAX;
    }
    return nemesis->now_ns + 5 * NS_PER_MS;
}

static const struct fault_ops asleep_inside = {.name = "asleep", .expect = -1, .inside = sleep_inside};
static const struct fault_ops stopped_inside = {.name = "stopped", .expect = -1, .inside = stop_inside, .act = continue_later};

static struct trial_spec spec_of(const char *sync, const struct fault_ops *fault)
{
    struct trial_spec spec = {
        .number = 1,
        .job = "test",
        .load = contents_load("counter"),
        .sync = contents_sync(sync),
        .fault = fault,
        .fault_text = fault->name,
        .fault_parameter = fault->fallback,
        .shape = {.writers = 2, .readers = 2, .size = 64, .sampling = 64},
        .repeat = 1,
        .duration_ns = 600 * NS_PER_MS,
        .pin = "none",
    };
    spec.shape.seed = clock_ns();
    spec.expect = spec_expected(&spec);
    return spec;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* From the last progress until the proof, as the reason has it. */
static uint64_t time_to_tell(void)
{
    double seconds = 0;
    const char *part = strstr(result.reason, "no progress for ");
    ck_assert_msg(part && sscanf(part, "no progress for %lf s", &seconds) == 1, "%s", result.reason);
    return (uint64_t)(seconds * 1e9);
}

static void print_times(const char *scene)
{
    if (!getenv("SCENE_TRIES"))
        return;
    qsort(times_ns, told, sizeof times_ns[0], by_size);
    printf("scene: %-34s wedged in %u of %u tries, told %.0f ms after the last progress (%.0f to %.0f)\n", scene, told, tries(),
           (double)times_ns[told / 2] / 1e6, (double)times_ns[0] / 1e6, (double)times_ns[told - 1] / 1e6);
    fflush(stdout);
}

/* `prompt`: all sleep, and no CPU is needed to tell. */
static void plays_wedged(const char *scene, const char *sync, const char *fault, bool prompt, const char *part)
{
    told = 0;
    for (uint32_t i = 0; i < tries(); i++) {
        struct trial_spec spec = spec_of(sync, contents_fault(fault));
        spec.duration_ns = 20 * NS_PER_S;
        trial_run(&spec, &result);
        ck_assert_msg(result.verdict == VERDICT_WEDGED, "%s: %s: %s", scene, verdict_name(result.verdict), result.reason);
        testing_has(result.reason, part);
        times_ns[told++] = time_to_tell();
        trial_result_free(&result);
    }
    print_times(scene);
    qsort(times_ns, told, sizeof times_ns[0], by_size);
    if (prompt)
        ck_assert_uint_lt(times_ns[told / 2], NS_PER_S);
}

static void plays_slow(const char *scene, const char *sync, const struct fault_ops *fault, uint64_t think_ns, pid_t (*begin)(void))
{
    uint32_t clean = 0;
    for (uint32_t i = 0; i < tries(); i++) {
        struct trial_spec spec = spec_of(sync, fault);
        spec.shape.think_ns = think_ns;
        spec.enough = 0;
        pid_t group = begin ? begin() : 0;
        trial_run(&spec, &result);
        if (group > 0)
            kill(-group, SIGKILL);
        while (group > 0 && waitpid(-group, NULL, 0) > 0)
            continue;
        ck_assert_msg(result.verdict == VERDICT_CLEAN || result.verdict == VERDICT_INCONCLUSIVE, "%s: %s: %s", scene,
                      verdict_name(result.verdict), result.reason);
        clean += result.verdict == VERDICT_CLEAN;
        trial_result_free(&result);
    }
    if (getenv("SCENE_TRIES"))
        printf("scene: %-34s wedged in 0 of %u tries, %u CLEAN\n", scene, tries(), clean);
    fflush(stdout);
}

/* Many times as many processes as CPUs, which want to compute for 400 ms from soon on. */
static pid_t begin_hogs(void)
{
    cpu_set_t set;
    pid_t group = 0;
    sched_getaffinity(0, sizeof set, &set);
    for (int i = 0; i < HOGS_EACH_CPU * CPU_COUNT(&set); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, group);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            nanosleep(&(struct timespec){.tv_nsec = 80000000}, NULL);
            clock_spin(SCENE_NS);
            _exit(0);
        }
        ck_assert_int_gt(pid, 0);
        group = group ? group : pid;
        setpgid(pid, group);
    }
    return group;
}

START_TEST(an_owner_that_was_killed_is_a_wedge)
{
    plays_wedged("owner killed, the others asleep", "mutex", "die", true, "which is dead");
    plays_wedged("owner killed, the others spin", "ticket", "die", false, "spins in user space");
}
END_TEST

START_TEST(a_wake_up_that_was_lost_is_a_wedge)
{
    plays_wedged("wake-up lost", "busted-forgetful", "none", true, "all of them asleep");
}
END_TEST

START_TEST(an_owner_that_was_stopped_is_slow)
{
    plays_slow("owner stopped for 400 ms", "mutex", &stopped_inside, 0, NULL);
    plays_slow("owner stopped for 400 ms, spinning", "spin", &stopped_inside, 0, NULL);
}
END_TEST

START_TEST(an_owner_that_sleeps_inside_is_slow)
{
    plays_slow("owner asleep inside for 400 ms", "mutex", &asleep_inside, 0, NULL);
}
END_TEST

START_TEST(cpu_hogs_make_slow)
{
    plays_slow("CPU hogs for 400 ms", "mutex", contents_fault("none"), 0, begin_hogs);
    plays_slow("CPU hogs for 400 ms, spinning", "spin", contents_fault("none"), 0, begin_hogs);
}
END_TEST

START_TEST(who_thinks_is_slow)
{
    plays_slow("idle, 150 ms think time", "mutex", contents_fault("none"), 150 * NS_PER_MS, NULL);
}
END_TEST

int main(void)
{
    return testing_run("scenes", (const TTest *[]){
                                     an_owner_that_was_killed_is_a_wedge,
                                     a_wake_up_that_was_lost_is_a_wedge,
                                     an_owner_that_was_stopped_is_slow,
                                     an_owner_that_sleeps_inside_is_slow,
                                     cpu_hogs_make_slow,
                                     who_thinks_is_slow,
                                     NULL,
                                 });
}
