/* Facts about the machine: uname, /proc, /sys, hwloc and the shared memory file system. */
#define _GNU_SOURCE
#include "report/host.h"

#include <gnu/libc-version.h>
#include <hwloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "shm/capacity.h"
#include "shm/region.h"

static void put(json_t *record, const char *key, json_t *value)
{
    json_object_set_new(record, key, value);
}

static void put_text(json_t *record, const char *key, const char *text)
{
    if (text && *text)
        put(record, key, json_string(text));
}

/* First line of a file, without its end. */
static bool first_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool got = fgets(text, (int)size, file) != NULL;
    fclose(file);
    if (got)
        text[strcspn(text, "\n")] = '\0';
    return got;
}

/* The text after "key<separator>" in a file of such lines, quotes removed. */
static bool value_of(const char *path, const char *key, char separator, char *text, size_t size)
{
    char line[4096]; /* the flags of a CPU fill a long one */
    bool found = false;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file)) {
        char *at = strchr(line, separator);
        if (!at || strncmp(line, key, strlen(key)) != 0)
            continue;
        at++;
        at += strspn(at, " \t\"");
        at[strcspn(at, "\"\n")] = '\0';
        snprintf(text, size, "%s", at);
        found = true;
    }
    fclose(file);
    return found;
}

static void put_system(json_t *record)
{
    struct utsname names;
    char text[256], libc[64];
    if (uname(&names) == 0) {
        put_text(record, "hostname", names.nodename);
        put_text(record, "kernel", names.release);
        put_text(record, "machine", names.machine);
    }
    if (value_of("/etc/os-release", "PRETTY_NAME", '=', text, sizeof text))
        put_text(record, "os", text);
    snprintf(libc, sizeof libc, "glibc %s", gnu_get_libc_version());
    put_text(record, "libc", libc);
#ifdef __clang__
    put_text(record, "compiler", "clang " __clang_version__);
#else
    put_text(record, "compiler", "gcc " __VERSION__);
#endif
}

static void put_cpu(json_t *record)
{
    char text[4096];
    if (value_of("/proc/cpuinfo", "model name", ':', text, sizeof text))
        put_text(record, "cpu_model", text);
    if (value_of("/proc/cpuinfo", "flags", ':', text, sizeof text))
        put(record, "virtual", json_boolean(strstr(text, " hypervisor") != NULL));
    if (first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", text, sizeof text))
        put_text(record, "clocksource", text);
    if (first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, sizeof text))
        put_text(record, "governor", text);
    if (first_line("/proc/loadavg", text, sizeof text))
        put(record, "load1", json_real(strtod(text, NULL)));
}

static void put_topology(json_t *record)
{
    hwloc_topology_t topology;
    char list[1024];
    if (hwloc_topology_init(&topology) != 0)
        return;
    if (hwloc_topology_load(topology) == 0) {
        put(record, "cores", json_integer(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE)));
        put(record, "threads", json_integer(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU)));
        put(record, "numa_nodes", json_integer(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE)));
        hwloc_bitmap_t bound = hwloc_bitmap_alloc();
        if (hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0) {
            hwloc_bitmap_list_snprintf(list, sizeof list, bound);
            put_text(record, "allowed_cpus", list);
        }
        hwloc_bitmap_free(bound);
    }
    hwloc_topology_destroy(topology);
}

static void put_memory(json_t *record)
{
    struct shm_capacity shm;
    struct memory_limit limit = memory_limit_read();
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0)
        put(record, "memory_bytes", json_integer((json_int_t)pages * page));
    put(record, "page_bytes", json_integer(page));
    if (limit.limit_bytes != CAPACITY_UNLIMITED)
        put(record, "memory_limit_bytes", json_integer((json_int_t)limit.limit_bytes));
    json_t *fs = json_object();
    put(record, "shm", fs);
    put_text(fs, "path", REGION_FOLDER);
    if (capacity_read(REGION_FOLDER, &shm, NULL) != 0)
        return;
    put_text(fs, "filesystem", shm.filesystem);
    put(fs, "size_bytes", json_integer((json_int_t)shm.size_bytes));
    if (shm.free_bytes != CAPACITY_UNLIMITED)
        put(fs, "free_bytes", json_integer((json_int_t)shm.free_bytes));
    if (shm.inodes) {
        put(fs, "inodes", json_integer((json_int_t)shm.inodes));
        put(fs, "inodes_free", json_integer((json_int_t)shm.inodes_free));
    }
}

json_t *host_record(void)
{
    json_t *record = json_object();
    put_text(record, "type", "host");
    put_system(record);
    put_cpu(record);
    put_topology(record);
    put_memory(record);
    return record;
}
