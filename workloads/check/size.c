/* Sizes: ftruncate, what lies behind the end, and SIGBUS. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

static struct stat stat_of(struct check *c, int fd)
{
    struct stat st = {0};
    must(c, fstat(fd, &st));
    return st;
}

static void exact(struct check *c)
{
    static const off_t sizes[] = {1, 4095, 4096, 4097, 123457, 65536, 2, 0, 77, 1048576, 1048577, 5000003, 2147483647, 2147483648, 4294967301, 99};
    const char *name = check_name(c);
    unsigned char bytes[8];
    int fd = check_object(c, name, 0), other = (int)must(c, shm_open(name, O_RDWR, 0));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        must(c, ftruncate(fd, sizes[i]));
        expect_number(c, stat_of(c, fd).st_size, sizes[i], "st_size");
        expect_number(c, stat_of(c, other).st_size, sizes[i], "st_size through another descriptor");
        expect_number(c, pread(fd, bytes, 8, sizes[i] ? sizes[i] - 1 : 0), sizes[i] ? 1 : 0, "bytes up to the end of %lld",
                      (long long)sizes[i]);
    }
}

static void grows_with_zeros(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), page);
    unsigned char *at = check_map(c, fd, 4 * page);
    expect_fill(c, at, 0, page, "a new object's contents");
    check_fill(at, page, 1);
    must(c, ftruncate(fd, (off_t)(4 * page)));
    expect_filled(c, at, page, 1, "what was there before it grew");
    expect_fill(c, at + page, 0, 3 * page, "what was added");
}

static void shrinks_for_good(struct check *c)
{
    size_t page = check_page(), bytes = 3 * page;
    const size_t sizes[] = {100, 0, 1, page - 1, page, page + 1, 2 * page + 77, bytes - 1};
    int fd = check_object(c, check_name(c), 0);
    unsigned char *at = check_map(c, fd, bytes);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        must(c, ftruncate(fd, (off_t)bytes));
        check_fill(at, bytes, (unsigned)i);
        must(c, ftruncate(fd, (off_t)sizes[i]));
        expect_filled(c, at, sizes[i], (unsigned)i, "what is left");
        must(c, ftruncate(fd, (off_t)bytes));
        expect_filled(c, at, sizes[i], (unsigned)i, "what was left, after growing again");
        expect_fill(c, at + sizes[i], 0, bytes - sizes[i], "what was cut off, after growing again");
    }
}

/* In small steps, each of which leaves a partial page behind. */
static void grows_in_steps(struct check *c)
{
    size_t bytes = 2 * check_page() + 50;
    int fd = check_object(c, check_name(c), 1);
    unsigned char *at = check_map(c, fd, bytes);
    at[0] = 'x';
    for (size_t size = 2; size < bytes; size += 97) {
        must(c, ftruncate(fd, (off_t)size));
        expect_true(c, at[0] == 'x', "the first byte stays", "it is 0x%02x at size %zu", at[0], size);
        expect_fill(c, at + 1, 0, size - 1, "what was added step by step");
    }
}

static void resize_there(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    expect_ok(c, ftruncate(fd, 9000));
    tell(c->channel, 1);
    hear(c->channel);
    expect_ok(c, ftruncate(fd, 10));
}

static void anybody_resizes(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    unsigned char *at = check_map(c, fd, 9000);
    struct check_peer peer = check_start(c, resize_there, name);
    hear(peer.channel);
    expect_number(c, stat_of(c, fd).st_size, 9000, "size after another process has made it larger");
    expect_touch(c, touch_write(at + 8999, 1), 0, 0, NULL, "a store into its new last byte");
    tell(peer.channel, 1);
    expect_end(c, &peer);
    expect_number(c, stat_of(c, fd).st_size, 10, "size after another process has made it smaller");
}

