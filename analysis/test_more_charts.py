"""Checks what the charts of fairness, time, tears, bandwidth, scaling, spread and hand-offs draw, and what they refuse to."""

import numpy
import pytest

import chart_bandwidth
import chart_distribution
import chart_fairness
import chart_handoff
import chart_layout
import chart_scaling
import chart_tears
import chart_time
import records
import style
import synthetic
from histogram import Histogram
from test_charts import build, words


def rewritten(folder, change):
    """The run with each record changed in place by a function."""
    synthetic.change(folder, change)
    return records.read(str(folder))


def test_fairness_shows_who_starves(folder_of):
    def starve(record):
        if record["type"] == "worker":
            record["ops"] = 0 if record["worker"] else 5000
    panel = build(chart_fairness, rewritten(folder_of(syncs=("mutex",), populations=((4, 0),)), starve)).panels[0]
    assert "0.250" in words(panel) and "mutex · writers" in words(panel)
    assert chart_fairness.jain([1, 1, 1, 1]) == 1 and chart_fairness.jain([4, 0, 0, 0]) == 0.25


def test_a_lonely_worker_has_no_fairness(run_of):
    assert build(chart_fairness, run_of(syncs=("mutex",), populations=((1, 1),))) is None


def test_a_role_that_nobody_knows_has_no_fairness(folder_of):
    def renamed(record):
        if record["type"] == "worker":
            record["role"] = "reeder"
    assert build(chart_fairness, rewritten(folder_of(syncs=("mutex",), populations=((4, 0),)), renamed)) is None


def test_time_shades_the_fault(folder_of):
    def faulted(record):
        if record["type"] == "fault":
            record |= {"at_s": 0.05, "until_s": 0.1}
    run = rewritten(folder_of(syncs=("mutex",), populations=((2, 0),), faults=("none", "stop:5"), intervals=4), faulted)
    first, second = build(chart_time, run).panels
    shades = [[line for line in panel.canvas.commands if style.BAND.light in line] for panel in (first, second)]
    assert (len(shades[0]), len(shades[1])) == (1, 0) and "struck 1 time" in first.caption
    canvas = first.canvas
    assert f"{canvas.x_px(0.05) / canvas.width:.8g}" in shades[0][0] and f"{canvas.x_px(0.1) / canvas.width:.8g}" in shades[0][0]


def test_two_intervals_are_no_course(run_of):
    chart = build(chart_time, run_of(syncs=("mutex",), intervals=2))
    assert not chart.panels and "show no course" in chart.notes[0]
    assert build(chart_time, run_of(syncs=("mutex",), intervals=0)) is None


def test_tears_lie_where_they_were_found(folder_of):
    def torn(record):
        if record["type"] == "violation":
            record |= {"kind": "torn", "offset": 128}
    panel = build(chart_tears, rewritten(folder_of(syncs=("none",), sizes=(256,)), torn)).panels[0]
    assert "100 % of them at a multiple of 64" in panel.caption and "top 100 %" in words(panel)
    bars = [line for line in panel.canvas.commands if "rectangle" in line]
    assert len(bars) == 1 and f"screen {panel.canvas.x_px(128) / panel.canvas.width:.8g}" in bars[0]


def test_no_tear_no_map(run_of):
    assert build(chart_tears, run_of(syncs=("mutex",))) is None


def test_bandwidth_is_size_times_rate(run_of):
    run = run_of(syncs=("mutex",), populations=((1, 1),), sizes=(64, 4096))
    canvas = build(chart_bandwidth, run).panels[0].canvas
    trial = run.judged[0]
    assert chart_bandwidth.bandwidth(trial) == trial.ops_per_s * trial.point.size
    trial.bytes_per_s = 7.0
    assert chart_bandwidth.bandwidth(trial) == 7.0 and canvas.ranges["y"][2]
    assert build(chart_bandwidth, run_of(syncs=("mutex",), sizes=(64,))) is None


def test_scaling_stops_half_as_far_again(run_of):
    run = run_of(syncs=("mutex", "none"), populations=((1, 0), (2, 0), (4, 0), (8, 0)), repeats=5)
    panel = build(chart_scaling, run).panels[0]
    places = [float(row.split()[0]) for block in panel.canvas.blocks for row in block.splitlines()[1:-1]]
    assert max(places) == 12 and "none" not in panel.caption and "share" in panel.caption
    assert "Above 2 workers" in panel.caption
    chart = build(chart_scaling, run_of(syncs=("mutex",), populations=((1, 0), (2, 0))))
    assert not chart.panels and "No fit" in chart.notes[0]


