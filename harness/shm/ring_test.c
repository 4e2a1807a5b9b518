/* Tests of the unprotected ring: order, bounds and lengths when it is used as it should be, and its bounds when it is not. */
#include "shm/ring.h"

#include "base/seed.h"
#include "base/testing.h"

enum { CAPACITY = 5, SIZE = 13, GUARD = 0x3c, ROOM = 1024 };

static _Alignas(64) unsigned char memory[ROOM];
static struct ring *ring = (struct ring *)(void *)memory;

static void begin(void)
{
    ck_assert_uint_le(ring_bytes(CAPACITY, SIZE), ROOM - 64);
    memset(memory, GUARD, sizeof memory);
    ring_init(ring, CAPACITY, SIZE);
}

static void check_guard(void)
{
    for (size_t i = ring_bytes(CAPACITY, SIZE); i < ROOM; i++)
        ck_assert_uint_eq(memory[i], GUARD);
}

START_TEST(elements_come_out_in_order_with_their_lengths)
{
    unsigned char element[SIZE], out[SIZE];
    size_t got = 0;
    begin();
    for (unsigned round = 0; round < 100; round++) {
        unsigned inside = 1 + round % CAPACITY;
        for (unsigned i = 0; i < inside; i++) {
            memset(element, (int)(round + i), sizeof element);
            ck_assert_int_eq(ring_put(ring, element, (round + i) % (SIZE + 1)), 0);
        }
        for (unsigned i = 0; i < inside; i++) {
            ck_assert_int_eq(ring_take(ring, out, sizeof out, &got), 0);
            ck_assert_uint_eq(got, (round + i) % (SIZE + 1));
            ck_assert(got == 0 || out[got - 1] == (unsigned char)(round + i));
        }
        ck_assert(ring_is_empty(ring));
    }
    check_guard();
}
END_TEST

START_TEST(it_holds_its_capacity_and_says_when_it_is_full_or_empty)
{
    unsigned char element[SIZE + 1] = {0};
    size_t got;
    begin();
    ck_assert_int_eq(ring_take(ring, element, SIZE, &got), EAGAIN);
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(ring_put(ring, element, SIZE), 0);
    ck_assert_int_eq(ring_put(ring, element, SIZE), EAGAIN);
    ck_assert_int_eq(ring_put(ring, element, SIZE + 1), EMSGSIZE);
    ck_assert_int_eq(ring_take(ring, element, SIZE - 1, &got), EMSGSIZE); /* and it stays inside */
    ck_assert_int_eq(ring_take(ring, element, SIZE, &got), 0);
    ck_assert_int_eq(ring_put(ring, element, 0), 0);
    check_guard();
}
END_TEST

START_TEST(a_count_below_zero_keeps_nobody_out)
{
    unsigned char element[SIZE] = {0};
    size_t got;
    begin();
    ring->count = UINT64_MAX; /* as an unguarded pop leaves it */
    ck_assert(ring_is_empty(ring));
    ck_assert_int_eq(ring_take(ring, element, SIZE, &got), EAGAIN);
    ck_assert_int_eq(ring_put(ring, element, SIZE), 0);
    ck_assert_int_eq(ring_put(ring, element, SIZE), 0);
    ck_assert_int_eq(ring_take(ring, element, SIZE, &got), 0);
}
END_TEST

START_TEST(whatever_its_words_say_it_stays_within_its_memory)
{
    uint64_t state = 1;
    unsigned char element[SIZE];
    size_t got;
    begin();
    for (int i = 0; i < 2000; i++) {
        ring->head = seed_next(&state);
        ring->tail = seed_next(&state);
        ring->count = seed_below(&state, CAPACITY + 2);
        ring_put(ring, element, seed_below(&state, SIZE + 1));
        memset(ring->slots + seed_below(&state, CAPACITY) * ring->stride, 0xff, 8); /* a length beyond all bounds */
        if (ring_take(ring, element, SIZE, &got) == 0 && got > SIZE)
            ck_abort_msg("%zu bytes", got);
    }
    check_guard();
}
END_TEST

int main(void)
{
    return testing_run("ring", (const TTest *[]){
                                   elements_come_out_in_order_with_their_lengths,
                                   it_holds_its_capacity_and_says_when_it_is_full_or_empty,
                                   a_count_below_zero_keeps_nobody_out,
                                   whatever_its_words_say_it_stays_within_its_memory,
                                   NULL,
                               });
}
