"""Signals: an interrupted run keeps its records, a lost worker is never a pass, a killed harness leaks nothing."""
import os
import signal
import subprocess
import time
import xml.etree.ElementTree as xml

import pytest
from testing import (ENDLESS, children_of, is_alive, maker_of, needs_root, records, shm_objects, verdicts, wait_for_workers,
                     wait_until)

# An interrupted crew ends within a second or so; this is many times as long, for machines that are busy.
BOUND_S = 20
ENDINGS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGUSR1, 138), (signal.SIGXCPU, 152)]


def end_with(shmoo, process, number):
    """Sends the signal, upon which the process must end within the bound."""
    process.send_signal(number)
    return shmoo.finish(process, BOUND_S)


def last_record(folder):
    return records(folder)[-1]


@pytest.mark.parametrize("number,status", ENDINGS)
def test_an_interrupted_run_keeps_its_records(shmoo, number, status):
    process = shmoo.start("run", *ENDLESS, "--out", "o")
    wait_for_workers(process, 4)
    end_with(shmoo, process, number)
    assert process.returncode == status
    end, (verdict,) = last_record(shmoo.cwd / "o"), verdicts(shmoo.cwd / "o")
    assert (end["type"], end["interrupted"], end["exit_status"]) == ("end", number.name, status)
    assert (verdict["interrupted"], verdict["as_expected"], verdict["verdict"]) == (number.name, False, "INCONCLUSIVE")
    assert verdict["ops"] > 0 and len(records(shmoo.cwd / "o", "worker")) == 4


@pytest.mark.parametrize("options", [
    ("--hold", "60s"), ("--think", "1h"), ("--rate", "1"), ("--fault", "stop:5000"), ("--load", "quit"),
    ("--load", "lifecycle", "--sync", "none"),
    ("--sync", "busted-forgetful", "--readers", "0", "--repeat", "1000"), ("--load", "snapshot", "--size", "16M"),
    ("--ops", "1000000000000"),
], ids=" ".join)
def test_whatever_the_crew_does_an_interrupt_ends_it(shmoo, options):
    length = () if "--ops" in options else ("--duration", "120s")
    process = shmoo.start("run", "--sync", "mutex", "--quiet", *length, *options, "--out", "o")
    wait_for_workers(process, 2 if "--readers" in options else 4, busy=False)
    time.sleep(0.2)  # into the trial, as far as it matters: whatever the moment, the end must be the same
    end_with(shmoo, process, signal.SIGTERM)
    assert process.returncode == 143
    assert last_record(shmoo.cwd / "o")["interrupted"] == "SIGTERM"


def test_what_the_caller_ignores_and_blocks_decides_nothing(shmoo):
    ignoring = ("/usr/bin/python3", "-c", "import os, signal, sys\n"
                "for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)\n"
                "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nos.execv(sys.argv[1], sys.argv[1:])")
    done = shmoo.quick("--sync", "mutex", "--out", "o", wrap=ignoring)
    assert done.returncode in (0, 4), done.stdout + done.stderr  # ends of children unseen looked like a wedge
    assert {record["verdict"] for record in verdicts(shmoo.cwd / "o")} <= {"CLEAN", "INCONCLUSIVE"}


def test_the_trials_before_the_interrupt_count(shmoo):
    process = shmoo.start("run", "--sync", "mutex", "--ops", "50", "--min-exposure", "0", "--repeat", "100000",
                          "--quiet", "--out", "o")
    assert wait_until(lambda: (shmoo.cwd / "o").exists() and len(list_verdicts(shmoo)) >= 5, 30)
    end_with(shmoo, process, signal.SIGINT)
    end = last_record(shmoo.cwd / "o")
    assert process.returncode == 130
    assert 5 <= end["trials_done"] < end["trials_planned"] == 100000
    assert len(verdicts(shmoo.cwd / "o")) == end["trials_done"]


def list_verdicts(shmoo):
    """The verdicts in a file that is still being written: its last line may be half there."""
    file = shmoo.cwd / "o" / "run.jsonl"
    return [line for line in file.read_bytes().split(b"\n") if b'"type":"verdict"' in line] if file.exists() else []


