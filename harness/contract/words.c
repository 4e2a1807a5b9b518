/* The names of verdicts, violations, phases and families. */
#include <stddef.h>
#include <strings.h>

#include "contract/evidence.h"
#include "contract/slot.h"
#include "contract/sync.h"
#include "contract/verdict.h"

const char *const verdict_names[VERDICTS + 1] = {
    [VERDICT_CLEAN] = "CLEAN",
    [VERDICT_CORRUPT] = "CORRUPT",
    [VERDICT_WEDGED] = "WEDGED",
    [VERDICT_CRASHED] = "CRASHED",
    [VERDICT_INCONCLUSIVE] = "INCONCLUSIVE",
    [VERDICT_UNSUPPORTED] = "UNSUPPORTED",
    [VERDICT_ERROR] = "ERROR",
    [VERDICTS] = NULL,
};

const char *verdict_name(enum verdict verdict)
{
    return verdict_names[verdict];
}

int verdict_find(const char *name)
{
    for (int i = 0; i < VERDICTS; i++)
        if (strcasecmp(verdict_names[i], name) == 0)
            return i;
    return -1;
}

const char *violation_name(enum violation violation)
{
    static const char *const names[VIOLATIONS] = {
        [VIOLATION_TORN] = "torn",
        [VIOLATION_STALE] = "stale",
        [VIOLATION_BACK] = "back",
        [VIOLATION_FOREIGN] = "foreign",
        [VIOLATION_OVERLAP] = "overlap",
        [VIOLATION_LOST] = "lost",
        [VIOLATION_SCRIBBLED] = "scribbled",
        [VIOLATION_COUNT] = "count",
        [VIOLATION_PERSISTENCE] = "persistence",
        [VIOLATION_LIFECYCLE] = "lifecycle",
        [VIOLATION_SYNC_ERROR] = "sync-error",
        [VIOLATION_DUPLICATED] = "duplicated",
        [VIOLATION_REORDERED] = "reordered",
        [VIOLATION_DOUBLED] = "doubled",
        [VIOLATION_SKEW] = "skew",
        [VIOLATION_HISTORY] = "history",
        [VIOLATION_STARVED] = "starved",
        [VIOLATION_SYSCALL] = "syscall",
        [VIOLATION_STRAY] = "stray",
    };
    return violation < VIOLATIONS ? names[violation] : "overwritten";
}

const char *phase_name(enum phase phase)
{
    static const char *const names[PHASES] = {
        [PHASE_STARTING] = "starting", [PHASE_LOADING] = "loading",     [PHASE_ATTACHING] = "attaching",
        [PHASE_READY] = "ready",       [PHASE_IDLE] = "idle",           [PHASE_ACQUIRING] = "acquiring",
        [PHASE_INSIDE] = "inside",     [PHASE_RELEASING] = "releasing", [PHASE_CALLING] = "calling",
        [PHASE_DETACHING] = "detaching", [PHASE_DONE] = "done",
    };
    return phase < PHASES ? names[phase] : "overwritten";
}

const char *sync_family_name(enum sync_family family)
{
    static const char *const names[SYNC_FAMILIES] = {
        [SYNC_LOCK] = "lock",       [SYNC_CELL] = "cell", [SYNC_QUEUE] = "queue",
        [SYNC_COUNTER] = "counter", [SYNC_POOL] = "pool", [SYNC_BARRIER] = "barrier",
    };
    return names[family];
}

const char *sync_trait_name(unsigned trait)
{
    switch ((enum sync_trait)trait) {
    case SYNC_SHARED:
        return "shared";
    case SYNC_ROBUST:
        return "robust";
    case SYNC_TIMED:
        return "timed";
    case SYNC_FAIR:
        return "fair";
    case SYNC_BLOCKING:
        return "blocking";
    case SYNC_SAME_ADDRESS:
        return "same-address";
    case SYNC_KERNEL_NAME:
        return "kernel-name";
    case SYNC_BUSTED:
        return "busted";
    case SYNC_QUEUED:
        return "queued";
    case SYNC_RELEASED:
        return "released-by-kernel";
    case SYNC_UNREPAIRED:
        return "unrepaired";
    case SYNC_LISTED:
        return "robust-list";
    case SYNC_ABORTS:
        return "aborts";
    case SYNC_CONTROL:
        return "control";
    case SYNC_INHERITED:
        return "inherited";
    case SYNC_PERMIT:
        return "permit";
    }
    return NULL;
}
