"""shmoo doctor on sick machines: each has exactly its finding more than the healthy one, with evidence and a fix."""
import os
import resource
import shutil
import subprocess
import sys
import time

import pytest
from sick import HEALTHY, MOUNT, diagnosed, difference, laid_over, records_of, refused
from testing import NOBODY, SANITIZED, PrivateShm, needs_root, one_line, wait_until

CGROUP2 = {"/sys/fs/cgroup/": "", "/sys/fs/cgroup/memory.max": "max", "/sys/fs/cgroup/memory.current": "1000000",
           "/sys/fs/cgroup/memory.stat": "shmem 4096\ninactive_file 0\nactive_file 0\n",
           "/sys/fs/cgroup/memory.events.local": "oom 0\noom_kill 0\n"}
MEMINFO = ("MemTotal: {total} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\nSwapTotal: {swap} kB\nSwapFree: {swap_free} kB\n"
           "Shmem: 300000 kB\nCommitLimit: 1000000 kB\nCommitted_AS: {committed} kB\n")
USUAL = {"total": 8000000, "available": 4000000, "swap": 1000000, "swap_free": 1000000, "committed": 100000}


def meminfo(**values):
    return {"/proc/meminfo": MEMINFO.format(**{**USUAL, **values})}


_healthy = {}


@pytest.fixture(name="healthy_again")
def healthy_again_fixture(shmoo, private_shm):
    """What is found on the machine that a script sets up; the same script is looked at once for all tests."""
    def look(script=HEALTHY, *options, enter=(), **settings):
        key = (script, options, tuple(enter), tuple(settings.items()))
        if key not in _healthy:
            _healthy[key] = diagnosed(shmoo, *options, wrap=[*private_shm(script).enter, *enter], **settings)
        return _healthy[key]
    return look


@pytest.fixture(name="unsized", scope="module", autouse=True)
def unsized_fixture():
    """A place with an open object of size 0, and when it was made: it grows old while other tests are run."""
    place, made = PrivateShm("/", f"{HEALTHY} && : > /dev/shm/none && exec 8</dev/shm/none"), time.monotonic()
    yield place, made
    place.end()


@pytest.fixture(name="compare")
def compare_fixture(shmoo, private_shm, healthy_again):
    """Diagnoses the machine that one script sets up against that of another: the finding that only the second one has."""
    def compare(healthy, sick, finding, *options, enter=(), **settings):
        before = healthy_again(healthy, *options, enter=enter, **settings)
        after = diagnosed(shmoo, *options, wrap=[*private_shm(sick).enter, *enter], **settings)
        return difference(before, after, finding)
    return compare


def test_a_healthy_machine_has_no_findings(shmoo, private_shm):
    weather = {"cpu-load", "cpu-steal", "cpu-governor", "cpu-count", "cpu-quota", "memory-kills", "memory-room", "objects-removed",
               "limit-umask", "limit-files", "memory-swap"}
    assert set(diagnosed(shmoo, wrap=private_shm(HEALTHY).enter)) <= weather


# ---- the place ----

@pytest.mark.parametrize("env, finding, evidence, fix", [
    ("docker-default", "shm-size", "64 MiB", "--shm-size"), ("tiny-inodes", "shm-inodes", "16", "nr_inodes"),
    ("noexec", "shm-noexec", "noexec", "exec"), ("readonly", "shm-read-only", "read-only", "rw"),
    ("no-shm", "shm-missing", "ENOENT", "tmpfs"), ("small-cgroup", "memory-below-shm", "64 MiB", "MemoryMax")])
def test_each_emulated_machine_has_exactly_its_finding(shmoo, healthy_again, env, finding, evidence, fix):
    runtime = "systemd" if env == "small-cgroup" else "docker"
    done = shmoo("doctor", "--env", env)
    if done.returncode == 3:
        pytest.skip(one_line(done.stderr))
    healthy = healthy_again(HEALTHY, "--runtime", runtime)
    found = difference(healthy, diagnosed(shmoo, "--env", env, "--runtime", runtime, status=1), finding)
    assert evidence in found["evidence"] and fix in found["fix"]
    assert finding in done.stdout and found["evidence"].split("(")[0] in done.stdout


