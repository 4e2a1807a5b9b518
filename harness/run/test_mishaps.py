"""Mishaps: what others may do to a region in the middle of a trial, and what is said about it."""
import ctypes
import os
import re

import pytest
from testing import SHM, records, verdicts, wait_for_workers, wait_until


@pytest.fixture(name="trial")
def trial_fixture(shmoo):
    """Starts a trial, and returns (its process, the paths of its objects) once the crew is at work."""
    def start(*options):
        process = shmoo.start("run", "--sync", "mutex", "--duration", "1500ms", "--min-exposure", "0", "--quiet",
                              "--out", "o", *options)
        wait_for_workers(process, 4, ticks=5)  # attached, all of them
        return process, [SHM / name for name in shmoo.objects()]
    return start


def end(shmoo, process):
    done = shmoo.finish(process, 120)
    verdict, = verdicts(shmoo.cwd / "o")
    return done, verdict


@pytest.mark.parametrize("options", [(), ("--load", "snapshot", "--size", "1MiB"), ("--load", "quit")], ids=" ".join)
def test_a_region_that_shrinks_is_a_crash_that_says_where_and_why(shmoo, trial, options):
    process, (region,) = trial("--duration", "60s", *options)
    os.truncate(region, 0)
    done, verdict = end(shmoo, process)
    assert (done.returncode, verdict["verdict"], verdict["as_expected"]) == (1, "CRASHED", False)
    assert "SIGBUS at offset" in verdict["reason"] and "of the region" in verdict["reason"]
    assert f"of the region /{region.name}: the object was shrunk: it has 0 bytes, and had " in verdict["reason"]
    assert "killed by SIGBUS" in {worker["exit"] for worker in records(shmoo.cwd / "o", "worker")}


def test_a_region_whose_pages_go_on_a_full_tmpfs_is_a_crash_that_says_so(shmoo, private_shm):
    """Pages are punched out of the region while something else takes every free page there is."""
    place = private_shm("mount -t tmpfs -o size=2m tmpfs /dev/shm")
    process = shmoo.start("run", "--sync", "mutex", "--load", "snapshot", "--size", "512k", "--duration", "60s", "--quiet", "--out", "o",
                          wrap=place.enter)
    wait_for_workers(process, 4)
    region = place.folder / next(name for name in os.listdir(place.folder) if name.startswith("shmoo."))
    punch = ctypes.CDLL(None).fallocate
    punch.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]

    def punched():
        with open(region, "r+b") as holes:
            assert punch(holes.fileno(), 3, 65536, 262144) == 0
        fill(place.folder / "filler")
        return process.poll() is not None
    gone = False
    try:
        gone = wait_until(punched, 30)
    except FileNotFoundError:
        gone = True
    assert gone
    _, verdict = end(shmoo, process)
    assert verdict["verdict"] == "CRASHED" and "SIGBUS at offset" in verdict["reason"], verdict["reason"]
    assert "is full: 0 B free of 2 MiB" in verdict["reason"]


def fill(path):
    """Takes all the space there is."""
    with open(path, "ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def test_a_semaphore_that_shrinks_is_a_crash(shmoo, trial):
    process, objects = trial("--duration", "60s", "--sync", "semaphore-named")
    semaphore = next(path for path in objects if path.name.startswith("sem."))
    os.truncate(semaphore, 0)
    done, verdict = end(shmoo, process)
    assert (done.returncode, verdict["verdict"]) == (1, "CRASHED")
    assert re.search(rf"SIGBUS at offset \d+ of the object /{re.escape(semaphore.name)}: it has 0 bytes; it was shrunk", verdict["reason"])


def test_data_that_others_overwrite_are_corrupt(shmoo, trial):
    process, (region,) = trial("--load", "snapshot", "--size", "64k", "--readers", "2")
    with open(region, "r+b") as file:
        file.seek(32768)
        file.write(b"\x5a" * 1024)
        file.seek(0, os.SEEK_END)
        file.seek(file.tell() - 64)
        file.write(b"\x5a" * 64)
    done, verdict = end(shmoo, process)
    assert (done.returncode, verdict["verdict"]) == (1, "CORRUPT")
    assert records(shmoo.cwd / "o", "violation")


@pytest.mark.parametrize("options", [(), ("--sync", "semaphore-named")], ids=" ".join)
def test_a_swept_object_is_noticed_and_the_verdict_stands(shmoo, trial, options):
    process, objects = trial(*options)
    for path in objects:
        path.unlink()
    done, verdict = end(shmoo, process)
    assert (done.returncode, verdict["verdict"]) == (0, "CLEAN")
    assert "somebody else has removed the object" in done.stderr


def test_what_has_taken_the_place_of_a_swept_object_is_not_removed(shmoo, trial):
    process, (region,) = trial()
    region.unlink()
    region.write_text("somebody else's", encoding="utf-8")
    done, _ = end(shmoo, process)
    kept = region.exists()
    region.unlink(missing_ok=True)
    assert kept and region.name in done.stderr


def test_permissions_that_change_do_no_harm_to_those_who_are_in(shmoo, trial):
    process, (region,) = trial()
    region.chmod(0)
    done, verdict = end(shmoo, process)
    assert (done.returncode, verdict["verdict"]) == (0, "CLEAN")


def test_a_stopped_harness_goes_on_where_it_was(shmoo, trial):
    process, _ = trial()
    os.kill(process.pid, 19)
    assert wait_until(lambda: os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT), 10)
    os.kill(process.pid, 18)
    done, verdict = end(shmoo, process)
    assert (done.returncode, verdict["verdict"]) == (0, "CLEAN")
