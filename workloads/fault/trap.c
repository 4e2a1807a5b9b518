/* The handler of SIGTRAP, and whether single steps are to be had at all. */
#define _GNU_SOURCE
#include "workloads/fault/trap.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#if !TRAP_POSSIBLE

const char *trap_refuses(void)
{
    return "this fault steps through the primitive's code, which is written for x86-64 processors only";
}

#else

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

/* These wrap every handler in code of their own, which may hold the breakpoint that is handled. */
#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer) || HAS_FEATURE(memory_sanitizer)
#define WRAPPED 1
#else
#define WRAPPED 0
#endif

#define STACK_BYTES 65536 /* vector registers alone may take 11 KiB of a frame */

static struct trap_hooks hooks;
static struct slot *own_slot;

/* As the kernel has it. */
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* Somebody else's trap: it does what it would have done without a handler. */
TRAP_CODE static void die(void)
{
    if (own_slot)
        slot_store(&own_slot->fault.signal, SIGTRAP);
    struct kernel_action none = {.handler = SIG_DFL, .flags = 0, .restorer = NULL, .mask = 0};
    trap_syscall(SYS_rt_sigaction, SIGTRAP, (long)&none, 0, sizeof none.mask);
    trap_syscall(SYS_kill, trap_syscall(SYS_getpid, 0, 0, 0, 0), SIGTRAP, 0, 0);
}

TRAP_CODE static void handle(int signal, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)signal;
    if (info->si_code == SI_KERNEL) {
        if (!hooks.broke || !hooks.broke(regs))
            die();
    } else if (info->si_code > 0) {
        hooks.step(regs);
    } else {
        die();
    }
}

static int install(struct sigaction *before)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    return sigaction(SIGTRAP, &action, before) == 0 && sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 ? 0 : errno;
}

int trap_begin(const struct trap_hooks *wanted, struct slot *slot)
{
    static char stack[STACK_BYTES];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    hooks = *wanted;
    own_slot = slot;
    return sigaltstack(&alternate, NULL) == 0 ? install(NULL) : errno;
}

static volatile unsigned steps_counted; /* by the handler */

TRAP_CODE static void count_step(greg_t *regs)
{
    (void)regs;
    steps_counted++;
}

TRAP_CODE static void take_steps(void)
{
    trap_on();
    __asm__ __volatile__("nop\n\tnop");
    trap_off();
}

/* Takes a few steps, to see if they are counted: what emulates a processor may have no trap flag. */
static bool steps_work(void)
{
    struct sigaction before;
    sigset_t mask;
    hooks = (struct trap_hooks){.step = count_step};
    steps_counted = 0;
    if (sigprocmask(SIG_SETMASK, NULL, &mask) != 0 || install(&before) != 0)
        return false;
    take_steps();
    sigaction(SIGTRAP, &before, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return steps_counted >= 2;
}

const char *trap_refuses(void)
{
    static enum { UNKNOWN, POSSIBLE, IMPOSSIBLE } known;
    if (WRAPPED)
        return "this fault steps through the primitive's code, which cannot be done in a build with this sanitizer";
    if (known == UNKNOWN)
        known = steps_work() ? POSSIBLE : IMPOSSIBLE;
    return known == POSSIBLE ? NULL : "this fault steps through the primitive's code, and this system gives no single steps";
}

#endif
