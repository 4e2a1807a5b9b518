/* Inheriting: what fork passes on, and what exec takes away. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/program.h"
#include "workloads/check/rows.h"

/* What a child finds in front of it. */
struct scene {
    unsigned char *at;
    int fd;
    const char *name;
};

static struct scene set(struct check *c)
{
    struct scene scene = {.name = check_name(c)};
    scene.fd = check_object(c, scene.name, check_page());
    scene.at = check_map(c, scene.fd, check_page());
    check_fill(scene.at, check_page(), 1);
    return scene;
}

static void answer_stores(struct check *c, void *user)
{
    struct scene *scene = user;
    expect_filled(c, scene->at, check_page(), 1, "what was stored before the fork, in the child");
    check_fill(scene->at, check_page(), 2);
    tell(c->channel, 1);
    hear(c->channel);
    expect_filled(c, scene->at, check_page(), 3, "what the parent stored after the fork, in the child");
}

static void shared_stays_shared(struct check *c)
{
    struct scene scene = set(c);
    struct check_peer child = check_start(c, answer_stores, &scene);
    hear(child.channel);
    expect_filled(c, scene.at, check_page(), 2, "what the child stored, in the parent");
    check_fill(scene.at, check_page(), 3);
    tell(child.channel, 1);
    expect_end(c, &child);
}

static void store_privately(struct check *c, void *user)
{
    struct scene *scene = user;
    expect_filled(c, scene->at, check_page(), 5, "the parent's private stores, in the child");
    check_fill(scene->at, check_page(), 6);
}

static void private_is_copied(struct check *c)
{
    struct scene scene = set(c);
    unsigned char *shared = scene.at;
    scene.at = must_map(c, mmap(NULL, check_page(), PROT_READ | PROT_WRITE, MAP_PRIVATE, scene.fd, 0));
    check_fill(scene.at, check_page(), 5);
    struct check_peer child = check_start(c, store_privately, &scene);
    expect_end(c, &child);
    expect_filled(c, scene.at, check_page(), 5, "the parent's private copy, after the child stored into its own");
    expect_filled(c, shared, check_page(), 1, "the object, after both");
}

static void move_and_close(struct check *c, void *user)
{
    struct scene *scene = user;
    expect_number(c, pwrite(scene->fd, "from child", 10, 0), 10, "bytes written through the inherited descriptor");
    must(c, lseek(scene->fd, 77, SEEK_SET));
    must(c, close(scene->fd));
}

static void descriptor_is_inherited(struct check *c)
{
    struct scene scene = set(c);
    struct check_peer child = check_start(c, move_and_close, &scene);
    expect_end(c, &child);
    expect_bytes(c, scene.at, "from child", 10, "contents");
    expect_number(c, lseek(scene.fd, 0, SEEK_CUR), 77, "offset: the open file description is shared");
    expect_number(c, pwrite(scene.fd, "x", 1, 0), 1, "bytes written after the child's close");
}

static void unmap_and_leave(struct check *c, void *user)
{
    struct scene *scene = user;
    must(c, munmap(scene->at, check_page()));
    expect_touch(c, touch_read(scene->at), SIGSEGV, SEGV_MAPERR, scene->at, "a read in the child after its munmap");
}

static void child_unmaps_its_own(struct check *c)
{
    struct scene scene = set(c);
    struct check_peer child = check_start(c, unmap_and_leave, &scene);
    expect_end(c, &child);
    expect_touch(c, touch_read(scene.at), 0, 0, NULL, "a read in the parent");
    expect_filled(c, scene.at, check_page(), 1, "contents in the parent");
}

static void look_for_mapping(struct check *c, void *user)
{
    struct scene *scene = user;
    expect_touch(c, touch_read(scene->at), SIGSEGV, SEGV_MAPERR, scene->at, "a read in the child");
}

static void left_out_of_fork(struct check *c)
{
    struct scene scene = set(c);
    must(c, madvise(scene.at, check_page(), MADV_DONTFORK));
    struct check_peer child = check_start(c, look_for_mapping, &scene);
    expect_end(c, &child);
    expect_filled(c, scene.at, check_page(), 1, "contents in the parent");
}

static void exec_now(struct check *c, void *user)
{
    (void)user;
    program_become(c, NULL);
}

