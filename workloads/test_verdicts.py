"""Verdicts: what is correct is CLEAN, what is broken is caught, and every verdict carries its evidence."""
import os
import re

import pytest
from testing import needs_two_cpus, records, verdicts

# One by one and in depth; that every lock there is holds, is tested beside the locks.
LOCKS = ["semaphore", "semaphore-named", "mutex", "mutex-robust", "mutex-pi", "mutex-adaptive", "rwlock", "rwlock-writer",
         "futex", "spin", "tas", "ttas", "ticket"]
LOADS = ("counter", "snapshot", "quit")
CONTRACT = {"trial", "load", "sync", "fault", "writers", "readers", "size", "repeat", "seed", "verdict", "as_expected",
            "ops", "seconds",
            "violations", "exposure"}
EXPOSURE = {"handoffs", "contended", "preempted", "sampled", "overlaps", "idle_workers"}
# What a busy machine may get: an honest INCONCLUSIVE, and of what is broken the luck of not showing it, or not in the wanted way.
# Then it is tried again, so often at the most.
ATTEMPTS = 6
WRITE = r"(version \d+ of worker \d+|the initial content)"
TORN = re.compile(rf"torn at offset \d+ of \d+: up to there {WRITE}, from there {WRITE}")


class Judged:
    """One trial that came to a verdict: the exit status, the verdict's record, and the folder of the run.

    `evidence` is the kind of violation that is wanted.
    """

    def __init__(self, shmoo, *arguments, evidence=None):
        for _ in range(ATTEMPTS):
            self.folder = shmoo.cwd / f"run{len(list(shmoo.cwd.iterdir()))}"
            self.done = shmoo("run", "--quiet", "--out", str(self.folder), *arguments)
            self.verdict, = verdicts(self.folder)
            self.word, self.status = self.verdict["verdict"], self.done.returncode
            if self.word == "INCONCLUSIVE":
                assert self.status == 4 and not self.verdict["as_expected"], self.verdict["reason"]
            elif self.word != "CLEAN" or self.verdict["expect"] not in ("CORRUPT", "WEDGED"):
                if not evidence or self.violations(evidence):
                    return
        pytest.fail(f"{ATTEMPTS} times: {self.verdict['reason']}")

    def violations(self, kind=None):
        return [v for v in records(self.folder, "violation") if kind in (None, v["kind"])]


BROKEN = [*(("counter", size) for size in ("8", "1000", "1MiB")),
          *(("snapshot", size) for size in ("1", "3", "17", "4095", "1048575")),
          *(("quit", size) for size in ("1", "4097"))]
WHOLE = [("counter", "8"), ("counter", "65543"), ("snapshot", "1"), ("snapshot", "3"), ("snapshot", "65537"),
         ("snapshot", "1MiB"), ("quit", "1"),
         ("quit", "65537"), ("lifecycle", "100"), ("lifecycle", "65537")]
CAUGHT = [("busted-tas", "counter"), ("busted-tas", "snapshot"), ("busted-permits", "counter"),
          ("busted-permits", "snapshot"),
          ("busted-readers", "counter"), ("busted-readers", "snapshot"), ("busted-scribble", "counter"),
          ("busted-scribble", "snapshot"),
          ("busted-scribble", "quit")]


def ids_of(pairs):
    return ["-".join(pair) for pair in pairs]


@needs_two_cpus
@pytest.mark.parametrize("load,size", BROKEN, ids=ids_of(BROKEN))
def test_without_synchronisation_data_break(shmoo, load, size):
    judged = Judged(shmoo, "--sync", "none", "--load", load, "--size", size, "--writers", "2", "--readers", "2",
                    "--duration", "300ms")
    assert (judged.word, judged.status, judged.verdict["as_expected"]) == ("CORRUPT", 0, True), judged.verdict["reason"]
    assert judged.verdict["violations"] == sum(judged.verdict["violations_by_kind"].values()) > 0
    assert judged.violations() and all(v["text"] for v in judged.violations())