static void leaves_the_rest_alone(struct check *c)
{
    int fd = check_object(c, check_name(c), 100);
    must(c, fchmod(fd, 0641));
    struct stat before = stat_of(c, fd);
    must(c, ftruncate(fd, 5000));
    must(c, ftruncate(fd, 50));
    struct stat after = stat_of(c, fd);
    expect_mode(c, after.st_mode, 0641, "mode after resizing");
    expect_true(c, after.st_ino == before.st_ino && after.st_uid == before.st_uid && after.st_gid == before.st_gid &&
                       after.st_nlink == 1,
                "inode, owner, group and link count stay", "one of them has changed");
}

static void same_size_changes_nothing(struct check *c)
{
    int fd = check_object(c, check_name(c), 5000);
    unsigned char *at = check_map(c, fd, 5000);
    check_fill(at, 5000, 1);
    expect_ok(c, ftruncate(fd, 5000));
    expect_filled(c, at, 5000, 1, "contents");
}

static void negative(struct check *c)
{
    int fd = check_object(c, check_name(c), 100);
    expect_errno(c, ftruncate(fd, -1), EINVAL);
    expect_number(c, stat_of(c, fd).st_size, 100, "size afterwards");
}

static void not_for_reading(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 100);
    int reading = (int)must(c, shm_open(name, O_RDONLY, 0));
    expect_errno(c, ftruncate(reading, 0), EINVAL);
    expect_number(c, stat_of(c, fd).st_size, 100, "size afterwards");
    must(c, close(reading));
    expect_errno(c, ftruncate(reading, 0), EBADF);
}

static void more_than_memory(struct check *c)
{
    check_needs_tmpfs(c);
    const off_t size = (off_t)1 << 45;
    struct rlimit limit;
    must(c, getrlimit(RLIMIT_FSIZE, &limit));
    if (limit.rlim_cur != RLIM_INFINITY)
        check_unsupported(c, "RLIMIT_FSIZE is set");
    int fd = check_object(c, check_name(c), 0);
    expect_ok(c, ftruncate(fd, size));
    expect_number(c, stat_of(c, fd).st_size, size, "size");
    expect_number(c, stat_of(c, fd).st_blocks, 0, "blocks");
}

static volatile sig_atomic_t file_size_signals;

static void count_signal(int number)
{
    (void)number;
    file_size_signals++;
}

static void file_size_limit(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), 0);
    struct rlimit limit = {0};
    must(c, getrlimit(RLIMIT_FSIZE, &limit));
    limit.rlim_cur = 2 * page;
    must(c, setrlimit(RLIMIT_FSIZE, &limit));
    signal(SIGXFSZ, count_signal);
    expect_ok(c, ftruncate(fd, (off_t)(2 * page)));
    expect_number(c, file_size_signals, 0, "SIGXFSZ at the limit");
    expect_errno(c, ftruncate(fd, (off_t)(2 * page + 1)), EFBIG);
    expect_number(c, file_size_signals, 1, "SIGXFSZ one byte beyond it");
    expect_number(c, stat_of(c, fd).st_size, (long long)(2 * page), "size afterwards");
}

