/* For tests of the watchdog: real processes, a hand-made ledger, and a clock that the test moves. */
#ifndef RUN_WATCHDOG_TESTING_H
#define RUN_WATCHDOG_TESTING_H

#include "base/testing.h"
#include "run/process.h"
#include "run/watchdog.h"

enum { WORKERS = 3 };
#define START (1000 * NS_PER_S)

static struct error error;
static struct trial_spec spec;
static struct ledger ledger;
static struct crew_member members[WORKERS];
static struct crew crew;
static struct watchdog dog;
static char why[700];

static inline int sleep_for_ever(void *user)
{
    (void)user;
    for (;;)
        pause();
    return 0;
}

static inline void await_state(uint32_t i, char state)
{
    while (process_look(members[i].pid).state != state)
        sched_yield();
}

/* A crew that waits for the primitive, and sleeps. */
static inline void begin(int (*body)(void *user))
{
    static unsigned counter;
    spec = (struct trial_spec){
        .load = contents_load("counter"),
        .sync = contents_sync("mutex"),
        .fault = contents_fault("none"),
        .shape = {.writers = WORKERS},
    };
    testing_ok(ledger_create(&ledger, WORKERS, 3, &error));
    crew = (struct crew){.members = members, .count = WORKERS, .alive = WORKERS};
    for (uint32_t i = 0; i < WORKERS; i++) {
        members[i] = (struct crew_member){.pid = testing_fork(body, &counter), .pidfd = -1};
        ledger.slots[i].phase = PHASE_ACQUIRING;
        ledger.slots[i].ops = 10 * i;
        await_state(i, body == sleep_for_ever ? 'S' : 'R');
    }
    watchdog_start(&dog, &spec, START);
}

static inline void finish(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        kill(members[i].pid, SIGKILL);
        testing_wait(members[i].pid);
    }
    watchdog_free(&dog);
    ledger_destroy(&ledger);
}

static inline enum watch look_at(uint64_t ms, bool hurry)
{
    struct ledger_view view = ledger_look(&ledger);
    return watchdog_look(&dog, &crew, &ledger, &view, START + ms * NS_PER_MS, hurry, why, sizeof why);
}

/* Looks every 50 ms of the test's time. Returns the moment of the first answer but GO_ON, `until` when there was none. */
static inline uint64_t first_bark(uint64_t from, uint64_t until, enum watch wanted)
{
    for (uint64_t ms = from; ms < until; ms += 50) {
        enum watch watch = look_at(ms, false);
        if (watch == WATCH_GO_ON)
            continue;
        ck_assert_msg(watch == wanted, "at %d ms: %d (%s)", (int)ms, watch, why);
        return ms;
    }
    return until;
}

#endif