@needs_two_cpus
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("sync", LOCKS)
def test_a_correct_lock_keeps_the_data_whole(shmoo, sync, load):
    judged = Judged(shmoo, "--sync", sync, "--load", load, "--duration", "120ms")
    assert (judged.word, judged.status) == ("CLEAN", 0), judged.verdict["reason"]
    assert judged.verdict["violations"] == 0 and judged.violations() == []
    assert judged.verdict["exposure"]["handoffs"] > 0


@pytest.mark.parametrize("load,size", WHOLE, ids=ids_of(WHOLE))
def test_a_correct_lock_keeps_every_size_whole(shmoo, load, size):
    done = shmoo("run", "--sync", ",".join(LOCKS), "--load", load, "--size", size, "--ops", "30", "--min-exposure", "0",
                 "--quiet", "--out", "o")
    assert [v["verdict"] for v in verdicts(shmoo.cwd / "o")] == ["CLEAN"] * len(LOCKS)
    assert done.returncode == 0


@pytest.mark.parametrize("sync", ["none", "mutex"])
def test_the_kernel_keeps_the_life_cycle_whole(shmoo, sync):
    judged = Judged(shmoo, "--sync", sync, "--load", "lifecycle", "--writers", "3", "--readers", "2", "--duration",
                    "300ms")
    assert (judged.word, judged.status) == ("CLEAN", 0), judged.verdict["reason"]
    steps = {h["name"] for h in records(judged.folder, "histogram")}
    assert steps >= {"open", "size", "map", "use", "unmap", "close", "unlink"}


@needs_two_cpus
@pytest.mark.parametrize("sync,load", CAUGHT, ids=ids_of(CAUGHT))
def test_what_is_broken_on_purpose_is_caught(shmoo, sync, load):
    judged = Judged(shmoo, "--sync", sync, "--load", load, "--size", "256", "--duration", "400ms")
    assert (judged.word, judged.status, judged.verdict["expect"]) == ("CORRUPT", 0, "CORRUPT"), judged.verdict["reason"]


def test_a_lost_release_is_a_wedge(shmoo):
    judged = Judged(shmoo, "--sync", "busted-forgetful", "--readers", "0", "--duration", "30s")
    assert (judged.word, judged.status) == ("WEDGED", 0)
    assert "no progress" in judged.verdict["reason"] and "worker 0" in judged.verdict["reason"]
    assert {w["exit"] for w in records(judged.folder, "worker")} == {"ended by the watchdog"}


