"""The built-in jobs: their summaries, what they cover, how long they plan to take, and that the gate holds."""
import re
import shlex
from pathlib import Path

import pytest
from testing import listed_syncs, not_sanitized, one_line, records, verdicts

JOBS = Path(__file__).resolve().parent
NAMES = sorted(path.stem for path in JOBS.glob("*.ini"))
CORRECT = listed_syncs("lock", "CLEAN")
BROKEN = {*listed_syncs("lock", "CORRUPT"), *listed_syncs("lock", "WEDGED")}
NAMED_SYNCS = {"none", "semaphore", "mutex", "spin"}


def plan_of(shmoo, job):
    """(the trials of a dry run as dictionaries, the seconds that it plans)"""
    done = shmoo("run", job, "--dry-run")
    assert done.returncode == 0, done.stderr
    found = re.search(r"(\d+) trials?, about (\d+) s", one_line(done.stderr))
    lines = [shlex.split(line) for line in done.stdout.splitlines()]
    assert int(found[1]) == len(lines)
    return [dict(zip(line[2::2], line[3::2])) for line in lines], int(found[2])


@pytest.mark.parametrize("name", NAMES)
def test_a_job_begins_with_its_summary_and_expands(shmoo, name):
    first = (JOBS / f"{name}.ini").read_text(encoding="utf-8").splitlines()[0]
    assert re.match(r"; \S.{10,}", first)
    assert f"{name:<16} {first[2:]}" in shmoo("list", "job").stdout.splitlines()
    trials, seconds = plan_of(shmoo, name)
    assert trials and seconds > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_job_keeps_a_control_that_must_break(shmoo, name):
    assert "none" in {trial["--sync"] for trial in plan_of(shmoo, name)[0] if trial["--load"] != "lifecycle"}


def test_the_gate_plans_less_than_twenty_seconds_and_covers_what_it_says(shmoo):
    trials, seconds = plan_of(shmoo, "smoke")
    assert seconds < 20
    assert {trial["--load"] for trial in trials} >= {"counter", "snapshot", "quit", "lifecycle", "stream"}
    assert {trial["--sync"] for trial in trials} >= set(CORRECT) | NAMED_SYNCS
    assert len({trial["--sync"] for trial in trials} & BROKEN) >= 4


@pytest.mark.parametrize("name", ["tradeoffs", "soak"])
def test_the_long_jobs_cover_the_four_named_syncs_and_every_load(shmoo, name):
    trials, _ = plan_of(shmoo, name)
    assert {trial["--sync"] for trial in trials} >= NAMED_SYNCS
    assert {trial["--load"] for trial in trials} >= {"counter", "snapshot", "quit", "lifecycle"}
    assert len({(trial["--writers"], trial["--readers"]) for trial in trials}) > 1


def test_the_soak_disturbs_every_correct_lock(shmoo):
    trials, _ = plan_of(shmoo, "soak")
    for fault in ("yield", "delay", "stop"):
        assert {trial["--sync"] for trial in trials if trial.get("--fault") == fault} >= set(CORRECT)


def test_the_tradeoffs_compare_equal_points(shmoo):
    """A figure of one lock says nothing unless the others were measured at the same point, as often."""
    points = {}
    for trial in plan_of(shmoo, "tradeoffs")[0]:
        point = tuple(trial.get(key) for key in ("--load", "--writers", "--readers", "--size", "--duration", "--pin"))
        points.setdefault(point, []).append(trial["--sync"])
    for point, syncs in points.items():
        if point[0] != "lifecycle":
            assert set(syncs) >= NAMED_SYNCS and len({syncs.count(sync)
                                                      for sync in syncs}) == 1 and syncs.count("mutex") >= 3


@not_sanitized
def test_the_gate_holds(shmoo):
    """Status 1 would be a wrong verdict; what a busy machine could not decide must say so, and is not one."""
    done = shmoo("run", "smoke", "--out", "o", timeout=300)
    surprises = [v for v in verdicts(shmoo.cwd / "o") if not v["as_expected"]]
    assert {v["verdict"] for v in surprises} <= {"INCONCLUSIVE"}, [(v["sync"], v["load"], v["reason"])
                                                                   for v in surprises]
    assert done.returncode == bool(surprises)
    assert records(shmoo.cwd / "o")[-1]["trials_done"] == len(plan_of(shmoo, "smoke")[0])


def test_the_gate_fails_where_a_control_passes(shmoo):
    done = shmoo("run", "smoke", "--expect", "CLEAN", "--ops", "100", "--min-exposure", "0", "--sync",
                 "mutex,busted-scribble", "--out", "o")
    assert done.returncode == 1
