"""The table of all latencies: of each histogram of each condition, percentiles by number and by time, and the longest one.

By number, a percentile is the value below which that share of the operations lies; by time, below which that share of all the
time lies that was spent so. Where one process keeps a lock, hardly any wait is long, and nearly all of the waiting is.
"""

import points
import style
from histogram import SAMPLES_BEYOND
from tables import NO_BREAK, Cell, Table, figure, population

FRACTIONS = (0.5, 0.9, 0.99, 0.999)
# Those of the charts first; what else there is follows in the order of its name.
ORDER = ("response", "service", "acquire", "hold", "handoff", "sighting", "round-trip", "one-way")
MOST_ROWS = 600


def latencies(run):
    """The table; None if the run has no histogram."""
    rows, starts, left = [], set(), 0
    groups = points.groups(run.points, lambda point, data: bool(data.histograms))
    settings, faults = any(group.setting_words for group in groups), any(group.fault not in (points.NO_FAULT, "") for group in groups)
    for group in groups:
        for point, data in group.points.items():
            names = sorted({name for name, _ in data.histograms}, key=_place)
            if len(rows) + len(names) > MOST_ROWS:
                left += len(names)
                continue
            starts.add(len(rows))
            rows += [_row(group, point, name, data.histogram(name), faults, settings) for name in names]
    note = f"{style.plural(left, 'more row')} left out; shmoo report --format hdr has every histogram." if left else ""
    return Table("latencies", _headings(faults, settings), rows, frozenset(starts if len(starts) < len(rows) else ()), note) if rows else None


def _place(name):
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name


def _headings(faults, settings):
    words = [("load", ""), ("size", "n"), ("population", "")] + [("fault", "")] * faults + [("settings", "")] * settings
    words += [("sync", ""), ("latency", ""), ("samples", "n")]
    percentiles = [style.percentile_name(fraction).replace(" ", NO_BREAK) for fraction in FRACTIONS]
    words += [(f"{how}, {percentile}", "n") for how in ("by number", "by time") for percentile in percentiles]
    return words + [("max", "n"), ("met by", "")]


def _row(group, point, name, histogram, faults, settings):
    row = [Cell(point.load), figure(style.size(point.size), point.size), population(point)]
    row += [Cell(point.fault)] * faults + [Cell(group.setting_words)] * settings
    row += [Cell(point.sync), Cell(name), figure(style.count(histogram.count), histogram.count)]
    values = histogram.percentiles(FRACTIONS)
    row += [figure(style.duration(value), value) if histogram.supports(fraction) else Cell("too few", "", "n")
            for fraction, value in zip(FRACTIONS, values)]
    row += [_by_time(value, beyond) for value, beyond in histogram.time_percentiles(FRACTIONS)]
    return row + [figure(style.duration(histogram.max), histogram.max), Cell(_where(histogram))]


def _by_time(value, samples):
    """With the number of samples that are as long, where they are too few to say what another trial would show."""
    few = f" ({samples})" if samples < SAMPLES_BEYOND else ""
    return figure(style.duration(value) + few, value)


def _where(histogram):
    trial, worker, at_s = histogram.max_where or (None, None, None)
    parts = [f"{word}{NO_BREAK}{value}" for word, value in (("trial", trial), ("worker", worker)) if value is not None]
    return ", ".join(parts + ([f"at {style.seconds(at_s)}".replace(" ", NO_BREAK)] if at_s is not None else []))