@pytest.mark.parametrize("sync", ["busted-tas", "busted-permits"])
def test_on_one_cpu_what_is_broken_is_not_called_clean(shmoo, sync):
    shmoo("run", "--sync", sync, "--load", "snapshot", "--duration", "100ms", "--repeat", "4", "--quiet", "--out", "o",
          wrap=["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))])
    assert "CLEAN" not in {v["verdict"] for v in verdicts(shmoo.cwd / "o")}


@pytest.mark.parametrize("arguments,word,status", [
    (("--sync", "mutex", "--expect", "CORRUPT"), "CLEAN", 1), (("--sync", "mutex", "--expect", "clean"), "CLEAN", 0),
    (("--sync", "mutex", "--expect", "INCONCLUSIVE"), "CLEAN", 1),
    (("--sync", "busted-scribble", "--expect", "CLEAN"), "CORRUPT", 1),
    (("--sync", "busted-scribble", "--expect", "CORRUPT"), "CORRUPT", 0),
    (("--sync", "busted-scribble", "--expect", "WEDGED"), "CORRUPT", 1),
    (("--sync", "busted-scribble",), "CORRUPT", 0), (("--sync", "mutex",), "CLEAN", 0),
    (("--sync", "none", "--load", "lifecycle"), "CLEAN", 0),
    (("--sync", "none", "--load", "lifecycle", "--expect", "CORRUPT"), "CLEAN", 1),
], ids=str)
def test_what_is_expected_decides_the_status(shmoo, arguments, word, status):
    done = shmoo("run", "--ops", "50", "--min-exposure", "0", "--quiet", "--out", "o", *arguments)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode, verdict["as_expected"]) == (word, status, status == 0)


@pytest.mark.parametrize("sync", ["none", "mutex", "spin", "busted-tas", "busted-readers"])
@pytest.mark.parametrize("load", [*LOADS, "lifecycle"])
def test_one_process_alone_proves_nothing(shmoo, sync, load):
    done = shmoo("run", "--sync", sync, "--load", load, "--writers", "1", "--readers", "0", "--ops", "50", "--quiet",
                 "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert verdict["verdict"] == verdict["expect"] == "INCONCLUSIVE", verdict["reason"]
    assert done.returncode == 4


def test_one_process_alone_may_still_prove_a_fault(shmoo):
    done = shmoo("run", "--sync", "busted-scribble", "--writers", "1", "--readers", "0", "--ops", "50", "--quiet",
                 "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], verdict["as_expected"], done.returncode) == ("CORRUPT", True, 0)


@needs_two_cpus
@pytest.mark.parametrize("fault", ["yield", "yield:1", "delay", "delay:0", "stop", "stop:0.1"])
@pytest.mark.parametrize("sync", LOCKS)
def test_a_disturbed_crew_stays_clean(shmoo, sync, fault):
    judged = Judged(shmoo, "--sync", sync, "--load", "snapshot", "--fault", fault, "--duration", "100ms",
                    "--min-exposure", "0")
    assert (judged.word, judged.status, judged.verdict["fault"]) == ("CLEAN", 0, fault), judged.verdict["reason"]
    told = records(judged.folder, "fault")
    assert bool(told) == fault.startswith("stop")
    assert {f["detail"] for f in told} <= {"stopped", "continued"}


@pytest.mark.parametrize("sync", [*LOCKS, "none"])
def test_a_killed_crew_is_a_crash_and_that_is_expected(shmoo, sync):
    judged = Judged(shmoo, "--sync", sync, "--fault", "kill:30", "--duration", "30s")
    assert (judged.word, judged.status, judged.verdict["expect"]) == ("CRASHED", 0, "CRASHED"), judged.verdict["reason"]
    fault, = records(judged.folder, "fault")
    assert (fault["fault"], fault["detail"]) == ("kill", "killed")
    assert records(judged.folder, "worker")[fault["worker"]]["exit"] == "killed by SIGKILL"


def test_a_kill_is_unexpected_where_one_says_so(shmoo):
    judged = Judged(shmoo, "--sync", "mutex", "--fault", "kill:30", "--duration", "30s", "--expect", "CLEAN")
    assert (judged.word, judged.status) == ("CRASHED", 1)


def test_a_kill_that_never_came_is_no_crash(shmoo):
    judged = Judged(shmoo, "--sync", "mutex", "--fault", "kill:60000", "--duration", "200ms", "--min-exposure", "0")
    assert (judged.word, judged.status) == ("CLEAN", 1)


@pytest.mark.parametrize("arguments", [("--sync", "mutex", "--ops", "50"), ("--sync", "busted-scribble", "--ops", "50"),
                                       ("--sync", "mutex", "--fault", "kill:20", "--duration", "20s"),
                                       ("--sync", "busted-forgetful", "--readers", "0", "--duration", "20s")], ids=str)
def test_every_verdict_carries_what_the_contract_names(shmoo, arguments):
    shmoo("run", "--min-exposure", "0", "--quiet", "--out", "o", "--seed", "99", *arguments)
    verdict, = verdicts(shmoo.cwd / "o")
    trial, = records(shmoo.cwd / "o", "trial")
    assert CONTRACT <= set(verdict) and EXPOSURE <= set(verdict["exposure"])
    assert {key: verdict[key] for key in CONTRACT & set(trial)} == {key: trial[key] for key in CONTRACT & set(trial)}
    assert (verdict["trial"], verdict["repeat"], verdict["seed"]) == (1, 1, 99)
    assert isinstance(verdict["as_expected"], bool) and verdict["seconds"] >= 0 and verdict["reason"]
    workers = records(shmoo.cwd / "o", "worker")
    assert verdict["ops"] == verdict["writer_ops"] + verdict["reader_ops"] == sum(w["ops"] for w in workers)
    for key in ("handoffs", "contended", "preempted", "sampled"):
        assert verdict["exposure"][key] == sum(w[key] for w in workers)


@needs_two_cpus
def test_the_evidence_of_a_torn_record_is_whole(shmoo):
    judged = Judged(shmoo, "--sync", "none", "--load", "snapshot", "--size", "256", "--duration", "300ms",
                    evidence="torn")
    for violation in judged.violations("torn"):
        assert 0 < violation["offset"] < 256
        expected, found = violation["expected"], violation["found"]
        assert (expected["version"], expected["writer"]) != (found["version"], found["writer"])
        assert all(write["writer"] in (-1, 0, 1) for write in (expected, found))
        assert re.fullmatch("([0-9a-f]{2})+", violation["bytes"])
        shown = range(violation["bytes_at"], violation["bytes_at"] + len(violation["bytes"]) // 2)
        assert violation["offset"] in shown and 0 <= shown.start and shown.stop <= 256
        assert TORN.fullmatch(violation["text"]) and f"offset {violation['offset']} of 256" in violation["text"]
        assert violation["worker"] in range(4) and violation["role"] in ("writer", "reader") and violation["at_s"] >= 0


@needs_two_cpus
def test_the_evidence_of_lost_updates_names_the_numbers(shmoo):
    judged = Judged(shmoo, "--sync", "none", "--load", "counter", "--readers", "0", "--duration", "300ms",
                    evidence="lost")
    lost = judged.violations("lost")
    assert any(v["expected"]["value"] != v["found"]["value"] for v in lost)
    audit = [v for v in lost if v["role"] == "audit"]
    assert audit and audit[0]["expected"]["value"] == judged.verdict["writer_ops"]


def test_the_evidence_of_scribbling_shows_where(shmoo):
    shmoo("run", "--sync", "busted-scribble", "--load", "snapshot", "--ops", "50", "--min-exposure", "0", "--quiet",
          "--out", "o")
    scribbled = [v for v in records(shmoo.cwd / "o", "violation") if v["kind"] == "scribbled"]
    assert scribbled and "5a5a5a5a5a5a5a5a" in scribbled[0]["bytes"] and scribbled[0]["role"] == "audit"


@needs_two_cpus
def test_evidence_is_bounded_and_counts_are_not(shmoo):
    judged = Judged(shmoo, "--sync", "none", "--load", "snapshot", "--duration", "300ms")
    assert judged.verdict["violations"] == sum(w["violations"] for w in records(judged.folder, "worker")) + \
        sum(v["role"] == "audit" for v in judged.violations())
    assert judged.verdict["violations"] >= len(judged.violations()) > 0
    assert (judged.folder / "run.jsonl").stat().st_size < 1 << 20


@needs_two_cpus
@pytest.mark.parametrize("load", LOADS)
def test_histograms_add_up(shmoo, load):
    judged = Judged(shmoo, "--sync", "mutex", "--load", load, "--sample", "1", "--ops", "500", "--min-exposure", "0")
    found = records(judged.folder, "histogram")
    assert found
    for histogram in found:
        counts = [count for _, count in histogram["buckets"]]
        assert sum(counts) == histogram["count"] > 0 and 0 not in counts
        assert histogram["min"] * histogram["count"] <= histogram["sum"] <= histogram["max"] * histogram["count"]
        steps = [step for step, _ in histogram["buckets"]]
        assert steps == sorted(set(steps))
        assert low(histogram, steps[0]) <= histogram["min"] < low(histogram, steps[0] + 1)
        assert low(histogram, steps[-1]) <= histogram["max"] < low(histogram, steps[-1] + 1)


def low(histogram, step):
    """The smallest value of a step, as results/README.md has it."""
    size = 2 ** histogram["sub_bits"]
    return step if step < size else (size + step % size) * 2 ** (step // size - 1)
