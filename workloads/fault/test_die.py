"""Deaths by the command line: who recovers, who waits for ever, who walks into half-written data, and how it is told."""
import re

import pytest
from testing import needs_two_cpus, records, verdicts

# An honest INCONCLUSIVE is what a busy machine may get; then it is tried again, so often at the most.
ATTEMPTS = 5


def die(shmoo, sync, fault, *arguments, duration="150ms"):
    """The verdict of one trial, with its exit status and reason looked at."""
    for attempt in range(ATTEMPTS):
        done = shmoo("run", "--quiet", "--load", "snapshot", "--sync", sync, "--writers", "2", "--readers", "1",
                     "--fault", fault, "--duration", duration, "--out", f"o{attempt}", *arguments)
        found, = verdicts(shmoo.cwd / f"o{attempt}")
        if found["verdict"] != "INCONCLUSIVE":
            break
    assert done.returncode == (0 if found["as_expected"] else 1), found["reason"]
    return found


MATRIX = [("mutex-robust", "die:inside:kill:4", "CLEAN", "recovered"),
          ("mutex-robust", "die:inside:exec:4", "CLEAN", "recovered"),
          ("mutex-robust", "die:inside:exit:4", "CLEAN", "recovered"),
          ("mutex-robust", "die:inside:_exit:4", "CLEAN", "recovered"),
          ("mutex-robust", "die:inside:unmap:4", "WEDGED", "wedged"),
          ("mutex-robust", "die:releasing:segv", "CLEAN", "recovered"),
          ("mutex-unrepaired", "die:inside:kill:4", "CORRUPT", "corrupt"),
          ("mutex-unrepaired", "die:inside:kill:0", "CLEAN", "recovered"),
          ("mutex", "die:inside:kill:4", "WEDGED", "wedged"),
          ("mutex", "die:inside:_exit:4", "WEDGED", "wedged"),
          ("mutex", "die:after:abort", "CLEAN", "recovered"),
          ("mutex", "die:inside:stop", "CLEAN", "recovered"),
          ("spin", "die:inside:exec:4", "WEDGED", "wedged"),
          ("semaphore", "die:inside:kill:4", "WEDGED", "permit lost"),
          ("flock", "die:inside:kill:4", "CORRUPT", "corrupt"),
          ("flock", "die:releasing:kill", "CLEAN", "recovered"),
          ("ticket", "die:waiting:kill", "WEDGED", "wedged"),
          ("futex-pi", "die:inside:abort:4", "CLEAN", "recovered")]


@needs_two_cpus
@pytest.mark.parametrize("sync,fault,verdict,outcome", MATRIX, ids=[" ".join(row[:2]) for row in MATRIX])
def test_each_primitive_takes_a_death_in_its_own_way(shmoo, sync, fault, verdict, outcome):
    found = die(shmoo, sync, fault)
    assert (found["verdict"], found["outcome"], found["as_expected"]) == (verdict, outcome, True), found["reason"]
    if fault.startswith("die:inside:stop"):
        assert "death_s" not in found
        return
    assert found["death_s"] > 0 and found["dead_worker"] < 2
    assert f"worker {found['dead_worker']} died {fault} " in found["reason"]
    if not fault.startswith("die:waiting"):  # who stood in line before the dead one still gets its turn
        assert (found["recovery_s"] is None) == (outcome in ("wedged", "permit lost")), found["reason"]
    assert bool(found["recovered"]) == (sync in ("mutex-robust", "mutex-unrepaired", "futex-pi") and outcome != "wedged")


@needs_two_cpus
@pytest.mark.parametrize("words,data", [("0", "whole"), ("4", "torn"), ("8", "whole")])
def test_what_a_dead_holder_has_left_is_inspected_even_where_nobody_can_look(shmoo, words, data):
    found = die(shmoo, "mutex", f"die:inside:kill:{words}")
    assert (found["verdict"], found["violations"], found["data_after_death"]) == ("WEDGED", 0, data), found["reason"]


