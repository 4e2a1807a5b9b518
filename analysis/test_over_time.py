"""Checks latencies over time: what is read and added up against numpy, and what the two charts of them draw and refuse to."""

import json

import numpy
import pytest

import chart_course
import chart_heat
import course as courses
import records
import style
import synthetic
import totals
from test_charts import build, words
from test_more_charts import rewritten


def course_of(values, intervals=20):
    record = synthetic.course(1, "acquire", "writer", values, intervals)
    return courses.Course.of(record["name"], record["sub_bits"], record["interval_s"], record["intervals"])


@pytest.fixture(name="values", scope="module")
def values_fixture():
    return numpy.random.Generator(numpy.random.PCG64(5)).lognormal(6, 1.2, 64000).astype(numpy.int64) + 1


@pytest.mark.parametrize("times", [0, 1, 3])
def test_percentiles_of_intervals_are_those_of_their_samples(values, times):
    course = course_of(values, 16).folded(times)
    parts = values.reshape(16 >> times, -1)
    for fraction in (0.5, 0.99):
        found = list(course.percentiles(fraction))
        assert [place for place, _ in found] == list(range(16 >> times))
        exact = numpy.quantile(parts, fraction, axis=1, method="inverted_cdf")
        assert [value for _, value in found] == pytest.approx(exact, rel=2.0 ** -(course.sub_bits + 1), abs=0.5)
    assert [largest for *_, largest in course.columns()] == parts.max(axis=1).tolist()
    assert course.count == values.size and course.interval_s == pytest.approx(0.2 / 16 * 2 ** times)


def test_courses_add_up_whatever_is_added_first(values):
    one, other = course_of(values[:32000], 8), course_of(values[32000:], 16)
    for order in ([one, other], [other, one]):
        both = courses.added(order)
        assert both.interval_s == one.interval_s and both.count == values.size
        expected = one.counts[one.places == 3].sum() + other.counts[(other.places == 6) | (other.places == 7)].sum()
        assert both.counts[both.places == 3].sum() == expected
        assert both.maxima[3] == max(one.maxima[3], other.maxima[6:8].max())
    assert courses.added([]) is None


def test_intervals_that_do_not_begin_together_are_not_added(values):
    with pytest.raises(ValueError, match="do not begin together"):
        courses.added([course_of(values, 20), course_of(values, 30)])


@pytest.mark.parametrize("intervals", [[], [[0, 5, [1]]], [[0, 5, [1, 0]]], [[3, 5, [1, 1]], [3, 5, [1, 1]]], [[-1, 5, [1, 1]]],
                                       [[0, 5, [9999, 1]]], [[10 ** 9, 5, [1, 1]]], [[0, 5]], [[0, "x", [1, 1]]]])
def test_what_makes_no_course_is_refused(intervals):
    with pytest.raises((ValueError, TypeError, OverflowError)):
        courses.Course.of("acquire", 2, 0.01, intervals)


def test_the_first_trial_of_a_point_keeps_its_course(run_of):
    run = run_of(syncs=("mutex",), populations=((2, 2),), repeats=3, samples=500)
    first, *others = run.judged
    assert first.course.count == 1000 and first.course.intervals == 20 and not any(trial.course for trial in others)


def test_totals_have_the_courses_or_say_why_not(values):
    def total(intervals):
        found = totals.Totals()
        for number, each in enumerate(intervals, 1):
            recipe = synthetic.Recipe(syncs=("mutex",), populations=((1, 0),), repeats=1, course=each, samples=100, workers=False)
            for record in synthetic.Generator(recipe).records():
                found.add({**record, "trial": number})
        return next(found.records())["courses"]
    [added] = total([10, 20])
    assert added["interval_s"] == pytest.approx(0.02) and sum(sum(steps[1::2]) for _, _, steps in added["intervals"]) == 200
    [apart] = total([10, 15, 10])
    assert "do not begin together" in apart["apart"] and "intervals" not in apart


