/* A cell's value in shared memory, as whole words: copied in and out word by word, each word at once.
 *
 * Copies may race: what was read is thrown away when it proves mixed. Relaxed atomic words make that right by C11, and keep
 * the compiler from reading twice. The last word is written whole, with zeros behind the value's end.
 */
#ifndef WORKLOADS_SYNC_CELL_WORDS_H
#define WORKLOADS_SYNC_CELL_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CELL_WORD sizeof(uint64_t)

/* Bytes that a value of `size` bytes takes in shared memory. */
static inline size_t cell_bytes(size_t size)
{
    return (size + CELL_WORD - 1) / CELL_WORD * CELL_WORD;
}

static inline void cell_store(uint64_t *to, const void *value, size_t size)
{
    const unsigned char *from = value;
    uint64_t word;
    for (; size >= CELL_WORD; size -= CELL_WORD, from += CELL_WORD, to++) {
        memcpy(&word, from, CELL_WORD);
        __atomic_store_n(to, word, __ATOMIC_RELAXED);
    }
    if (size) {
        word = 0;
        memcpy(&word, from, size);
        __atomic_store_n(to, word, __ATOMIC_RELAXED);
    }
}

static inline void cell_load(void *value, const uint64_t *from, size_t size)
{
    unsigned char *to = value;
    uint64_t word;
    for (; size >= CELL_WORD; size -= CELL_WORD, to += CELL_WORD, from++) {
        word = __atomic_load_n(from, __ATOMIC_RELAXED);
        memcpy(to, &word, CELL_WORD);
    }
    if (size) {
        word = __atomic_load_n(from, __ATOMIC_RELAXED);
        memcpy(to, &word, size);
    }
}

#endif
