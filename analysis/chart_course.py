"""Draws how long was waited over the time of a trial: median, 99th percentile and maximum of each interval, faults shaded."""

from dataclasses import dataclass
from typing import Callable

import axis
import chart_heat
import over_time
import plot
import points
import style
from course import FEWEST_INTERVALS, FEWEST_SAMPLES

WIDTH, MOST_PANELS, MOST_LINES = 500, 12, 12
# Intervals are doubled until half of them carry the 99th percentile, as long as so many remain.
TAIL, LEAST_LEFT = 0.99, 12


@dataclass(frozen=True)
class Figure:
    """What is drawn of each interval: its name, its rows, and how its line looks where there are several of one primitive."""

    name: str
    rows: Callable
    dash: str
    width: float


FIGURES = (
    Figure("median", lambda course: course.percentiles(0.5), "solid", 1.8),
    Figure("p99", lambda course: course.percentiles(TAIL), "short", 1.5),
    Figure("maximum", lambda course: ((place, largest) for place, _, _, largest in course.columns()), "dot", 1.2),
)


def build(run, looks):
    """The chart, or None if no trial has latencies over time."""
    panels, few = [], 0
    for firsts in over_time.firsts(run, lambda trial: trial.course is not None, lambda trial: trial.course.tells):
        enough = [trial for trial in firsts if trial.course.tells][:MOST_LINES]
        few += len(firsts) - len(enough) if len(firsts) <= MOST_LINES else 0
        # What is shaded is one trial's, so that each trial with a fault needs a panel of its own.
        if len(enough) == 1 or any(over_time.faulted(trial.point) for trial in enough):
            panels += [([trial], FIGURES) for trial in enough]
        elif enough:
            panels += [(enough, (figure,)) for figure in FIGURES]
    if not panels and not few:
        return None
    panels.sort(key=lambda panel: not panel[0][0].windows)
    drawn = [_panel(trials, figures, looks, f"course-{number + 1}") for number, (trials, figures) in enumerate(panels[:MOST_PANELS])]
    chart = plot.Chart([panel for panel in drawn if panel], _notes(run))
    if len(panels) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(panels) - MOST_PANELS, 'more panel')} left out here.")
    if few:
        chart.notes.append(f"{style.plural(few, 'trial')} without a curve: it takes {FEWEST_SAMPLES} samples and {FEWEST_INTERVALS} intervals.")
    return chart


def _notes(run):
    error = next((2.0 ** -(trial.course.sub_bits + 1) for trial in run.judged if trial.course), None)
    return [f"A percentile stands only where enough samples of its interval lie beyond it (20 samples for the median, 1,000 for the 99th); "
            f"it is right to within {style.share(error)}, the maximum is that of the samples."] if error else []


def widened(course):
    """The course in intervals that carry the tail, as far as enough of them remain."""
    times = 0
    while course.folded(times).supports(TAIL) < 0.5 and course.intervals >> times + 1 >= LEAST_LEFT:
        times += 1
    return course.folded(times) if course.folded(times).supports(TAIL) else course


def rows(course, figure):
    """(middle of an interval, value), with an empty row where there is none: nothing is drawn across."""
    found, expected = [], 0
    for place, value in figure.rows(course):
        if (place != expected or value is None) and found and found[-1]:
            found.append(())
        expected = place + 1
        if value is not None:
            found.append(((place + 0.5) * course.interval_s, max(value, 1)))
    return found if not found or found[-1] else found[:-1]


def _panel(trials, figures, looks, name):
    curves = []
    for trial in trials:
        course = widened(trial.course)
        for figure in figures:
            curve = rows(course, figure)
            if curve:
                label = points.marked(trial.point.sync, [trial]) if len(figures) == 1 else figure.name
                curves.append((trial, figure, curve, label))
    if not curves:
        return None
    canvas = _canvas(trials, figures, curves)
    end = max(trial.course.intervals * trial.course.interval_s for trial in trials)
    over_time.time_axis(canvas, end)
    over_time.shade(canvas, trials, end)
    entries = []
    for trial, figure, curve, label in curves:
        look = looks[trial.point.sync]
        dash, width = (look.dash, 1.6) if len(figures) == 1 else (figure.dash, figure.width)
        canvas.series(curve, f"linespoints pt {look.filled} ps 0.25 lc rgb '{look.colour.light}' lw {width} dt {style.DASHES[dash]}",
                      f"{trial.point.sync}, {figure.name}")
        entries.append((canvas.x_px(curve[-1][0]), canvas.y_px(curve[-1][1]), label, look.colour))
    canvas.labels_right(entries)
    point = trials[0].point
    what = figures[0].name if len(figures) == 1 else points.named_list(figure.name for figure in figures)
    return plot.Panel(name, f"Latency over time, {what}: {over_time.title(point)}: {over_time.whose(trials)}", canvas, _caption(trials, figures, curves))


def _canvas(trials, figures, curves):
    point, course = trials[0].point, trials[0].course
    right = 30 + max(plot.text_width(label, style.FONT_SIZE - 1) for *_, label in curves)
    canvas = plot.Canvas(WIDTH, max(300, 114 + 17 * len(curves)), 62, round(right), 66, 50)
    words = chart_heat.WORDS.get(course.name, course.name)
    whose = f"{points.marked(point.sync, trials)} · " if len(figures) > 1 else ""
    which = f"{figures[0].name} of each interval: " if len(figures) == 1 else ""
    canvas.title(f"{whose}{over_time.title(point)}", f"{which}{words} (log scale)")
    low, high, ticks = axis.logarithmic([row[1] for _, _, curve, _ in curves for row in curve if row])
    canvas.y_axis(low, high, ticks, style.duration, log=True)
    return canvas


def _caption(trials, figures, curves):
    widths = sorted({widened(trial.course).interval_s for trial in trials})
    words = [style.duration(width * 1e9) for width in widths]
    drawn = {figure.name for _, figure, _, _ in curves}
    missing = [figure.name for figure in figures if figure.name not in drawn]
    sentences = [f"Intervals of {points.named_list(dict.fromkeys(words))}.",
                 f"Too few samples in each for {points.named_list(missing)}." if missing else "", over_time.struck(trials)]
    return " ".join(filter(None, sentences))
