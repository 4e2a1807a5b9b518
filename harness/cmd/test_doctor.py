"""shmoo doctor: on each sick machine exactly its finding and no other, with evidence and a fix; on a healthy one none."""
import os
import resource
import subprocess
import sys
import time

import pytest
from testing import NOBODY, SANITIZED, needs_root, one_line, read_records, valid

# What depends on the moment and the machine, not on what a test has built.
WEATHER = {"cpu-load", "cpu-steal", "cpu-governor", "cpu-count", "cpu-quota", "memory-kills", "memory-room",
           "objects-removed"}
MOUNT = "mount -t tmpfs -o mode=1777,{} tmpfs /dev/shm"


def diagnosed(shmoo, *options, status=None, **settings):
    """The findings of a diagnosis, by their ids, without those that depend on the weather."""
    done = shmoo("doctor", "--format", "jsonl", *options, **settings)
    assert done.stderr == "", done.stderr
    found = valid(read_records(done.stdout))
    findings = {r["id"]: r for r in found if r["type"] == "finding"}
    assert done.returncode == found[-1]["exit_status"] == any(r["severity"] != "note" for r in findings.values())
    if status is not None:
        assert done.returncode == status
    return {name: r for name, r in findings.items() if name not in WEATHER}


def test_a_healthy_machine_has_no_findings(shmoo, private_shm):
    assert diagnosed(shmoo, wrap=private_shm(MOUNT.format("size=256m")).enter) == {}


@pytest.mark.parametrize("env, finding, evidence, fix", [
    ("docker-default", "shm-size", "64 MiB", "--shm-size"), ("tiny-inodes", "shm-inodes", "16", "nr_inodes"),
    ("noexec", "shm-noexec", "noexec", "exec"), ("readonly", "shm-read-only", "read-only", "rw"),
    ("no-shm", "shm-missing", "ENOENT", "tmpfs"), ("small-cgroup", "memory-below-shm", "64 MiB", "MemoryMax")])
def test_each_emulated_machine_has_exactly_its_finding(shmoo, env, finding, evidence, fix):
    runtime = "systemd" if env == "small-cgroup" else "docker"
    done = shmoo("doctor", "--env", env)
    if done.returncode == 3:
        pytest.skip(one_line(done.stderr))
    found = diagnosed(shmoo, "--env", env, "--runtime", runtime, status=1)
    assert list(found) == [finding]
    assert evidence in found[finding]["evidence"] and fix in found[finding]["fix"] and found[finding]["consequence"]
    assert finding in done.stdout and found[finding]["evidence"].split("(")[0] in done.stdout


@pytest.mark.parametrize("setup, finding, evidence", [
    (MOUNT.format("size=1m"), "shm-size", "1 MiB"),
    (MOUNT.format("size=256m") + " && head -c 256M /dev/zero > /dev/shm/leak 2>&1; true", "shm-full", "256 MiB"),
    (MOUNT.format("size=256m,nr_inodes=2000") + " && for i in $(seq 1990); do : > /dev/shm/$i; done", "shm-inodes",
     "9 inodes free"),
    (MOUNT.format("size=256m") + " && truncate -s 1G /dev/shm/sparse", "shm-promised", "sparse"),
    ("mount -t tmpfs -o mode=0777,size=256m tmpfs /dev/shm", "shm-access", "sticky"),
    ("mount -t ramfs -o mode=1777 none /dev/shm && chmod 1777 /dev/shm", "shm-type", "ramfs"),
    (MOUNT.format("size=256m") + " && head -c 50M /dev/zero > /dev/shm/old && sleep 2.1", "objects-left", "old"),
    (MOUNT.format("size=256m") + " && : > /dev/shm/none && exec 8</dev/shm/none && sleep 3.1", "objects-unsized", "none"),
])
def test_each_sick_place_has_exactly_its_finding(shmoo, private_shm, setup, finding, evidence):
    place = private_shm(setup)
    found = diagnosed(shmoo, *(["--older", "2s"] if finding == "objects-left" else []), wrap=place.enter)
    if finding == "shm-full":  # its space is to be had back, once it is old enough
        assert "unused hold 256 MiB" in found[finding]["evidence"]
    assert list(found) == [finding] and evidence in found[finding]["evidence"], found


@pytest.mark.parametrize("limits, finding", [({"FSIZE": 1 << 20}, "limit-file-size"), ({"NOFILE": 100}, "limit-files"),
                                             ({"AS": 1 << 32}, "limit-address-space")])
def test_each_limit_has_exactly_its_finding(shmoo, private_shm, limits, finding):
    if SANITIZED and "AS" in limits:
        pytest.skip("a sanitizer needs address space without a limit")

    def apply():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    place = private_shm(MOUNT.format("size=256m"))
    assert list(diagnosed(shmoo, wrap=place.enter, preexec_fn=apply)) == [finding]


