"""Hostile environments: what a run cannot have is said in one line before the first worker, with status 3."""
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from testing import (NOBODY, PROGRAM, QUICK, SANITIZED, needs_root, needs_shm, one_line, records, shm_objects, verdicts, wait_for_workers,
                     wait_until)

SNAPSHOT = ("--load", "snapshot", "--size", "1MiB")


def refused(shmoo, done, *needles):
    """Status 3, one line that names these, and no trace of a run."""
    message = one_line(done.stderr)
    assert (done.returncode, done.stdout) == (3, ""), message
    for needle in needles:
        assert needle in message
    assert not list(shmoo.cwd.glob("*/run.jsonl")) and not (shmoo.cwd / "results").exists()


def limited(**limits):
    """A preexec_fn that sets resource limits, soft and hard alike."""
    def apply():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), value
                               if isinstance(value, tuple) else (value, value))
    return apply


@pytest.fixture(name="open_folder")
def open_folder_fixture(shmoo):
    """Lets another user write in the test's folder."""
    shmoo.cwd.chmod(0o777)
    for folder in shmoo.cwd.parents:
        if folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)


def test_a_tiny_shm_is_too_small_for_a_large_record(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o size=64k tmpfs /dev/shm")
    refused(shmoo, shmoo.quick(*SNAPSHOT, wrap=place.enter), "1.00 MiB", "/dev/shm", "64 KiB", "--size", "remount")
    assert shm_objects(place.folder) == []


def test_a_tiny_shm_is_large_enough_for_a_small_record(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o size=64k tmpfs /dev/shm")
    assert shmoo.quick("--out", "o", wrap=place.enter).returncode == 0
    assert shm_objects(place.folder) == []


def test_the_largest_trial_of_a_plan_decides_before_the_first_one_runs(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o size=64k tmpfs /dev/shm")
    refused(shmoo, shmoo.quick("--load", "snapshot", "--size", "64,1MiB", wrap=place.enter), "trial 2")


def test_a_full_shm_takes_nothing(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o size=64k tmpfs /dev/shm && head -c 65536 /dev/zero > /dev/shm/filler")
    refused(shmoo, shmoo.quick(wrap=place.enter), "/dev/shm", "0 B free")
    assert shm_objects(place.folder) == ["filler"]


def test_a_shm_without_inodes_takes_nothing(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o nr_inodes=2 tmpfs /dev/shm && touch /dev/shm/filler")
    refused(shmoo, shmoo.quick(wrap=place.enter), "/dev/shm", "inodes")
    assert shm_objects(place.folder) == ["filler"]


@pytest.mark.parametrize("inodes", range(2, 14))
@pytest.mark.parametrize("options",
                         [("--sync", "mutex"), ("--sync", "semaphore-named"),
                          ("--sync", "none", "--load", "lifecycle")], ids=" ".join)
def test_however_few_inodes_there_are_it_runs_or_is_refused_at_once(shmoo, private_shm, options, inodes):
    place = private_shm(f"mount -t tmpfs -o nr_inodes={inodes} tmpfs /dev/shm")
    done = shmoo("run", "--ops", "50", "--min-exposure", "0", "--quiet", "--out", "o", *options, wrap=place.enter)
    assert shm_objects(place.folder) == []
    if done.returncode == 3:
        refused(shmoo, done, "inodes")
    else:
        assert (done.returncode, verdicts(shmoo.cwd / "o")[0]["verdict"]) == (0, "CLEAN")


@pytest.mark.parametrize("kib", [4, 8, 12, 16, 24, 32])
@pytest.mark.parametrize("options",
                         [("--sync", "mutex", "--load", "snapshot", "--size", "9000"), ("--sync", "semaphore-named"),
                                     ("--sync", "none", "--load", "lifecycle")], ids=" ".join)
def test_however_little_space_there_is_it_runs_or_is_refused_at_once(shmoo, private_shm, options, kib):
    place = private_shm(f"mount -t tmpfs -o size={kib}k tmpfs /dev/shm")
    done = shmoo("run", "--ops", "50", "--min-exposure", "0", "--quiet", "--out", "o", *options, wrap=place.enter)
    assert shm_objects(place.folder) == []
    if done.returncode == 3:
        refused(shmoo, done, "/dev/shm", "free")
    else:
        assert (done.returncode, verdicts(shmoo.cwd / "o")[0]["verdict"]) == (0, "CLEAN")


def test_a_read_only_shm_is_refused(shmoo, private_shm):
    refused(shmoo, shmoo.quick(wrap=private_shm("mount -t tmpfs -o ro tmpfs /dev/shm").enter), "/dev/shm", "read-only",
            "remount,rw")


def test_without_shm_it_is_refused(shmoo, private_shm):
    refused(shmoo, shmoo.quick(wrap=private_shm("mount -t tmpfs tmpfs /dev").enter), "/dev/shm", "ENOENT",
            "mount -t tmpfs")


def test_a_file_in_the_place_of_shm_is_refused(shmoo, private_shm):
    refused(shmoo, shmoo.quick(wrap=private_shm("mount -t tmpfs tmpfs /dev && touch /dev/shm").enter), "/dev/shm",
            "ENOTDIR")


@needs_root
def test_a_shm_that_is_not_for_this_user_is_refused(shmoo, private_shm, open_folder):
    place = private_shm("mount -t tmpfs -o mode=0755 tmpfs /dev/shm")
    refused(shmoo, shmoo.quick(wrap=[*place.enter, *NOBODY]), "/dev/shm", "EACCES", "1777")


@pytest.mark.parametrize("options", ["noexec,nosuid,nodev", "huge=always", "mode=1777,size=50%"])
def test_usual_ways_to_mount_shm_are_fine(shmoo, private_shm, options):
    place = private_shm(f"mount -t tmpfs -o {options} tmpfs /dev/shm")
    assert shmoo.quick("--sync", "mutex,semaphore-named", "--out", "o", wrap=place.enter).returncode == 0
    assert shm_objects(place.folder) == []


@pytest.mark.skipif(SANITIZED, reason="a sanitized program cannot run without /proc")
def test_without_proc_a_run_works(shmoo, private_shm):
    place = private_shm("mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /proc")
    done = shmoo("run", *QUICK, "--out", "o", wrap=place.enter)
    assert (done.returncode, verdicts(shmoo.cwd / "o")[0]["verdict"]) == (0, "CLEAN")


@pytest.mark.parametrize("pin", ["none", "compact", "scatter"])
def test_workers_stay_on_the_cpus_that_are_left_to_them(shmoo, pin):
    for cpu in sorted(os.sched_getaffinity(0))[:4]:
        done = shmoo.quick("--pin", pin, "--out", f"o{cpu}", wrap=["taskset", "--cpu-list", str(cpu)])
        assert done.returncode == 0
        assert {worker.get("cpus", str(cpu)) for worker in records(shmoo.cwd / f"o{cpu}", "worker")} == {str(cpu)}


@needs_root
def test_an_ordinary_user_may_run(shmoo, open_folder):
    done = shmoo.quick("--sync", "mutex,semaphore-named,rwlock", "--out", "o", wrap=NOBODY)
    assert (done.returncode, [v["verdict"] for v in verdicts(shmoo.cwd / "o")]) == (0, ["CLEAN"] * 3)


def test_too_few_open_files_are_refused(shmoo):
    done = shmoo.quick("--writers", "40", "--readers", "40", preexec_fn=limited(NOFILE=50))
    refused(shmoo, done, "open files", "ulimit", "50")


def test_a_low_soft_limit_of_open_files_is_raised(shmoo):
    done = shmoo.quick("--writers", "40", "--readers", "40", "--out", "o", preexec_fn=limited(NOFILE=(20, 500)))
    assert done.returncode == 0


def test_a_file_size_limit_below_the_region_is_refused(shmoo):
    refused(shmoo, shmoo.quick(*SNAPSHOT, preexec_fn=limited(FSIZE=65536)), "65536", "ulimit -f")


def test_a_file_size_limit_below_the_objects_of_a_load_is_refused(shmoo):
    done = shmoo("run", "--load", "lifecycle", "--sync", "none", "--size", "1MiB", "--ops", "20",
                 preexec_fn=limited(FSIZE=524288))
    refused(shmoo, done, "ulimit -f")


def test_records_that_reach_the_file_size_limit_are_an_error_and_no_death(shmoo):
    done = shmoo("run", *QUICK, "--repeat", "200", "--quiet", "--out", "o", preexec_fn=limited(FSIZE=32768))
    assert done.returncode == 3
    assert "EFBIG" in done.stderr and "run.jsonl" in done.stderr


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs address space without a limit")
@needs_shm(210)
def test_an_address_space_limit_below_the_region_is_refused(shmoo):
    done = shmoo.quick("--load", "snapshot", "--size", "200MiB", preexec_fn=limited(AS=100 << 20))
    refused(shmoo, done, "address space", "ulimit -v")


@needs_root
def test_a_process_limit_below_the_crew_is_refused(shmoo, open_folder):
    done = shmoo.quick("--writers", "20", "--readers", "20", wrap=["prlimit", "--nproc=30", *NOBODY])
    refused(shmoo, done, "processes", "ulimit -u", "30")


@needs_root
def test_a_process_limit_that_others_have_used_up_is_status_3(shmoo, open_folder):
    """It cannot be known before: what else this user runs counts."""
    user = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]
    script = 'for i in 1 2 3 4 5 6 7 8; do sleep 60 & pids="$pids $!"; done; "$@"; status=$?; kill $pids; exit $status'
    program = shutil.copy(PROGRAM, shmoo.cwd / "program")  # the way to the original may be closed to this user
    done = shmoo.quick("--quiet", "--out", "o", wrap=["prlimit", "--nproc=11", *user, "sh", "-c", script, "sh"], program=program)
    assert done.returncode == 3
    assert "EAGAIN" in done.stderr and "ulimit -u" in done.stderr and one_line(done.stderr)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], verdict["as_expected"]) == ("ERROR", False)
    assert records(shmoo.cwd / "o")[-1]["exit_status"] == 3


def test_more_shm_than_there_is_anywhere_is_refused(shmoo):
    refused(shmoo, shmoo.quick("--load", "snapshot", "--size", "1000T"), "1000 TiB", "/dev/shm")


@pytest.mark.parametrize("options", [("--load", "lifecycle", "--sync", "none", "--size", "1048576T", "--writers", "20"),
                                     ("--load", "quit", "--size", "1048576T"),
                                     ("--load", "snapshot", "--size", "1048576T")], ids=" ".join)
def test_sums_beyond_64_bits_do_not_wrap_around(shmoo, options):
    refused(shmoo, shmoo.quick(*options), "/dev/shm")


def memory_groups():
    """For each memory controller that this process belongs to: (its folder there, the name of the limit's file)."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            yield Path(f"/sys/fs/cgroup/memory{path}"), "memory.limit_in_bytes"
        elif controllers == "":
            yield Path(f"/sys/fs/cgroup{path}"), "memory.max"


@pytest.fixture(name="memory_group")
def memory_group_fixture():
    """A memory cgroup of one's own, below the test's, with room for 64 MiB."""
    for parent, limit in memory_groups():
        folder = parent / f"shmoo-test-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if not (folder / limit).exists():
            folder.rmdir()
            continue
        (folder / limit).write_text(str(64 << 20), encoding="utf-8")
        yield folder
        assert wait_until(lambda: remove(folder), 10), f"{folder} is still in use"
        return
    pytest.skip("no memory cgroup can be made here")


def remove(folder):
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def in_group(folder):
    return ["sh", "-c", f"echo $$ > '{folder}/cgroup.procs' && exec \"$@\"", "sh"]


@needs_root
@needs_shm(110)
def test_a_memory_cgroup_below_the_region_is_refused(shmoo, memory_group):
    refused(shmoo, shmoo.quick("--load", "snapshot", "--size", "100MiB", wrap=in_group(memory_group)), "memory cgroup",
            "--size", str(memory_group))


@needs_root
def test_a_memory_cgroup_below_the_population_is_refused(shmoo, memory_group):
    refused(shmoo, shmoo.quick("--writers", "1000", wrap=in_group(memory_group)), "memory cgroup", "population")


@needs_root
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory does not fit")
def test_a_memory_cgroup_with_room_is_fine_and_recorded(shmoo, memory_group):
    done = shmoo.quick("--out", "o", wrap=in_group(memory_group))
    assert done.returncode == 0
    assert records(shmoo.cwd / "o", "host")[0]["memory_limit_bytes"] == 64 << 20


@needs_root
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory does not fit")
def test_a_worker_that_the_oom_killer_takes_is_a_crash_that_says_so(shmoo, memory_group, private_shm):
    """The worker is offered to the killer, and then somebody else fills the cgroup with shared memory."""
    place = private_shm("mount -t tmpfs -o size=200m tmpfs /dev/shm")
    process = shmoo.start("run", "--sync", "mutex", "--duration", "10s", "--quiet", "--out", "o", wrap=in_group(memory_group))
    workers = wait_for_workers(process, 4)
    Path(f"/proc/{workers[0]}/oom_score_adj").write_text("1000", encoding="ascii")
    hog = "open('/dev/shm/filler', 'wb').write(bytes(1) * (26 << 20)); x = bytearray(60 << 20)"  # the latter goes when it is killed
    subprocess.run([*place.enter, *in_group(memory_group), "/usr/bin/python3", "-c", hog], capture_output=True, timeout=60, check=False)
    done = shmoo.finish(process)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (done.returncode, verdict["verdict"]) == (1, "CRASHED"), verdict["reason"]
    assert "killed by SIGKILL: the OOM killer has struck" in verdict["reason"] and str(memory_group) in verdict["reason"]