@pytest.mark.parametrize("setup, finding, evidence", [
    (MOUNT.format("size=1m"), "shm-size", "1 MiB"),
    (f"{HEALTHY} && head -c 256M /dev/zero > /dev/shm/leak 2>&1; true", "shm-full", "unused hold 256 MiB"),
    (f"{HEALTHY} && head -c 250M /dev/zero > /dev/shm/leak", "shm-full", "6 MiB free"),
    (MOUNT.format("size=256m,nr_inodes=2000") + " && for i in $(seq 1990); do : > /dev/shm/$i; done", "shm-inodes", "9 inodes free"),
    (MOUNT.format("size=256m,nr_inodes=500"), "shm-inodes", "room for 500 objects"),
    (f"{HEALTHY} && truncate -s 1G /dev/shm/sparse", "shm-promised", "sparse"),
    ("mount -t tmpfs -o mode=0777,size=256m tmpfs /dev/shm", "shm-access", "sticky"),
    ("mount -t tmpfs -o mode=0755,size=256m tmpfs /dev/shm", "shm-access", "other users may make nothing"),
    ("mount -t ramfs -o mode=1777 none /dev/shm && chmod 1777 /dev/shm", "shm-type", "ramfs"),
    ("mkdir -m 1777 TMP/shm && mount --bind TMP/shm /dev/shm", "shm-type", "not on a tmpfs"),
    ("mount -t tmpfs -o mode=1777,size=256m,noexec tmpfs /dev/shm", "shm-noexec", "noexec"),
    ("mount -t tmpfs -o mode=1777,size=256m,ro tmpfs /dev/shm", "shm-read-only", "read-only"),
    ("mount -t tmpfs -o mode=755 tmpfs /dev", "shm-missing", "ENOENT"),
    ("mount -t tmpfs -o mode=755 tmpfs /dev && touch /dev/shm", "shm-missing", "ENOTDIR"),
    (MOUNT.format("size=9000g"), "memory-machine", "8.79 TiB"),
    (MOUNT.format("size=256m,huge=always"), "memory-huge", "hold 128 of them"),
    (f"{HEALTHY} && head -c 50M /dev/zero > /dev/shm/old && sleep 1", "objects-left", "old"),
])
def test_each_sick_place_has_exactly_its_finding(compare, tmp_path, setup, finding, evidence):
    found = compare(HEALTHY, setup.replace("TMP", str(tmp_path)), finding, *(["--older", "1s"] if finding == "objects-left" else []))
    assert evidence in found["evidence"]


def test_what_is_new_or_in_use_has_not_been_left_behind(shmoo, private_shm):
    place = private_shm(f"{HEALTHY} && head -c 50M /dev/zero > /dev/shm/new && head -c 50M /dev/zero > /dev/shm/used "
                        "&& exec 8</dev/shm/used")
    assert "objects-left" not in diagnosed(shmoo, wrap=place.enter)
    assert "new" in diagnosed(shmoo, "--older", "0", wrap=place.enter)["objects-left"]["evidence"]


@needs_root
def test_rights_are_those_of_this_user(compare):
    compare(HEALTHY, "mount -t tmpfs -o mode=0755,size=256m tmpfs /dev/shm", "shm-access", enter=NOBODY, cwd="/")


# ---- memory ----

@pytest.mark.parametrize("healthy, sick, finding, evidence", [
    (CGROUP2, {**CGROUP2, "/sys/fs/cgroup/memory.max": str(64 << 20)}, "memory-below-shm", "/sys/fs/cgroup/memory.max"),
    ({**CGROUP2, "/sys/fs/cgroup/memory.max": str(1 << 30)},
     {**CGROUP2, "/sys/fs/cgroup/memory.max": str(1 << 30), "/sys/fs/cgroup/memory.current": str((1 << 30) - 4096)},
     "memory-room", "4 KiB left of 1 GiB"),
    (CGROUP2, {**CGROUP2, "/sys/fs/cgroup/memory.events.local": "oom 9\noom_kill 2\n"}, "memory-kills", "2 processes"),
    (meminfo(), meminfo(available=60000), "memory-available", "58.6 MiB"),
    (meminfo(), meminfo(swap_free=500000), "memory-swap", "488 MiB of 977 MiB"),
    ({**meminfo(), "/proc/sys/vm/overcommit_memory": "2"},
     {**meminfo(committed=980000), "/proc/sys/vm/overcommit_memory": "2"}, "memory-commit", "19.5 MiB are left"),
])
def test_each_want_of_memory_is_found(compare, healthy, sick, finding, evidence):
    found = compare(f"{HEALTHY} && {laid_over(healthy)}", f"{HEALTHY} && {laid_over(sick)}", finding)
    assert evidence in found["evidence"]


