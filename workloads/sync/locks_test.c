/* Tests of every lock row among several processes: what readers see, a storm of signals, and what a dead holder leaves. */
#define _GNU_SOURCE
#include "workloads/sync/rows.h"

#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/time.h>

#include "base/testing.h"
#include "contract/contents.h"

enum { ROOM = 4096, ROUNDS = 60 };

struct yard {
    _Alignas(SYNC_STATE_ALIGN) unsigned char state[ROOM];
    uint64_t first, second;
    uint32_t holding, let_go, done, alarms;
};

static struct yard *yard;
static struct sync_setup setup;
static const struct sync_ops *row;
static struct sync_lock lock;

static void begin(const struct sync_ops *sync)
{
    static char name[96];
    row = sync;
    lock = row->lock;
    if (!lock.acquire_shared) {
        lock.acquire_shared = lock.acquire;
        lock.release_shared = lock.release;
    }
    snprintf(name, sizeof name, "%s", testing_name(row->name));
    setup = (struct sync_setup){.name = name, .writers = 1, .readers = row->max_workers ? 1 : 2, .size = 8, .seed = 1};
    yard = mmap(NULL, sizeof *yard, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(yard, MAP_FAILED);
    ck_assert_uint_le(row->state_size ? row->state_size(&setup) : row->state_bytes, ROOM);
    ck_assert_int_eq(row->create ? row->create(yard->state, &setup) : 0, 0);
}

static void finish(void)
{
    ck_assert_int_eq(row->destroy ? row->destroy(yard->state, &setup) : 0, 0);
    ck_assert_int_eq(testing_census(setup.name + 1), 0);
    munmap(yard, sizeof *yard);
}

/* A process's own hold on the lock. It says which lock and ends the process if there is none. */
static struct sync_self attach(uint32_t index)
{
    struct sync_self self = {.state = yard->state, .setup = &setup, .index = index};
    int rc = row->attach ? row->attach(&self) : 0;
    if (rc) {
        fprintf(stderr, "%s: attach: %s\n", row->name, error_name(rc));
        _exit(99);
    }
    return self;
}

static const struct sync_ops *next_correct(size_t *i)
{
    for (; contents_syncs[*i]; ++*i)
        if (contents_syncs[*i]->family == SYNC_LOCK && contents_syncs[*i]->expect == VERDICT_CLEAN)
            return contents_syncs[(*i)++];
    return NULL;
}

static void await(const uint32_t *word)
{
    while (!__atomic_load_n(word, __ATOMIC_SEQ_CST))
        sched_yield();
}

/* Two counters that only a holder sees different. */
static int count_both(void *user)
{
    struct sync_self self = attach(0);
    (void)user;
    for (int i = 0; i < ROUNDS; i++) {
        if (lock.acquire(&self))
            return 1;
        *(volatile uint64_t *)&yard->first += 1;
        if (i % 8 == 0)
            sched_yield();
        *(volatile uint64_t *)&yard->second += 1;
        if (lock.release(&self))
            return 2;
    }
    __atomic_store_n(&yard->done, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int compare_both(void *user)
{
    struct sync_self self = attach(*(uint32_t *)user);
    do {
        if (lock.acquire_shared(&self))
            return 1;
        uint64_t first = *(volatile uint64_t *)&yard->first;
        sched_yield();
        bool same = first == *(volatile uint64_t *)&yard->second && first == *(volatile uint64_t *)&yard->first;
        if (lock.release_shared(&self))
            return 2;
        if (!same)
            return 3;
        sched_yield(); /* a writer must come in, whomever the lock prefers */
    } while (!__atomic_load_n(&yard->done, __ATOMIC_SEQ_CST));
    return 0;
}

START_TEST(readers_never_see_half_a_write)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        pid_t pids[3];
        begin(sync);
        uint32_t crew = setup.writers + setup.readers;
        pids[0] = testing_fork(count_both, NULL);
        for (uint32_t k = 1; k < crew; k++)
            pids[k] = testing_fork(compare_both, &k);
        for (uint32_t k = 0; k < crew; k++)
            ck_assert_msg(testing_wait(pids[k]) == 0, "%s: process %u", row->name, k);
        ck_assert_uint_eq(yard->first, ROUNDS);
        ck_assert_uint_eq(yard->second, ROUNDS);
        finish();
    }
}
END_TEST

static int hold(void *user)
{
    struct sync_self self = attach(1);
    (void)user;
    if (lock.acquire(&self))
        return 1;
    __atomic_store_n(&yard->holding, 1, __ATOMIC_SEQ_CST);
    await(&yard->let_go);
    return lock.release(&self) ? 2 : 0;
}

enum { STORM = 5 };

static void note_alarm(int signal)
{
    (void)signal;
    __atomic_fetch_add(&yard->alarms, 1, __ATOMIC_SEQ_CST);
}

/* Waits for the lock while a timer interrupts every system call. */
static int wait_in_a_storm(void *user)
{
    bool shared = *(bool *)user;
    struct sync_self self = attach(0);
    struct sigaction action = {.sa_handler = note_alarm}; /* no SA_RESTART */
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    int rc = (shared ? lock.acquire_shared : lock.acquire)(&self);
    bool too_early = !__atomic_load_n(&yard->let_go, __ATOMIC_SEQ_CST);
    int released = (shared ? lock.release_shared : lock.release)(&self);
    setitimer(ITIMER_REAL, &never, NULL);
    if (row->detach)
        row->detach(&self);
    return rc ? 1 : too_early ? 2 : released ? 3 : 0;
}

START_TEST(signals_do_not_end_a_wait)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        for (int shared = sync->max_writers == 1; shared <= ((sync->traits & SYNC_SHARED) != 0); shared++) {
            begin(sync);
            pid_t holder = testing_fork(hold, NULL);
            await(&yard->holding);
            pid_t waiter = testing_fork(wait_in_a_storm, &(bool){shared});
            while (__atomic_load_n(&yard->alarms, __ATOMIC_SEQ_CST) < STORM)
                sched_yield();
            __atomic_store_n(&yard->let_go, 1, __ATOMIC_SEQ_CST);
            int ended = testing_wait(waiter);
            ck_assert_msg(ended == 0, "%s, %s: %d", row->name, shared ? "shared" : "exclusive", ended);
            ck_assert_int_eq(testing_wait(holder), 0);
            finish();
        }
    }
}
END_TEST

