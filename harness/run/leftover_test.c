/* Tests of leftovers: what is looked at, what is proven unused, and what is removed. */
#define _GNU_SOURCE
#include "run/leftover.h"

#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "base/testing.h"
#include "run/process.h"
#include "shm/companion.h"
#include "shm/region.h"
#include "shm/sysv.h"

/* In a /dev/shm of our own no other run interferes; where there is none to be had, the common one serves. */
static struct error error;
static pid_t dead;

static void begin(void)
{
    testing_private_shm("size=1m");
    dead = testing_dead_pid();
}

static const char *make(const char *name, size_t bytes)
{
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_msg(fd >= 0, "%s: %s", name, error_name(errno));
    ck_assert_int_eq(posix_fallocate(fd, 0, (off_t)bytes), 0);
    close(fd);
    return name;
}

/* A name as a run of that process would have made it. */
static const char *name_of(pid_t pid, unsigned long long start, const char *rest)
{
    static char name[128];
    snprintf(name, sizeof name, "/shmoo.%d.%llu.1.%s", (int)pid, start, rest);
    return name;
}

struct wanted {
    const char *name; /* without the slash */
    struct leftover found;
    int times;
};

static void note(struct leftover *leftover, void *user)
{
    struct wanted *wanted = user;
    if (strcmp(leftover->name, wanted->name) != 0)
        return;
    wanted->found = *leftover;
    wanted->times++;
}

/* How the object of that name is judged; times 0: nobody looked at it. */
static struct wanted look_at(const char *name)
{
    struct wanted wanted = {.name = name + 1};
    testing_ok(leftover_each(note, &wanted, &error));
    ck_assert_int_le(wanted.times, 1);
    return wanted;
}

static void check_kept(const char *name, const char *why)
{
    struct wanted wanted = look_at(name);
    ck_assert_msg(wanted.times == 1, "%s was not looked at", name);
    ck_assert_msg(!wanted.found.unused, "%s: %s", name, wanted.found.why);
    testing_has(wanted.found.why, why);
    if (strstr(why, "run that made it")) /* a living maker is asked for first, and only when looking */
        return;
    ck_assert_int_eq(leftover_remove(&wanted.found, &error), -1);
    testing_has(error.text, name + 1);
    testing_has(error.text, why);
}

static bool there(const char *name)
{
    char path[200];
    struct stat st;
    snprintf(path, sizeof path, REGION_FOLDER "%s", name);
    return lstat(path, &st) == 0;
}

static void check_removed(const char *name)
{
    struct wanted wanted = look_at(name);
    ck_assert_msg(wanted.times == 1, "%s was not looked at", name);
    ck_assert_msg(wanted.found.unused, "%s: %s", name, wanted.found.why);
    testing_ok(leftover_remove(&wanted.found, &error));
    ck_assert(!there(name));
}

START_TEST(an_object_of_a_dead_run_is_unused_and_can_be_removed)
{
    begin();
    const char *name = make(name_of(dead, 1, "stale"), 20000);
    struct wanted wanted = look_at(name);
    ck_assert_uint_ge(wanted.found.allocated_bytes, 20000);
    ck_assert_uint_lt(wanted.found.allocated_bytes, 20000 + 65536);
    ck_assert(there(name)); /* looking takes nothing away */
    check_removed(name);
}
END_TEST

START_TEST(a_semaphore_of_a_dead_run_is_looked_at_too)
{
    char name[128];
    begin();
    snprintf(name, sizeof name, "/sem.shmoo.%d.1.2.lock", (int)dead);
    check_removed(make(name, 32));
}
END_TEST

START_TEST(a_marker_of_a_dead_run_goes_together_with_its_system_v_semaphore)
{
    int id;
    begin();
    const char *name = name_of(dead, 1, "i3.sysv");
    ck_assert_int_eq(sysv_semaphore_create(name, 1, &id), 0);
    int fd = shm_open(name, O_RDONLY, 0); /* as every worker has it */
    check_kept(name, "somebody has it open");
    ck_assert_int_eq(semctl(id, 0, GETVAL), 1);
    close(fd);
    check_removed(name);
    ck_assert_int_eq(semctl(id, 0, GETVAL), -1);
}
END_TEST