static bool same_moment(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Do both times move since `*last`, or neither? `*last` is brought up to date. */
static void expect_times(struct check *c, int fd, bool moves, struct stat *last, const char *what)
{
    struct stat now = stat_of(c, fd);
    bool moved = !same_moment(&now.st_mtim, &last->st_mtim), changed = !same_moment(&now.st_ctim, &last->st_ctim);
    *last = now;
    expect_true(c, moved == moves && changed == moves, moves ? "mtime and ctime move" : "mtime and ctime stay", "%s: mtime %s, ctime %s",
                what, moved ? "moved" : "stayed", changed ? "moved" : "stayed");
    check_pause_ms(20); /* a clock tick of the kernel's at its coarsest */
}

static void changes_move_times(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 0);
    struct stat last = stat_of(c, fd);
    expect_times(c, fd, false, &last, "fstat");
    must(c, ftruncate(fd, 4096));
    expect_times(c, fd, true, &last, "growing");
    expect_number(c, pwrite(fd, "abc", 3, 5), 3, "bytes written");
    expect_times(c, fd, true, &last, "pwrite");
    must(c, ftruncate(fd, 100));
    expect_times(c, fd, true, &last, "shrinking");
    must(c, close((int)must(c, shm_open(name, O_RDWR | O_TRUNC, 0))));
    expect_times(c, fd, true, &last, "O_TRUNC");
    must(c, ftruncate(fd, 100));
    expect_times(c, fd, true, &last, "growing again");
    int again = (int)must(c, shm_open(name, O_RDWR | O_CREAT, 0600));
    void *at = check_map(c, again, 100);
    must(c, close(again));
    must(c, close((int)must(c, shm_open(name, O_RDONLY, 0))));
    must(c, munmap(at, 100));
    expect_times(c, fd, false, &last, "opening, mapping, closing and unmapping");
}

static void writing_extends(struct check *c)
{
    unsigned char bytes[3];
    int fd = check_object(c, check_name(c), 10);
    expect_number(c, pwrite(fd, "abc", 3, 5000), 3, "bytes written behind the end");
    expect_number(c, stat_of(c, fd).st_size, 5003, "size");
    must(c, pread(fd, bytes, 3, 4000));
    expect_fill(c, bytes, 0, 3, "the gap");
}

/* ---- behind the end ---- */

static void empty_maps_and_faults(struct check *c)
{
    int fd = check_object(c, check_name(c), 0);
    unsigned char *at = mmap(NULL, check_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!expect_true(c, at != MAP_FAILED, "mmap of an empty object succeeds", "errno %d", errno))
        return;
    expect_touch(c, touch_read(at), SIGBUS, BUS_ADRERR, at, "a read at its start");
    expect_touch(c, touch_write(at + 123, 1), SIGBUS, BUS_ADRERR, at + 123, "a write at byte 123");
}

static void behind_the_last_page(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), page + 1);
    unsigned char *at = check_map(c, fd, 4 * page);
    expect_touch(c, touch_write(at + page, 1), 0, 0, NULL, "a write to the last byte");
    expect_touch(c, touch_read(at + 2 * page - 1), 0, 0, NULL, "a read of the last byte of the last page");
    expect_touch(c, touch_read(at + 2 * page), SIGBUS, BUS_ADRERR, at + 2 * page, "a read one page behind the end");
    expect_touch(c, touch_write(at + 4 * page - 1, 1), SIGBUS, BUS_ADRERR, at + 4 * page - 1, "a write at the mapping's end");
}

static void rest_of_the_last_page(struct check *c)
{
    unsigned char bytes[8];
    int fd = check_object(c, check_name(c), 100);
    unsigned char *at = check_map(c, fd, check_page());
    expect_fill(c, at + 100, 0, check_page() - 100, "the rest of the last page, at first");
    expect_touch(c, touch_write(at + 2000, 7), 0, 0, NULL, "a write behind the end, in the last page");
    expect_number(c, stat_of(c, fd).st_size, 100, "size");
    expect_number(c, pread(fd, bytes, 8, 96), 4, "bytes that pread finds up to the end");
}

/* POSIX: what is beyond the end is never written out, so an extension must find zeros there. */
static void rest_stays_lost(struct check *c)
{
    int fd = check_object(c, check_name(c), 100);
    unsigned char *at = check_map(c, fd, check_page());
    at[2000] = 'X';
    must(c, ftruncate(fd, (off_t)check_page()));
    if (at[2000] == 'X')
        check_deviates(c, "a byte stored behind the end is 0 after the object has grown over it", "it is what was stored",
                       "tmpfs zeroes the last page when an object shrinks, not when it grows: clear it before growing");
    else
        expect_number(c, at[2000], 0, "the byte stored behind the end");
    expect_number(c, at[1999], 0, "the byte before it");
}