def test_an_interrupt_while_a_large_crew_starts_ends_it(shmoo):
    process = shmoo.start("run", *ENDLESS, "--writers", "300", "--readers", "300", "--out", "o")
    assert wait_until(lambda: children_of(process.pid), 30)
    end_with(shmoo, process, signal.SIGTERM)
    assert process.returncode == 143
    assert last_record(shmoo.cwd / "o")["type"] == "end"


def test_a_second_interrupt_does_no_harm(shmoo):
    process = shmoo.start("run", *ENDLESS, "--hold", "60s", "--out", "o")
    wait_for_workers(process, 4)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    end_with(shmoo, process, signal.SIGINT)
    assert process.returncode in (130, 143)
    assert last_record(shmoo.cwd / "o")["type"] == "end"


@pytest.mark.parametrize("form", ["jsonl", "tap", "junit", "csv", "human"])
def test_standard_output_of_an_interrupted_run_can_be_parsed(shmoo, form):
    process = shmoo.start("run", *ENDLESS, "--sync", "mutex,spin", "--format", form, "--out", "o")
    wait_for_workers(process, 4)
    done = end_with(shmoo, process, signal.SIGINT)
    out = done.stdout
    assert (done.returncode, done.stderr) == (130, "")
    assert "INCONCLUSIVE" in out
    if form == "junit":
        assert xml.fromstring(out).find(".//failure") is not None
    if form == "tap":
        assert out.splitlines()[1] == "1..2" and out.splitlines()[-1].startswith("Bail out!")


def test_an_ignored_interrupt_of_a_background_job_still_counts(shmoo):
    process = shmoo.start("run", *ENDLESS, "--out", "o", wrap=["sh", "-c", 'trap "" INT TERM; exec "$@"', "sh"])
    wait_for_workers(process, 4)
    end_with(shmoo, process, signal.SIGINT)
    assert process.returncode == 130


def test_nohup_outlives_a_hangup(shmoo):
    process = shmoo.start("run", *ENDLESS, "--out", "o", wrap=["nohup"])
    wait_for_workers(process, 4)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    end_with(shmoo, process, signal.SIGTERM)
    assert process.returncode == 143


def test_the_crew_is_no_target_of_the_harness_group(shmoo):
    """Ctrl-C at a terminal goes to the whole foreground group: the workers must not die of it on their own."""
    process = shmoo.start("run", *ENDLESS, "--out", "o", start_new_session=True)
    wait_for_workers(process, 4)
    os.killpg(process.pid, signal.SIGINT)
    shmoo.finish(process, BOUND_S)
    assert process.returncode == 130
    assert "killed by SIGINT" not in {w["exit"] for w in records(shmoo.cwd / "o", "worker")}


@pytest.mark.parametrize("victim", [0, 3], ids=["writer", "reader"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGTERM],
                         ids=lambda n: n.name)
def test_a_killed_worker_is_a_crash(shmoo, number, victim):
    process = shmoo.start("run", *ENDLESS, "--sync", "semaphore", "--out", "o")
    workers = wait_for_workers(process, 4)
    os.kill(workers[victim], number)
    shmoo.finish(process, BOUND_S)
    verdict, = verdicts(shmoo.cwd / "o")
    assert (process.returncode, verdict["verdict"], verdict["as_expected"]) == (1, "CRASHED", False)
    assert f"killed by {number.name}" in verdict["reason"]
    worker = records(shmoo.cwd / "o", "worker")[victim]
    assert (worker["pid"], worker["exit"]) == (workers[victim], f"killed by {number.name}")


@pytest.mark.parametrize("options", [("--sync", "none"), ("--load", "lifecycle", "--sync", "none"), ("--load", "quit")],
                         ids=" ".join)
