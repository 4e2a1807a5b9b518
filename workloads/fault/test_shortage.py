"""Shortages by the command line: what a crew loses is its own, what becomes of it is expected, and it is told when and why."""
import os
import re
import subprocess

import pytest
from testing import NOBODY, PROGRAM, needs_root, needs_two_cpus, records, verdicts

CREW = ("--load", "snapshot", "--size", "64k", "--writers", "2", "--readers", "2", "--duration", "250ms")
# The fault, what it may come to, what its record says, and a part of the verdict's reason.
ROWS = [("shrink", {"CRASHED"}, "the region was shrunk to nothing",
         r"SIGBUS at offset \d+ of the region /shmoo\.\S+: the object was shrunk: it has 0 bytes, and had \d+"),
        ("shrink:back", {"CORRUPT", "WEDGED", "CRASHED"}, "shrunk to nothing, and grew again", r"at 0\.\d+ s, the region was shrunk"),
        ("unlink", {"CLEAN"}, "the region's name was removed", "nothing broke"),
        ("unlink:anew", {"CLEAN"}, "another object has the region's name", "nothing broke"),
        ("unlink:rejoin", {"CORRUPT", "WEDGED", "CRASHED"}, "maps the region anew", r"at 0\.\d+ s, the region's name was removed"),
        ("shm-full", {"CLEAN"}, "/dev/shm is full", "nothing broke"),
        ("shm-full:holes", {"CRASHED"}, "/dev/shm is full, and the region's pages are gone",
         r"SIGBUS at offset \d+ of the region .*the tmpfs /dev/shm is full: 0 B free|at 0\.\d+ s, /dev/shm is full"),
        ("memory-limit", {"CLEAN"}, "hardly any memory", "nothing broke"),
        ("memory-limit:holes", {"CRASHED"}, "no memory to be had", r"the OOM killer has struck|at 0\.\d+ s, no memory to be had"),
        ("descriptors", {"CLEAN"}, "no descriptor to be had", "nothing broke")]
# An honest INCONCLUSIVE is what a busy machine may get.
ATTEMPTS = 4


def run(shmoo, fault, *arguments, **how):
    for attempt in range(ATTEMPTS):
        done = shmoo("run", "--quiet", "--sync", "mutex", "--fault", fault, "--out", f"o{attempt}", *CREW, *arguments, **how)
        found, = verdicts(shmoo.cwd / f"o{attempt}")
        if found["verdict"] != "INCONCLUSIVE":
            break
    return done, found, records(shmoo.cwd / f"o{attempt}", "fault")


@needs_two_cpus
@pytest.mark.parametrize("fault,right,told,reason", ROWS, ids=[row[0] for row in ROWS])
def test_each_shortage_comes_to_what_it_must_and_is_told(shmoo, fault, right, told, reason):
    before = sorted(os.listdir("/dev/shm"))
    done, found, notes = run(shmoo, fault)
    if found["verdict"] == "UNSUPPORTED":
        assert "needs" in found["reason"]
        pytest.skip(found["reason"])
    assert found["verdict"] in right and found["as_expected"] and done.returncode == 0, found["reason"]
    assert re.search(reason, found["reason"]), found["reason"]
    assert any(told in note["detail"] for note in notes)
    for note in notes:
        assert note["at_s"] <= note.get("until_s", note["at_s"])
        assert "worker" not in note or note["worker"] < 4
    if fault in ("shrink", "unlink", "shm-full", "memory-limit", "descriptors"):
        assert all("until_s" in note for note in notes)
    assert sorted(os.listdir("/dev/shm")) == before and not shmoo.objects()


@needs_two_cpus
@pytest.mark.parametrize("fault", ["unlink:60000", "shrink:back:60000", "shm-full:60000"])
def test_a_fault_that_came_to_nothing_is_no_pass(shmoo, fault):
    done = shmoo("run", "--quiet", "--sync", "mutex", "--fault", fault, "--out", "o", *CREW[:-1], "100ms")
    (found,) = verdicts(shmoo.cwd / "o")
    assert (found["verdict"], done.returncode) == ("INCONCLUSIVE", 4), found["reason"]
    assert "before the fault did anything" in found["reason"] or "hand-offs" in found["reason"]
    assert not records(shmoo.cwd / "o", "fault")


@needs_two_cpus
@pytest.mark.parametrize("fault", ["shm-full:10", "memory-limit:10", "descriptors:5"])
def test_who_makes_objects_all_the_time_is_refused_and_goes_on(shmoo, fault):
    done, found, notes = run(shmoo, fault, "--load", "lifecycle", "--sync", "none", "--size", "8k")
    if found["verdict"] == "UNSUPPORTED":
        pytest.skip(found["reason"])
    assert (found["verdict"], done.returncode) == ("CLEAN", 0), found["reason"]
    assert len(notes) >= 3 and found["ops"] > 100


@needs_two_cpus
def test_a_dead_worker_is_replaced_only_when_forks_are_to_be_had_again(shmoo):
    done, found, notes = run(shmoo, "no-fork:80", "--load", "counter", "--size", "8", "--duration", "400ms")
    if found["verdict"] == "UNSUPPORTED":
        pytest.skip(found["reason"])
    assert (found["verdict"], done.returncode) == ("CLEAN", 0), found["reason"]
    told = {note["detail"].split(":")[0]: note for note in notes}
    assert set(told) == {"forks are refused", "not replaced", "replaced"}
    assert "EAGAIN" in next(note["detail"] for note in notes if note["detail"].startswith("not replaced"))
    assert told["replaced"]["at_s"] - told["not replaced"]["at_s"] >= 0.08
    assert told["forks are refused"]["until_s"] <= told["replaced"]["at_s"]


@needs_root
@needs_two_cpus
@pytest.mark.parametrize("fault", ["shm-full", "memory-limit", "no-fork"])
def test_a_user_gets_the_shortage_or_the_reason(shmoo, fault):
    shmoo.cwd.chmod(0o777)
    done, found, notes = run(shmoo, fault, *(("--load", "counter", "--size", "8") if fault == "no-fork" else ()), wrap=NOBODY)
    if found["verdict"] == "UNSUPPORTED":
        assert "needs" in found["reason"] and ("root" in found["reason"] or "namespace" in found["reason"])
    else:
        assert (found["verdict"], done.returncode) == ("CLEAN", 0) and notes


@needs_two_cpus
def test_what_is_filled_is_not_the_machines(shmoo):
    """While the run's own /dev/shm is full there is room in everybody else's."""
    process = shmoo.start("run", "--quiet", "--sync", "mutex", "--fault", "shm-full:400", "--out", "o", *CREW[:-1], "1500ms")
    free = []
    while process.poll() is None:
        free.append(os.statvfs("/dev/shm").f_bavail)
        subprocess.run(["sleep", "0.02"], check=True)
    assert shmoo.finish(process).returncode in (0, 4)
    assert min(free) > 0


def test_the_names_of_what_is_needed_are_listed():
    out = subprocess.run([PROGRAM, "list", "fault"], capture_output=True, text=True, check=True).stdout
    for name in ("shrink", "unlink", "shm-full", "memory-limit", "descriptors", "no-fork"):
        assert re.search(rf"^{name} ", out, re.M)