@pytest.mark.parametrize("shift", [0, 5, 1000])
def test_the_distribution_adds_up(shift):
    values = numpy.random.Generator(numpy.random.PCG64(2)).lognormal(5, 1.5, 4000).astype(int) + shift
    histogram = Histogram(synthetic.SUB_BITS)
    record = synthetic.histogram(1, "acquire", "writer", values)
    histogram.add(record["buckets"], record["count"], record["sum"], record["min"], record["max"])
    rows = chart_distribution.shares(histogram)
    assert sum(share for _, share in rows) == pytest.approx(1)
    middle = [value for value, share in rows if value < numpy.median(values)]
    assert sum(share for value, share in rows if value in middle) == pytest.approx(0.5, abs=0.15)


def pinned(record):
    if record["type"] == "worker":
        record["cpus"] = str(record["worker"] if record["trial"] % 2 else 1 - record["worker"])
    if record["type"] == "histogram":
        record["name"] = "round-trip"
    if record["type"] == "trial":
        record["pin"] = "0,1" if record["trial"] % 2 else "1,0"


def test_handoff_has_a_cell_for_each_pinned_pair(folder_of):
    chart = build(chart_handoff, rewritten(folder_of(syncs=("mutex",), populations=((1, 1),), repeats=2), pinned))
    texts = words(chart.panels[0])
    assert sum(text.endswith(" ns") for text in texts) == 2 and texts.count("·") == 2
    assert build(chart_handoff, rewritten(folder_of(syncs=("mutex",), populations=((2, 2),), repeats=2), pinned)).panels == []


def test_handoff_takes_each_way_from_whoever_received(folder_of):
    """The reader has timed the writer's messages, and the writer the answers."""
    def one_way(record):
        if record["type"] == "worker":
            record["cpus"] = str(record["worker"])
        if record["type"] == "histogram":
            record["name"] = "one-way"
            if record["role"] == "writer":
                record.update(synthetic.histogram(record["trial"], "one-way", "writer", numpy.full(100, 7_000_000)))
    chart = build(chart_handoff, rewritten(folder_of(syncs=("mutex",), populations=((1, 1),), repeats=2), one_way))
    texts = words(chart.panels[0])
    slow, = (number for number, text in enumerate(texts) if text.endswith(" ms") and text.startswith(("6.", "7")))
    assert sum(text.endswith((" ns", " us", " ms")) for text in texts) == 2
    assert slow > next(number for number, text in enumerate(texts) if text.endswith((" ns", " us")))  # from CPU 1, the second row


def test_layouts_are_compared_with_the_first_and_what_is_lacking_is_named(folder_of):
    packings = {"mutex": "padded", "spin": "packed", "semaphore": "usual"}

    def relay(record):
        if record["type"] == "worker":
            record["map_ns"] = 5000 + 1000 * record["worker"]
        if record["type"] in ("trial", "verdict"):
            packing, record["sync"] = packings[record["sync"]], "mutex"
            if record["type"] == "trial":
                record["packing"] = packing
            else:
                record["page_faults"] = {"minor": 17, "major": 0}
                if packing == "usual":
                    record.update(verdict="UNSUPPORTED", ops_per_s=None, reason="there is no such thing")
    folder = folder_of(syncs=("mutex", "spin", "semaphore"), populations=((2, 0),), repeats=5, noise=0.01, speeds=(("spin", 0.1),))
    panel, = build(chart_layout, rewritten(folder, relay)).panels
    said = words(panel)
    assert "N/A: UNSUPPORTED" in said and "usual: there is no such thing." in panel.caption
    rows = [word for word in said if word.endswith(" · 17")]
    first, packed = (float(row.split(" · ")[1]) for row in rows)
    assert all(row.endswith(" · 5.5 us · 17") for row in rows)
    assert first == 1 and packed == pytest.approx(0.1 * 7.8 / 5.2, rel=0.1)


def test_without_a_choice_of_layout_there_is_no_such_chart(run_of):
    assert build(chart_layout, run_of(syncs=("mutex",))) is None
