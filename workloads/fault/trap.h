/* Traps inside a worker's own process: single steps and breakpoints, for faults that act between two instructions of the
 * primitive under test. x86-64 only.
 *
 *     refuses()   trap_refuses()
 *     begin()     trap_begin(&hooks)
 *     calling()   trap_caller(); trap_on();       from here on SIGTRAP comes after every instruction ...
 *     hooks       step(), for each that trap_inside() says is the primitive's
 *     called()    trap_off();                     ... until here
 *
 * Code that may run in the handler, and the two hooks around the primitive, are TRAP_CODE: in a section of their own, so that
 * their instructions can be told from the primitive's, and without calls into libraries, which may hold a breakpoint.
 */
#ifndef WORKLOADS_FAULT_TRAP_H
#define WORKLOADS_FAULT_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* What these faults work with: fault_ops.means. */
#define TRAP_MEANS ((const int[]){SIGTRAP, 0})

/* NULL, or why single steps are not to be had here. */
const char *trap_refuses(void);

#if defined(__x86_64__)
#define TRAP_POSSIBLE 1

#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

#include "base/clock.h"
#include "base/seed.h"
#include "contract/slot.h"

#define TRAP_CODE __attribute__((section("shmoo_trap"), no_sanitize("address", "undefined")))
#define TRAP_INLINE static inline __attribute__((always_inline, no_sanitize("address", "undefined")))
#define TRAP_FLAG 0x100

/* What SIGTRAP calls; both in the handler, with the registers that the worker goes on with. */
struct trap_hooks {
    void (*step)(greg_t *regs);    /* an instruction has been executed with the trap flag set */
    bool (*broke)(greg_t *regs);   /* a breakpoint instruction has been executed; false: it is nobody's. May be empty */
};

/* Installs the handler, on a stack of its own. The slot is to tell of a trap that was not set here. 0 or an errno. */
int trap_begin(const struct trap_hooks *hooks, struct slot *slot);

extern const char __start_shmoo_trap[] __attribute__((visibility("hidden")));
extern const char __stop_shmoo_trap[] __attribute__((visibility("hidden")));

/* The stack pointer of the caller of the hook that this is written in: frames below it are the primitive's. */
#define trap_caller() ((uintptr_t)__builtin_frame_address(0) + 16)

/* Is the next instruction the primitive's? */
TRAP_INLINE bool trap_inside(const greg_t *regs, uintptr_t caller)
{
    uintptr_t at = (uintptr_t)regs[REG_RIP];
    bool own = at >= (uintptr_t)__start_shmoo_trap && at < (uintptr_t)__stop_shmoo_trap;
    return !own && (uintptr_t)regs[REG_RSP] < caller;
}

/* Both step over the red zone, which a function that calls nothing may use without telling. */
TRAP_INLINE void trap_on(void)
{
    __asm__ __volatile__("lea -128(%%rsp), %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp" ::
                             : "memory", "cc");
}

TRAP_INLINE void trap_off(void)
{
    __asm__ __volatile__("lea -128(%%rsp), %%rsp\n\tpushfq\n\tandq $-257, (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp" ::
                             : "memory", "cc");
}

#define TRAP_MASK_BIT (1ULL << (SIGTRAP - 1))

/* Is the next instruction a system call that blocks SIGTRAP? A step behind it would be the end of the process. */
TRAP_INLINE bool trap_is_to_be_blocked(const greg_t *regs)
{
    const unsigned char *code = (const unsigned char *)regs[REG_RIP];
    const uint64_t *set = (const uint64_t *)regs[REG_RSI];
    return regs[REG_RAX] == SYS_rt_sigprocmask && regs[REG_RDI] != SIG_UNBLOCK && code[0] == 0x0f && code[1] == 0x05 && set &&
           *set & TRAP_MASK_BIT;
}

/* System calls without the C library. */
TRAP_INLINE long trap_syscall(long number, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                         : "rcx", "r11", "memory");
    return result;
}

/* Has the primitive's code blocked it in an earlier call? */
TRAP_INLINE bool trap_is_blocked(void)
{
    uint64_t mask = 0;
    trap_syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&mask, sizeof mask);
    return mask & TRAP_MASK_BIT;
}

TRAP_INLINE void trap_yield(void)
{
    trap_syscall(SYS_sched_yield, 0, 0, 0, 0);
}

TRAP_INLINE void trap_sleep(uint64_t ns)
{
    struct timespec length = {.tv_sec = 0, .tv_nsec = (long)ns};
    trap_syscall(SYS_nanosleep, (long)&length, 0, 0, 0);
}

TRAP_INLINE uint64_t trap_clock_ns(void)
{
    struct timespec now = {.tv_sec = 0, .tv_nsec = 0};
    trap_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* seed_below() over again, which a compiler may leave outside the section. */
TRAP_INLINE uint64_t trap_below(uint64_t *state, uint32_t bound)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return ((z ^ (z >> 31)) >> 32) * bound >> 32;
}

#else
#define TRAP_POSSIBLE 0
#endif

#endif