static bool is_asleep(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        ck_abort_msg("%s: %s", path, error_name(errno));
    close(fd);
    const char *state = strrchr(text, ')');
    return state && strncmp(state, ") S", 3) == 0;
}

static int wait_for_the_dead(void *user)
{
    struct sync_self self = attach(0);
    int expected = *(int *)user;
    __atomic_store_n(&yard->done, 1, __ATOMIC_SEQ_CST);
    int rc = lock.acquire(&self);
    if (rc != expected)
        return 1;
    if (rc && lock.recover(&self))
        return 2;
    return lock.release(&self) || lock.acquire(&self) || lock.release(&self) ? 3 : 0;
}

/* What the next holder is told after a death, by rows that let it in at all; -1 for the others. */
static int told_after_a_death(const struct sync_ops *sync)
{
    static const struct sync_ops *const silent[] = {&sync_flock, &sync_ofd, &sync_fcntl, &sync_sysv_semaphore};
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        if (sync == silent[i])
            return 0;
    return sync->traits & SYNC_ROBUST ? EOWNERDEAD : -1;
}

START_TEST(who_sleeps_while_the_holder_dies_is_let_in)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        int told = told_after_a_death(sync);
        if (told < 0)
            continue;
        begin(sync);
        pid_t holder = testing_fork(hold, NULL);
        await(&yard->holding);
        pid_t waiter = testing_fork(wait_for_the_dead, &told);
        await(&yard->done);
        while (!is_asleep(waiter))
            sched_yield();
        ck_assert_int_eq(kill(holder, SIGKILL), 0);
        ck_assert_int_eq(testing_wait(holder), -SIGKILL);
        ck_assert_msg(testing_wait(waiter) == 0, "%s", row->name);
        finish();
        count++;
    }
    ck_assert_uint_ge(count, 6);
}
END_TEST

START_TEST(who_comes_after_the_holders_death_is_let_in)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        int told = told_after_a_death(sync);
        if (told < 0)
            continue;
        begin(sync);
        pid_t holder = testing_fork(hold, NULL);
        await(&yard->holding);
        ck_assert_int_eq(kill(holder, SIGKILL), 0);
        siginfo_t info;
        ck_assert_int_eq(waitid(P_PID, (id_t)holder, &info, WEXITED | WNOWAIT), 0); /* a zombie as yet */
        ck_assert_msg(testing_wait(testing_fork(wait_for_the_dead, &told)) == 0, "%s", row->name);
        ck_assert_int_eq(testing_wait(holder), -SIGKILL);
        finish();
    }
}
END_TEST

START_TEST(the_system_v_set_goes_with_its_lock_also_when_a_holder_was_killed)
{
    begin(&sync_sysv_semaphore);
    int id;
    memcpy(&id, yard->state, sizeof id);
    pid_t holder = testing_fork(hold, NULL);
    await(&yard->holding);
    ck_assert_int_eq(semctl(id, 0, GETVAL), 0);
    kill(holder, SIGKILL);
    ck_assert_int_eq(testing_wait(holder), -SIGKILL);
    ck_assert_int_eq(semctl(id, 0, GETVAL), 1);
    memset(yard->state, 0x5a, sizeof id); /* whatever became of the region */
    finish();
    ck_assert_int_eq(semctl(id, 0, GETVAL), -1);
}
END_TEST

int main(void)
{
    return testing_run("sync_locks", (const TTest *[]){
                                         readers_never_see_half_a_write,
                                         signals_do_not_end_a_wait,
                                         who_sleeps_while_the_holder_dies_is_let_in,
                                         who_comes_after_the_holders_death_is_let_in,
                                         the_system_v_set_goes_with_its_lock_also_when_a_holder_was_killed,
                                         NULL,
                                     });
}
