/* Watching system calls by syscall user dispatch: arming, the handler, adding up. */
#define _GNU_SOURCE
#include "run/syscalls.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract/worker.h"

const char *syscalls_name(uint32_t number, char text[32])
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
    if (name)
        snprintf(text, 32, "%s", name);
    else
        snprintf(text, 32, "system call %u", number);
    free(name);
    return text;
}

void syscalls_add_up(const struct ledger *ledger, struct syscalls *sum)
{
    *sum = (struct syscalls){.known = true};
    for (uint32_t i = 0; i < ledger->workers; i++) {
        const struct slot *slot = &ledger->slots[i];
        sum->known &= slot->watched != 0;
        sum->ops += slot->ops;
        sum->messages += slot->messages;
        for (uint32_t k = 0; k < SLOT_CALLS && slot->calls[k].within + slot->calls[k].beside; k++) {
            const struct slot_call *call = &slot->calls[k];
            uint32_t place = 0;
            while (place < sum->kinds && sum->calls[place].number != call->number)
                place++;
            sum->within += call->within;
            sum->beside += call->beside;
            if (place == SLOT_CALLS || k == SLOT_CALLS - 1) { /* the last place stands for all that had none */
                sum->others += call->within + call->beside;
                continue;
            }
            sum->kinds += place == sum->kinds;
            sum->calls[place].number = call->number;
            sum->calls[place].within += call->within;
            sum->calls[place].beside += call->beside;
        }
    }
}

void syscalls_report(struct worker *w)
{
    char name[32];
    if (!w->slot->watched)
        worker_violation_text(w, VIOLATION_SYSCALL, "the system calls of worker %u could not be watched: nothing is proven", w->index);
    for (uint32_t k = 0; k < SLOT_CALLS; k++) {
        uint64_t within = w->slot->calls[k].within, beside = w->slot->calls[k].beside;
        if (within + beside == 0)
            continue;
        worker_violation_values(w, VIOLATION_SYSCALL, 0, within + beside,
                                "%s%s was called %llu times in the timed section: %llu times by %s itself, %llu times by what is around it",
                                syscalls_name(w->slot->calls[k].number, name), k == SLOT_CALLS - 1 ? " and others" : "",
                                (unsigned long long)(within + beside), (unsigned long long)within, w->sync->name,
                                (unsigned long long)beside);
        slot_store(&w->slot->violations[VIOLATION_SYSCALL], w->slot->violations[VIOLATION_SYSCALL] + within + beside - 1);
    }
}

#if defined(__x86_64__)

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif

/* A return from a signal is a system call, too: the handler's own is made from here, where none is caught. The kernel looks at
 * the address behind the call, which must be inside as well. */
__asm__(".pushsection .text\n"
        ".balign 16\n"
        ".globl syscalls_uncaught\n"
        "syscalls_uncaught:\n"
        "	mov $15, %eax\n" /* rt_sigreturn */
        "	syscall\n"
        "	ud2\n"
        ".globl syscalls_uncaught_end\n"
        "syscalls_uncaught_end:\n"
        ".popsection\n");
extern const char syscalls_uncaught[], syscalls_uncaught_end[];

/* This process's watch; workers have one thread. */
static struct {
    volatile uint8_t selector; /* WORKER_OFF_WATCH or WORKER_ON_WATCH: SYSCALL_DISPATCH_FILTER_ALLOW and _BLOCK */
    struct slot *slot;
    const uint32_t *stop;
    bool clock_calls; /* reading the clock is a system call here */
} watch;

static int dispatch(bool on)
{
    unsigned long from = on ? (unsigned long)(uintptr_t)syscalls_uncaught : 0;
    unsigned long bytes = on ? (unsigned long)(syscalls_uncaught_end - syscalls_uncaught) : 0;
    return prctl(PR_SET_SYSCALL_USER_DISPATCH, on ? PR_SYS_DISPATCH_ON : PR_SYS_DISPATCH_OFF, from, bytes,
                 on ? &watch.selector : NULL) == 0
               ? 0
               : errno;
}

const char *syscalls_missing(void)
{
    static int answer = -1;
    if (answer < 0) {
        watch.selector = WORKER_OFF_WATCH;
        answer = dispatch(true);
        dispatch(false);
    }
    return answer == 0        ? NULL
           : answer == EINVAL ? "this kernel cannot dispatch a process's system calls to itself: that takes Linux 5.11 or later, not emulated"
                              : "something forbids prctl(PR_SET_SYSCALL_USER_DISPATCH) here: a container's seccomp profile perhaps";
}

/* One in the primitive's own code always counts; one beside it until the trial is asked to end, since what comes then is not timed. */
static void note(uint32_t number)
{
    uint32_t phase = slot_load(&watch.slot->phase), k = 0;
    bool within = phase == PHASE_ACQUIRING || phase == PHASE_RELEASING || phase == PHASE_CALLING;
    if ((!within && slot_load(watch.stop)) || (watch.clock_calls && number == SYS_clock_gettime))
        return;
    struct slot_call *calls = watch.slot->calls;
    while (k < SLOT_CALLS - 1 && calls[k].within + calls[k].beside != 0 && calls[k].number != number)
        k++;
    slot_store(&calls[k].number, number);
    uint64_t *count = within ? &calls[k].within : &calls[k].beside;
    slot_store(count, *count + 1);
}