static void exec_drops_mappings(struct check *c)
{
    struct scene scene = set(c);
    struct check_peer child = check_start(c, exec_now, NULL);
    program_await(c, &child);
    expect_true(c, !check_proc_line(child.pid, "maps", scene.name, NULL, NULL, 0), "no mapping of the object after exec",
                "/proc/PID/maps has it");
    program_end(c, &child);
    expect_filled(c, scene.at, check_page(), 1, "contents, in the one who did not exec");
}

static void exec_closes(struct check *c)
{
    struct scene scene = set(c);
    struct check_peer child = check_start(c, exec_now, NULL);
    program_await(c, &child);
    expect_true(c, !program_has_open(child.pid, scene.name), "no descriptor of the object after exec", "/proc/PID/fd has one");
    expect_true(c, program_has_open(getpid(), scene.name), "one in the process that did not exec", "it has none");
    program_end(c, &child);
}

static void exec_keeps_what_it_is_told_to(struct check *c)
{
    struct scene scene = set(c);
    must(c, fcntl(scene.fd, F_SETFD, 0));
    struct check_peer child = check_start(c, exec_now, NULL);
    program_await(c, &child);
    expect_true(c, program_has_open(child.pid, scene.name), "the descriptor is open after exec", "/proc/PID/fd has none");
    program_end(c, &child);
}

static void stores_read_only(struct check *c, void *user)
{
    struct scene *scene = user;
    expect_touch(c, touch_write(scene->at, 1), SIGSEGV, SEGV_ACCERR, scene->at, "a store in the child");
    expect_touch(c, touch_read(scene->at), 0, 0, NULL, "a read in the child");
    expect_ok(c, mprotect(scene->at, check_page(), PROT_READ | PROT_WRITE));
    expect_touch(c, touch_write(scene->at, 1), 0, 0, NULL, "a store in the child, which has allowed it");
    expect_ok(c, mprotect(scene->at, check_page(), PROT_NONE));
    expect_touch(c, touch_read(scene->at), SIGSEGV, SEGV_ACCERR, scene->at, "a read in the child, which has forbidden it");
}

static void protection_is_inherited(struct check *c)
{
    struct scene scene = set(c);
    must(c, mprotect(scene.at, check_page(), PROT_READ));
    struct check_peer child = check_start(c, stores_read_only, &scene);
    expect_end(c, &child);
    expect_touch(c, touch_write(scene.at, 1), SIGSEGV, SEGV_ACCERR, scene.at, "a store in the parent");
    expect_touch(c, touch_read(scene.at), 0, 0, NULL, "a read in the parent");
}

static void grandchild_stores(struct check *c, void *user)
{
    struct scene *scene = user;
    expect_filled(c, scene->at, check_page(), 2, "the child's stores, in the grandchild");
    check_fill(scene->at, check_page(), 3);
}

static void child_forks(struct check *c, void *user)
{
    struct scene *scene = user;
    check_fill(scene->at, check_page(), 2);
    struct check_peer grandchild = check_start(c, grandchild_stores, user);
    expect_end(c, &grandchild);
}

static void grandchildren_share(struct check *c)
{
    struct scene scene = set(c);
    must(c, shm_unlink(scene.name));
    must(c, close(scene.fd));
    struct check_peer child = check_start(c, child_forks, &scene);
    expect_end(c, &child);
    expect_filled(c, scene.at, check_page(), 3, "what the grandchild stored into an unlinked object, in the parent");
}

/* cat, from one descriptor to the other. */
static void spawn_cat(struct check *c, int from, int to)
{
    char path[64], name[] = "cat";
    char *arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    program_find(c, path, sizeof path);
    must_rc(c, posix_spawn_file_actions_init(&actions));
    must_rc(c, posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO));
    must_rc(c, posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO));
    must_rc(c, posix_spawn(&pid, path, &actions, NULL, arguments, environ));
    struct check_peer program = {.pid = pid, .channel = -1};
    expect_end(c, &program);
}

static void spawn_passes_on(struct check *c)
{
    struct scene scene = set(c);
    int to = check_object(c, check_name(c), 0);
    spawn_cat(c, scene.fd, to);
    struct stat st;
    must(c, fstat(to, &st));
    expect_number(c, st.st_size, (long long)check_page(), "bytes that a spawned program copied from an object to another");
    expect_filled(c, check_map(c, to, check_page()), check_page(), 1, "what it copied");
}