def test_what_the_kernel_can_drop_is_no_want_of_memory(shmoo, private_shm):
    cached = {**CGROUP2, "/sys/fs/cgroup/memory.max": str(1 << 30), "/sys/fs/cgroup/memory.current": str((1 << 30) - 4096),
              "/sys/fs/cgroup/memory.stat": f"shmem 0\ninactive_file {300 << 20}\nactive_file {300 << 20}\n"}
    assert "memory-room" not in diagnosed(shmoo, wrap=private_shm(f"{HEALTHY} && {laid_over(cached)}").enter)


def test_many_nodes_and_their_policy_are_told(shmoo, private_shm):
    nodes = {"/sys/devices/system/node/": "", "/sys/devices/system/node/node0/cpulist": "0", "/sys/devices/system/node/node1/cpulist": "1"}
    place = private_shm(f"{HEALTHY} && {laid_over(nodes)}")
    assert "2 nodes, policy of /dev/shm: default" in records_of(shmoo, wrap=place.enter)[1]["memory-numa"]


# ---- limits ----

@pytest.mark.parametrize("limits, finding, evidence", [
    ({"FSIZE": 1 << 20}, "limit-file-size", "1 MiB"), ({"NOFILE": 100}, "limit-files", "100 files"),
    ({"AS": 1 << 32}, "limit-address-space", "4 GiB")])
def test_each_limit_has_exactly_its_finding(healthy_again, shmoo, private_shm, limits, finding, evidence):
    if SANITIZED and "AS" in limits:
        pytest.skip("a sanitizer needs address space without a limit")

    def apply():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    found = difference(healthy_again(), diagnosed(shmoo, wrap=private_shm(HEALTHY).enter, preexec_fn=apply), finding)
    assert evidence in found["evidence"]


@pytest.mark.parametrize("mask, severity", [("077", "note"), ("0700", "warning")])
def test_a_umask_that_takes_rights_away_is_found(shmoo, private_shm, mask, severity):
    place = private_shm(HEALTHY)
    sick = diagnosed(shmoo, wrap=[*place.enter, "sh", "-c", f'umask {mask}; exec "$@"', "sh"])
    healthy = diagnosed(shmoo, wrap=[*place.enter, "sh", "-c", 'umask 022; exec "$@"', "sh"])
    assert difference(healthy, sick, "limit-umask")["severity"] == severity


# ---- kernel and C library ----

@pytest.mark.parametrize("rules, finding, evidence", [
    ([("fallocate", "ENOSYS")], "shm-reserve", "ENOSYS"), ([("memfd_create", "ENOSYS")], "kernel-features", "memfd_create"),
    ([("pidfd_open", "EPERM")], "kernel-features", "pidfd_open"), ([("madvise", 2, 23, "EINVAL")], "kernel-features", "POPULATE"),
    ([("fcntl", 1, 1024, "EINVAL")], "kernel-leases", "F_SETLEASE"), ([("fcntl", 1, 1033, "EINVAL")], "kernel-features", "seals"),
    ([("set_robust_list", "ENOSYS")], "kernel-robust", "not EOWNERDEAD"),
    ([("mmap", 1, 1, "EPERM")], "kernel-denied", "mmap of a new object: EPERM")])
def test_each_kernel_that_lacks_or_refuses_something_is_found(shmoo, private_shm, healthy_again, rules, finding, evidence):
    filtered = refused(*rules)
    if not filtered or subprocess.run([*filtered, "true"], check=False).returncode:
        pytest.skip("no filter for system calls is to be had here")
    sick = diagnosed(shmoo, wrap=[*private_shm(HEALTHY).enter, *filtered])
    assert evidence in difference(healthy_again(), sick, finding)["evidence"]


