/* Single steps through the primitive's code, and a region that it may not write to: both counted. */
#define _GNU_SOURCE
#include "workloads/fault/within.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "workloads/fault/trap.h"

const char *within_refuses(void)
{
    return trap_refuses();
}

#if TRAP_POSSIBLE

#define SYSCALL_FIRST 0x0f /* the two bytes of the instruction */
#define SYSCALL_SECOND 0x05

/* This process's. */
static struct {
    uintptr_t caller, region;
    size_t bytes;
    uint64_t count, made;
    enum within_unit unit;
    bool armed, stepping;
    bool closed; /* the region may not be written to */
    void (*strike)(void *user);
    void *user;
    struct sigaction before; /* whoever else has something to say about SIGSEGV */
} own;

TRAP_CODE static void close_region(bool closed)
{
    trap_syscall(SYS_mprotect, (long)own.region, (long)own.bytes, closed ? PROT_READ : PROT_READ | PROT_WRITE, 0);
    own.closed = closed;
}

/* The count is full: the region is open again (the kernel may have to write to it when the process is gone), and the steps end. */
TRAP_CODE static void strike(greg_t *regs)
{
    regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    own.armed = false;
    if (own.unit == WITHIN_STORES)
        close_region(false);
    own.strike(own.user);
}

TRAP_CODE static bool enters_kernel(const greg_t *regs)
{
    const unsigned char *code = (const unsigned char *)regs[REG_RIP];
    return code[0] == SYSCALL_FIRST && code[1] == SYSCALL_SECOND;
}

TRAP_CODE static void step_taken(greg_t *regs)
{
    if (!own.armed)
        return;
    if (trap_is_to_be_blocked(regs))
        regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    if (own.unit == WITHIN_STORES) {
        bool open = enters_kernel(regs);
        if (open == own.closed)
            close_region(!open);
    } else if (trap_inside(regs, own.caller) && ++own.made >= own.count) {
        strike(regs);
    }
}

/* A store into the region: counted, and let through, with a trap behind it. Anything else is not ours. */
TRAP_CODE static void store_refused(int signal, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t at = (uintptr_t)info->si_addr;
    (void)signal;
    if (!own.closed || info->si_code != SEGV_ACCERR || at - own.region >= own.bytes) {
        sigaction(SIGSEGV, &own.before, NULL);
        return;
    }
    if (own.made >= own.count) {
        strike(regs);
        return;
    }
    own.made++;
    regs[REG_EFL] |= TRAP_FLAG;
    close_region(false);
}

int within_begin(void *region, size_t bytes, struct slot *slot, void (*wanted)(void *user), void *user)
{
    static const struct trap_hooks hooks = {.step = step_taken};
    struct sigaction action = {.sa_sigaction = store_refused, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    own.region = (uintptr_t)region;
    own.bytes = bytes;
    own.strike = wanted;
    own.user = user;
    int rc = trap_begin(&hooks, slot);
    return rc ? rc : sigaction(SIGSEGV, &action, &own.before) == 0 ? 0 : errno;
}

void within_arm(enum within_unit unit, uint64_t count)
{
    own.unit = unit;
    own.count = count;
    own.made = 0;
    own.armed = true;
}

void within_disarm(void)
{
    own.armed = false;
}

uint64_t within_made(void)
{
    return own.made;
}

TRAP_CODE void within_calling(uintptr_t caller)
{
    own.caller = caller;
    if (!own.armed || trap_is_blocked())
        return;
    own.stepping = true;
    if (own.unit == WITHIN_STORES)
        close_region(true);
    trap_on();
}

TRAP_CODE void within_called(void)
{
    if (!own.stepping)
        return;
    trap_off();
    own.stepping = false;
    if (own.closed)
        close_region(false);
}

#else

int within_begin(void *region, size_t bytes, struct slot *slot, void (*wanted)(void *user), void *user)
{
    (void)region, (void)bytes, (void)slot, (void)wanted, (void)user;
    return ENOTSUP;
}

void within_arm(enum within_unit unit, uint64_t count)
{
    (void)unit, (void)count;
}

void within_disarm(void)
{
}

uint64_t within_made(void)
{
    return 0;
}

void within_calling(uintptr_t caller)
{
    (void)caller;
}

void within_called(void)
{
}

#endif
