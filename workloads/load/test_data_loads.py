"""Cells, counters, pools, barriers, and the loads that judge them, through the command line: every row with every load."""
import re

import pytest
from testing import SANITIZED, listed_syncs, needs_two_cpus, records, verdicts

# What each load can be run with, and the control that must break in it.
LOADS = {
    "snapshot": ("cell", "cell-none"), "cells": ("cell", "cell-none"), "counter": ("counter", "counter-none"),
    "pool": ("pool", "pool-none"), "phases": ("barrier", "barrier-none")}
OF_LOCKS = {"bank": ["mutex", "rwlock", "spin"], "cells": ["mutex", "rwlock", "semaphore"], "pool": ["mutex", "futex"]}
# Made for few processes, or for small values.
SMALL = ["ck-sequence", "triple-buffer", "cell-atomic"]
FAULTS = "yield:4,delay,stop:2,signals"
BRIEF = ("--min-exposure", "0", "--quiet", "--out", "o")
ATTEMPTS = 4


def correct(load):
    rows = [sync for sync in listed_syncs(LOADS[load][0], "CLEAN") if sync not in SMALL] if load in LOADS else []
    return [*rows, *OF_LOCKS.get(load, [])]


ALL = [*LOADS, "bank"]


def not_clean(shmoo, folder="o"):
    return [(v["sync"], v["writers"], v["readers"], v["fault"], v["verdict"], v["reason"])
            for v in verdicts(shmoo.cwd / folder) if v["verdict"] != "CLEAN"]


@needs_two_cpus
@pytest.mark.parametrize("load", ALL)
def test_every_correct_row_is_clean_in_every_crew(shmoo, load):
    done = shmoo("run", "--sync", ",".join(correct(load)), "--load", load, "--writers", "1,2,8", "--readers", "0,2",
                 "--ops", "150", *BRIEF)
    left = [trial for trial in not_clean(shmoo) if trial[1] + trial[2] > 1]
    assert (left, done.returncode) == ([], 0)
    assert len(verdicts(shmoo.cwd / "o")) == 6 * len(correct(load))


@needs_two_cpus
@pytest.mark.parametrize("load", ALL)
def test_every_correct_row_is_clean_when_the_crew_is_disturbed(shmoo, load):
    done = shmoo("run", "--sync", ",".join(correct(load)), "--load", load, "--writers", "2", "--readers", "1",
                 "--fault", FAULTS, "--duration", "30ms", *BRIEF)
    unclean = not_clean(shmoo)
    late = [trial for trial in unclean if trial[4] == "INCONCLUSIVE" and "had no turn on a CPU" in trial[5]]
    assert unclean == late and len(late) < 3 and done.returncode == (1 if late else 0)


@needs_two_cpus
@pytest.mark.parametrize("load", LOADS)
def test_a_clean_verdict_has_hand_offs(shmoo, load):
    for attempt in range(ATTEMPTS):  # a busy machine may have kept the processes apart
        out = f"o{attempt}"
        shmoo("run", "--sync", correct(load)[0], "--load", load, "--writers", "2", "--readers", "1", "--duration",
              "100ms", "--quiet", "--out", out)
        verdict, = verdicts(shmoo.cwd / out)
        assert verdict["verdict"] in ("CLEAN", "INCONCLUSIVE"), verdict["reason"]
        if verdict["verdict"] == "CLEAN":
            break
    assert verdict["verdict"] == "CLEAN" and verdict["exposure"]["handoffs"] >= 30
    assert verdict["exposure"]["handoffs"] == sum(w["handoffs"] for w in records(shmoo.cwd / out, "worker"))


BROKEN = [(load, control) for load, (_, control) in LOADS.items()] + [(load, "none") for load in OF_LOCKS]


@needs_two_cpus
@pytest.mark.parametrize("load,sync", BROKEN, ids=["-".join(pair) for pair in BROKEN])
def test_every_control_breaks(shmoo, load, sync):
    for attempt in range(ATTEMPTS):  # a busy machine may have kept the processes apart
        out = f"o{attempt}"
        done = shmoo("run", "--sync", sync, "--load", load, "--writers", "2", "--readers", "0,2", "--duration", "300ms",
                     "--min-exposure", "0", "--quiet", "--out", out)
        if done.returncode == 0:
            break
    found = verdicts(shmoo.cwd / out)
    assert [v["verdict"] for v in found] == ["CORRUPT"] * 2, [v["reason"] for v in found]
    assert done.returncode == 0 and all(v["text"] for v in records(shmoo.cwd / out, "violation"))


