"""Checks what is counted as found, the order and the figures of the table, the exit status, and the chart."""

import math

import pytest

import chart_detection
import detection
import plot

ONE = {"populations": ((8, 8),), "sizes": (64,), "faults": ("explore",)}
MISSED = (("none", ("CORRUPT", "CLEAN", "CLEAN")),)


def test_what_is_expected_to_be_clean_is_no_try(run_of):
    found = detection.rows(run_of(**ONE, loads=("verify", "snapshot"), syncs=("none", "mutex"), repeats=3))
    assert [(row.sync, row.tried, len(row.times)) for row in found] == [("none", 3, 3)]


def test_times_are_those_of_the_records(run_of):
    row, = detection.rows(run_of(**ONE, loads=("verify",), syncs=("none",), repeats=3))
    assert row.times == (0.04, 0.08, 0.12)
    assert (row.median, row.worst, row.missed) == (0.08, 0.12, 0)


def test_a_try_without_a_finding_counts_as_endless(run_of):
    row, = detection.rows(run_of(**ONE, loads=("verify",), syncs=("none",), repeats=3, verdicts=MISSED))
    assert (len(row.times), row.missed) == (1, 2)
    assert math.isinf(row.median) and math.isinf(row.worst)


def test_the_soonest_comes_first():
    rows = [detection.Row("a", "lock", (0.5, 0.6), 2), detection.Row("b", "cell", (0.1,), 2),
            detection.Row("c", "cell", (0.1, 0.2), 2)]
    assert sorted(rows, key=lambda row: (row.median, row.worst)) == [rows[2], rows[0], rows[1]]


def test_what_it_was_found_by_most_often_is_told(run_of):
    trial = run_of(**ONE, loads=("verify",), syncs=("none",)).judged[0]
    trial.slice = "counter 2w+2r fault rounds:1"
    assert detection.way_of(trial) == "rounds:1, counter: torn"
    trial.slice, trial.kinds, trial.verdict = None, {}, "WEDGED"
    assert detection.way_of(trial) == "WEDGED"
    row = detection.Row("a", "lock", (0.5, 0.7, 0.8), 3, ("x", "y", "y"))
    assert row.way == "y 2/3" and detection.table([row])[1].endswith("y 2/3")
    assert detection.Row("a", "lock", (), 3).way == ""


def test_the_summary_adds_up():
    words = detection.summary([detection.Row("a", "lock", (0.5, 0.7), 2), detection.Row("b", "cell", (0.01, 0.03), 2)])
    assert words.startswith("2 broken primitives: 4 of 4 tries found; median of the medians 310 ms, slowest median 600 ms")
    assert words.endswith("slowest try 700 ms; 1 with a median of 0.3 s or more")


@pytest.mark.parametrize("verdicts, status", [((), 0), (MISSED, 1)])
def test_the_exit_status_tells_whether_all_were_found(folder_of, capsys, verdicts, status):
    folder = folder_of(**ONE, loads=("verify",), syncs=("none",), repeats=3, verdicts=verdicts)
    assert detection.main([str(folder)]) == status
    out = capsys.readouterr().out.splitlines()
    assert out[1].split()[:3] == ["none", "lock", f"{3 - 2 * status}/3"] and len(out) == 3


def test_a_run_without_hunts_is_refused(folder_of, capsys):
    assert detection.main([str(folder_of(**ONE, loads=("snapshot",), syncs=("none",)))]) == 2
    assert "no hunt" in capsys.readouterr().err
    assert detection.main(["nowhere"]) == 2
    assert detection.main([]) == 2


def test_the_chart_has_a_row_for_each_and_names_the_missed(run_of):
    run = run_of(**ONE, loads=("verify",), syncs=("none",), repeats=3, verdicts=MISSED)
    panel, = chart_detection.build(run, {}).panels
    plot.draw([panel])
    assert "1/3" in panel.svg and "none: found in 1 of 3 tries" in panel.svg


def test_no_chart_without_hunts(run_of):
    assert chart_detection.build(run_of(syncs=("none", "mutex")), {}) is None
