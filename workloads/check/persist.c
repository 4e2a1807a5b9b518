/* Kernel persistence: how the last user goes, what is left of its object, and what is then seen. The rows are in persist_rows.c. */
#define _GNU_SOURCE
#include "workloads/check/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "workloads/check/program.h"

/* Odd on purpose: an object rounded to pages shows. */
#define PAGES 4
#define MODE 0614
#define SEED 42
/* So much later everything is looked at once more: what goes with a process may go after it. */
#define LATER_MS 15

static size_t bytes_of(void)
{
    return (PAGES - 1) * check_page() + 123;
}

static void make(struct check *c, struct scene *s)
{
    umask(0);
    s->fd = (int)must(c, shm_open(s->name, O_CREAT | O_EXCL | O_RDWR, MODE));
    must(c, ftruncate(s->fd, (off_t)bytes_of()));
    s->at = check_map(c, s->fd, bytes_of());
    check_fill(s->at, bytes_of(), SEED);
}

/* Some have it only open, some only mapped, some both, when they go. */
static void drop_what_others_have(struct check *c, struct scene *s)
{
    if (s->cell->going->uses_object)
        return;
    if (s->cell->left == LEFT_MAPPING)
        must(c, close(s->fd));
    if (s->cell->left == LEFT_DESCRIPTOR)
        must(c, munmap(s->at, bytes_of()));
}

/* The last user: makes the object, sees to it that only the cell's kind of reference will be left, and goes. */
static void last_user(struct check *c, void *user)
{
    struct scene *s = user;
    const struct cell *cell = s->cell;
    if (cell->going->prepare)
        cell->going->prepare(c, s);
    make(c, s);
    if (cell->left == LEFT_DESCRIPTOR)
        must(c, check_send_fd(c->channel, s->fd));
    else
        tell(c->channel, 1);
    hear(c->channel);
    if (cell->left == LEFT_IN_FLIGHT)
        must(c, check_send_fd(s->socket[1], s->fd));
    if (cell->left != LEFT_NAME)
        must(c, shm_unlink(s->name));
    drop_what_others_have(c, s);
    tell(c->channel, 2);
    cell->going->go(c, s);
}

/* Somebody who has the object open and mapped while its maker goes, and leaves when told. */
static void other_user(struct check *c, void *user)
{
    struct scene *s = user;
    int fd = (int)must(c, shm_open(s->name, O_RDWR, 0));
    unsigned char *at = check_map(c, fd, bytes_of());
    tell(c->channel, 1);
    hear(c->channel);
    expect_filled(c, at, bytes_of(), SEED, "contents, for another process that has it mapped");
}

static long long pages_taken(struct check *c, const struct scene *s)
{
    struct statvfs fs;
    must(c, statvfs("/dev/shm", &fs));
    return s->free_before - (long long)(fs.f_bfree * fs.f_frsize / check_page());
}

static long long inodes_taken(struct check *c, const struct scene *s)
{
    struct statvfs fs;
    must(c, statvfs("/dev/shm", &fs));
    return s->inodes_free_before - (long long)fs.f_ffree - (s->inodes_free_before ? s->cell->going->inodes : 0);
}

/* A page may be given back by a kernel thread a moment later. */
static void see_all_given_back(struct check *c, const struct scene *s)
{
    for (int i = 0; i < 200 && (pages_taken(c, s) != 0 || inodes_taken(c, s) != 0); i++)
        check_pause_ms(5);
    expect_number(c, pages_taken(c, s), 0, "pages of the file system still taken");
    expect_number(c, inodes_taken(c, s), 0, "inodes of the file system still taken");
}

/* ---- what is then seen ---- */

static void see_state(struct check *c, const struct stat *seen, const struct scene *s, long long links)
{
    struct stat st = *seen;
    expect_true(c, st.st_ino == s->inode, "the same inode as before", "another one");
    expect_number(c, st.st_size, (long long)bytes_of(), "size");
    expect_mode(c, st.st_mode, MODE, "mode");
    expect_number(c, st.st_uid, geteuid(), "owner");
    expect_number(c, st.st_gid, getegid(), "group");
    expect_number(c, (long long)st.st_nlink, links, "link count");
    if (check_counts_pages(c))
        expect_number(c, st.st_blocks, PAGES * (long long)check_page() / 512, "st_blocks");
}