@needs_two_cpus
def test_the_evidence_names_what_each_load_has_found(shmoo):
    kinds = {"snapshot": {"torn"}, "counter": {"lost", "count", "back"}, "pool": {"doubled"}, "phases": {"skew"}}
    for load, expected in kinds.items():
        shmoo("run", "--sync", LOADS[load][1], "--load", load, "--writers", "2", "--readers", "1", "--duration",
              "300ms", "--quiet", "--out", load)
        verdict, = verdicts(shmoo.cwd / load)
        assert expected & set(verdict["violations_by_kind"]), (load, verdict["violations_by_kind"])
    texts = [v["text"] for v in records(shmoo.cwd / "pool", "violation") if v["kind"] == "doubled"]
    assert any(re.search(r"slot \d+ belongs to two: .*worker \d", text) for text in texts)


@needs_two_cpus
@pytest.mark.parametrize("size", ["1", "3", "8", "9", "4095", "256k"])
def test_cells_of_every_size_stay_whole(shmoo, size):
    done = shmoo("run", "--sync", "seqlock,left-right", "--load", "snapshot", "--size", size, "--writers", "2",
                 "--readers", "1", "--ops", "40", *BRIEF)
    assert (not_clean(shmoo), done.returncode) == ([], 0)


@needs_two_cpus
def test_recorded_histories_of_what_is_correct_have_an_order(shmoo):
    done = shmoo("run", "--sync", "seqlock,left-right,mutex,rwlock", "--load", "snapshot", "--history", "3000",
                 "--fault", "none,signals", "--writers", "1,3", "--readers", "2", "--duration", "60ms", *BRIEF)
    assert (not_clean(shmoo), done.returncode) == ([], 0)
    shmoo("run", "--sync", "seqlock", "--load", "snapshot", "--size", "7", "--history", "10", "--quiet", "--out", "tiny")
    verdict, = verdicts(shmoo.cwd / "tiny")
    assert verdict["verdict"] == "UNSUPPORTED" and "names no write" in verdict["reason"]


@needs_two_cpus
def test_one_word_is_written_at_once_and_more_are_not(shmoo):
    shmoo("run", "--sync", "cell-none", "--load", "snapshot", "--size", "8,16", "--writers", "1", "--readers", "2",
          "--duration", "300ms", *BRIEF)
    assert {(v["size"], v["verdict"], v["as_expected"]) for v in verdicts(shmoo.cwd / "o")} == \
        {(8, "CLEAN", True), (16, "CORRUPT", True)}


@needs_two_cpus
def test_what_is_made_for_few_is_clean_among_few_and_not_run_among_many(shmoo):
    common = ("--load", "snapshot,cells", "--ops", "200")
    done = shmoo("run", "--sync", ",".join(SMALL), "--writers", "1", "--readers", "1", "--size", "8", *common, *BRIEF)
    assert (not_clean(shmoo), done.returncode) == ([], 0)
    shmoo("run", "--sync", ",".join(SMALL), "--writers", "2", "--readers", "2", "--size", "16", *common, "--quiet",
          "--out", "many")
    found = verdicts(shmoo.cwd / "many")
    assert {v["verdict"] for v in found} == {"UNSUPPORTED"} and len(found) == 2 * len(SMALL)
    assert {v["sync"]: re.search(r"fewer writers|smaller values", v["reason"]).group() for v in found} == {
        "ck-sequence": "fewer writers", "triple-buffer": "fewer writers", "cell-atomic": "smaller values"}


@pytest.mark.parametrize("load,sync", [("counter", "seqlock"), ("snapshot", "counter-add"), ("pool", "barrier-sense"),
                                       ("phases", "mutex"), ("bank", "seqlock"), ("quit", "seqlock")])
def test_a_load_and_a_sync_of_another_family_do_not_go_together(shmoo, load, sync):
    done = shmoo("run", "--sync", sync, "--load", load, "--ops", "5", "--quiet", "--out", "o")
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == ("UNSUPPORTED", 4)


@pytest.mark.parametrize("load", LOADS)
def test_a_killed_crew_ends_and_leaves_nothing(shmoo, load):
    done = shmoo("run", "--sync", correct(load)[0], "--load", load, "--fault", "kill:30", "--duration", "20s", *BRIEF)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == ("CRASHED", 0), verdict["reason"]


@needs_two_cpus
@pytest.mark.skipif(SANITIZED, reason="a hunt under sanitizers starts many slow processes")
@pytest.mark.parametrize("family", ["cell", "counter", "pool", "barrier"])
def test_a_hunt_finds_the_control_of_each_family(shmoo, family):
    control = next(name for kind, name in LOADS.values() if kind == family)
    done = shmoo("run", "--load", "verify", "--sync", control, "--duration", "2s", *BRIEF)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (verdict["verdict"], done.returncode) == ("CORRUPT", 0), verdict["reason"]
