/* The instruction sets that the payload's wide loops are built for, and which of them this CPU has. */
#ifndef SHM_PAYLOAD_ISA_H
#define SHM_PAYLOAD_ISA_H

#include <stdbool.h>

enum payload_isa {
    PAYLOAD_SCALAR, /* one word at a time: what the others are held against */
    PAYLOAD_BASE,   /* what every CPU of this architecture has */
    PAYLOAD_AVX2,
    PAYLOAD_AVX512,
    PAYLOAD_ISAS,
};

#ifdef __x86_64__
#define PAYLOAD_TARGET_AVX2 __attribute__((target("avx2")))
/* Not instrumented: the stack that AddressSanitizer makes up to find uses after a return is not aligned to such vectors. */
#define PAYLOAD_TARGET_AVX512 __attribute__((target("avx2,avx512f,avx512vl"), no_sanitize_address))
#endif

/* "scalar", ... */
const char *payload_isa_name(enum payload_isa isa);

bool payload_isa_here(enum payload_isa isa);

/* The best that this CPU has; asked once. */
enum payload_isa payload_isa(void);

#endif