static void shrinking_takes_pages(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), 3 * page);
    unsigned char *at = check_map(c, fd, 3 * page);
    unsigned char *private = must_map(c, mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    check_fill(at, 3 * page, 1);
    check_fill(private, 3 * page, 2);
    must(c, ftruncate(fd, (off_t)page));
    expect_touch(c, touch_read(at + page - 1), 0, 0, NULL, "a read before the new end");
    expect_touch(c, touch_read(at + page), SIGBUS, BUS_ADRERR, at + page, "a read behind the new end");
    expect_touch(c, touch_write(at + 2 * page, 1), SIGBUS, BUS_ADRERR, at + 2 * page, "a write behind the new end");
    expect_touch(c, touch_read(private + page), SIGBUS, BUS_ADRERR, private + page, "a read of the private copy behind it");
    expect_filled(c, private, page, 2, "the private copy before it");
}

static void truncate_by_name(struct check *c, void *user)
{
    must(c, shm_open(user, O_RDWR | O_TRUNC, 0));
}

static void peer_truncates(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    unsigned char *at = check_map(c, check_object(c, name, check_page()), check_page());
    expect_touch(c, touch_write(at, 1), 0, 0, NULL, "a write before");
    struct check_peer peer = check_start(c, truncate_by_name, name);
    expect_end(c, &peer);
    expect_touch(c, touch_read(at), SIGBUS, BUS_ADRERR, at, "a read after another process opened it with O_TRUNC");
}

static void growing_heals(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), page);
    unsigned char *at = check_map(c, fd, 2 * page);
    expect_touch(c, touch_read(at + page), SIGBUS, BUS_ADRERR, at + page, "a read behind the end");
    must(c, ftruncate(fd, (off_t)(2 * page)));
    expect_touch(c, touch_read(at + page), 0, 0, NULL, "the same read after the object has grown");
    expect_touch(c, touch_write(at + 2 * page - 1, 9), 0, 0, NULL, "a write there");
    unsigned char byte = 0;
    must(c, pread(fd, &byte, 1, (off_t)(2 * page - 1)));
    expect_number(c, byte, 9, "what was written, through pread");
}

static void system_calls_fail_softly(struct check *c)
{
    int ends[2];
    char bytes[16] = "0123456789";
    int fd = check_object(c, check_name(c), 0);
    unsigned char *at = check_map(c, fd, check_page());
    must(c, pipe(ends));
    expect_errno(c, write(ends[1], at, 10), EFAULT);
    must(c, write(ends[1], bytes, 10));
    expect_errno(c, read(ends[0], at, 10), EFAULT);
}

