/* Tests of leases: refused while anybody holds the object in any way, and whole until somebody wants it. */
#define _GNU_SOURCE
#include "shm/lease.h"

#include "base/testing.h"

#include <sys/mman.h>
#include <sys/stat.h>

static int folder;
static char name[96];

static void begin(void)
{
    folder = open("/dev/shm", O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(folder, 0);
    snprintf(name, sizeof name, "%s", testing_name("lease") + 1);
}

static int make(void)
{
    int fd = openat(folder, name, O_CREAT | O_EXCL | O_RDWR, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 4096), 0);
    return fd;
}

static enum lease_answer ask(void)
{
    struct lease lease;
    enum lease_answer answer = lease_take(&lease, folder, name);
    ck_assert_int_eq(lease.fd >= 0, answer == LEASE_FREE);
    lease_drop(&lease);
    lease_drop(&lease);
    return answer;
}

START_TEST(whoever_holds_it_in_whatever_way_is_seen)
{
    static const int ways[] = {O_RDONLY, O_WRONLY, O_RDWR};
    static const int rights[] = {PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE};
    static const int kinds[] = {MAP_SHARED, MAP_PRIVATE};
    begin();
    int made = make();
    ck_assert_int_eq(ask(), LEASE_HELD);
    close(made);
    ck_assert_int_eq(ask(), LEASE_FREE);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int fd = openat(folder, name, ways[i]);
        ck_assert_int_eq(ask(), LEASE_HELD);
        close(fd);
        ck_assert_int_eq(ask(), LEASE_FREE);
    }
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            int fd = openat(folder, name, O_RDWR);
            void *at = mmap(NULL, 4096, rights[i], kinds[k], fd, 0);
            ck_assert_ptr_ne(at, MAP_FAILED);
            close(fd);
            ck_assert_int_eq(ask(), LEASE_HELD);
            munmap(at, 4096);
            ck_assert_int_eq(ask(), LEASE_FREE);
        }
    unlinkat(folder, name, 0);
}
END_TEST

static int open_it(void *user)
{
    (void)user;
    return openat(folder, name, O_RDONLY) >= 0 ? 0 : 1; /* waits for the lease */
}

START_TEST(somebody_who_waits_is_seen_and_gets_it)
{
    struct lease lease;
    begin();
    close(make());
    ck_assert_int_eq(lease_take(&lease, folder, name), LEASE_FREE);
    ck_assert(lease_holds(&lease));
    pid_t child = testing_fork(open_it, NULL);
    for (int i = 0; i < 5000 && lease_holds(&lease); i++)
        usleep(1000);
    ck_assert(!lease_holds(&lease));
    lease_drop(&lease);
    ck_assert_int_eq(testing_wait(child), 0);
    unlinkat(folder, name, 0);
}
END_TEST

START_TEST(two_leases_at_once_are_not_to_be_had)
{
    struct lease lease;
    begin();
    close(make());
    ck_assert_int_eq(lease_take(&lease, folder, name), LEASE_FREE);
    ck_assert_int_eq(ask(), LEASE_HELD);
    lease_drop(&lease);
    ck_assert_int_eq(ask(), LEASE_FREE);
    unlinkat(folder, name, 0);
}
END_TEST

START_TEST(what_is_no_object_has_no_lease)
{
    begin();
    ck_assert_int_eq(ask(), LEASE_GONE);
    ck_assert_int_eq(symlinkat("/dev/null", folder, name), 0);
    ck_assert_int_eq(ask(), LEASE_NO_OBJECT);
    unlinkat(folder, name, 0);
    ck_assert_int_eq(mkdirat(folder, name, 0700), 0);
    ck_assert_int_eq(ask(), LEASE_NO_OBJECT);
    unlinkat(folder, name, AT_REMOVEDIR);
    ck_assert_int_eq(mkfifoat(folder, name, 0600), 0);
    ck_assert_int_eq(ask(), LEASE_NO_OBJECT);
    unlinkat(folder, name, 0);
}
END_TEST

START_TEST(without_the_right_there_is_no_proof)
{
    begin();
    if (geteuid() != 0)
        return;
    int fd = make();
    fchmod(fd, 0644);
    close(fd);
    ck_assert_int_eq(setegid(65534), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_int_eq(ask(), LEASE_DENIED);
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(fchmodat(folder, name, 0600, 0), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_int_eq(ask(), LEASE_CLOSED);
    ck_assert_int_eq(seteuid(0), 0);
    unlinkat(folder, name, 0);
}
END_TEST

START_TEST(an_owner_who_may_only_write_has_a_proof)
{
    begin();
    if (geteuid() != 0)
        return;
    close(make());
    ck_assert_int_eq(fchownat(folder, name, 65534, 65534, 0), 0);
    ck_assert_int_eq(fchmodat(folder, name, 0200, 0), 0);
    ck_assert_int_eq(setegid(65534), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_int_eq(ask(), LEASE_FREE);
    int fd = openat(folder, name, O_WRONLY);
    ck_assert_int_eq(ask(), LEASE_HELD);
    close(fd);
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(fchmodat(folder, name, 0, 0), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_int_eq(ask(), LEASE_CLOSED);
    ck_assert_int_eq(seteuid(0), 0);
    unlinkat(folder, name, 0);
}
END_TEST

START_TEST(support_is_found_out_without_leaving_anything)
{
    begin();
    ck_assert_int_eq(lease_probe("/dev/shm"), LEASE_FREE);
    ck_assert_int_eq(lease_probe("/proc"), LEASE_CLOSED);
    ck_assert_int_eq(testing_census("shmoo-probe"), 0);
}
END_TEST

int main(void)
{
    return testing_run("lease", (const TTest *[]){
                                    whoever_holds_it_in_whatever_way_is_seen,
                                    somebody_who_waits_is_seen_and_gets_it,
                                    two_leases_at_once_are_not_to_be_had,
                                    what_is_no_object_has_no_lease,
                                    without_the_right_there_is_no_proof,
                                    an_owner_who_may_only_write_has_a_proof,
                                    support_is_found_out_without_leaving_anything,
                                    NULL,
                                });
}
