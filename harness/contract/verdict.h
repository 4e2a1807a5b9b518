/* The words a trial is judged with. */
#ifndef CONTRACT_VERDICT_H
#define CONTRACT_VERDICT_H

enum verdict {
    VERDICT_CLEAN,        /* exposed, and nothing broke */
    VERDICT_CORRUPT,      /* an oracle has evidence */
    VERDICT_WEDGED,       /* somebody made no progress and had to be ended */
    VERDICT_CRASHED,      /* a worker died */
    VERDICT_INCONCLUSIVE, /* too little exposure for a verdict */
    VERDICT_UNSUPPORTED,  /* this primitive and load cannot be run here; nothing was tried */
    VERDICT_ERROR,        /* the harness could not run the trial */
    VERDICTS,
};

/* "CLEAN", ... */
const char *verdict_name(enum verdict verdict);

/* The verdict of that name, letter case ignored; -1 for an unknown one. */
int verdict_find(const char *name);

/* NULL-ended list of the names. */
extern const char *const verdict_names[VERDICTS + 1];

#endif
