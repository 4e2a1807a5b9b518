/* Wide loops over whole vectors of a record, one set for each instruction set; payload.c joins them to the record's ends. */
#ifndef SHM_PAYLOAD_WIDE_H
#define SHM_PAYLOAD_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/payload.h"

/* Records of fewer bytes are done word by word. */
#define PAYLOAD_WIDE_FROM 128
/* As many words are read before they are judged, at the most. */
#define PAYLOAD_BATCH 128

struct payload_wide {
    /* Returns how many words it has done; fewer than a vector holds are left to the caller. */
    size_t (*fill)(unsigned char *record, size_t words, uint64_t stamp);
    /* payload_read(), whole. */
    bool (*read)(const void *record, size_t bytes, struct payload_view *view);
    /* Reads words from the middle of a record; `stamp` is that of the first of them. Returns as fill; if more words are left, the
     * batch that follows has a foreign one, and lies in `batch` as it was read: `long_words`, or `vector_words` if fewer than that
     * are left. */
    size_t (*read_from)(const unsigned char *record, size_t words, uint64_t stamp, uint64_t batch[PAYLOAD_BATCH]);
    size_t vector_words, long_words;
};

/* The batch that a wide loop has stopped at: of this thread, since frames of a kibibyte take their time. */
extern _Thread_local uint64_t payload_batch[PAYLOAD_BATCH];

/* Goes on where a wide loop has stopped after `done` words, be it at the rest or at a foreign word; without one, word by word. */
bool payload_read_on(const struct payload_wide *wide, const void *record, size_t bytes, size_t done, struct payload_view *view);

/* The loops of that instruction set, which this CPU must have; NULL for the scalar one, which has none. */
const struct payload_wide *payload_wide(enum payload_isa isa);

#endif
