"""Draws how long the crew needs to see a change: percentiles of the sightings against population."""

import axis
import plot
import points
import style
from histogram import SAMPLES_BEYOND

MOST_PANELS = 8
WIDTH = 500
NAME = "sighting"
FRACTIONS = (0.5, 0.9, 0.99, 0.999)
AXIS_TITLE = "population (w writers, r readers)"


def build(run, looks):
    """The chart, or None if no trial has sightings."""
    del looks  # The lines are percentiles; primitives have a panel each.
    groups = points.groups(run.points, lambda point, data: data.histogram(NAME) is not None)
    panels = [(group, sync, cells) for group in groups for sync, cells in group.by_sync().items()]
    if not panels:
        return None
    chart = plot.Chart()
    for number, (group, sync, cells) in enumerate(panels[:MOST_PANELS]):
        chart.panels.append(_panel(group, sync, cells, f"sighting-{number + 1}"))
    chart.notes.append(f"A percentile is drawn where at least {SAMPLES_BEYOND} sightings lie beyond it; "
                       "the band reaches from the first sighting to the last.")
    if len(panels) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(panels) - MOST_PANELS, 'more panel')} left out here; "
                           "the histograms named sighting in run.jsonl have their figures.")
    return chart


def _panel(group, sync, cells, name):
    populations = [population for population in group.populations() if population in cells]
    histograms = [cells[population].histogram(NAME) for population in populations]
    labels = [f"{writers}w{readers}r" for writers, readers in populations]
    title = f"{group.title} · {points.marked(sync, group.trials_of(sync))}"
    canvas = plot.Canvas(WIDTH if len(labels) <= 8 else 760, 336, 62, 90, 58, 50)
    canvas.title(title, "time until the change was seen (log scale)")
    values = [max(1, value) for histogram in histograms for value in (histogram.min, histogram.max)]
    low, high, ticks = axis.logarithmic(values)
    canvas.y_axis(low, high, ticks, style.duration, log=True)
    canvas.x_axis(-0.5, len(labels) - 0.5, range(len(labels)), labels, AXIS_TITLE)
    _draw(canvas, histograms)
    return plot.Panel(name, f"Time until a change was seen, by population: {title}", canvas,
                      _caption(histograms, labels))


def _draw(canvas, histograms):
    band = [(place, max(1, histogram.min), max(1, histogram.max)) for place, histogram in enumerate(histograms)]
    if len(band) == 1:
        band = [(-0.12, *band[0][1:]), (0.12, *band[0][1:])]
    canvas.series(band, f"filledcurves fs solid 1 lc rgb '{style.BAND.light}'", "from the first sighting to the last")
    entries = []
    for fraction, look in zip(FRACTIONS, style.SCALE_LOOKS):
        rows = [(place, max(1, histogram.percentile(fraction))) if histogram.supports(fraction) else ()
                for place, histogram in enumerate(histograms)]
        entries += _line(canvas, rows, look, style.percentile_name(fraction))
    maxima = [(place, max(1, histogram.max)) for place, histogram in enumerate(histograms)]
    entries += _line(canvas, maxima, style.SCALE_LOOKS[-1], "max")
    canvas.labels_right(entries)


def _line(canvas, rows, look, words):
    """One percentile over the populations; its label's entry, if there is anything to label."""
    there = [row for row in rows if row]
    if not there:
        return []
    if len(there) > 1:
        canvas.series(rows, f"lines lc rgb '{look.colour.light}' lw 1.8 dt {style.DASHES[look.dash]}", words)
    canvas.series(there, f"points pt {look.filled} ps 0.7 lc rgb '{look.colour.light}'", words)
    return [(canvas.x_px(there[-1][0]), canvas.y_px(there[-1][1]), words, look.colour)]


def _caption(histograms, labels):
    samples = ", ".join(f"{label} {style.metric(histogram.count)}" for label, histogram in zip(labels, histograms))
    few = all(not histogram.supports(FRACTIONS[0]) for histogram in histograms)
    return f"Sightings: {samples}." + (" Too few for a median: the band alone is drawn." if few else "")