static void duplicates_count(struct check *c)
{
    struct scene scene = set(c);
    unsigned char bytes[32];
    int copy = (int)must(c, dup(scene.fd));
    must(c, munmap(scene.at, check_page()));
    must(c, shm_unlink(scene.name));
    must(c, close(scene.fd));
    expect_number(c, pread(copy, bytes, sizeof bytes, 0), (long long)sizeof bytes, "bytes read through a duplicate");
    expect_filled(c, bytes, sizeof bytes, 1, "contents");
    must(c, close(copy));
    expect_errno(c, pread(copy, bytes, 1, 0), EBADF);
}

const struct check_ops checks_inherit[] = {
    {.id = "inherit/fork-shares", .interface = "fork", .level = CHECK_POSIX_MUST, .run = shared_stays_shared,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: memory mappings", .summary = "a shared mapping is inherited and stays shared, both ways"},
    {.id = "inherit/fork-copies-private", .interface = "fork", .level = CHECK_POSIX_MUST, .run = private_is_copied,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: MAP_PRIVATE mappings",
     .summary = "a private mapping is inherited with its stores, and from then on apart"},
    {.id = "inherit/fork-copies-descriptor", .interface = "fork", .level = CHECK_POSIX_MUST, .run = descriptor_is_inherited,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: file descriptors",
     .summary = "a descriptor is inherited, shares its offset, and survives the child's close"},
    {.id = "inherit/child-unmaps-its-own", .interface = "munmap", .level = CHECK_POSIX_MUST, .run = child_unmaps_its_own,
     .clause = "POSIX.1-2024 munmap, DESCRIPTION", .summary = "a child's munmap and end leave the parent's mapping alone"},
    {.id = "inherit/fork-keeps-protection", .interface = "fork", .level = CHECK_POSIX_MUST, .run = protection_is_inherited,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: memory mappings", .summary = "a mapping is inherited with its protection, which each process changes for itself"},
    {.id = "inherit/fork-of-a-fork", .interface = "fork", .level = CHECK_POSIX_MUST, .run = grandchildren_share,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: memory mappings", .summary = "a grandchild shares an unlinked object by the inherited mapping"},
    {.id = "inherit/dontfork", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = left_out_of_fork,
     .clause = "madvise(2), MADV_DONTFORK", .summary = "a mapping marked so is not inherited"},
    {.id = "inherit/exec-drops-mappings", .interface = "exec", .level = CHECK_POSIX_MUST, .run = exec_drops_mappings,
     .clause = "POSIX.1-2024 exec, DESCRIPTION: address space, memory mappings", .needs = CHECK_NEEDS_PROC,
     .summary = "exec unmaps, and the object stays"},
    {.id = "inherit/exec-closes-descriptor", .interface = "exec", .level = CHECK_POSIX_MUST, .run = exec_closes,
     .clause = "POSIX.1-2024 exec, DESCRIPTION: FD_CLOEXEC", .needs = CHECK_NEEDS_PROC, .summary = "exec closes the descriptor"},
    {.id = "inherit/exec-keeps-cleared", .interface = "exec", .level = CHECK_POSIX_MUST, .run = exec_keeps_what_it_is_told_to,
     .clause = "POSIX.1-2024 exec, DESCRIPTION: FD_CLOEXEC", .needs = CHECK_NEEDS_PROC,
     .summary = "a descriptor whose FD_CLOEXEC was cleared stays open across exec"},
    {.id = "inherit/spawn-passes-on", .interface = "exec", .level = CHECK_POSIX_MUST, .run = spawn_passes_on,
     .clause = "POSIX.1-2024 posix_spawn_file_actions_adddup2, DESCRIPTION",
     .summary = "a spawned program reads one object and writes another by the descriptors that it is given"},
    {.id = "inherit/duplicates-count", .interface = "close", .level = CHECK_POSIX_MUST, .run = duplicates_count,
     .clause = "POSIX.1-2024 close, DESCRIPTION", .summary = "an unlinked object lives as long as any duplicate of its descriptor"},
    {0},
};