const struct check_ops checks_size[] = {
    {.id = "size/exact", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = exact,
     .clause = FTRUNCATE "DESCRIPTION: sets the size of a shared memory object", .summary = "sizes are exact to the byte, for everybody"},
    {.id = "size/grows-with-zeros", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = grows_with_zeros,
     .clause = FTRUNCATE "DESCRIPTION: the extended area appears zero-filled", .summary = "growing keeps what is there and adds zeros"},
    {.id = "size/shrinks-for-good", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = shrinks_for_good,
     .clause = FTRUNCATE "DESCRIPTION: the extra data are discarded", .summary = "what was cut off does not come back, not even within a page"},
    {.id = "size/grows-in-steps", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = grows_in_steps,
     .clause = FTRUNCATE "DESCRIPTION: the extended area appears zero-filled", .summary = "growing byte by byte adds zeros, too"},
    {.id = "size/anybody-resizes", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = anybody_resizes,
     .clause = FTRUNCATE "DESCRIPTION: sets the size of a shared memory object",
     .summary = "another process that may write resizes an object for everybody"},
    {.id = "size/leaves-the-rest-alone", .interface = "ftruncate", .level = CHECK_LINUX_OBSERVED, .run = leaves_the_rest_alone,
     .clause = "ftruncate(2), DESCRIPTION", .summary = "resizing changes neither mode nor owner nor inode"},
    {.id = "size/same-size", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = same_size_changes_nothing,
     .clause = FTRUNCATE "DESCRIPTION", .summary = "the size that it has changes nothing"},
    {.id = "size/negative", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = negative,
     .clause = FTRUNCATE "ERRORS [EINVAL]", .summary = "a negative size is refused"},
    {.id = "size/not-for-reading", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = not_for_reading,
     .clause = FTRUNCATE "ERRORS [EBADF] or [EINVAL]", .summary = "a descriptor for reading, or a closed one, does not resize"},
    {.id = "size/more-than-memory", .interface = "ftruncate", .level = CHECK_LINUX_OBSERVED, .run = more_than_memory,
     .clause = "tmpfs(5)", .summary = "an object of 32 TiB is made without a word"},
    {.id = "size/file-size-limit", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = file_size_limit,
     .clause = FTRUNCATE "ERRORS [EFBIG]; SIGXFSZ", .summary = "RLIMIT_FSIZE holds for shared memory: EFBIG and SIGXFSZ"},
    {.id = "size/moves-times", .interface = "ftruncate", .level = CHECK_LINUX_OBSERVED, .run = changes_move_times,
     .clause = "ftruncate(2), DESCRIPTION: st_ctime and st_mtime", .summary = "resizing and writing move mtime and ctime, opening, mapping and closing do not"},
    {.id = "size/writing-extends", .interface = "ftruncate", .level = CHECK_LINUX_OBSERVED, .run = writing_extends,
     .clause = "POSIX.1-2024 write: unspecified for shared memory objects", .summary = "pwrite behind the end makes the object longer"},
    {.id = "size/empty-maps-and-faults", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = empty_maps_and_faults,
     .clause = MMAP "DESCRIPTION: whole pages following the end: SIGBUS",
     .summary = "an empty object can be mapped; touching it is a SIGBUS with BUS_ADRERR and the exact address"},
    {.id = "size/behind-last-page", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = behind_the_last_page,
     .clause = MMAP "DESCRIPTION: whole pages following the end: SIGBUS", .summary = "the page behind the last one is a SIGBUS, that one not"},
    {.id = "size/rest-of-last-page", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = rest_of_the_last_page,
     .clause = MMAP "DESCRIPTION: zero-fills any partial page", .summary = "the rest of the last page is zero and can be touched"},
    {.id = "size/rest-stays-lost", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = rest_stays_lost,
     .clause = MMAP "DESCRIPTION: never write out modified portions beyond the end",
     .summary = "what was stored behind the end does not appear when the object grows"},
    {.id = "size/shrinking-takes-pages", .interface = "ftruncate", .level = CHECK_POSIX_MUST, .run = shrinking_takes_pages,
     .clause = FTRUNCATE "DESCRIPTION: references to discarded pages: SIGBUS",
     .summary = "pages that shrinking cuts off are a SIGBUS in every mapping, private copies included"},
    {.id = "size/peer-truncates", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = peer_truncates,
     .clause = SHM_OPEN "O_TRUNC; " FTRUNCATE "DESCRIPTION", .summary = "another process's O_TRUNC is a SIGBUS for who has it mapped"},
    {.id = "size/growing-heals", .interface = "ftruncate", .level = CHECK_LINUX_OBSERVED, .run = growing_heals,
     .clause = "mmap(2), NOTES: effect of changing the size: unspecified",
     .summary = "growing makes pages of an existing mapping good that were a SIGBUS before"},
    {.id = "size/system-calls-fail-softly", .interface = "mmap", .level = CHECK_LINUX_OBSERVED, .run = system_calls_fail_softly,
     .clause = "read(2), write(2), ERRORS EFAULT", .summary = "a system call on memory behind the end fails with EFAULT, without a signal"},
    {0},
};
