/* Mistakes of mmap and munmap. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <string.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

#define PAGE 4096

struct call {
    char *at;
    size_t bytes;
    int protection, flags, fd;
    off_t offset;
};

static void *sys_mmap(const struct call *c)
{
    return (void *)syscall(SYS_mmap, c->at, c->bytes, c->protection, c->flags, c->fd, c->offset);
}

static bool is_private(const struct call *c)
{
    return (c->flags & MAP_TYPE) == MAP_PRIVATE;
}

static void make_private(struct call *c)
{
    c->flags = (c->flags & ~MAP_TYPE) | MAP_PRIVATE;
}

static void note(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)at, (void)bytes, (void)offset;
    *(bool *)user |= shared;
}

static bool mapped_already(const struct stat *st)
{
    bool mapped = false;
    each_mapping(st, note, &mapped);
    return mapped;
}

static void change_type(struct call *c, const struct stat *st)
{
    if (on(M_map_shared_is_private) && !is_private(c))
        make_private(c);
    else if (on(M_map_second_is_private) && !is_private(c) && mapped_already(st))
        make_private(c);
    else if (on(M_map_of_unlinked_is_private) && !is_private(c) && st->st_nlink == 0)
        make_private(c);
    else if (on(M_map_large_is_private) && !is_private(c) && c->bytes > 8 * PAGE)
        make_private(c);
    else if (on(M_map_private_is_shared) && is_private(c) && (syscall(SYS_fcntl, c->fd, F_GETFL) & O_ACCMODE) == O_RDWR)
        c->flags = (c->flags & ~MAP_TYPE) | MAP_SHARED;
    else if (on(M_map_takes_no_type) && !(c->flags & MAP_TYPE))
        c->flags |= MAP_SHARED;
    else if (on(M_map_read_only_falls_back) && !is_private(c) && (c->protection & PROT_WRITE) &&
             (syscall(SYS_fcntl, c->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        make_private(c);
}

static void change_place(struct call *c)
{
    if (on(M_map_ignores_offset))
        c->offset = 0;
    else if (on(M_map_offset_has_32_bits))
        c->offset &= 0xffffffff;
    else if (on(M_map_rounds_offset))
        c->offset = c->offset / PAGE * PAGE;
    else if (on(M_map_ignores_fixed))
        c->flags &= ~MAP_FIXED;
    else if (on(M_map_noreplace_replaces) && (c->flags & MAP_FIXED_NOREPLACE))
        c->flags = (c->flags & ~MAP_FIXED_NOREPLACE) | MAP_FIXED;
    else if (on(M_map_hint_replaces) && c->at && !(c->flags & MAP_FIXED_NOREPLACE) && (uintptr_t)c->at % PAGE == 0)
        c->flags |= MAP_FIXED;
    else if (on(M_map_fixed_rounds_address) && (c->flags & MAP_FIXED))
        c->at -= (uintptr_t)c->at % PAGE;
    else if (on(M_map_one_page_less) && c->bytes > PAGE)
        c->bytes -= PAGE;
    else if (on(M_map_page_more) && c->bytes > 0)
        c->bytes += PAGE;
    else if (on(M_map_takes_empty) && c->bytes == 0)
        c->bytes = PAGE;
}

static void change_rest(struct call *c, const struct stat *st)
{
    bool reads = c->protection & PROT_READ, writes = c->protection & PROT_WRITE;
    if (on(M_map_reading_writes) && reads && !is_private(c) && (syscall(SYS_fcntl, c->fd, F_GETFL) & O_ACCMODE) == O_RDWR)
        c->protection |= PROT_WRITE;
    else if (on(M_map_writing_reads) && writes)
        c->protection &= ~PROT_WRITE;
    else if (on(M_map_none_reads) && c->protection == PROT_NONE)
        c->protection = PROT_READ;
    else if (on(M_map_drops_execution))
        c->protection &= ~PROT_EXEC;
    else if (on(M_map_ignores_unknown_flags) && (c->flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
        c->flags = (c->flags & ~(MAP_TYPE | MAP_SYNC)) | MAP_SHARED;
    else if (on(M_map_populates))
        c->flags |= MAP_POPULATE;
    else if (on(M_map_does_not_populate))
        c->flags &= ~MAP_POPULATE;
    else if (on(M_map_extends) && c->offset + (off_t)c->bytes > st->st_size && c->bytes < 1 << 20)
        sys_ftruncate(c->fd, c->offset + (off_t)c->bytes);
    else if (on(M_map_clears) && st->st_size > 0 && !is_private(c) && st->st_size < 1 << 20)
        sys_ftruncate(c->fd, 0), sys_ftruncate(c->fd, st->st_size);
    else if (on(M_map_clears_rest_of_page) && st->st_size % PAGE && c->bytes)
        sys_pwrite(c->fd, "", 1, st->st_size - 1);
    else if (on(M_map_keeps_descriptor))
        syscall(SYS_fcntl, c->fd, F_DUPFD_CLOEXEC, 300);
}

static void *refuse(int errnum)
{
    errno = errnum;
    return MAP_FAILED;
}

static void *without_limit(const struct call *c)
{
    struct rlimit limit, none;
    getrlimit(RLIMIT_AS, &limit);
    none = (struct rlimit){limit.rlim_max, limit.rlim_max};
    REAL(setrlimit)(RLIMIT_AS, &none);
    void *at = sys_mmap(c);
    REAL(setrlimit)(RLIMIT_AS, &limit);
    return at;
}

static void *map_object(struct call c, const struct stat *st)
{
    if (on(M_map_refuses_empty_object) && st->st_size == 0)
        return refuse(EINVAL);
    if (on(M_map_refuses_beyond_end) && c.offset + (off_t)c.bytes > (st->st_size + PAGE - 1) / PAGE * PAGE)
        return refuse(EINVAL);
    if (on(M_map_refuses_unlinked) && st->st_nlink == 0)
        return refuse(ENODEV);
    if (on(M_map_refuses_second) && mapped_already(st))
        return refuse(EINVAL);
    change_type(&c, st);
    change_place(&c);
    change_rest(&c, st);
    void *at = on(M_map_ignores_address_limit) ? without_limit(&c) : sys_mmap(&c);
    if (at == MAP_FAILED)
        return wrong("mmap", -1), at;
    if (on(M_map_is_left_out_of_fork))
        syscall(SYS_madvise, at, c.bytes, MADV_DONTFORK);
    if (on(M_map_lacks_last_page) && c.bytes > PAGE)
        syscall(SYS_munmap, (char *)at + (c.bytes - 1) / PAGE * PAGE, PAGE);
    if (on(M_map_moves_offset))
        syscall(SYS_lseek, c.fd, (off_t)c.bytes, SEEK_SET);
    if (on(M_map_moves_times))
        syscall(SYS_utimensat, c.fd, NULL, NULL, 0);
    if (on(M_map_closes))
        sys_close(c.fd);
    return at;
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    struct stat st;
    struct call c = {at, bytes, protection, flags, fd, offset};
    if (mutant_active && is_object(fd, &st))
        return map_object(c, &st);
    void *result = sys_mmap(&c);
    if (result == MAP_FAILED && fd >= 0)
        wrong("mmap", -1);
    return result;
}

/* ---- munmap ---- */