def test_an_old_kernel_is_found(shmoo, private_shm, healthy_again):
    old = ["setarch", "--uname-2.6"]
    if subprocess.run([*old, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no setarch is to be had here")
    found = difference(healthy_again(), diagnosed(shmoo, wrap=[*private_shm(HEALTHY).enter, *old]), "kernel-version")
    assert "the kernel is 2.6" in found["evidence"]


@needs_root
def test_leases_that_are_switched_off_are_found(shmoo, private_shm, healthy_again):
    place, setting = private_shm(HEALTHY), "/proc/sys/fs/leases-enable"
    healthy = healthy_again()
    with open(setting, encoding="ascii") as file:
        before = file.read()
    try:
        with open(setting, "w", encoding="ascii") as file:
            file.write("0")
        sick = diagnosed(shmoo, wrap=place.enter)
    finally:
        with open(setting, "w", encoding="ascii") as file:
            file.write(before)
    difference(healthy, sick, "kernel-leases")


# ---- processors and noise ----

@pytest.mark.parametrize("healthy, sick, finding, evidence", [
    ({}, {"/sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet"}, "clock-source", "hpet"),
    ({"/proc/loadavg": "0.00 0 0 1/1 1"}, {"/proc/loadavg": "99.50 0 0 1/1 1"}, "cpu-load", "99.5 processes"),
    ({"/sys/fs/cgroup/": "", "/sys/fs/cgroup/cpu.max": "max 100000"}, {"/sys/fs/cgroup/": "", "/sys/fs/cgroup/cpu.max": "50000 100000"},
     "cpu-quota", "0.50 CPUs"),
    ({"/sys/fs/cgroup/": ""}, {"/sys/fs/cgroup/": "", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "20000",
                               "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, "cpu-quota", "0.20 CPUs"),
])
def test_each_disturbance_of_a_measurement_is_found(compare, healthy, sick, finding, evidence):
    if any("/cpu/cpu.cfs" in path for path in sick) and "cpu" not in open("/proc/self/cgroup", encoding="ascii").read():
        pytest.skip("no group of version 1")
    found = compare(f"{HEALTHY} && {laid_over(healthy)}", f"{HEALTHY} && {laid_over(sick)}", finding)
    assert evidence in found["evidence"] and found["severity"] == ("warning" if finding == "clock-source" else "note")


def governed(governor):
    """Shell commands that lay a copy of the CPUs' folder over it, in which there is a governor."""
    folder = "/mnt/cpu/cpu0/cpufreq"
    return (f"mount -t tmpfs tmpfs /mnt && mkdir /mnt/cpu && (cp -r --no-preserve=all /sys/devices/system/cpu/. /mnt/cpu 2>&-; "
            f"mkdir -p {folder}; rm -f {folder}/*; echo {governor} > {folder}/scaling_governor; echo 800000 > {folder}/scaling_min_freq; "
            f"echo 3600000 > {folder}/scaling_max_freq; mount --bind /mnt/cpu /sys/devices/system/cpu)")


def test_a_governor_that_saves_power_is_found(compare):
    compare(f"{HEALTHY} && {governed('performance')}", f"{HEALTHY} && {governed('powersave')}", "cpu-governor")


def test_a_hypervisor_that_takes_time_away_is_found(shmoo, private_shm, healthy_again):
    """Time goes on in a file that is laid over /proc/stat: half of it is stolen."""
    steady = laid_over({"/proc/stat": "cpu 100 0 0 100 0 0 0 0 0 0\n"})
    # overwritten in one piece, never empty, never going back
    going = (f"{steady} && (exec >&- 2>&-; i=10; while [ $i -lt 3000 ]; do i=$((i + 1)); "
             "printf 'cpu 100 0 0 %07d 0 0 0 %07d 0 0\\n' $((i * 10)) $((i * 10)) 1<> /mnt/0; sleep 0.01; done) & true")
    place, sick = private_shm(f"{HEALTHY} && {going}"), {}
    wait_until(lambda: sick.update(diagnosed(shmoo, wrap=place.enter)) or "cpu-steal" in sick, 20)  # it may be off its CPU
    assert "50 %" in difference(healthy_again(f"{HEALTHY} && {steady}"), sick, "cpu-steal")["evidence"]


def test_a_single_cpu_is_found(shmoo, private_shm, healthy_again):
    cpus = os.sched_getaffinity(0)
    if len(cpus) < 2:
        pytest.skip("there is only one here")
    sick = diagnosed(shmoo, wrap=private_shm(HEALTHY).enter, preexec_fn=lambda: os.sched_setaffinity(0, {min(cpus)}))
    found = difference(healthy_again(), sick, "cpu-count")
    assert "one CPU" in found["evidence"]


# ---- objects, and who removes them ----

def test_an_object_that_stays_without_size_is_found(shmoo, healthy_again, unsized):
    place, made = unsized
    if not place.ready:
        pytest.skip("no private mount namespace here")
    healthy = healthy_again()
    time.sleep(max(0, made + 4 - time.monotonic()))  # ages are told in whole seconds
    assert "none" in difference(healthy, diagnosed(shmoo, wrap=place.enter), "objects-unsized")["evidence"]


@needs_root
@pytest.mark.parametrize("level, mode, found", [(1, "666", True), (0, "666", False), (1, "644", False), (2, "660", True)])
def test_protected_files_are_found(shmoo, private_shm, level, mode, found):
    setting = "/proc/sys/fs/protected_regular"
    if not os.path.exists(setting):
        pytest.skip("this kernel protects none")
    place = private_shm(f"{HEALTHY} && touch /dev/shm/x && chmod {mode} /dev/shm/x && chown 54321:54321 /dev/shm/x "
                        f"&& {laid_over({setting: str(level)})}")
    assert ("objects-protected" in diagnosed(shmoo, wrap=place.enter)) == found


SHARES = r"""
import sys, time
from multiprocessing import shared_memory
try:
    memory = shared_memory.SharedMemory(name=sys.argv[1], create=True, size=8192)
except FileExistsError:
    memory = shared_memory.SharedMemory(name=sys.argv[1])
memory.buf[0] = 1
if len(sys.argv) > 2:
    import multiprocessing
    def child():
        other = shared_memory.SharedMemory(name=sys.argv[1]); print("ready", flush=True); time.sleep(600)
    process = multiprocessing.get_context(sys.argv[2]).Process(target=child); process.start()
else:
    print("ready", flush=True)
sys.stdin.read()
if len(sys.argv) > 2: process.terminate(); process.join()
"""


@pytest.mark.parametrize("name, severity", [("psm_frames", "warning"), ("frames", "note")])
def test_a_python_that_unlinks_what_others_use_is_found(shmoo, private_shm, name, severity):
    named = os.path.realpath(sys.executable).endswith(f"python3.{sys.version_info[1]}")
    if sys.version_info < (3, 8) or not named:
        pytest.skip("this Python has no tracker, or is not called by its version")
    place = private_shm(HEALTHY)

    def start(*arguments):
        program = subprocess.Popen([*place.enter, sys.executable, "-c", SHARES, *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert program.stdout.readline() == b"ready\n"
        return program
    programs = [start(name, "fork")]
    healthy = diagnosed(shmoo, wrap=place.enter)  # parent and child have one tracker
    programs.append(start(name))
    sick = diagnosed(shmoo, wrap=place.enter)
    for program in programs:
        program.communicate(b"", timeout=30)
    found = difference(healthy, sick, "objects-python")
    assert found["severity"] == severity and "track=False" in found["fix"] and name in found["evidence"]


@needs_root
@pytest.mark.parametrize("files, yes", [
    ({}, True), ({"/etc/systemd/logind.conf": "[Login]\nRemoveIPC=no\n"}, False),
    ({"/etc/systemd/logind.conf": "[Login]\n#RemoveIPC=no\n"}, True),
    ({"/etc/systemd/logind.conf": "RemoveIPC=no\n", "/etc/systemd/logind.conf.d/50-shm.conf": "RemoveIPC = Yes\n"}, True),
    ({"/etc/systemd/logind.conf.d/10-a.conf": "RemoveIPC=no\n", "/etc/systemd/logind.conf.d/90-b.conf": "RemoveIPC=yes\n"}, True),
    ({"/etc/systemd/logind.conf.d/90-b.conf": "RemoveIPC=false\n", "/run/systemd/logind.conf.d/90-b.conf": "RemoveIPC=yes\n"}, False),
])
def test_a_logind_that_removes_is_found(shmoo, private_shm, tmp_path, files, yes):
    shutil.copy("/bin/sleep", tmp_path / "systemd-logind")
    folders = {"/etc/systemd/": "", "/run/": ""}
    place = private_shm(f"{HEALTHY} && {laid_over({**folders, **files})} && ({tmp_path}/systemd-logind 300 >&- 2>&- & echo $! > {tmp_path}/pid)")
    try:
        user = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
        findings, facts = records_of(shmoo, wrap=[*place.enter, *user], cwd="/")
        assert ("objects-removed" in findings) == yes and facts["objects-removed"].startswith("RemoveIPC=" + ("yes" if yes else "no"))
        assert "objects-removed" not in diagnosed(shmoo, wrap=place.enter)  # root is a system user
    finally:
        os.kill(int((tmp_path / "pid").read_text(encoding="ascii")), 9)


@needs_root
@pytest.mark.parametrize("files, evidence", [
    ({"/etc/tmpfiles.d/": "", "/etc/tmpfiles.d/clean.conf": "# all\nd /dev/shm 1777 root root 10d\n"}, "root root 10d"),
    ({"/etc/tmpfiles.d/": "", "/etc/tmpfiles.d/clean.conf": "e /dev/shm/app/* - - - 1h\n"}, "/dev/shm/app/*"),
    ({"/etc/cron.d/": "", "/etc/cron.d/clean": "0 3 * * * root find /dev/shm -mtime +1 -delete\n"}, "find /dev/shm"),
    ({"/etc/cron.daily/": "", "/etc/cron.daily/clean": "#!/bin/sh\nrm -rf /dev/shm/*\n"}, "rm -rf"),
])
def test_each_sweeper_is_found(compare, files, evidence):
    folder = next(iter(files))
    if not os.path.isdir(folder):
        pytest.skip(f"there is no {folder} here")
    harmless = {folder: "", f"{folder}harmless.conf": "d /dev/shm 1777 root root -\nd /tmp 1777 root root 10d\n#rm /dev/shm/*\nshmoo gc rm /dev/shm\n"}
    found = compare(f"{HEALTHY} && {laid_over(harmless)}", f"{HEALTHY} && {laid_over(files)}", "objects-swept")
    assert evidence in found["evidence"] and folder in found["evidence"]


SMALL = r"""
.globl _start
_start:
    movl $192, %eax; xorl %ebx, %ebx; movl $4096, %ecx; movl $1, %edx; movl $1, %esi; movl $5, %edi; xorl %ebp, %ebp; int $0x80
    movl $29, %eax; int $0x80
    jmp _start
"""


def test_programs_of_two_word_sizes_are_found(shmoo, private_shm, tmp_path):
    """A program of 32 bits that maps what it finds as descriptor 5, and waits for ever."""
    (tmp_path / "small.s").write_text(SMALL, encoding="ascii")
    made = subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-no-pie", "-o", tmp_path / "small", tmp_path / "small.s"],
                          capture_output=True, check=False)
    place = private_shm(f"{HEALTHY} && head -c 4096 /dev/zero > /dev/shm/both")
    healthy = diagnosed(shmoo, wrap=place.enter)
    small = subprocess.Popen([*place.enter, "sh", "-c", f"exec 5</dev/shm/both; exec {tmp_path}/small"], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    if made.returncode or small.poll() is not None:
        pytest.skip("no program of 32 bits can be made or run here")
    other = subprocess.Popen([*place.enter, "sh", "-c", "exec 5</dev/shm/both; echo; exec sleep 600"], stdout=subprocess.PIPE)
    other.stdout.readline()
    sick = diagnosed(shmoo, wrap=place.enter)
    for program in (small, other):
        program.kill()
        program.communicate()
    assert "32" in difference(healthy, sick, "objects-layouts")["evidence"]
