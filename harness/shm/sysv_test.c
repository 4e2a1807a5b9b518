/* Tests of System V semaphores behind markers: made once, found by name, removed, and nobody else's touched. */
#define _GNU_SOURCE
#include "shm/sysv.h"

#include <sys/mman.h>
#include <sys/sem.h>

#include "base/testing.h"

static char marker[96];

/* Makes marker and set, and returns the set's id. */
static int create(const char *what, int value)
{
    int id = -1;
    snprintf(marker, sizeof marker, "%.80s" SYSV_SUFFIX, testing_name(what));
    ck_assert_int_eq(sysv_semaphore_create(marker, value, &id), 0);
    ck_assert_int_ge(id, 0);
    ck_assert_int_eq(testing_census(marker + 1), 1);
    return id;
}

static bool exists(int id)
{
    return semctl(id, 0, GETVAL) >= 0;
}

static void finish(void)
{
    ck_assert_int_eq(sysv_semaphore_remove(marker, -1), 0);
    ck_assert_int_eq(shm_unlink(marker), 0);
}

static key_t key_of(int id)
{
    struct semid_ds set;
    ck_assert_int_eq(semctl(id, 0, IPC_STAT, &set), 0);
    return set.sem_perm.__key;
}

START_TEST(a_set_has_its_value_and_is_gone_once_it_is_removed)
{
    for (int value = 0; value < 4; value++) {
        int id = create("value", value);
        ck_assert_int_eq(semctl(id, 0, GETVAL), value);
        ck_assert_int_eq(sysv_semaphore_remove(marker, -1), 0);
        ck_assert(!exists(id));
        ck_assert_int_eq(testing_census(marker + 1), 1);
        finish(); /* a second time */
    }
}
END_TEST

START_TEST(what_is_there_is_not_made_again)
{
    int id = create("again", 1), other = -1;
    ck_assert_int_eq(sysv_semaphore_create(marker, 1, &other), EEXIST);
    ck_assert_int_eq(shm_unlink(marker), 0); /* the set alone stands in the way, too */
    ck_assert_int_eq(sysv_semaphore_create(marker, 1, &other), EEXIST);
    ck_assert(exists(id));
    finish();
    ck_assert(!exists(id));
}
END_TEST

START_TEST(a_set_in_use_is_found_and_removed)
{
    int id = create("used", 1);
    struct sembuf take = {.sem_op = -1};
    ck_assert_int_eq(semop(id, &take, 1), 0);
    finish();
    ck_assert(!exists(id));
}
END_TEST

START_TEST(sets_of_different_markers_differ)
{
    char first[sizeof marker];
    int one = create("one", 1);
    strcpy(first, marker);
    int two = create("two", 1);
    ck_assert_int_ne(key_of(one), key_of(two));
    finish();
    ck_assert(exists(one));
    strcpy(marker, first);
    finish();
    ck_assert(!exists(one));
}
END_TEST

START_TEST(a_set_whose_maker_died_before_the_values_were_in_is_removed)
{
    key_t key = key_of(create("unborn", 1));
    ck_assert_int_eq(sysv_semaphore_remove(marker, -1), 0);
    int id = semget(key, 3, IPC_CREAT | IPC_EXCL | 0600);
    ck_assert_int_ge(id, 0);
    finish();
    ck_assert(!exists(id));
}
END_TEST

START_TEST(somebody_elses_set_with_the_same_key_is_let_alone)
{
    for (int semaphores = 1; semaphores < 5; semaphores++) {
        key_t key = key_of(create("foreign", 1));
        struct sembuf give = {.sem_num = (unsigned short)(semaphores - 1), .sem_op = 1};
        ck_assert_int_eq(sysv_semaphore_remove(marker, -1), 0);
        int id = semget(key, semaphores, IPC_CREAT | IPC_EXCL | 0600);
        ck_assert_int_ge(id, 0);
        ck_assert_int_eq(semop(id, &give, 1), 0);
        finish();
        ck_assert(exists(id));
        ck_assert_int_eq(semctl(id, 0, IPC_RMID), 0);
    }
}
END_TEST

int main(void)
{
    return testing_run("sysv", (const TTest *[]){
                                   a_set_has_its_value_and_is_gone_once_it_is_removed,
                                   what_is_there_is_not_made_again,
                                   a_set_in_use_is_found_and_removed,
                                   sets_of_different_markers_differ,
                                   a_set_whose_maker_died_before_the_values_were_in_is_removed,
                                   somebody_elses_set_with_the_same_key_is_let_alone,
                                   NULL,
                               });
}
