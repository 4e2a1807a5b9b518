"""Draws a heat map of latencies: time across, latency upwards, and how many samples ended there as the darkness of a cell."""

import axis
import chart_latency
import over_time
import plot
import points
import style
from course import FEWEST_INTERVALS, FEWEST_SAMPLES

WIDTH, HEIGHT, MOST_PANELS = 500, 330, 12
BAR_WIDTH, STRIP = 14, 6
WORDS = {**chart_latency.WORDS, "sighting": "time until a change was seen", "round-trip": "time there and back"}
# How many times as many samples each further colour of the bar stands for: the least that reaches the fullest cell.
FACTORS = (2, 3, 4, 5, 6, 8, 10, 15, 20, 50, 100, 1000)


def build(run, looks):
    """The chart, or None if no trial has latencies over time."""
    del looks  # a cell's colour tells how many, and its panel whose
    trials, few = [], 0
    for firsts in over_time.firsts(run, lambda trial: trial.course is not None, lambda trial: trial.course.tells):
        enough = [trial for trial in firsts if trial.course.tells]
        trials += enough
        few += len(firsts) - len(enough)
    if not trials and not few:
        return None
    trials.sort(key=lambda trial: not trial.windows)
    chart = plot.Chart([_panel(trial, f"heat-{number + 1}") for number, trial in enumerate(trials[:MOST_PANELS])])
    if len(trials) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(trials) - MOST_PANELS, 'more panel')} left out here.")
    if few:
        chart.notes.append(f"{style.plural(few, 'trial')} without a map: it takes {FEWEST_SAMPLES} samples and {FEWEST_INTERVALS} intervals.")
    return chart


def levels(most):
    """The least number of samples of each colour, for a fullest cell of so many."""
    factor = next((factor for factor in FACTORS if factor ** len(style.HEAT) > most), most)
    return [factor ** place for place in range(len(style.HEAT)) if factor ** place <= most]


def cells(course, edges):
    """For each colour the rectangles (start, end, low, high), those of equal colour side by side as one."""
    found = {}
    for place, steps, counts, _ in course.columns():
        for step, count in zip(steps.tolist(), counts.tolist()):
            found[step, place] = sum(count >= edge for edge in edges) - 1
    rows = [[] for _ in edges]
    for (step, place), level in sorted(found.items()):
        bottom, top = course.edges(step)
        last = rows[level][-1] if rows[level] else None
        if last and last[0] == step and last[2] == place:
            last[2] = place + 1
        else:
            rows[level].append([step, place, place + 1, max(bottom, 0.5), top])
    return [[(start * course.interval_s, end * course.interval_s, bottom, top) for _, start, end, bottom, top in level] for level in rows]


def _panel(trial, name):
    course, point = trial.course, trial.point
    edges = levels(int(course.counts.max()))
    canvas = plot.Canvas(WIDTH, HEIGHT, 62, 84, 70, 50)
    canvas.title(f"{points.marked(point.sync, [trial])} · {over_time.title(point)}", f"{WORDS.get(course.name, course.name)} (log scale)")
    rectangles = cells(course, edges)
    bounds = [value for level in rectangles for _, _, low, high in level for value in (low, high)]
    low, high, ticks = axis.logarithmic(bounds)
    canvas.y_axis(low, high, ticks, style.duration, log=True)
    end = course.intervals * course.interval_s
    over_time.time_axis(canvas, end)
    over_time.shade(canvas, [trial], end)
    for left, width in over_time.spans(canvas, [trial], end):
        canvas.box(left, canvas.top - STRIP - 2, width, STRIP, style.SOFT)
    for level, colour, edge in zip(rectangles, style.HEAT, edges):
        canvas.rectangles(level, colour, f"from {style.plural(edge, 'sample')} on")
    _bar(canvas, edges)
    sentences = [f"{style.plural(course.count, 'sample')} in intervals of {style.duration(course.interval_s * 1e9)}; a wait stands "
                 "where it was over.", over_time.struck([trial])]
    return plot.Panel(name, f"Heat map of latency over time: {point.sync}, {over_time.title(point)}", canvas, " ".join(filter(None, sentences)))


def _bar(canvas, edges):
    """Which colour stands for how many samples, beside the plot."""
    left, height = canvas.right + 14, (canvas.bottom - canvas.top) / len(edges)
    canvas.text(left, canvas.top - 12, "samples", colour=style.SOFT, size=style.FONT_SIZE - 2)
    for place, (colour, edge) in enumerate(zip(style.HEAT, edges)):
        bottom = canvas.bottom - place * height
        canvas.box(left, bottom - height, BAR_WIDTH, height, colour)
        canvas.text(left + BAR_WIDTH + 5, bottom - (6 if place == 0 else 0), style.metric(edge), colour=style.SOFT, size=style.FONT_SIZE - 2)