@needs_root
def test_rights_and_protected_files_are_seen_for_this_user(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o mode=0755,size=256m tmpfs /dev/shm")
    assert list(diagnosed(shmoo, wrap=[*place.enter, *NOBODY], cwd="/")) == ["shm-access"]
    place = private_shm(MOUNT.format("size=256m") + " && touch /dev/shm/x && chmod 666 /dev/shm/x && chown 54321 /dev/shm/x")
    setting = "/proc/sys/fs/protected_regular"
    with open(setting, encoding="ascii") as file:
        before = file.read()
    try:
        with open(setting, "w", encoding="ascii") as file:
            file.write("1")
        found = diagnosed(shmoo, wrap=place.enter)
    finally:
        with open(setting, "w", encoding="ascii") as file:
            file.write(before)
    assert list(found) == ["objects-protected"]


def test_a_python_that_unlinks_is_found_among_the_holders(shmoo, private_shm):
    named = os.path.realpath(sys.executable).endswith(f"python3.{sys.version_info[1]}")
    if not (3, 8) <= sys.version_info < (3, 13) or not named:
        pytest.skip("this Python does not unlink what others use")
    place = private_shm(MOUNT.format("size=256m"))
    script = "open('/dev/shm/psm_1', 'a').write('x'); f = open('/dev/shm/psm_1'); print('ready', flush=True); input()"
    holders = [subprocess.Popen([*place.enter, sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
               for _ in range(2)]
    for holder in holders:
        assert holder.stdout.readline() == b"ready\n"
    found = diagnosed(shmoo, wrap=place.enter)
    for holder in holders:
        holder.communicate(b"\n")
    assert list(found) == ["objects-python"] and "track=False" in found["objects-python"]["fix"]


def test_it_takes_less_than_two_seconds_and_no_rights(shmoo):
    begin = time.monotonic()
    done = shmoo("doctor", wrap=NOBODY if os.geteuid() == 0 else [], cwd="/")
    assert done.returncode in (0, 1) and time.monotonic() - begin < 30
    assert float(done.stdout.rsplit(" in ", 1)[1].split(" s")[0]) < 20  # two where the machine is not shared
    for thing in ("clock", "CPUs", "inodes", "swap", "NUMA", "huge pages", "robust", "leases", "umask", "RemoveIPC", "System V"):
        assert thing in done.stdout


@pytest.mark.parametrize("runtime, word", [("host", "mount -o remount"), ("docker", "docker run"), ("podman", "podman run"),
                                           ("kubernetes", "emptyDir"), ("systemd", "mount")])
def test_the_fix_is_for_the_runtime(shmoo, runtime, word):
    done = shmoo("doctor", "--env", "docker-default", "--runtime", runtime, "-q")
    if done.returncode == 3:
        pytest.skip(one_line(done.stderr))
    assert word in done.stdout


def test_a_plan_that_fits_and_one_that_does_not(shmoo, private_shm):
    place = private_shm(MOUNT.format("size=256m"))
    (shmoo.cwd / "big.ini").write_text("[big]\nload = snapshot\nsize = 300M\n", encoding="utf-8")
    assert diagnosed(shmoo, "--for", "smoke", wrap=place.enter) == {}
    found = diagnosed(shmoo, "--for", "big.ini", wrap=place.enter, status=1)
    assert list(found) == ["plan"] and "300 MiB" in found["plan"]["evidence"]
    done = shmoo("doctor", "--for", "no-such-plan")
    assert (done.returncode, done.stdout) == (2, "") and "no-such-plan" in one_line(done.stderr)


def test_other_commands_see_the_emulated_machine_too(shmoo):
    if shmoo("ls", "--env", "tiny-inodes").returncode == 3:
        pytest.skip("no private namespaces here")
    assert "free of 16 (tmpfs)" in shmoo("ls", "--env=tiny-inodes").stdout
    assert shmoo("ls", "--env", "no-shm").returncode == 3
    done = shmoo("run", "--env", "docker-default", "--load", "snapshot", "--size", "65M", "--ops", "1", "--quiet")
    assert done.returncode == 3 and "/dev/shm" in one_line(done.stderr)
    done = shmoo("run", "--env", "docker-default", "--sync", "mutex", "--ops", "50", "--min-exposure", "0", "--dry-run")
    assert done.returncode == 0 and done.stdout.rstrip().endswith("--env docker-default")


def test_a_run_in_a_small_cgroup_is_inside_it(shmoo):
    done = shmoo("run", "--env", "small-cgroup", "--load", "snapshot", "--size", "80M", "--ops", "1", "--quiet")
    if "no memory cgroup" in done.stderr:
        pytest.skip(one_line(done.stderr))
    assert done.returncode == 3 and "memory cgroup" in one_line(done.stderr)
    done = shmoo("run", "--env", "small-cgroup", "--sync", "mutex", "--ops", "50", "--min-exposure", "0", "--quiet", "--out", "o")
    assert done.returncode == 0 and (shmoo.cwd / "o" / "run.jsonl").exists()


@pytest.mark.parametrize("arguments, says", [(("--env", "dcker"), "docker-default"), (("--runtime", "lxc"), "podman"),
                                             (("--env",), "argument"), (("1", "2"), "superfluous")])
def test_usage_errors_are_told(shmoo, arguments, says):
    done = shmoo("doctor", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and says in one_line(done.stderr)


def test_every_row_is_listed(shmoo):
    rows = {r["id"] for r in read_records(shmoo("doctor", "--format", "jsonl").stdout) if r["type"] == "fact"}
    listed = {line.split()[0] for line in shmoo("list", "finding").stdout.splitlines()}
    assert rows and rows <= listed