# What the lock's word says when its owner has died inside.
WORDS = [("mutex", r"its word is 2 \(held and awaited\), and its owner is worker (\d) \(pid \d+\), which is dead"),
         ("semaphore", r"its value is 0, and a semaphore names no owner"),
         ("rwlock", r"its word of readers is 0x[0-9a-f]+, its writer is \d+, and its owner is worker (\d) \(pid \d+\), which is dead"),
         ("futex", r"its word is 2 \(held and awaited\), and names no owner"),
         ("ticket", r"ticket \d+ is served, [123] in line"),
         ("mcs", r"the last in its line is worker \d"),
         ("condvar-monitor", r"its flag says taken; of the mutex its word is 0 \(free\)"),
         ("anderson", r"its state begins with 0x")]


@needs_two_cpus
@pytest.mark.parametrize("sync,words", WORDS, ids=[row[0] for row in WORDS])
def test_a_wedge_is_told_with_the_dead_the_word_and_the_waiters(shmoo, sync, words):
    found = die(shmoo, sync, "die:inside:kill:4")
    reason = found["reason"]
    assert found["verdict"] == "WEDGED" and found["found_s"] - found["death_s"] < 5, reason
    told = re.search(rf"; {sync}: {words}", reason)
    assert told, reason
    assert f"worker {found['dead_worker']} (pid " in reason and "ended in phase inside, at version" in reason
    assert {*told.groups()} <= {str(found["dead_worker"])}
    waits = r"sleeps in a futex wait while the word at offset \d+ of the region is 0x\d" \
        if sync in ("mutex", "semaphore", "rwlock", "futex", "condvar-monitor") else "spins in user space"
    assert re.search(rf"worker \d \(pid \d+\) {waits}.*phase acquiring for \d\.\d+ s, after \d+ operations", reason), reason
    assert "nobody has acquired the primitive since" in reason


@needs_two_cpus
@pytest.mark.parametrize("who,dead", [("writers", 2), ("all-but-one", 2)])
def test_several_die_and_the_last_one_goes_on(shmoo, who, dead):
    found = die(shmoo, "mutex-robust", f"die:before:kill:{who}", duration="300ms")
    assert found["verdict"] in ("CLEAN", "INCONCLUSIVE"), found["reason"]
    ended = [worker["exit"] for worker in records(sorted(shmoo.cwd.glob("o?"))[-1], "worker")]
    assert ended.count("killed by SIGKILL") == dead and ended.count("exited 0") == 3 - dead


@needs_two_cpus
def test_deaths_within_the_primitives_own_code_come_to_what_is_allowed(shmoo):
    shmoo("run", "--quiet", "--load", "snapshot", "--sync", "mutex,mutex-robust,flock,futex", "--writers", "2",
          "--readers", "1", "--fault", "die:within:kill:0,die:within:kill:12", "--repeat", "2", "--duration", "100ms",
          "--out", "o")
    found = verdicts(shmoo.cwd / "o")
    if {verdict["verdict"] for verdict in found} == {"UNSUPPORTED"}:
        pytest.skip(found[0]["reason"])
    for verdict in found:
        allowed = {"CLEAN", "INCONCLUSIVE"} | ({"WEDGED"} if verdict["sync"] != "flock" else set())
        assert verdict["verdict"] in allowed, (verdict["sync"], verdict["reason"])
        if verdict["verdict"] != "INCONCLUSIVE":
            assert verdict["as_expected"], verdict["reason"]
            assert re.search(r"phase (acquiring|releasing)", verdict["reason"]), verdict["reason"]
    assert sum(verdict["verdict"] != "INCONCLUSIVE" for verdict in found) > len(found) / 2


@needs_two_cpus
def test_a_stop_is_recorded_with_its_end(shmoo):
    die(shmoo, "mutex", "die:inside:stop", duration="500ms")
    told = records(shmoo.cwd / "o0", "fault")
    assert [note["detail"] for note in told] == ["stopped", "continued"]
    assert told[0]["worker"] == told[1]["worker"] and told[1]["at_s"] - told[0]["at_s"] >= 0.29


def test_one_process_alone_is_refused(shmoo):
    shmoo("run", "--quiet", "--sync", "mutex", "--writers", "1", "--readers", "0", "--fault", "die", "--ops", "50",
          "--out", "o")
    found, = verdicts(shmoo.cwd / "o")
    assert found["verdict"] == "UNSUPPORTED" and "nobody to see" in found["reason"]


