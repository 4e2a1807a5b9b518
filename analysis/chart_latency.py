"""Draws latency percentiles on an axis that gives each further nine the same room, as far as the samples carry."""

import math

import numpy

import axis
import chart_lifecycle
import chart_sighting
import plot
import points
import style
from histogram import SAMPLES_BEYOND

MOST_PANELS = 8
WIDTH = 500
# What is drawn of a point: with a rate, the response time from the intended start; without one, the wait for the lock.
NAMES = ("response", "acquire")
# The loads that record these exist to measure them; how long they wait for a lock is beside the point.
OWN_CHARTS = {chart_sighting.NAME, *chart_lifecycle.STEPS}
WORDS = {"acquire": "time to acquire", "response": "response time from the intended start"}
STEPS_PER_DECADE = 24
# Where the median lies on an axis of 1/(1-p).
MEDIAN = 2
FEWEST_SAMPLES = 2 * SAMPLES_BEYOND


def build(run, looks):
    """The chart, or None if there are no latency histograms."""
    chart = plot.Chart()
    left_out = 0
    clock = _clock_cost(run)
    for group, candidates in contended_groups(run):
        left_out += len(candidates) - 1
        for name in NAMES:
            for role in ("writer", "reader"):
                found = _histograms(group, name, role)
                if any(histogram.count >= FEWEST_SAMPLES for _, histogram, _ in found):
                    number = len(chart.panels) + 1
                    chart.panels.append(_panel(group, name, role, found, looks, clock, f"latency-{number}"))
                elif found:
                    most = max(histogram.count for _, histogram, _ in found)
                    chart.notes.append(f"{_title(group, role)}: no curve, because {FEWEST_SAMPLES} samples are the "
                                       f"least for a median and there are {most}.")
    if not chart.panels and not chart.notes:
        return None
    chart.notes += _notes(run, chart, left_out) if chart.panels else []
    return chart


def _title(group, role):
    return f"{group.title} · {points.population(next(iter(group.points)))} · {role}s"


def _step_error(run):
    """The largest relative error of a value read from a step: half of the step over its lower end."""
    bits = min(histogram.sub_bits for data in run.points.values() for histogram in data.histograms.values())
    return style.share(2.0 ** -(bits + 1))


def _notes(run, chart, left_out):
    notes = ["One configuration per load and fault: the one in which most operations found the lock taken."]
    if left_out:
        notes.append(f"{style.plural(left_out, 'other configuration')} measured; "
                     "their percentiles are in the table of trade-offs.")
    if len(chart.panels) > MOST_PANELS:
        notes.append(f"{style.plural(len(chart.panels) - MOST_PANELS, 'more panel')} left out here.")
        del chart.panels[MOST_PANELS:]
    notes.append(f"A line stops where fewer than {SAMPLES_BEYOND} samples lie beyond it; the maximum is in the table. "
                 f"Values are the middles of histogram steps, right to within {_step_error(run)}.")
    return notes


def _clock_cost(run):
    clock = run.header.get("clock")
    costs = run.meter.get("stamp_ns"), clock.get("cost_ns") if isinstance(clock, dict) else None
    return next((cost for cost in costs if isinstance(cost, (int, float)) and cost > 0), None)


def _has_latency(point, data):
    """True if the point has a latency to draw; loads that measure something of their own have charts of their own."""
    names = {name for name, _ in data.histograms}
    return bool(names & set(NAMES)) and not names & OWN_CHARTS and points.alive(data)


def contended_groups(run):
    """For each load, fault and settings: the size and population to show, and all those there were."""
    families = {}
    for group in points.groups(run.points, _has_latency):
        for population in group.populations():
            chosen = {point: data for point, data in group.points.items()
                      if (point.writers, point.readers) == population}
            candidate = points.Group(group.load, group.fault, group.size, group.settings, chosen)
            families.setdefault((group.load, group.fault, group.settings), []).append(candidate)
    return [(max(candidates, key=_contention), candidates) for candidates in families.values()]


def _contention(group):
    """Sorting key: as many primitives as possible, then the share of contended operations, then the crew."""
    trials = group.trials()
    sampled = sum(trial.exposure.get("sampled", 0) for trial in trials)
    contended = sum(trial.exposure.get("contended", 0) for trial in trials)
    writers, readers = group.populations()[0]
    return len(group.points), contended / sampled if sampled else 0, writers + readers


def _histograms(group, name, role):
    """(sync, histogram, broken) of the primitives that have this one."""
    return [(point.sync, data.histograms[name, role], points.broken(data.trials))
            for point, data in group.points.items() if (name, role) in data.histograms]