START_TEST(a_marker_of_a_dead_run_goes_together_with_its_message_queue)
{
    int id;
    begin();
    const char *name = name_of(dead, 1, "i1.msg");
    ck_assert_int_eq(sysv_queue_create(name, &id), 0);
    check_removed(name);
    ck_assert_int_eq(msgctl(id, IPC_STAT, &(struct msqid_ds){0}), -1);
}
END_TEST

START_TEST(a_marker_that_a_killed_collector_has_moved_aside_still_says_what_it_marks)
{
    char aside[COMPANION_NAME_MAX], back[COMPANION_NAME_MAX];
    int id;
    begin();
    const char *name = name_of(dead, 1, "i3.sysv");
    ck_assert_int_eq(sysv_semaphore_create(name, 1, &id), 0);
    companion_aside(name, aside);
    companion_aside(aside, back);
    ck_assert_str_ne(aside, name);
    ck_assert_str_eq(back, name);
    char from[256], to[256];
    snprintf(from, sizeof from, REGION_FOLDER "%s", name);
    snprintf(to, sizeof to, REGION_FOLDER "%s", aside);
    ck_assert_int_eq(rename(from, to), 0); /* and there it was killed */
    struct wanted wanted = look_at(aside);
    ck_assert_msg(wanted.times == 1 && wanted.found.own && wanted.found.unused, "%s", wanted.found.why);
    testing_ok(leftover_remove(&wanted.found, &error));
    ck_assert_int_eq(semctl(id, 0, GETVAL), -1);
    ck_assert(errno == EINVAL || errno == EIDRM);
    ck_assert_int_eq(shm_unlink(aside), -1);
    ck_assert_int_eq(shm_unlink(name), -1);
}
END_TEST

START_TEST(a_marker_of_a_segment_that_is_attached_is_kept)
{
    int id;
    begin();
    const char *name = name_of(dead, 1, "seg");
    ck_assert_int_eq(sysv_segment_create(name, 4096, &id), 0);
    void *at = shmat(id, NULL, 0);
    struct wanted wanted = look_at(name);
    ck_assert_int_eq(leftover_remove(&wanted.found, &error), -1);
    testing_has(error.text, "somebody has attached the segment");
    ck_assert_int_eq(error.status, STATUS_AS_EXPECTED);
    shmdt(at);
    check_removed(name);
    ck_assert_int_eq(shmctl(id, IPC_STAT, &(struct shmid_ds){0}), -1);
}
END_TEST

START_TEST(a_fifo_of_a_dead_run_is_unused_when_nobody_reads_it)
{
    char path[200];
    begin();
    const char *name = name_of(dead, 1, "fifo");
    snprintf(path, sizeof path, REGION_FOLDER "%s", name);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR); /* as every worker has it */
    check_kept(name, "somebody has it open");
    struct wanted wanted = look_at(name);
    close(fd);
    wanted = look_at(name);
    ck_assert(wanted.found.unused);
    fd = open(path, O_RDWR);
    ck_assert_int_eq(leftover_remove(&wanted.found, &error), -1);
    ck_assert_int_eq(error.status, STATUS_AS_EXPECTED);
    close(fd);
    check_removed(name);
}
END_TEST

START_TEST(an_object_of_a_living_run_is_kept)
{
    begin();
    const char *name = make(name_of(getpid(), process_look(0).start, "mine"), 4096);
    check_kept(name, "the run that made it is alive");
    ck_assert_int_eq(shm_unlink(name), 0);
}
END_TEST

START_TEST(a_maker_of_unknown_start_time_counts_as_living)
{
    begin();
    const char *name = make(name_of(getpid(), 0, "mine"), 4096);
    check_kept(name, "the run that made it is alive");
    ck_assert_int_eq(shm_unlink(name), 0);
}
END_TEST

START_TEST(a_process_that_has_the_number_of_a_dead_maker_is_not_taken_for_it)
{
    begin();
    check_removed(make(name_of(getpid(), process_look(0).start - 1, "reused"), 4096));
}
END_TEST

