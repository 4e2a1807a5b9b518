"""shmoo run --against: two builds interleaved, what is kept of both, and what happens when one of them is no build at all."""
import json
import os
import signal

import pytest
from testing import ENDLESS, PROGRAM, ROOT, one_line, read_records, records, valid, wait_until

pytestmark = pytest.mark.skipif(not (ROOT / "analysis" / "compare.py").exists(), reason="analysis/compare.py is not there")
SIDES = ("baseline", "candidate")
QUICK = ("--load", "counter", "--sync", "mutex", "--writers", "1", "--readers", "0", "--ops", "200", "--min-exposure", "0")


def against(shmoo, *arguments, binary=PROGRAM, **options):
    return shmoo("run", *QUICK, "--against", binary, "--out", "o", *arguments, timeout=120, **options)


def script(shmoo, text):
    path = shmoo.cwd / "build"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_both_sides_are_whole_runs_of_the_same_trials(shmoo):
    done = against(shmoo, "--repeat", "4", "--sync", "mutex,spin", "--seed", "7", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    found = valid(read_records(done.stdout))
    assert found[0]["paired"] and found[0]["a"]["build"]["side"] == "baseline"
    runs = [valid(records(shmoo.cwd / "o" / side)) for side in SIDES]
    for side, run in zip(SIDES, runs):
        assert [record["type"] for record in run[:2]] == ["run", "host"] and run[-1]["type"] == "end"
        assert run[0]["build"]["side"] == side and run[0]["id"].endswith(side) and run[0]["trials"] == 8
        assert run[-1]["trials_done"] == 8 and (shmoo.cwd / "o" / side / "plan.ini").is_file()
        assert sorted(os.listdir(shmoo.cwd / "o" / side)) == ["plan.ini", "run.jsonl"]
    assert runs[0][0]["build"]["pairing"] == runs[1][0]["build"]["pairing"]
    for name in ("trial", "sync", "repeat", "seed", "writers", "job"):
        sides = [[record[name] for record in run if record["type"] == "trial"] for run in runs]
        assert sides[0] == sides[1]
    assert [record["trial"] for record in runs[0] if record["type"] == "verdict"] == list(range(1, 9))
    assert [record["repeat"] for record in runs[0] if record["type"] == "verdict"] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_they_take_turns_in_an_order_that_the_seed_draws(shmoo):
    against(shmoo, "--repeat", "12", "--seed", "7")
    begun = sorted((record["at_s"], record["trial"], side, record["turn"]) for side in SIDES
                   for record in records(shmoo.cwd / "o" / side, "trial"))
    assert [entry[1] for entry in begun] == [number for number in range(1, 13) for _ in SIDES]
    assert [entry[3] for entry in begun] == [1, 2] * 12
    assert {entry[2] for entry in begun if entry[3] == 1} == set(SIDES)


def test_the_replay_line_of_a_side_is_that_of_the_plan(shmoo):
    against(shmoo, "--repeat", "2", "--seed", "7")
    plan = shmoo("run", *QUICK, "--repeat", "2", "--seed", "7", "--dry-run").stdout.splitlines()
    assert [record["replay"] for record in records(shmoo.cwd / "o" / "candidate", "trial")] == plan


def test_twenty_repeats_unless_somebody_says_how_many(shmoo):
    (shmoo.cwd / "job.ini").write_text("[x]\nsync = mutex\nrepeat = 3\n", encoding="utf-8")
    for arguments, count in (((), 20), (("--repeat", "2"), 2), (("job.ini",), 3)):
        done = shmoo("run", *arguments, *(() if arguments == ("job.ini",) else ("--sync", "mutex")), "--against", PROGRAM, "--dry-run")
        assert len(done.stdout.splitlines()) == count


def test_reports_can_be_made_of_both_and_not_of_their_folder(shmoo):
    against(shmoo, "--repeat", "2")
    assert shmoo("report", "o/baseline").returncode == 0
    done = shmoo("report", "o")
    assert done.returncode == 2 and "shmoo compare o" in one_line(done.stderr)
    assert shmoo("compare", "o").returncode == 0


def test_a_verdict_that_is_worse_is_status_1(shmoo):
    as_corrupt = 'sed "s/\\"verdict\\":\\"[A-Z]*\\",\\"as_expected\\":true/\\"verdict\\":\\"CORRUPT\\",\\"as_expected\\":false/"'
    broken = script(shmoo, f'case "$*" in *--dry-run) exec {PROGRAM} "$@" ;; esac\n{PROGRAM} "$@" | {as_corrupt}')
    done = against(shmoo, "--repeat", "2", binary=broken)
    assert done.returncode == 0 and "BETTER" in done.stdout
    done = shmoo("compare", "o/candidate", "o/baseline")
    assert done.returncode == 1 and "2 of 2 unexpected: CORRUPT" in done.stdout


@pytest.mark.parametrize("text, status, words", [
    ("echo hello", 2, "not a record: hello"), ('case "$*" in *--dry-run) exit 0 ;; esac', 3, "it said nothing"),
    ("echo 'shmoo: unknown option' >&2; exit 2", 2, "does not take trial 1 (exit status 2): unknown option"),
    ('case "$*" in *--dry-run) exit 0 ;; esac; kill -SEGV $$', 3, "exit status 139"),
    ("exec /nowhere/at/all", 2, "does not take trial 1")], ids=["chatter", "silent", "old", "crash", "absent"])
def test_what_is_no_build_is_told(shmoo, text, status, words):
    done = against(shmoo, "--quiet", binary=script(shmoo, text))
    assert (done.returncode, done.stdout) == (status, "")
    assert words in one_line(done.stderr) and "baseline" in done.stderr


@pytest.mark.parametrize("binary", ["nowhere", "", ".", "/dev/null", "plain"])
def test_what_cannot_be_started_is_status_2_before_anything_is_made(shmoo, binary):
    (shmoo.cwd / "plain").write_text("text", encoding="utf-8")
    done = against(shmoo, binary=binary)
    assert (done.returncode, done.stdout) == (2, "") and "--against" in one_line(done.stderr)
    assert not (shmoo.cwd / "o").exists()


@pytest.mark.parametrize("arguments, words", [
    (("--threshold", "5%"), "--against"), (("--against", PROGRAM, "--threshold", "much"), "no share"),
    (("--against", PROGRAM, "--threshold", "100%"), "no share"), (("--against", PROGRAM, "--control"), "--control")], ids=str)
def test_usage(shmoo, arguments, words):
    done = shmoo("run", "--sync", "mutex", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and words in one_line(done.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_measured(shmoo, number):
    process = shmoo.start("run", *QUICK, "--repeat", "100000", "--against", PROGRAM, "--out", "o", "--quiet")
    path = shmoo.cwd / "o" / "candidate" / "run.jsonl"
    assert wait_until(lambda: path.exists() and path.read_bytes().count(b'"verdict"') > 3, 60)
    process.send_signal(number)
    done = shmoo.finish(process)
    assert done.returncode == 128 + number and done.stdout == ""
    for side in SIDES:
        end = valid(records(shmoo.cwd / "o" / side))[-1]
        assert end["type"] == "end" and end["exit_status"] == 128 + number and end["interrupted"] == signal.Signals(number).name
    assert shmoo("compare", "o").returncode == 0


def test_whoever_is_under_way_ends_with_a_killed_harness(shmoo):
    process = shmoo.start("run", *ENDLESS, "--repeat", "1", "--against", PROGRAM, "--out", "o")
    assert wait_until(lambda: len(shmoo.processes()) > 4, 60)
    process.kill()
    shmoo.finish(process)
    assert wait_until(lambda: not shmoo.processes(), 20)
    text = (shmoo.cwd / "o" / "baseline" / "run.jsonl").read_text(encoding="utf-8")
    for line in text.splitlines(keepends=True):
        assert not line.endswith("\n") or json.loads(line)
