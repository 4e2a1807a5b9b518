"""Draws how long a message takes there and back as messages grow: a line per queue, through the medians of the samples."""

import axis
import plot
import points
import stats
import style

# A line needs two places.
FEWEST_SIZES = 2
WIDTH = 720
ROUND_TRIP = "round-trip"


def build(run, looks):
    """The chart, or None if no message went there and back in two sizes or more."""
    chart = plot.Chart()
    families = {}
    for point, data in run.points.items():
        if points.alive(data) and data.histogram(ROUND_TRIP):
            key = (point.load, point.fault, points.population(point), points.settings_key(point))
            families.setdefault(key, {})[(point.sync, point.size)] = data
    for (load, _, population, _), table in families.items():
        values = _round_trips(table)
        if len({size for _, size in values}) >= FEWEST_SIZES:
            name = f"round-trip-{len(chart.panels) + 1}"
            chart.panels.append(_panel(f"{load} · {population}", values, looks, name))
    return chart if chart.panels else None


def _round_trips(table):
    """For each (sync, size) the median of all repeats' samples, in nanoseconds."""
    found = {}
    for key, data in table.items():
        histogram = data.histogram(ROUND_TRIP)
        value = histogram and not points.broken(data.trials) and histogram.percentile(0.5)
        if value:
            found[key] = value
    return found


def _panel(title, values, looks, name):
    sizes = sorted({size for _, size in values})
    syncs = list(dict.fromkeys(sync for sync, _ in values))
    low, high, ticks = axis.logarithmic(list(values.values()))
    right = 30 + max(plot.text_width(sync, style.FONT_SIZE - 1) for sync in syncs)
    canvas = plot.Canvas(WIDTH, max(330, 114 + 17 * len(syncs)), 62, right, 58, 50)
    canvas.title(title, "round trip, median (log scale)")
    canvas.y_axis(low, high, ticks, style.duration, True)
    canvas.x_axis(-0.3, len(sizes) - 0.7, range(len(sizes)), [style.size(size) for size in sizes], "size of a message")
    ends = []
    for sync in syncs:
        look = looks[sync]
        rows = [(place, values[sync, size]) for place, size in enumerate(sizes) if (sync, size) in values]
        colour = look.colour.light
        canvas.series(rows, f"lines lc rgb '{colour}' lw 1.8 dt {style.DASHES[look.dash]}", sync)
        canvas.series(rows, f"points pt {look.filled} ps 0.7 lw 1.5 lc rgb '{colour}'", f"{sync}: median")
        ends.append((canvas.x_px(rows[-1][0]), canvas.y_px(rows[-1][1]), sync, look.colour))
    canvas.labels_right(ends)
    return plot.Panel(name, f"There and back: {title}", canvas, "")