static void clear_contents(char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += PAGE) /* by way of the kernel: what lies behind the end gives EFAULT, no signal */
        syscall(SYS_madvise, at + i, PAGE, MADV_REMOVE);
}

int munmap(void *at, size_t bytes)
{
    if (!mutant_active || !in_object(at))
        return (int)wrong("munmap", REAL(munmap)(at, bytes));
    if (on(M_unmap_does_nothing))
        return 0;
    if (on(M_unmap_takes_empty) && bytes == 0)
        return 0;
    if (on(M_unmap_rounds_address))
        at = (char *)at - (uintptr_t)at % PAGE;
    if (on(M_unmap_rounds_down) && bytes % PAGE && bytes > 0)
        return bytes < PAGE ? 0 : REAL(munmap)(at, bytes / PAGE * PAGE);
    if (on(M_unmap_first_page_only) && bytes > PAGE)
        bytes = PAGE;
    if (on(M_unmap_page_less) && bytes > PAGE)
        bytes -= PAGE;
    if (on(M_unmap_page_more) && bytes)
        bytes += PAGE;
    if (on(M_unmap_only_protects) && bytes)
        return (int)syscall(SYS_mprotect, at, bytes, PROT_NONE);
    if (on(M_unmap_stores_private) && bytes)
        store_private(at, bytes);
    if (on(M_unmap_clears) && bytes)
        clear_contents(at, bytes);
    return (int)wrong("munmap", REAL(munmap)(at, bytes));
}