def test_a_killed_worker_is_a_crash_whatever_else_is_expected(shmoo, options):
    process = shmoo.start("run", *ENDLESS, *options, "--out", "o")
    workers = wait_for_workers(process, 4)
    os.kill(workers[1], signal.SIGKILL)
    shmoo.finish(process, BOUND_S)
    assert (process.returncode, verdicts(shmoo.cwd / "o")[0]["verdict"]) == (1, "CRASHED")


def test_a_stopped_worker_is_a_wedge_and_is_named(shmoo):
    cases = {"a": ("--sync", "mutex"), "b": ("--sync", "none"), "c": ("--load", "lifecycle", "--sync", "none"),
             "d": ("--load", "quit")}
    crews = {}
    for folder, options in cases.items():
        process = shmoo.start("run", "--sync", "mutex", "--duration", "2s", "--min-exposure", "0", "--quiet", "--out",
                              folder,
                              *options)
        crews[folder] = process, wait_for_workers(process, 4)
        os.kill(crews[folder][1][2], signal.SIGSTOP)
    for folder, (process, workers) in crews.items():
        done = shmoo.finish(process, 2 * BOUND_S)
        verdict, = verdicts(shmoo.cwd / folder)
        assert (done.returncode, verdict["verdict"], verdict["as_expected"]) == (1, "WEDGED", False)
        assert f"pid {workers[2]}" in verdict["reason"] and "stopped" in verdict["reason"]
        assert records(shmoo.cwd / folder, "worker")[2]["exit"] == "ended by the watchdog"


def test_an_interrupt_ends_a_crew_with_a_stopped_worker(shmoo):
    process = shmoo.start("run", *ENDLESS, "--out", "o")
    workers = wait_for_workers(process, 4)
    os.kill(workers[0], signal.SIGSTOP)
    end_with(shmoo, process, signal.SIGTERM)
    assert process.returncode == 143
    assert not verdicts(shmoo.cwd / "o")[0]["as_expected"]


def test_a_stopped_and_continued_worker_does_no_harm(shmoo):
    process = shmoo.start("run", "--sync", "semaphore", "--duration", "1500ms", "--min-exposure", "0", "--out", "o")
    workers = wait_for_workers(process, 4)
    os.kill(workers[0], signal.SIGSTOP)
    time.sleep(0.2)
    os.kill(workers[0], signal.SIGCONT)
    shmoo.finish(process, BOUND_S)
    assert (process.returncode, verdicts(shmoo.cwd / "o")[0]["verdict"]) == (0, "CLEAN")


def test_a_crash_that_the_fault_did_not_make_is_not_what_the_fault_promises(shmoo):
    process = shmoo.start("run", *ENDLESS, "--fault", "kill:100000", "--out", "o")
    workers = wait_for_workers(process, 4)
    os.kill(workers[0], signal.SIGSEGV)
    shmoo.finish(process, BOUND_S)
    assert verdicts(shmoo.cwd / "o")[0]["verdict"] == "CRASHED"
    assert process.returncode == 1


def killed_run(shmoo, place, *options, before=None):
    """A run whose harness was killed in the middle of a trial: (its process, its workers)."""
    enter = place.enter if place else ()
    process = shmoo.start("run", *ENDLESS, "--out", "o", *options, wrap=enter)
    workers = wait_for_workers(process, 4)
    if before:
        before(workers)
    process.kill()
    shmoo.finish(process, BOUND_S)
    return process, workers


@pytest.mark.parametrize("stop", [False, True], ids=["running", "stopped"])
def test_workers_do_not_outlive_a_killed_harness(shmoo, private_shm, stop):
    def halt(workers):
        if stop:
            os.kill(workers[1], signal.SIGSTOP)
    _, workers = killed_run(shmoo, private_shm(), before=halt)
    assert wait_until(lambda: not any(map(is_alive, workers)), BOUND_S)


