/* The preflight: needs against limits. */
#include "run/preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/units.h"
#include "run/hunt_slice.h"
#include "run/instances.h"
#include "run/monitor.h"
#include "run/pin.h"
#include "run/stray.h"
#include "run/syscalls.h"
#include "shm/capacity.h"
#include "shm/cgroup.h"
#include "shm/region.h"

/* A worker's page tables, stack and touched data; a crew's measured growth is 140 to 190 KiB a process. */
#define WORKER_BYTES (256u << 10)
#define OWN_DESCRIPTORS 32
#define OWN_MAPPINGS 300ULL

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Huge pages of the pool: the harness keeps the descriptors. */
static bool is_nameless(const struct trial_spec *spec)
{
    return spec->shape.layout.choice[LAYOUT_PAGES] >= PAGES_HUGE_2M;
}

static void need_add(struct need *need, const struct trial_spec *spec)
{
    uint32_t workers = shape_workers(&spec->shape);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), region = spec_region_bytes(spec), span = spec_span_bytes(spec);
    uint32_t apart = instances_apart(spec) ? instances_count(spec) : 0;
    uint64_t extra = spec->load->extra_bytes ? spec->load->extra_bytes(&spec->shape) : 0;
    bool named = spec->sync->traits & SYNC_KERNEL_NAME;
    uint64_t shm = sum(sum((span + page - 1) / page * page, extra), named ? page : 0);
    /* of a histogram three pages are touched as a rule */
    uint64_t pages = (uint64_t)workers * (4096 + 3 * 4096 * 2);
    uint64_t memory = sum(shm, pages + (uint64_t)workers * WORKER_BYTES);
    if (shm > need->shm_bytes) {
        need->shm_bytes = shm;
        need->shm_trial = spec->number;
    }
    if (memory > need->memory_bytes) {
        need->memory_bytes = memory;
        need->memory_trial = spec->number;
    }
    if (region > need->largest_object)
        need->largest_object = region;
    if (apart && instances_stride_bytes(spec) > need->largest_object)
        need->largest_object = instances_stride_bytes(spec);
    if (apart > need->mappings) {
        need->mappings = apart;
        need->mappings_trial = spec->number;
    }
    if (extra && spec->shape.size > need->largest_object)
        need->largest_object = spec->shape.size;
    if (workers > need->processes) {
        need->processes = workers;
        need->processes_trial = spec->number;
    }
    uint64_t longest = monitor_longest_ns(spec);
    if (longest > need->worker_ns) {
        need->worker_ns = longest;
        need->longest_trial = spec->number;
    }
    /* both ends of a channel for each instance */
    uint32_t descriptors = workers + OWN_DESCRIPTORS + (is_nameless(spec) ? apart : 0) + (spec->sync->traits & SYNC_INHERITED ? 2 * instances_count(spec) : 0);
    if (descriptors > need->descriptors)
        need->descriptors = descriptors;
    /* a named semaphore takes two for a moment: it is made under another name, and tmpfs counts a link as an inode */
    uint64_t objects = 1ULL + apart + (named ? 2 : 0) + (extra ? 2ULL * workers : 0);
    if (objects > need->shm_objects)
        need->shm_objects = objects;
}

struct preflight_room preflight_room(void)
{
    struct preflight_room room = {UINT64_MAX, memory_limit_read().room_bytes};
    struct shm_capacity shm;
    struct error error;
    if (capacity_read(REGION_FOLDER, &shm, &error) == 0) /* if it fails, that is for preflight() to tell */
        room.shm_bytes = shm.free_bytes;
    uint64_t available = memory_available();
    if (available < room.memory_bytes)
        room.memory_bytes = available;
    return room;
}

static bool fits(const struct preflight_room *room, const struct need *need)
{
    return need->shm_bytes <= room->shm_bytes && need->memory_bytes <= room->memory_bytes;
}

bool preflight_fits(const struct preflight_room *room, const struct trial_spec *spec)
{
    struct need need = {0};
    need_add(&need, spec);
    return fits(room, &need);
}

/* Slices that do not fit are left out of the hunt. */
static void need_add_hunt(struct need *need, const struct trial_spec *spec, const struct preflight_room *room)
{
    struct trial_spec slice, least = *spec;
    uint64_t least_bytes = UINT64_MAX;
    bool any = false;
    for (uint32_t k = 0; k < hunt_slices(spec); k++) {
        struct need own = {0};
        if (!hunt_slice(spec, k, &slice))
            continue;
        need_add(&own, &slice);
        if (fits(room, &own)) {
            need_add(need, &slice);
            any = true;
        } else if (own.memory_bytes < least_bytes) {
            least = slice;
            least_bytes = own.memory_bytes;
        }
    }
    if (!any && least_bytes < UINT64_MAX)
        need_add(need, &least);
}