static int hold_open(void *user)
{
    int *ends = user;
    char byte = 1;
    int fd = shm_open(name_of(dead, 1, "held"), O_RDWR, 0);
    void *base = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || base == MAP_FAILED)
        return 1;
    if (ends[4]) /* the mapping alone must do */
        close(fd);
    if (write(ends[1], &byte, 1) != 1 || read(ends[2], &byte, 1) != 1)
        return 2;
    return 0;
}

static void check_held(bool mapped_only)
{
    int ends[5];
    char byte = 0;
    begin();
    const char *name = make(name_of(dead, 1, "held"), 4096);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pipe(ends + 2), 0);
    ends[4] = mapped_only;
    pid_t holder = testing_fork(hold_open, ends);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    check_kept(name, "somebody has it open or mapped");
    ck_assert(there(name));
    ck_assert_int_eq(write(ends[3], &byte, 1), 1);
    ck_assert_int_eq(testing_wait(holder), 0);
    check_removed(name);
}

START_TEST(an_object_that_another_process_has_open_is_kept_until_it_lets_go)
{
    check_held(false);
}
END_TEST

START_TEST(an_object_that_another_process_has_mapped_only_is_kept)
{
    check_held(true);
}
END_TEST

START_TEST(whoever_opens_an_object_after_the_look_saves_it)
{
    begin();
    const char *name = make(name_of(dead, 1, "late"), 4096);
    struct wanted wanted = look_at(name);
    ck_assert(wanted.found.unused);
    int fd = shm_open(name, O_RDWR, 0);
    ck_assert_int_eq(leftover_remove(&wanted.found, &error), -1);
    testing_has(error.text, "was not removed: somebody has it open or mapped");
    ck_assert(there(name));
    close(fd);
    check_removed(name);
}
END_TEST

START_TEST(another_object_under_the_same_name_is_not_removed)
{
    begin();
    const char *name = make(name_of(dead, 1, "twin"), 4096);
    struct wanted wanted = look_at(name);
    char other[200];
    snprintf(other, sizeof other, REGION_FOLDER "%s", name_of(dead, 1, "other"));
    make(name_of(dead, 1, "other"), 4096);
    char path[200];
    snprintf(path, sizeof path, REGION_FOLDER "%s", name_of(dead, 1, "twin"));
    ck_assert_int_eq(rename(other, path), 0);
    ck_assert_int_eq(leftover_remove(&wanted.found, &error), -1);
    testing_has(error.text, "is another object by now");
    ck_assert(there(name));
    check_removed(name);
}
END_TEST

START_TEST(names_that_are_not_this_programs_are_not_looked_at)
{
    static const char *const foreign[] = {"/shmoo.1.2.x", "/shmoo.1.2.3.", "/shmoo.1.2.3.X", "/other", "/shmoo", "/shmoo.", "/shmoo.x.1.y", "/shmoo.1", "/shmoo.1.2", "/Shmoo.1.2.x",
                                          "/xshmoo.1.2.x", "/sem.other", "/sem.sem.shmoo.1.2.x", "/shmoo-1.2.x"};
    if (testing_private_shm("size=1m"))
        return;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        make(foreign[i], 10);
        ck_assert_msg(look_at(foreign[i]).times == 0, "%s was looked at", foreign[i]);
        ck_assert(there(foreign[i]));
    }
}
END_TEST

