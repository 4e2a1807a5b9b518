/* The payload: bytes in which every word tells which write it belongs to.
 *
 * A write is named by its stamp: version, writer, and a tag of the trial. The word at index i of a record is
 * stamp + i * PAYLOAD_STRIDE, so each word, with its index, gives back the whole stamp; a record whose words do not all give
 * the same stamp is torn, and the word where they change tells between which two writes. A record may have any size from one
 * byte: the last, partial word keeps its low bytes; a record below eight bytes holds the low bytes of the stamp, which are
 * those of the version.
 *
 * Reading happens once per word: what is judged is what was read, however fast somebody else is writing. Records of 128 bytes
 * or more are filled and read in vectors as wide as the CPU has them.
 */
#ifndef SHM_PAYLOAD_H
#define SHM_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/payload_isa.h"

#define PAYLOAD_VERSION_BITS 42
#define PAYLOAD_WRITER_BITS 13
#define PAYLOAD_TAG_BITS 9
#define PAYLOAD_STRIDE 0x9e3779b97f4a7c15ULL
#define PAYLOAD_NOBODY ((1u << PAYLOAD_WRITER_BITS) - 1) /* the writer of the initial content */
#define PAYLOAD_WRITERS_MAX PAYLOAD_NOBODY

static inline uint64_t payload_stamp(uint64_t version, uint32_t writer, uint32_t tag)
{
    return (version & ((1ULL << PAYLOAD_VERSION_BITS) - 1)) | (uint64_t)writer << PAYLOAD_VERSION_BITS |
           (uint64_t)tag << (PAYLOAD_VERSION_BITS + PAYLOAD_WRITER_BITS);
}
static inline uint64_t payload_version(uint64_t stamp)
{
    return stamp & ((1ULL << PAYLOAD_VERSION_BITS) - 1);
}
static inline uint32_t payload_writer(uint64_t stamp)
{
    return (uint32_t)(stamp >> PAYLOAD_VERSION_BITS) & PAYLOAD_NOBODY;
}
static inline uint32_t payload_tag(uint64_t stamp)
{
    return (uint32_t)(stamp >> (PAYLOAD_VERSION_BITS + PAYLOAD_WRITER_BITS));
}

/* Fills `bytes` bytes with the pattern of `stamp`, in ascending order. `record` may have any alignment. */
void payload_fill(void *record, size_t bytes, uint64_t stamp);

/* The same by the loops of one instruction set, which this CPU must have. */
void payload_fill_by(enum payload_isa isa, void *record, size_t bytes, uint64_t stamp);

#define PAYLOAD_EXCERPT 64

/* What payload_read() found. */
struct payload_view {
    uint64_t stamp;  /* of the first word */
    bool whole;      /* every word gives that stamp */
    size_t offset;   /* not whole: byte offset of the first word that gives another */
    uint64_t other;  /* not whole: the stamp that word gives (low bytes only, in a partial word) */
    size_t excerpt_at; /* not whole: the bytes as they were read, around `offset`, from this offset on */
    size_t excerpt_bytes;
    unsigned char excerpt[PAYLOAD_EXCERPT];
};

/* Reads and checks a record. Returns view->whole; on a whole record only `stamp` and `whole` are written. */
bool payload_read(const void *record, size_t bytes, struct payload_view *view);
bool payload_read_by(enum payload_isa isa, const void *record, size_t bytes, struct payload_view *view);

/* The stamp that the first word (or, below eight bytes, all there is) gives; one read. */
uint64_t payload_peek(const void *record, size_t bytes);

/* The stamp that the last whole word of a record of at least eight bytes gives; one read. */
uint64_t payload_peek_last(const void *record, size_t bytes);

/* The bits of a stamp that a record of so many bytes can hold. */
static inline uint64_t payload_mask(size_t bytes)
{
    return bytes >= 8 ? ~0ULL : (1ULL << (8 * bytes)) - 1;
}

#endif