static void see_state_of(struct check *c, int fd, const struct scene *s, long long links)
{
    struct stat st = {0};
    must(c, fstat(fd, &st));
    see_state(c, &st, s, links);
}

static void see_data(struct check *c, int fd)
{
    expect_filled(c, check_map(c, fd, bytes_of()), bytes_of(), SEED, "contents");
}

static void see_no_name(struct check *c, const struct scene *s)
{
    expect_true(c, !check_exists(s->name), "no name in /dev/shm", "the name is there");
    expect_errno(c, shm_open(s->name, O_RDWR, 0), ENOENT);
}

static void see_deleted_descriptor(struct check *c, int fd)
{
    char link[64], text[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, text, sizeof text - 1) > 0)
        expect_text(c, text, " (deleted)", link);
}

static void see_by_name(struct check *c, const struct scene *s)
{
    expect_true(c, check_exists(s->name), "the name is in /dev/shm", "it is not");
    int fd = shm_open(s->name, O_RDWR, 0);
    if (!expect_ok(c, fd))
        return;
    see_state_of(c, fd, s, 1);
    see_data(c, fd);
    check_pause_ms(LATER_MS);
    expect_true(c, check_exists(s->name), "the name is in /dev/shm a moment later", "it is not");
    see_state_of(c, fd, s, 1);
    see_data(c, fd);
    expect_ok(c, shm_unlink(s->name));
    see_no_name(c, s);
}

static void see_by_descriptor(struct check *c, int fd, const struct scene *s)
{
    for (int i = 0; i < 2; i++) {
        see_no_name(c, s);
        see_state_of(c, fd, s, 0);
        see_data(c, fd);
        check_pause_ms(i ? 0 : LATER_MS);
    }
    see_deleted_descriptor(c, fd);
    expect_number(c, pwrite(fd, "x", 1, 0), 1, "bytes that can still be written");
}

/* What a mapping is of, where this process may ask (CAP_CHECKPOINT_RESTORE). */
static void see_state_of_mapping(struct check *c, const struct scene *s)
{
    char path[96];
    struct stat st;
    snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)(uintptr_t)s->at,
             (unsigned long)(uintptr_t)s->at + PAGES * (unsigned long)check_page());
    if (stat(path, &st) == 0)
        see_state(c, &st, s, 0);
}

static void see_by_mapping(struct check *c, const struct scene *s)
{
    char inode[32];
    for (int i = 0; i < 2; i++) {
        see_no_name(c, s);
        expect_filled(c, s->at, bytes_of(), SEED, "contents");
        see_state_of_mapping(c, s);
        check_pause_ms(i ? 0 : LATER_MS);
    }
    expect_true(c, check_proc_line(getpid(), "maps", s->name, " (deleted)", NULL, 0), "/proc/self/maps says (deleted)",
                "it does not");
    snprintf(inode, sizeof inode, " %llu ", (unsigned long long)s->inode);
    expect_true(c, check_proc_line(getpid(), "maps", s->name, inode, NULL, 0), "/proc/self/maps has the inode", "it has not");
    expect_touch(c, touch_read(s->at + bytes_of()), 0, 0, NULL, "a read of the rest of the last page");
    expect_touch(c, touch_write(s->at + bytes_of() - 1, 1), 0, 0, NULL, "a store into the last byte");
}

static void see_in_flight(struct check *c, const struct scene *s)
{
    see_no_name(c, s);
    int fd = check_take_fd(s->socket[0]);
    if (expect_true(c, fd >= 0, "the descriptor arrives", "there was none in the message"))
        see_by_descriptor(c, fd, s);
}

static void see_nothing(struct check *c, const struct scene *s)
{
    see_no_name(c, s);
    see_all_given_back(c, s);
    int fd = (int)must(c, shm_open(s->name, O_CREAT | O_EXCL | O_RDWR, 0600));
    must(c, ftruncate(fd, (off_t)bytes_of()));
    expect_fill(c, check_map(c, fd, bytes_of()), 0, bytes_of(), "a new object of that name");
}