struct need need_of(const struct trial_spec *specs, size_t count)
{
    struct need need = {0};
    struct preflight_room room = preflight_room();
    stray_begin(); /* a primitive may be asked how large its state is */
    for (size_t i = 0; i < count; i++) {
        if (hunt_is(&specs[i]))
            need_add_hunt(&need, &specs[i], &room);
        else if (!spec_unsupported(&specs[i]))
            need_add(&need, &specs[i]);
    }
    stray_end();
    if (need.descriptors < OWN_DESCRIPTORS)
        need.descriptors = OWN_DESCRIPTORS;
    return need;
}

static int check_shm(const struct need *need, struct error *error)
{
    struct shm_capacity shm;
    char wanted[UNITS_TEXT], have[UNITS_TEXT];
    if (capacity_read(REGION_FOLDER, &shm, error))
        return -1;
    if (access(shm.path, W_OK | X_OK) != 0 && errno != EROFS)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: access: %s; objects cannot be made there: chmod 1777 %s", shm.path,
                         error_name(errno), shm.path);
    if (shm.read_only)
        return error_set(error, STATUS_ENVIRONMENT, EROFS, "%s is mounted read-only: mount -o remount,rw %s", shm.path, shm.path);
    units_print(&units_size, (double)need->shm_bytes, wanted);
    units_print(&units_size, (double)shm.free_bytes, have);
    if (need->shm_bytes > shm.free_bytes)
        return error_set(error, STATUS_ENVIRONMENT, ENOSPC,
                         "trial %u needs %s in %s, which has %s free: use a smaller --size, remove objects, or enlarge it "
                         "(mount -o remount,size=... %s; in a container --shm-size)",
                         need->shm_trial, wanted, shm.path, have, shm.path);
    if (shm.inodes && need->shm_objects > shm.inodes_free)
        return error_set(error, STATUS_ENVIRONMENT, ENOSPC,
                         "%s has %" PRIu64 " inodes free, %" PRIu64 " are needed: remove objects, or mount -o "
                         "remount,nr_inodes=... %s",
                         shm.path, shm.inodes_free, need->shm_objects, shm.path);
    return 0;
}

static int check_memory(const struct need *need, struct error *error)
{
    struct memory_limit cgroup = memory_limit_read();
    uint64_t available = memory_available();
    char wanted[UNITS_TEXT], have[UNITS_TEXT];
    units_print(&units_size, (double)need->memory_bytes, wanted);
    if (need->memory_bytes > cgroup.room_bytes)
        return error_set(error, STATUS_ENVIRONMENT, ENOMEM,
                         "trial %u needs about %s of memory, the memory cgroup has room for %s (%s): use a smaller --size or "
                         "population, or raise the limit",
                         need->memory_trial, wanted, units_print(&units_size, (double)cgroup.room_bytes, have), cgroup.file);
    if (need->memory_bytes > available)
        return error_set(error, STATUS_ENVIRONMENT, ENOMEM,
                         "trial %u needs about %s of memory, %s is available: use a smaller --size or population",
                         need->memory_trial, wanted, units_print(&units_size, (double)available, have));
    return 0;
}

static int check_files(const struct need *need, struct error *error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < need->descriptors) {
        if (limit.rlim_max < need->descriptors)
            return error_set(error, STATUS_ENVIRONMENT, EMFILE,
                             "trial %u needs %u open files (one a process), the limit is %llu: raise `ulimit -Hn`, or use a "
                             "smaller population",
                             need->processes_trial, need->descriptors, (unsigned long long)limit.rlim_max);
        limit.rlim_cur = need->descriptors;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < need->largest_object)
        return error_set(error, STATUS_ENVIRONMENT, EFBIG,
                         "a region of %llu bytes is above the file size limit of %llu: `ulimit -f unlimited`",
                         (unsigned long long)need->largest_object, (unsigned long long)limit.rlim_cur);
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < need->largest_object)
        return error_set(error, STATUS_ENVIRONMENT, ENOMEM,
                         "a region of %llu bytes is above the address space limit of %llu: `ulimit -v unlimited`",
                         (unsigned long long)need->largest_object, (unsigned long long)limit.rlim_cur);
    return 0;
}

