/* Tests of the runtime: the marks of each, in a root of their own, alone and together. */
#define _GNU_SOURCE
#include "run/runtime.h"

#include <ftw.h>
#include <sys/stat.h>

#include "base/testing.h"

static char root[64];

static void begin(void)
{
    snprintf(root, sizeof root, "/tmp/shmoo-runtime.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

/* A file below the root, and the folders that it takes. */
static void put(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "we");
    ck_assert_msg(file != NULL, "%s: %s", whole, error_name(errno));
    fputs(text, file);
    fclose(file);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* Compares what is detected, and takes the root away. */
static void check_runtime(enum runtime wanted, const char *wanted_unit, bool wanted_of_user)
{
    char unit[RUNTIME_UNIT];
    bool of_user;
    enum runtime found = runtime_detect(root, unit, &of_user);
    ck_assert_msg(found == wanted, "found %s, not %s", runtime_names[found], runtime_names[wanted]);
    ck_assert_str_eq(unit, wanted_unit);
    ck_assert(wanted != RUNTIME_SYSTEMD || of_user == wanted_of_user);
    nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
}

#define ID "4c01db0b339c11eb9a7b0242ac1300024c01db0b339c11eb9a7b0242ac130002"

START_TEST(the_paths_of_cgroups_tell)
{
    static const struct {
        const char *group;
        enum runtime runtime;
        const char *unit;
        bool of_user;
    } rows[] = {
        {"0::/", RUNTIME_HOST, "", false},
        {"", RUNTIME_HOST, "", false},
        {"garbage", RUNTIME_HOST, "", false},
        {"0::/user.slice/user-1000.slice/session-3.scope", RUNTIME_HOST, "", false},
        {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-term-42.scope", RUNTIME_HOST, "", false},
        {"0::/user.slice/user-1000.slice/user@1000.service/init.scope", RUNTIME_HOST, "", false},
        {"0::/system.slice/web.service", RUNTIME_SYSTEMD, "web.service", false},
        {"0::/system.slice/system-web.slice/web@1\\x2da.service/payload", RUNTIME_SYSTEMD, "web@1\\x2da.service", false},
        {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", RUNTIME_SYSTEMD, "web.service", true},
        {"1:name=systemd:/system.slice/web.service\n0::/", RUNTIME_SYSTEMD, "web.service", false},
        {"0::/system.slice/docker.service", RUNTIME_SYSTEMD, "docker.service", false},
        {"0::/system.slice/bad'name.service", RUNTIME_HOST, "", false},
        {"0::/system.slice/docker-" ID ".scope", RUNTIME_DOCKER, "", false},
        {"9:name=systemd:/docker/" ID "\n4:memory:/docker/" ID, RUNTIME_DOCKER, "", false},
        {"0::/docker/buildkit", RUNTIME_HOST, "", false},
        {"0::/machine.slice/libpod-" ID ".scope/container", RUNTIME_PODMAN, "", false},
        {"0::/system.slice/web.service/libpod-payload-" ID, RUNTIME_PODMAN, "", false},
        {"0::/machine.slice/libpod-conmon-" ID ".scope", RUNTIME_HOST, "", false},
        {"0::/libpod_parent/libpod-" ID, RUNTIME_PODMAN, "", false},
        {"4:memory:/kubepods/burstable/pod1234/" ID, RUNTIME_KUBERNETES, "", false},
        {"0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-" ID ".scope", RUNTIME_KUBERNETES, "", false},
        {"0::/kubepods.slice/kubepods-pod1.slice/docker-" ID ".scope", RUNTIME_KUBERNETES, "", false},
        {"0::/system.slice/kubelet.service", RUNTIME_SYSTEMD, "kubelet.service", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        put("/proc/self/cgroup", rows[i].group);
        check_runtime(rows[i].runtime, rows[i].unit, rows[i].of_user);
    }
}
END_TEST

START_TEST(the_files_of_runtimes_tell)
{
    static const struct {
        const char *path, *text;
        enum runtime runtime;
    } rows[] = {
        {"/.dockerenv", "", RUNTIME_DOCKER},
        {"/run/.containerenv", "engine=\"podman-4.3.1\"\n", RUNTIME_PODMAN},
        {"/var/run/secrets/kubernetes.io/serviceaccount/token", "", RUNTIME_KUBERNETES},
        {"/run/systemd/container", "docker\n", RUNTIME_DOCKER},
        {"/run/systemd/container", "podman\n", RUNTIME_PODMAN},
        {"/run/systemd/container", "lxc\n", RUNTIME_HOST},
        {"/proc/self/mountinfo",
         "60 50 254:1 /var/lib/docker/containers/" ID "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n", RUNTIME_DOCKER},
        {"/proc/self/mountinfo",
         "1 2 0:5 / / rw - overlay o rw\n60 50 8:1 /var/lib/kubelet/pods/1-2/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n",
         RUNTIME_KUBERNETES},
        {"/proc/self/mountinfo",
         "60 50 0:21 /containers/storage/overlay-containers/" ID "/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n", RUNTIME_PODMAN},
        {"/proc/self/mountinfo", "60 50 8:1 /var/lib/docker/containers/x /mnt/backup rw - ext4 /dev/sda1 rw\n", RUNTIME_HOST},
        {"/etc/hostname", "plain", RUNTIME_HOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        put(rows[i].path, rows[i].text);
        check_runtime(rows[i].runtime, "", false);
    }
}
END_TEST

START_TEST(of_several_marks_the_outermost_manager_wins)
{
    begin();
    put("/.dockerenv", "");
    put("/var/run/secrets/kubernetes.io/x", "");
    put("/proc/self/cgroup", "0::/docker/" ID);
    check_runtime(RUNTIME_KUBERNETES, "", false);
    begin(); /* a service inside a container: the container has the /dev/shm */
    put("/.dockerenv", "");
    put("/proc/self/cgroup", "0::/system.slice/web.service");
    check_runtime(RUNTIME_DOCKER, "", false);
    begin();
    put("/run/.containerenv", "");
    put("/proc/self/cgroup", "0::/system.slice/web.service/libpod-payload-" ID);
    check_runtime(RUNTIME_PODMAN, "", false);
}
END_TEST

START_TEST(the_environment_is_asked_about_this_process_only)
{
    char unit[RUNTIME_UNIT];
    bool of_user;
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    ck_assert_int_eq(runtime_detect("", unit, &of_user), RUNTIME_KUBERNETES);
    begin();
    check_runtime(RUNTIME_HOST, "", false);
}
END_TEST

int main(void)
{
    return testing_run("runtime", (const TTest *[]){
                                      the_paths_of_cgroups_tell,
                                      the_files_of_runtimes_tell,
                                      of_several_marks_the_outermost_manager_wins,
                                      the_environment_is_asked_about_this_process_only,
                                      NULL,
                                  });
}