static void see(struct check *c, struct scene *s)
{
    switch (s->cell->left) {
    case LEFT_NAME:
        see_by_name(c, s);
        break;
    case LEFT_DESCRIPTOR:
        see_by_descriptor(c, s->fd, s);
        break;
    case LEFT_MAPPING:
        see_by_mapping(c, s);
        break;
    case LEFT_IN_FLIGHT:
        see_in_flight(c, s);
        break;
    case LEFT_NOTHING:
        see_nothing(c, s);
        break;
    }
}

/* ---- the course of a cell ---- */

/* Takes the watcher's own part: the descriptor or mapping that will be all that is left. */
static void take_part(struct check *c, struct scene *s, const struct check_peer *last)
{
    struct stat st = {0};
    s->fd = -1;
    bool ready = s->cell->left == LEFT_DESCRIPTOR ? (s->fd = check_take_fd(last->channel)) >= 0
                                                  : hear(last->channel) != CHECK_GONE;
    if (!ready)
        check_fail(c, "the last user makes an object", "it did not come so far"); /* it has told why, and first */
    must(c, stat(check_path(s->name), &st));
    s->inode = st.st_ino;
    if (s->cell->left == LEFT_MAPPING) {
        int fd = (int)must(c, shm_open(s->name, O_RDWR, 0));
        s->at = check_map(c, fd, bytes_of());
        must(c, close(fd));
    }
    if (s->cell->left == LEFT_NOTHING) {
        expect_number(c, pages_taken(c, s), PAGES, "pages taken by the object");
        expect_number(c, inodes_taken(c, s), 1, "inodes taken by the object");
    }
}

static void wait_until_gone(struct check *c, struct check_peer *last, const struct going *going)
{
    if (going->becomes_program) {
        program_await(c, last);
        if (going->status)
            expect_true(c, check_proc_line(last->pid, "status", going->status, NULL, NULL, 0), "the program's user is another",
                        "/proc/PID/status lacks \"%s\"", going->status);
        return;
    }
    if (going->by_signal_from_outside) {
        hear(last->channel); /* all of the group are there */
        kill(-last->pid, going->by_signal_from_outside);
    }
    while (hear(last->channel) != CHECK_GONE) /* also those whom it has started hold the other end */
        continue;
    expect_number(c, check_end_of(c, last), going->end, "how it ended (below 0: the signal)");
}

static void let_other_go(struct check *c, struct scene *s, struct check_peer *other)
{
    if (s->cell->left == LEFT_NOTHING)
        expect_number(c, pages_taken(c, s), PAGES, "pages taken while another process has the object");
    tell(other->channel, 1);
    expect_end(c, other);
}

void persist(struct check *c)
{
    const struct cell *cell = c->row->with;
    struct scene s = {.cell = cell, .name = check_name(c), .fd = -1};
    struct check_peer other = {0};
    must(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s.socket));
    s.free_before = -pages_taken(c, &s); /* of a scene in which nothing is free */
    s.inodes_free_before = -inodes_taken(c, &s);
    struct check_peer last = check_start(c, last_user, &s);
    must(c, close(s.socket[1]));
    take_part(c, &s, &last);
    if (cell->going->others_hold) {
        other = check_start(c, other_user, &s);
        hear(other.channel);
    }
    tell(last.channel, 1);
    if (hear(last.channel) == CHECK_GONE)
        check_fail(c, "the last user is about to go", "it has gone too early");
    wait_until_gone(c, &last, cell->going);
    if (cell->going->others_hold)
        let_other_go(c, &s, &other);
    see(c, &s);
    if (cell->going->becomes_program) {
        expect_true(c, !check_proc_line(last.pid, "maps", s.name, NULL, NULL, 0), "the program has no mapping of it",
                    "/proc/PID/maps has one");
        expect_true(c, !program_has_open(last.pid, s.name), "the program has no descriptor of it", "/proc/PID/fd has one");
        program_end(c, &last);
    }
}
