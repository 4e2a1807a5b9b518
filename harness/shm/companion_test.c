/* Tests of companions: each kind is found by its marker and goes with it, and nobody else's is touched. */
#define _GNU_SOURCE
#include "shm/companion.h"

#include <mqueue.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "base/testing.h"
#include "shm/disc_file.h"
#include "shm/marker.h"
#include "shm/sysv.h"

static char begins[96], marker[COMPANION_NAME_MAX];

static void begin(const char *suffix)
{
    snprintf(begins, sizeof begins, "%s", testing_name("thing"));
    companion_name(begins, suffix, marker);
}

static bool queue_exists(int id)
{
    struct msqid_ds queue;
    return msgctl(id, IPC_STAT, &queue) == 0;
}

static bool segment_exists(int id)
{
    struct shmid_ds segment;
    return shmctl(id, IPC_STAT, &segment) == 0;
}

static void make_marker(const char *name)
{
    int held;
    ck_assert_int_eq(marker_make(name, &held), 0);
    close(held);
}

START_TEST(a_message_queue_goes_with_its_marker_used_or_not)
{
    for (int used = 0; used < 2; used++) {
        int id = -1;
        struct {
            long type;
            char text[8];
        } message = {1, "hello"};
        begin(SYSV_QUEUE_SUFFIX);
        ck_assert_int_eq(sysv_queue_create(marker, &id), 0);
        if (used)
            ck_assert_int_eq(msgsnd(id, &message, sizeof message.text, IPC_NOWAIT), 0);
        ck_assert_int_eq(companion_destroy(begins, SYSV_QUEUE_SUFFIX), 0);
        ck_assert(!queue_exists(id));
        ck_assert_int_eq(testing_census(marker + 1), 0);
        ck_assert_int_eq(companion_destroy(begins, SYSV_QUEUE_SUFFIX), 0); /* a second time */
    }
}
END_TEST

START_TEST(a_message_queue_whose_id_was_not_noted_yet_is_found_by_its_key)
{
    int id = -1;
    struct msqid_ds queue;
    begin(SYSV_QUEUE_SUFFIX);
    ck_assert_int_eq(sysv_queue_create(marker, &id), 0);
    ck_assert_int_eq(msgctl(id, IPC_STAT, &queue), 0);
    ck_assert_int_eq(shm_unlink(marker), 0); /* as if its maker had died in between */
    make_marker(marker);
    ck_assert_int_eq(companion_destroy(begins, SYSV_QUEUE_SUFFIX), 0);
    ck_assert(!queue_exists(id));
}
END_TEST

START_TEST(somebody_elses_queue_and_segment_with_the_same_key_are_let_alone)
{
    int id = -1;
    begin(SYSV_QUEUE_SUFFIX);
    ck_assert_int_eq(sysv_queue_create(marker, &id), 0);
    ck_assert_int_eq(shm_unlink(marker), 0);
    make_marker(marker);
    ck_assert_int_eq(marker_note(marker, "77777"), 0); /* ours had another id */
    ck_assert_int_eq(companion_destroy(begins, SYSV_QUEUE_SUFFIX), 0);
    ck_assert(queue_exists(id));
    ck_assert_int_eq(msgctl(id, IPC_RMID, NULL), 0);
    begin(SYSV_SEGMENT_SUFFIX);
    ck_assert_int_eq(sysv_segment_create(marker, 4096, &id), 0);
    shmdt(shmat(id, NULL, 0)); /* used, by whoever has made it */
    ck_assert_int_eq(shm_unlink(marker), 0);
    make_marker(marker);
    ck_assert_int_eq(companion_destroy(begins, SYSV_SEGMENT_SUFFIX), 0);
    ck_assert(segment_exists(id));
    ck_assert_int_eq(shmctl(id, IPC_RMID, NULL), 0);
}
END_TEST

START_TEST(a_segment_that_somebody_has_attached_stays)
{
    int id = -1;
    begin(SYSV_SEGMENT_SUFFIX);
    ck_assert_int_eq(sysv_segment_create(marker, 10000, &id), 0);
    void *at = shmat(id, NULL, 0);
    ck_assert_int_eq(companion_remove(marker, -1), EBUSY);
    testing_has(companion_keeps(EBUSY), "attached");
    shmdt(at);
    ck_assert_int_eq(companion_destroy(begins, SYSV_SEGMENT_SUFFIX), 0);
    ck_assert(!segment_exists(id));
}
END_TEST