FAMILIES = [("snapshot", "seqlock", "die:writing:kill:5", {"WEDGED", "CLEAN"}),
            ("snapshot", "cell-none", "die:writing:kill:5", {"CORRUPT"}),
            ("stream", "ring-mpmc", "die:writing:kill:1", {"WEDGED", "CLEAN"}),
            ("stream", "ring-mpmc", "die:before:kill", {"CLEAN"}),
            ("stream", "flock", "die:inside:kill", {"CLEAN"}),
            ("counter", "counter-add", "die:within:kill:3", {"CLEAN"}),
            ("bank", "mutex-unrepaired", "die:inside:kill", {"CORRUPT"}),
            ("bank", "mutex-robust", "die:inside:kill", {"CLEAN"}),
            ("phases", "barrier-pthread", "die:before:kill", {"WEDGED"})]


@needs_two_cpus
@pytest.mark.parametrize("load,sync,fault,verdicts_right", FAMILIES, ids=[" ".join(row[:3]) for row in FAMILIES])
def test_every_family_is_judged_by_those_who_are_left(shmoo, load, sync, fault, verdicts_right):
    found = die(shmoo, sync, fault, "--load", load, "--writers", "3", "--readers", "2")
    if found["verdict"] == "UNSUPPORTED":
        pytest.skip(found["reason"])
    assert found["verdict"] in verdicts_right and found["as_expected"], found["reason"]
    assert f" died {fault} " in found["reason"]


@needs_two_cpus
def test_the_dead_are_replaced_and_their_counters_go_on(shmoo):
    for _ in range(ATTEMPTS):  # of a robust mutex a dead waiter may take the wake-up along
        found = die(shmoo, "mutex-robust", "churn:3", "--load", "counter", duration="400ms")
        if "its word is 0 (free)" not in found["reason"]:
            break
    assert (found["verdict"], found["as_expected"]) == ("CLEAN", True), found["reason"]
    assert found["deaths"] >= 3 and found["recoveries"]["count"] >= 1
    times = found["recoveries"]
    assert 0 < times["min_s"] <= times["median_s"] <= times["max_s"]
    run = sorted(shmoo.cwd.glob("o?"))[-1]
    workers = records(run, "worker")
    assert 0 < sum(worker.get("replaced", 0) for worker in workers) <= found["deaths"]
    assert {worker["exit"] for worker in workers} <= {"exited 0", "killed by SIGKILL"}
    told = [note["detail"] for note in records(run, "fault")]
    assert "replaced" in told and any(detail.startswith("condemned: ") for detail in told)


@needs_two_cpus
def test_deaths_without_a_replacement_leave_one(shmoo):
    found = die(shmoo, "mutex-robust", "churn:before:kill:all-but-one:for-good:1", "--load", "counter", duration="600ms")
    assert found["verdict"] == "CLEAN", found["reason"]
    ended = [worker["exit"] for worker in records(sorted(shmoo.cwd.glob("o?"))[-1], "worker")]
    assert ended.count("exited 0") >= 1 and found["deaths"] == ended.count("killed by SIGKILL")


@pytest.mark.parametrize("arguments,part", [
    (("--load", "quit", "--fault", "die:before:kill"), "nobody could judge"),
    (("--load", "stream", "--fault", "die:before:kill:respawn"), "take up a dead one's work"),
    (("--load", "stream", "--sync", "ring-condvar", "--fault", "die:before:kill", "--writers", "1"), "that live on"),
    (("--load", "counter", "--sync", "counter-add", "--fault", "die:inside:kill"), "no critical section"),
], ids=["load", "respawn", "bereft", "place"])
def test_what_cannot_be_judged_is_unsupported_with_the_reason(shmoo, arguments, part):
    shmoo("run", "--quiet", "--sync", "mutex", "--writers", "2", "--readers", "2", *arguments, "--ops", "50", "--out", "o")
    found, = verdicts(shmoo.cwd / "o")
    assert found["verdict"] == "UNSUPPORTED" and part in found["reason"]


@needs_two_cpus
def test_who_dies_last_leaves_the_data_to_the_audit(shmoo):
    """Deaths up to the very end: now and then there is nobody left to acquire the lock and to repair what the dead one left."""
    shmoo("run", "--quiet", "--sync", "mutex-robust", "--load", "counter", "--writers", "3", "--readers", "0", "--fault", "churn:1",
          "--duration", "30ms", "--repeat", "30", "--min-exposure", "0", "--out", "o")
    assert not [found["reason"] for found in verdicts(shmoo.cwd / "o") if found["verdict"] == "CORRUPT"]
