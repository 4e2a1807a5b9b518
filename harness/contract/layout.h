/* How a trial's shared memory lies: axes of the grid, each one row of words.
 *
 * A row's words are what the option of its name takes, what the records hold, and what the enum of its values counts: the first
 * is the default. A new axis is one row here, its option's row in cmd/run_options.c, and its field in analysis/conditions.py.
 */
#ifndef CONTRACT_LAYOUT_H
#define CONTRACT_LAYOUT_H

#include <stdint.h>

#include "base/error.h"

enum layout_axis {
    LAYOUT_PREFAULT, /* when the pages of a region come to be */
    LAYOUT_PAGES,    /* how large they are */
    LAYOUT_ADDRESS,  /* where each process has the region */
    LAYOUT_PACKING,  /* whether neighbours share lines; of loads whose row says so */
    LAYOUT_REGIONS,  /* whether the primitive's states share an object */
    LAYOUT_AXES,
};

enum layout_prefault {
    PREFAULT_FALLOCATE, /* the object's when it is sized, each mapping's when first touched */
    PREFAULT_NONE,      /* both when first touched */
    PREFAULT_POPULATE,  /* both when it is mapped */
};

enum layout_pages {
    PAGES_SYSTEM,  /* as the system gives them */
    PAGES_BASE,
    PAGES_THP,     /* base pages that the kernel has in huge ones */
    PAGES_HUGE_2M, /* of the system's pool of huge pages */
    PAGES_HUGE_1G,
};

enum layout_address {
    ADDRESS_FREE,      /* elsewhere in most processes, or as the primitive needs it */
    ADDRESS_SAME,      /* one in all processes */
    ADDRESS_DIFFERENT, /* another one in each */
};

enum layout_packing {
    PACKING_USUAL,  /* as the load has it */
    PACKING_PADDED, /* lines of its own to each cell */
    PACKING_PACKED, /* side by side */
};

enum layout_regions {
    REGIONS_ONE,  /* all states and the load's data in one object */
    REGIONS_MANY, /* an object of its own to each state, and one to the data */
};

struct layout_row {
    const char *name;
    const char *const *words; /* NULL-ended; the first is the default */
};

extern const struct layout_row layout_rows[LAYOUT_AXES];

/* One word of each axis. All zero: the defaults. */
struct layout {
    uint8_t choice[LAYOUT_AXES];
};

/* The number of the word, or -1 with an error that lists the words that there are. */
int layout_find(enum layout_axis axis, const char *word, struct error *error);

const char *layout_word(const struct layout *layout, enum layout_axis axis);

#endif