def test_what_was_measured_before_the_kill_stays_readable(shmoo, private_shm):
    place = private_shm()
    process = shmoo.start("run", "--sync", "mutex", "--ops", "50", "--min-exposure", "0", "--repeat", "100000",
                          "--quiet", "--out", "o",
                          wrap=place.enter)
    assert wait_until(lambda: len(list_verdicts(shmoo)) >= 3, 30)
    process.kill()
    shmoo.finish(process, BOUND_S)
    text = (shmoo.cwd / "o" / "run.jsonl").read_text(encoding="utf-8")
    (shmoo.cwd / "o" / "run.jsonl").write_text(text[:text.rindex("\n") + 1], encoding="utf-8")
    found = records(shmoo.cwd / "o")
    assert [r["type"] for r in found[:3]] == ["run", "host", "trial"]
    assert len(verdicts(shmoo.cwd / "o")) >= 3 and found[-1]["type"] != "end"


@pytest.mark.parametrize("options", [(), ("--sync", "semaphore-named"), ("--sync", "none", "--load", "lifecycle"),
                                     ("--load", "cells", "--regions", "many")],
                         ids=str)
def test_gc_removes_exactly_what_a_killed_harness_left(shmoo, private_shm, options):
    place = private_shm()
    for name in ("somebody", "sem.somebody", "shmoo", "shmoo.conf", "shmoo.1", "sem.shmoo.x.1.1", "xshmoo.1.1.1"):
        (place.folder / name).write_text("kept", encoding="utf-8")
    others = shm_objects(place.folder)
    process, workers = killed_run(shmoo, place, *options)
    assert wait_until(lambda: not any(map(is_alive, workers)), BOUND_S)
    left = [name for name in shm_objects(place.folder) if name not in others]
    assert left and {maker_of(name) for name in left} == {process.pid}
    shown = shmoo("gc", "--own", wrap=place.enter)
    assert shown.returncode == 0 and all(name in shown.stdout for name in left)
    assert sorted([*left, *others]) == shm_objects(place.folder)
    assert shmoo("gc", "--own", "--apply", wrap=place.enter).returncode == 0
    assert shm_objects(place.folder) == others


def test_a_killed_harness_that_nobody_has_collected_yet_counts_as_gone(shmoo, private_shm):
    place = private_shm()
    process = shmoo.start("run", *ENDLESS, wrap=place.enter)
    workers = wait_for_workers(process, 4)
    process.kill()
    assert wait_until(lambda: not any(map(is_alive, [process.pid, *workers])), BOUND_S)
    shmoo("gc", "--own", "--apply", wrap=place.enter)
    left = shm_objects(place.folder)
    shmoo.finish(process, BOUND_S)
    assert left == []


def test_a_new_run_works_beside_what_a_killed_one_left(shmoo, private_shm):
    place = private_shm()
    killed_run(shmoo, place)
    left = shm_objects(place.folder)
    assert shmoo.quick("--out", "next", wrap=place.enter).returncode == 0
    assert shm_objects(place.folder) == left != []


def test_a_pipe_whose_reader_goes_away_is_status_3(shmoo):
    process = shmoo.start("run", "--sync", "mutex", "--ops", "50", "--min-exposure", "0", "--repeat", "100000",
                          "--quiet", "--out", "o")
    head = subprocess.run(["head", "-n1"], stdin=process.stdout, capture_output=True, check=True)
    process.stdout.close()
    assert head.stdout.startswith(b"shmoo ")
    assert process.wait(timeout=BOUND_S) == 3
    assert b"EPIPE" in process.stderr.read()
    assert last_record(shmoo.cwd / "o")["type"] == "end"


def real_time_on_one_cpu():
    """In a child: the lowest level of SCHED_FIFO, and nothing but one CPU for all."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@needs_root
def test_a_crew_of_real_time_priority_is_ended_by_its_harness(shmoo):
    try:
        process = shmoo.start("run", "--load", "counter", "--sync", "spin", "--duration", "200ms", "--out", "o",
                              preexec_fn=real_time_on_one_cpu)
    except subprocess.SubprocessError:
        pytest.skip("real-time priorities are refused here")
    shmoo.finish(process, BOUND_S)
    (verdict,) = verdicts(shmoo.cwd / "o")
    assert verdict["verdict"] in ("CLEAN", "INCONCLUSIVE"), verdict["reason"]