START_TEST(what_is_no_shared_memory_object_is_never_unused)
{
    char path[200], target[] = "/dev/shm/shmoo-test-target";
    if (testing_private_shm("size=1m"))
        return;
    dead = testing_dead_pid();
    snprintf(path, sizeof path, REGION_FOLDER "%s", name_of(dead, 1, "thing"));
    make("/shmoo-test-target", 10);
    ck_assert_int_eq(symlink(target, path), 0);
    check_kept(name_of(dead, 1, "thing"), "is not a shared memory object");
    ck_assert(there("/shmoo-test-target"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    check_kept(name_of(dead, 1, "thing"), "is not a shared memory object");
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(removing_what_has_gone_is_told)
{
    begin();
    const char *name = make(name_of(dead, 1, "gone"), 4096);
    struct wanted wanted = look_at(name);
    ck_assert_int_eq(shm_unlink(name), 0);
    ck_assert_int_eq(leftover_remove(&wanted.found, &error), -1);
    ck_assert_int_eq(error.status, STATUS_AS_EXPECTED);
    testing_has(error.text, "was not removed: has gone");
}
END_TEST

START_TEST(without_proc_nothing_is_unused)
{
    if (testing_private_shm("size=1m"))
        return;
    dead = testing_dead_pid();
    make(name_of(dead, 1, "blind"), 4096);
    ck_assert_int_eq(mount("tmpfs", "/proc", "tmpfs", MS_NOSUID, "size=64k"), 0);
    bool unused = look_at(name_of(dead, 1, "blind")).found.unused;
    ck_assert_int_eq(umount("/proc"), 0); /* a leak check at the end of the process wants it back */
    ck_assert(!unused);
}
END_TEST

START_TEST(sweeping_after_a_trial_takes_what_bears_its_name_and_nothing_else)
{
    int id;
    static const char *const kept[] = {"/shmoo.7.8.1", "/shmoo.7.8.12.lock", "/shmoo.7.8.11", "/sem.shmoo.7.8.12"};
    static const char *const gone[] = {"/shmoo.7.8.1.lock", "/shmoo.7.8.1.i3.lock", "/sem.shmoo.7.8.1",
                                       "/sem.shmoo.7.8.1.i2"};
    begin();
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        make(kept[i], 64);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        make(gone[i], 64);
    ck_assert_int_eq(sysv_semaphore_create("/shmoo.7.8.1.sysv", 1, &id), 0);
    leftover_sweep("/shmoo.7.8.1");
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        ck_assert_msg(shm_unlink(kept[i]) == 0, "%s was removed", kept[i]);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        ck_assert_msg(shm_unlink(gone[i]) == -1 && errno == ENOENT, "%s was left", gone[i]);
    ck_assert_int_eq(shm_unlink("/shmoo.7.8.1.sysv"), -1);
    ck_assert_int_eq(semctl(id, 0, GETVAL), -1);
}
END_TEST

START_TEST(a_missing_folder_is_told)
{
    struct wanted wanted = {.name = ""};
    if (testing_private_shm("size=1m"))
        return;
    ck_assert_int_eq(mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "size=64k"), 0);
    ck_assert_int_eq(leftover_each(note, &wanted, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, "/dev/shm: opendir: ENOENT");
}
END_TEST

int main(void)
{
    return testing_run("leftover", (const TTest *[]){
                                       an_object_of_a_dead_run_is_unused_and_can_be_removed,
                                       a_semaphore_of_a_dead_run_is_looked_at_too,
                                       a_marker_of_a_dead_run_goes_together_with_its_system_v_semaphore,
                                       a_marker_of_a_dead_run_goes_together_with_its_message_queue,
                                       a_marker_that_a_killed_collector_has_moved_aside_still_says_what_it_marks,
                                       a_marker_of_a_segment_that_is_attached_is_kept,
                                       a_fifo_of_a_dead_run_is_unused_when_nobody_reads_it,
                                       an_object_of_a_living_run_is_kept,
                                       a_maker_of_unknown_start_time_counts_as_living,
                                       a_process_that_has_the_number_of_a_dead_maker_is_not_taken_for_it,
                                       an_object_that_another_process_has_open_is_kept_until_it_lets_go,
                                       an_object_that_another_process_has_mapped_only_is_kept,
                                       whoever_opens_an_object_after_the_look_saves_it,
                                       another_object_under_the_same_name_is_not_removed,
                                       names_that_are_not_this_programs_are_not_looked_at,
                                       what_is_no_shared_memory_object_is_never_unused,
                                       removing_what_has_gone_is_told,
                                       without_proc_nothing_is_unused,
                                       sweeping_after_a_trial_takes_what_bears_its_name_and_nothing_else,
                                       a_missing_folder_is_told,
                                       NULL,
                                   });
}