/* Who has used up his CPU time is killed, by SIGKILL at the hard limit: it would look like a crash of his own. */
static int check_time(const struct need *need, struct error *error)
{
    struct rlimit limit;
    char text[UNITS_TEXT];
    if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > need->worker_ns / NS_PER_S)
        return 0;
    return error_set(error, STATUS_ENVIRONMENT, 0,
                     "the workers of trial %u run for up to %s, and a process may use %llu s of CPU time: raise `ulimit -t`, or use a "
                     "shorter --duration",
                     need->longest_trial, units_print(&units_duration, (double)need->worker_ns, text), (unsigned long long)limit.rlim_cur);
}

/* The first number of a file under /proc or /sys; UINT64_MAX where there is none, or "max". */
static uint64_t number_of(const char *path)
{
    uint64_t value = UINT64_MAX;
    FILE *file = fopen(path, "re");
    if (!file)
        return value;
    if (fscanf(file, "%" SCNu64, &value) != 1)
        value = UINT64_MAX;
    fclose(file);
    return value;
}

/* Beyond those of any program: one for each object, in the harness. */
static int check_mappings(const struct need *need, struct error *error)
{
    uint64_t limit = number_of("/proc/sys/vm/max_map_count");
    if (need->mappings + OWN_MAPPINGS <= limit)
        return 0;
    return error_set(error, STATUS_ENVIRONMENT, ENOMEM,
                     "trial %u maps %u objects (--regions many), a process may have %" PRIu64 " mappings (vm.max_map_count): raise that, "
                     "or use a smaller population",
                     need->mappings_trial, need->mappings, limit);
}

/* The cgroup that has room for the fewest more processes. */
struct pids_room {
    uint64_t room, limit;
    char folder[400];
};

static bool look_at_pids(const char *folder, enum cgroup_version version, void *user)
{
    struct pids_room *least = user;
    uint64_t limit, now = 0;
    (void)version; /* the files have the same names in both */
    if (!cgroup_number(folder, "pids.max", &limit) || limit == UINT64_MAX || !cgroup_number(folder, "pids.current", &now))
        return true;
    uint64_t room = limit > now ? limit - now : 0;
    if (room < least->room) {
        least->room = room;
        least->limit = limit;
        snprintf(least->folder, sizeof least->folder, "%s", folder);
    }
    return true;
}

/* Binds root as well. */
static int check_pids_cgroup(const struct need *need, struct error *error)
{
    struct pids_room least = {.room = UINT64_MAX};
    cgroup_upward(0, "pids", look_at_pids, &least);
    if (need->processes <= least.room)
        return 0;
    return error_set(error, STATUS_ENVIRONMENT, EAGAIN,
                     "trial %u needs %u processes, the cgroup has room for %" PRIu64 " more of %" PRIu64 " (%s/pids.max): raise that "
                     "(docker run --pids-limit, TasksMax= of the unit), or use a smaller population",
                     need->processes_trial, need->processes, least.room, least.limit, least.folder);
}

static int check_processes(const struct need *need, struct error *error)
{
    struct rlimit limit;
    uint64_t pid_max = number_of("/proc/sys/kernel/pid_max");
    if (need->processes + 100ULL > pid_max)
        return error_set(error, STATUS_ENVIRONMENT, EAGAIN,
                         "trial %u needs %u processes, the system can number %" PRIu64 " (kernel.pid_max)",
                         need->processes_trial, need->processes, pid_max);
    /* root is not bound by it; what others of this user run counts too, and shows when forking */
    if (geteuid() != 0 && getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur <= need->processes)
        return error_set(error, STATUS_ENVIRONMENT, EAGAIN,
                         "trial %u needs %u processes, this user may have %llu: raise `ulimit -u`, or use a smaller population",
                         need->processes_trial, need->processes, (unsigned long long)limit.rlim_cur);
    return check_pids_cgroup(need, error);
}

int preflight_pins(const struct trial_spec *specs, size_t count, struct error *error)
{
    const char *last = NULL;
    for (size_t i = 0; i < count; i++) {
        struct pin *pin;
        if (last && strcmp(specs[i].pin, last) == 0)
            continue;
        last = specs[i].pin;
        if (pin_absent(last)) /* that trial is UNSUPPORTED */
            continue;
        if (pin_create(&pin, last, shape_workers(&specs[i].shape), error))
            return -1;
        pin_destroy(pin);
    }
    return 0;
}

int preflight_silence(const struct trial_spec *specs, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (specs[i].silent && syscalls_missing())
            return error_set(error, STATUS_ENVIRONMENT, 0, "trial %u is to prove that there are no system calls: %s", specs[i].number,
                             syscalls_missing());
    return 0;
}

int preflight(const struct need *need, struct error *error)
{
    if (check_shm(need, error) || check_memory(need, error) || check_files(need, error) || check_mappings(need, error) ||
        check_time(need, error))
        return -1;
    return check_processes(need, error);
}
