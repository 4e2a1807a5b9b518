"""Draws how latencies are spread: the share of samples in each step of a logarithmic axis, a line per primitive."""

import math

import axis
import chart_latency
import plot
import points
import style
from histogram import low

WIDTH, MOST_PANELS = 500, 8
BINS_PER_DECADE = 10
FEWEST_SAMPLES = 100


def build(run, looks):
    """The chart, or None if there are no latency histograms."""
    chart = plot.Chart()
    for group, _ in chart_latency.contended_groups(run):
        for name in chart_latency.NAMES:
            found = [(point.sync, data.histogram(name), points.broken(data.trials)) for point, data in group.points.items()]
            found = [entry for entry in found if entry[1] is not None]
            drawn = [entry for entry in found if entry[1].count >= FEWEST_SAMPLES]
            if drawn and len(chart.panels) < MOST_PANELS:
                chart.panels.append(_panel(group, name, drawn, looks, f"distribution-{len(chart.panels) + 1}"))
            elif found and not drawn:
                chart.notes.append(f"{group.title}: {FEWEST_SAMPLES} samples are the least for a distribution.")
    return chart if chart.panels or chart.notes else None


def shares(histogram):
    """(value, share of the samples) for each bin; a step wider than a bin is shared out among those that it covers."""
    bins = {}
    for index, count in histogram.counts.items():
        start, end = max(0.5, low(index, histogram.sub_bits) - 0.5), low(index + 1, histogram.sub_bits) - 0.5
        first, last = _bin(start), _bin(end * (1 - 1e-12))
        if first == last:
            bins[first] = bins.get(first, 0) + count
            continue
        for place in range(first, last + 1):
            part = min(end, _edge(place + 1)) - max(start, _edge(place))
            bins[place] = bins.get(place, 0) + count * part / (end - start)
    return [(_edge(place + 0.5), bins.get(place, 0) / histogram.count) for place in range(min(bins), max(bins) + 1)]


def _bin(value):
    return math.floor(math.log10(value) * BINS_PER_DECADE)


def _edge(place):
    return 10 ** (place / BINS_PER_DECADE)


def _fanned(entries):
    """The heights of the labels: those of the marks, given to them from the right to the left, so that no two leaders cross."""
    heights, fanned = sorted(y for _, y, _, _ in entries), {}
    for height, place in zip(heights, sorted(range(len(entries)), key=lambda place: -entries[place][0])):
        fanned[place] = height
    return [fanned[place] for place in range(len(entries))]


def _panel(group, name, found, looks, file_name):
    curves = [(sync, shares(histogram), broken) for sync, histogram, broken in found]
    labels = [points.marked(sync, group.trials_of(sync)) for sync, _, _ in curves]
    right = 30 + max(plot.text_width(label, style.FONT_SIZE - 1) for label in labels)
    canvas = plot.Canvas(WIDTH, max(330, 114 + 17 * len(curves)), 62, round(right), 58, 50)
    canvas.title(f"{group.title} · {points.population(next(iter(group.points)))}", f"share of operations, {BINS_PER_DECADE} steps a decade")
    _, top, ticks = axis.linear([100 * share for _, rows, _ in curves for _, share in rows])
    canvas.y_axis(0, top, ticks, lambda value: f"{value:g} %")
    start, end, ticks = axis.logarithmic([value for _, rows, _ in curves for value, _ in rows])
    canvas.x_axis(start, end, ticks, [style.duration(tick) for tick in ticks], f"{chart_latency.WORDS[name]} (log scale)", log=True, grid=True)
    entries = []
    for (sync, rows, _), label in zip(curves, labels):
        look = looks[sync]
        canvas.series([(value, 100 * share) for value, share in rows],
                      f"lines lc rgb '{look.colour.light}' lw 1.6 dt {style.DASHES[look.dash]}", sync)
        mode = max(rows, key=lambda row: row[1])
        canvas.series([(mode[0], 100 * mode[1])], f"points pt {look.filled} ps 0.6 lc rgb '{look.colour.light}'", f"{sync}: most often")
        entries.append((canvas.x_px(mode[0]), canvas.y_px(100 * mode[1]), label, look.colour))
    canvas.labels_right(entries, wanted=_fanned(entries))
    samples = ", ".join(f"{sync} {style.metric(histogram.count)}" for sync, histogram, _ in found)
    return plot.Panel(file_name, f"Distribution of latency, {chart_latency.WORDS[name]}: {group.title}", canvas,
                      f"The mark is where most lie. Samples: {samples}.")
