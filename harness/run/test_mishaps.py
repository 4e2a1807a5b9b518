"""Mishaps: what others may do to a region in the middle of a trial, and what is said about it."""
import os

import pytest
from testing import SHM, records, verdicts, wait_for_workers, wait_until


@pytest.fixture(name="trial")
def trial_fixture(shmoo):
    """Starts a trial, and returns (its process, the paths of its objects) once the crew is at work."""
    def start(*options):
        process = shmoo.start("run", "--sync", "mutex", "--duration", "1500ms", "--min-exposure", "0", "--quiet",
                              "--out", "o", *options)
        wait_for_workers(process, 4)
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
    assert "shrunk" in verdict["reason"]
    assert "killed by SIGBUS" in {worker["exit"] for worker in records(shmoo.cwd / "o", "worker")}


def test_a_semaphore_that_shrinks_is_a_crash(shmoo, trial):
    process, objects = trial("--duration", "60s", "--sync", "semaphore-named")
    os.truncate(next(path for path in objects if path.name.startswith("sem.")), 0)
    done, verdict = end(shmoo, process)
    assert (done.returncode, verdict["verdict"]) == (1, "CRASHED")
    assert "SIGBUS" in verdict["reason"]


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