START_TEST(a_posix_queue_goes_with_its_marker)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    begin(COMPANION_MQUEUE_SUFFIX);
    make_marker(marker);
    mqd_t queue = mq_open(marker, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    if (queue != (mqd_t)-1) {
        mq_close(queue);
        int fd = marker_hold(marker);
        ck_assert_int_eq(companion_remove(marker + 1, fd), 0); /* as gc calls it: without the slash, with the open marker */
        close(fd);
        ck_assert(mq_open(marker, O_RDWR) == (mqd_t)-1 && errno == ENOENT);
    }
    ck_assert_int_eq(companion_destroy(begins, COMPANION_MQUEUE_SUFFIX), 0);
}
END_TEST

static int open_file(const char *folder)
{
    int fd = -1;
    begin(DISC_FILE_SUFFIX);
    ck_assert_int_eq(disc_file_create(marker, folder, &fd), 0);
    return fd;
}

START_TEST(a_file_goes_with_its_marker_wherever_it_is)
{
    char folder[] = "/tmp/shmoo-test-XXXXXX", path[256];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    int fd = open_file(folder), again = -1;
    snprintf(path, sizeof path, "%s%s", folder, marker);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(disc_file_open(marker, &again), 0);
    close(again);
    close(fd);
    ck_assert_int_eq(companion_destroy(begins, DISC_FILE_SUFFIX), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    close(open_file(folder));
    ck_assert_int_eq(unlink(path), 0); /* gone before, and its folder too */
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(companion_destroy(begins, DISC_FILE_SUFFIX), 0);
}
END_TEST

START_TEST(what_has_taken_a_files_name_is_let_alone)
{
    char folder[] = "/tmp/shmoo-test-XXXXXX", path[256], other[300];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    close(open_file(folder));
    snprintf(path, sizeof path, "%s%s", folder, marker);
    snprintf(other, sizeof other, "%s.link", path);
    ck_assert_int_eq(link(path, other), 0);
    ck_assert_int_eq(companion_remove(marker, -1), 0); /* it has two names: somebody has made it his own */
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_int_eq(companion_remove(marker, -1), 0);
    ck_assert_int_eq(access(path, F_OK), 0);
    unlink(path);
    unlink(other);
    rmdir(folder);
    ck_assert_int_eq(companion_destroy(begins, DISC_FILE_SUFFIX), 0);
}
END_TEST

START_TEST(what_another_ipc_namespace_holds_is_kept)
{
    static const char elsewhere[] = "ipc:[1]\n";
    static const char *const suffixes[] = {SYSV_SUFFIX, SYSV_QUEUE_SUFFIX, SYSV_SEGMENT_SUFFIX, COMPANION_MQUEUE_SUFFIX};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        begin(suffixes[i]);
        int fd = shm_open(marker, O_CREAT | O_EXCL | O_RDWR, 0600);
        ck_assert_int_eq(write(fd, elsewhere, sizeof elsewhere - 1), (int)sizeof elsewhere - 1);
        close(fd);
        ck_assert_msg(companion_remove(marker, -1) == EXDEV, "%s", suffixes[i]);
        testing_has(companion_keeps(EXDEV), "namespace");
        ck_assert_int_eq(shm_unlink(marker), 0);
    }
}
END_TEST

START_TEST(markers_are_told_by_their_names)
{
    static const char *const markers[] = {"a.sysv",     "/shmoo.1.2.3.sysv", "shmoo.1.2.3.i4.sysv", "shmoo.1.2.3.msg",
                                          "shmoo.1.seg", "/shmoo.1.2.3.i2.mq", "x.file"};
    static const char *const others[] = {"",           ".sysv",        "sysv", "shmoo.1.2.3", "shmoo.1.2.3.lock", "shmoo.1.2.3.sysv2",
                                         "a.sysv.lock", "shmoo.1.fifo", ".mq"};
    for (size_t i = 0; i < sizeof markers / sizeof markers[0]; i++)
        ck_assert_msg(companion_is_marker(markers[i]), "%s", markers[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!companion_is_marker(others[i]), "%s", others[i]);
}
END_TEST

int main(void)
{
    return testing_run("companion", (const TTest *[]){
                                        a_message_queue_goes_with_its_marker_used_or_not,
                                        a_message_queue_whose_id_was_not_noted_yet_is_found_by_its_key,
                                        somebody_elses_queue_and_segment_with_the_same_key_are_let_alone,
                                        a_segment_that_somebody_has_attached_stays,
                                        a_posix_queue_goes_with_its_marker,
                                        a_file_goes_with_its_marker_wherever_it_is,
                                        what_has_taken_a_files_name_is_let_alone,
                                        what_another_ipc_namespace_holds_is_kept,
                                        markers_are_told_by_their_names,
                                        NULL,
                                    });
}