def curve(histogram):
    """(1/(1-p), percentile) from the median up to the last percentile that enough samples support."""
    last = histogram.count / SAMPLES_BEYOND
    steps = max(2, math.ceil(STEPS_PER_DECADE * math.log10(last / MEDIAN)) + 1)
    places = numpy.geomspace(MEDIAN, last, steps)
    return list(zip(places, histogram.percentiles([1 - 1 / place for place in places])))


def _panel(group, name, role, found, looks, clock, file_name):
    carried = [(sync, curve(histogram), broken) for sync, histogram, broken in found
               if histogram.count >= FEWEST_SAMPLES]
    title = _title(group, role)
    labels = [points.marked(sync, group.trials_of(sync)) for sync, _, _ in carried]
    canvas = _canvas(title, WORDS[name], [rows for _, rows, _ in carried], labels, clock)
    entries = []
    for (sync, rows, broken), label in zip(carried, labels):
        look = looks[sync]
        canvas.series(rows, f"lines lc rgb '{look.colour.light}' lw 1.8 dt {style.DASHES[look.dash]}", sync)
        canvas.series(_marks(rows), f"points pt {look.hollow if broken else look.filled} ps 0.6 lw 1.3 "
                      f"lc rgb '{look.colour.light}'", sync)
        entries.append((canvas.x_px(rows[-1][0]), canvas.y_px(rows[-1][1]), label, look.colour))
    canvas.labels_right(entries)
    return plot.Panel(file_name, f"Latency percentiles, {WORDS[name]}: {title}", canvas, _caption(found))


def _marks(rows):
    """A mark at the end of the curve, and at every decade of it."""
    decades = [10.0 ** exponent for exponent in range(1, math.ceil(math.log10(rows[-1][0])))]
    return [min(rows, key=lambda row: abs(math.log(row[0] / decade))) for decade in decades] + [rows[-1]]


def _canvas(title, words, curves, labels, clock):
    right = 30 + max(plot.text_width(label, style.FONT_SIZE - 1) for label in labels)
    canvas = plot.Canvas(WIDTH, max(330, 114 + 17 * len(curves)), 62, right, 58, 50)
    canvas.title(title, f"{words} (log scale)")
    values = [max(value, 1) for rows in curves for _, value in rows]
    low, high, ticks = axis.logarithmic(values)
    canvas.y_axis(low, high, ticks, style.duration, log=True)
    last = max(rows[-1][0] for rows in curves)
    shares = [0.5] + ([0.75] if last < 10 else []) + [1 - 10.0 ** -nines for nines in range(1, 10)]
    ends = [(1 / (1 - share), style.percentile_name(share)) for share in shares if 1 / (1 - share) <= last * 1.01]
    canvas.x_axis(MEDIAN, max(last, 2 * MEDIAN), [place for place, _ in ends], [label for _, label in ends],
                  "share of operations that took at most this long", log=True, grid=True)
    if clock and low < clock < high:
        _draw_clock(canvas, clock)
    return canvas


def _draw_clock(canvas, clock):
    height = canvas.y_px(clock)
    canvas.line(canvas.left, height, canvas.right, height, colour=style.SOFT, width=0.8, dash="dot")
    canvas.text(canvas.right - 4, height + 9, f"one reading of the clock: {style.duration(clock)}", colour=style.SOFT,
                anchor="right", size=style.FONT_SIZE - 3)


def _caption(found):
    counts = {style.metric(histogram.count) for _, histogram, _ in found}
    samples = ", ".join(f"{sync} {style.metric(histogram.count)}" for sync, histogram, _ in found)
    sentences = [f"Samples: {counts.pop()} of each." if len(counts) == 1 < len(found) else f"Samples: {samples}."]
    few = [sync for sync, histogram, _ in found if histogram.count < FEWEST_SAMPLES]
    if few:
        sentences.append(f"Not drawn, with fewer than {FEWEST_SAMPLES} samples: {points.named_list(few)}.")
    longest = _longest(found)
    return " ".join(sentences + ([longest] if longest else []))


def _longest(found):
    """Who waited longest, and when."""
    sync, histogram, _ = max(found, key=lambda entry: entry[1].max)
    trial, worker, at_s = histogram.max_where or (None, None, None)
    if worker is None or at_s is None:
        return ""
    return (f"The longest: {style.duration(histogram.max)} "
            f"({sync}, trial {trial}, worker {worker}, after {style.duration(at_s * 1e9)}).")
