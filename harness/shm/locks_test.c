/* Tests of locks that are found in objects: every kind, held and lost, at every place, and nothing in other data. */
#define _GNU_SOURCE
#include "shm/locks.h"

#include "base/testing.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/seed.h"

enum { BYTES = 3 << 20 };

static int object;
static unsigned char *at;
static struct found_lock found[64];
static unsigned count, bits = 64;

static void begin(void)
{
    object = memfd_create("locks", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(object, BYTES), 0);
    at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    ck_assert_ptr_ne(at, MAP_FAILED);
}

static void note(const struct found_lock *lock, void *user)
{
    (void)user;
    if (count < 64)
        found[count] = *lock;
    count++;
}

static void search(void)
{
    count = 0;
    ck_assert_int_eq(locks_find(object, bits, BYTES, note, NULL), 0);
}

static pthread_mutex_t *make(size_t offset, int type, int robust, int protocol)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t *mutex = (pthread_mutex_t *)(void *)(at + offset);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutexattr_setrobust(&attributes, robust);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    ck_assert_int_eq(pthread_mutex_init(mutex, &attributes), 0);
    return mutex;
}

static int lock_and_die(void *mutex)
{
    pthread_mutex_lock(mutex);
    raise(SIGKILL);
    return 0;
}

START_TEST(every_kind_is_found_while_it_is_held)
{
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                                PTHREAD_MUTEX_ADAPTIVE_NP};
    begin();
    for (size_t i = 0; i < 4; i++)
        for (int robust = 0; robust < 2; robust++)
            for (int inherit = 0; inherit < 2; inherit++) {
                pthread_mutex_t *mutex = make(4096, types[i], robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED,
                                              inherit ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
                search();
                ck_assert_uint_eq(count, 0);
                ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
                search();
                ck_assert_uint_eq(count, 1);
                ck_assert_uint_eq(found[0].offset, 4096);
                ck_assert_int_eq(found[0].state, LOCK_HELD);
                ck_assert_int_eq(found[0].owner, gettid());
                ck_assert_int_eq(found[0].robust, robust);
                ck_assert_int_eq(found[0].inherits, inherit);
                ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
                search();
                ck_assert_uint_eq(count, 0);
            }
}
END_TEST

START_TEST(what_the_dead_hold_is_found)
{
    begin();
    for (int robust = 0; robust < 2; robust++) {
        pthread_mutex_t *mutex = make(64, PTHREAD_MUTEX_NORMAL, robust, PTHREAD_PRIO_NONE);
        pid_t child = testing_fork(lock_and_die, mutex);
        ck_assert_int_eq(testing_wait(child), -SIGKILL);
        search();
        ck_assert_uint_eq(count, 1);
        ck_assert_int_eq(found[0].state, robust ? LOCK_OWNER_DIED : LOCK_HELD);
        ck_assert_int_eq(found[0].owner, child);
    }
    ck_assert_int_eq(pthread_mutex_lock((pthread_mutex_t *)(void *)(at + 64)), EOWNERDEAD);
    pthread_mutex_unlock((pthread_mutex_t *)(void *)(at + 64));
    search();
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(found[0].state, LOCK_UNRECOVERABLE);
}
END_TEST

/* Objects are read in pieces of a mebibyte. */
START_TEST(a_lock_across_two_pieces_is_found_once)
{
    begin();
    memset(at, 0x11, BYTES);
    for (size_t offset = (1 << 20) - 64; offset <= (1 << 20) + 8; offset += 8) {
        memset(at + (1 << 20) - 128, 0x11, 256);
        ck_assert_int_eq(pthread_mutex_lock(make(offset, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE)),
                         0);
        search();
        ck_assert_uint_eq(count, 1);
        ck_assert_uint_eq(found[0].offset, offset);
    }
}
END_TEST

START_TEST(holes_stay_holes)
{
    begin();
    pthread_mutex_lock(make(BYTES - 4096, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE));
    struct stat before, after;
    ck_assert_int_eq(fstat(object, &before), 0);
    search();
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(fstat(object, &after), 0);
    ck_assert_int_eq(after.st_blocks, before.st_blocks);
}
END_TEST

START_TEST(other_data_hold_no_locks)
{
    begin();
    uint64_t random = 1;
    for (size_t i = 0; i < BYTES / 8; i++) {
        uint64_t word = seed_next(&random);
        /* small numbers too, of which locks are made */
        uint64_t value = i % 3 ? word & 0xff000000ff : word;
        memcpy(at + 8 * i, &value, 8);
    }
    for (bits = 32; bits <= 64; bits += 32) {
        search();
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

START_TEST(a_writer_of_a_read_write_lock_is_found_and_no_reader)
{
    pthread_rwlockattr_t attributes;
    begin();
    pthread_rwlock_t *lock = (pthread_rwlock_t *)(void *)(at + 8200);
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    for (int writers_first = 0; writers_first < 2; writers_first++) {
        if (writers_first)
            pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
        ck_assert_int_eq(pthread_rwlock_init(lock, &attributes), 0);
        search();
        ck_assert_uint_eq(count, 0);
        ck_assert_int_eq(pthread_rwlock_rdlock(lock), 0);
        search();
        ck_assert_uint_eq(count, 0);
        pthread_rwlock_unlock(lock);
        ck_assert_int_eq(pthread_rwlock_wrlock(lock), 0);
        search();
        ck_assert_uint_eq(count, 1);
        ck_assert(found[0].writer);
        ck_assert_uint_eq(found[0].offset, 8200);
        ck_assert_int_eq(found[0].owner, gettid());
        pthread_rwlock_unlock(lock);
        search();
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

/* As glibc keeps it in a program of 32 bits: lock, count, owner, kind, users, list. */
START_TEST(a_mutex_of_32_bits_is_found_in_such_programs_only)
{
    begin();
    uint32_t plain[] = {2, 0, 4711, 128, 1, 0}, robust[] = {4711, 0, 4711, 128 | 16, 1, 0xf7ab1234};
    memcpy(at + 4, plain, sizeof plain);
    memcpy(at + 1024 + 12, robust, sizeof robust);
    search();
    ck_assert_uint_eq(count, 0);
    bits = 32;
    search();
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(found[0].offset, 4);
    ck_assert_int_eq(found[0].owner, 4711);
    ck_assert(found[1].robust);
    ck_assert_uint_eq(found[1].offset, 1024 + 12);
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
    ck_assert_int_eq(locks_find(-1, 64, BYTES, note, NULL), -1);
}
END_TEST

int main(void)
{
    return testing_run("locks", (const TTest *[]){
                                    every_kind_is_found_while_it_is_held,
                                    what_the_dead_hold_is_found,
                                    a_lock_across_two_pieces_is_found_once,
                                    holes_stay_holes,
                                    other_data_hold_no_locks,
                                    a_writer_of_a_read_write_lock_is_found_and_no_reader,
                                    a_mutex_of_32_bits_is_found_in_such_programs_only,
                                    what_cannot_be_read_is_told,
                                    NULL,
                                });
}