def test_the_map_has_every_sample_once_and_a_colour_for_the_fullest(values):
    course = course_of(values)
    edges = chart_heat.levels(int(course.counts.max()))
    assert edges[0] == 1 and edges[-1] <= course.counts.max() and len(edges) <= len(style.HEAT)
    covered = {}
    for level, rectangles in enumerate(chart_heat.cells(course, edges)):
        for start, end, low, high in rectangles:
            assert low < high
            for place in range(round(start / course.interval_s), round(end / course.interval_s)):
                assert covered.setdefault((place, low), level) == level
    assert len(covered) == course.counts.size
    place, step, count = next(zip(course.places, course.steps, course.counts))
    assert covered[place, max(course.edges(int(step))[0], 0.5)] == sum(count >= edge for edge in edges) - 1


@pytest.mark.parametrize("most", [1, 2, 7, 127, 128, 10 ** 6, 10 ** 12])
def test_colours_reach_any_number(most):
    edges = chart_heat.levels(most)
    assert edges == sorted(set(edges)) and edges[0] == 1 and edges[-1] <= most


def test_a_map_marks_its_faults_and_names_its_scale(folder_of):
    def faulted(record):
        if record["type"] == "fault":
            record |= {"at_s": 0.05, "until_s": 0.1}
    run = rewritten(folder_of(syncs=("mutex",), populations=((2, 0),), faults=("none", "stop:5")), faulted)
    first, second = build(chart_heat, run).panels
    marks = [[line for line in panel.canvas.commands if "rectangle" in line and style.SOFT.light in line] for panel in (first, second)]
    assert (len(marks[0]), len(marks[1])) == (1, 0) and "struck 1 time" in first.caption
    assert {"samples", "time to acquire (log scale)", "time since the start of the trial"} <= set(words(first))
    first, *_ = build(chart_course, run).panels
    assert {"median", "maximum"} <= set(words(first)) and "Too few samples in each for p99" in first.caption
    assert sum(style.BAND.light in line for line in first.canvas.commands) == 1


def test_a_line_has_a_gap_where_nothing_ended(folder_of):
    def paused(record):
        if record["type"] == "course":
            record["intervals"] = [interval for interval in record["intervals"] if not 5 <= interval[0] < 9]
    run = rewritten(folder_of(syncs=("mutex",), populations=((2, 0),), repeats=1), paused)
    drawn = chart_course.rows(run.judged[0].course, chart_course.FIGURES[2])
    assert drawn[5] == () and len(drawn) == 17 and all(drawn[:5])


def test_several_primitives_share_a_panel_for_each_figure(run_of):
    chart = build(chart_course, run_of(syncs=("mutex", "spin"), populations=((2, 2),), repeats=1, samples=40000))
    assert [panel.alt.split(":")[0] for panel in chart.panels] == [f"Latency over time, {name}" for name in ("median", "p99", "maximum")]
    assert all({"mutex", "spin"} <= set(words(panel)) for panel in chart.panels)


@pytest.mark.parametrize("module", [chart_heat, chart_course])
def test_too_little_is_said_and_nothing_is_nothing(run_of, module):
    chart = build(module, run_of(syncs=("mutex",), course=2, repeats=1, populations=((1, 0),)))
    assert not chart.panels and "1 trial without" in chart.notes[-1]
    assert build(module, run_of(syncs=("mutex",), course=0)) is None


def test_a_damaged_course_is_told_with_its_line(folder_of):
    folder = folder_of(syncs=("mutex",), populations=((1, 0),), repeats=1)
    path = folder / "run.jsonl"
    lines = path.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if '"course"' in line)
    lines[place] = json.dumps({**json.loads(lines[place]), "intervals": [[0, 1, [1, 2, 3]]]})
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(records.DataError, match=f"line {place + 1}"):
        records.read(str(folder))


def test_a_trial_that_tells_nothing_is_not_the_one_that_is_shown(folder_of):
    def stopped(record):
        if record["type"] == "course" and record["trial"] == 1:
            record["intervals"] = record["intervals"][:1]
    run = rewritten(folder_of(syncs=("mutex",), populations=((2, 0),), repeats=3), stopped)
    assert [bool(trial.course) for trial in run.judged] == [True, True, False]
    assert "3,000 samples" in build(chart_heat, run).panels[0].caption
