/* Single steps through the primitive's code, counted. */
#define _GNU_SOURCE
#include "workloads/fault/within.h"

#include <errno.h>
#include <stdbool.h>

#include "workloads/fault/trap.h"

const char *within_refuses(void)
{
    return trap_refuses();
}

#if TRAP_POSSIBLE

/* This process's. */
static struct {
    uintptr_t caller;
    uint64_t left; /* instructions; 0: struck */
    bool stepping;
    void (*strike)(void *user);
    void *user;
} own;

TRAP_CODE static void step_taken(greg_t *regs)
{
    if (own.left == 0 || !trap_inside(regs, own.caller) || --own.left)
        return;
    regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    own.strike(own.user);
}

int within_begin(uint64_t after, void (*strike)(void *user), void *user)
{
    static const struct trap_hooks hooks = {.step = step_taken};
    own.left = after;
    own.strike = strike;
    own.user = user;
    return trap_begin(&hooks);
}

TRAP_CODE void within_calling(uintptr_t caller)
{
    own.caller = caller;
    if (own.left == 0)
        return;
    own.stepping = true;
    trap_on();
}

TRAP_CODE void within_called(void)
{
    if (!own.stepping)
        return;
    trap_off();
    own.stepping = false;
}

#else

int within_begin(uint64_t after, void (*strike)(void *user), void *user)
{
    (void)after, (void)strike, (void)user;
    return ENOTSUP;
}

void within_calling(uintptr_t caller)
{
    (void)caller;
}

void within_called(void)
{
}

#endif