static long make_call(long number, const greg_t *r)
{
    long result;
    register long r10 __asm__("r10") = r[REG_R10];
    register long r8 __asm__("r8") = r[REG_R8];
    register long r9 __asm__("r9") = r[REG_R9];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(r[REG_RDI]), "S"(r[REG_RSI]), "d"(r[REG_RDX]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* The mask in force is the interrupted one's, which comes back with the return from the handler. SIGSYS stays open. */
static long change_mask(ucontext_t *context, const greg_t *r)
{
    uint64_t mask, set = 0;
    memcpy(&mask, &context->uc_sigmask, sizeof mask);
    if (r[REG_R10] != sizeof mask || (r[REG_RSI] && (r[REG_RDI] < SIG_BLOCK || r[REG_RDI] > SIG_SETMASK)))
        return -EINVAL;
    if (r[REG_RSI])
        memcpy(&set, (const void *)(uintptr_t)r[REG_RSI], sizeof set);
    if (r[REG_RDX])
        memcpy((void *)(uintptr_t)r[REG_RDX], &mask, sizeof mask);
    if (r[REG_RSI])
        mask = r[REG_RDI] == SIG_BLOCK ? mask | set : r[REG_RDI] == SIG_UNBLOCK ? mask & ~set : set;
    mask &= ~(1ULL << (SIGSYS - 1));
    memcpy(&context->uc_sigmask, &mask, sizeof mask);
    return 0;
}

/* Does it come back on another stack, or twice on one? It must be made where it stands. */
static bool leaves_stack(long number)
{
    return number == SYS_clone || number == SYS_clone3 || number == SYS_vfork;
}

static void caught(int signal, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    greg_t *r = interrupted->uc_mcontext.gregs;
    long number = info->si_syscall;
    int errnum = errno;
    (void)signal;
    watch.selector = WORKER_OFF_WATCH;
    note((uint32_t)number);
    if (leaves_stack(number)) { /* made again, uncaught: and so are those that follow, up to the next operation that was timed */
        r[REG_RIP] -= 2;
        return;
    }
    if (number == SYS_rt_sigreturn) /* of another handler: the same stack, from where none is caught */
        r[REG_RIP] = (greg_t)(uintptr_t)syscalls_uncaught;
    else
        r[REG_RAX] = number == SYS_rt_sigprocmask ? change_mask(interrupted, r) : make_call(number, r);
    errno = errnum;
    watch.selector = WORKER_ON_WATCH;
}

/* As the kernel has it: the C library would put a return of its own. */
struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    const void *restorer;
    uint64_t mask;
};
#define KERNEL_RESTORER 0x04000000ul

static int catch_calls(void)
{
    const struct kernel_action action = {
        .handler = caught, .flags = SA_SIGINFO | KERNEL_RESTORER, .restorer = syscalls_uncaught};
    return syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof action.mask) == 0 ? 0 : errno;
}

static uint64_t caught_so_far(const struct slot *slot)
{
    return slot->calls[0].within + slot->calls[0].beside;
}

/* Is a call caught that is made on purpose, and is reading the clock one? */
static bool try_out(struct slot *slot)
{
    static const uint32_t go_on = 0;
    watch.stop = &go_on;
    watch.selector = WORKER_ON_WATCH;
    (void)clock_ns();
    watch.clock_calls = caught_so_far(slot) != 0;
    syscall(SYS_getppid);
    watch.selector = WORKER_OFF_WATCH;
    bool works = slot->calls[watch.clock_calls].number == SYS_getppid && caught_so_far(slot) == 1;
    memset(slot->calls, 0, sizeof slot->calls);
    return works;
}

int syscalls_begin(struct worker *w)
{
    watch.selector = WORKER_OFF_WATCH;
    watch.slot = w->slot;
    watch.clock_calls = false;
    int rc = catch_calls();
    if (rc == 0)
        rc = dispatch(true);
    if (rc)
        return rc;
    bool works = try_out(w->slot);
    watch.stop = w->crew.stop;
    slot_store(&w->slot->watched, works);
    w->watch = &watch.selector;
    *w->watch = WORKER_ON_WATCH;
    return works ? 0 : ENOTSUP;
}

void syscalls_end(struct worker *w)
{
    watch.selector = WORKER_OFF_WATCH;
    w->watch = NULL;
    dispatch(false);
    signal(SIGSYS, SIG_DFL);
}

#else

const char *syscalls_missing(void)
{
    return "catching a process's system calls is written for x86-64 only";
}

int syscalls_begin(struct worker *w)
{
    (void)w;
    return ENOSYS;
}

void syscalls_end(struct worker *w)
{
    (void)w;
}

#endif
