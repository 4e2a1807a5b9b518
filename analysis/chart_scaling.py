"""Draws the universal scalability law through the throughputs of growing crews, with its interval, no further than it may be asked."""

from fractions import Fraction

import numpy

import axis
import plot
import points
import stats
import style
import usl

WIDTH, MOST_PANELS, STEPS = 500, 8, 40


def build(run, looks):
    """The chart, or None where crews of one size were measured only."""
    chart, few = plot.Chart(), []
    for group in points.groups(run.points, lambda point, data: points.alive(data) and bool(points.rates(data.trials))):
        tables = _tables(group)
        fits = {sync: found for sync, table in tables.items() if (found := usl.fit(table))}
        if fits and len(chart.panels) < MOST_PANELS:
            chart.panels.append(_panel(run, group, tables, fits, looks, f"scaling-{len(chart.panels) + 1}"))
        elif not fits and any(len(table) > 1 for table in tables.values()):
            few.append(group.title)
    if few:
        chart.notes.append(f"No fit for {points.named_list(few, 4)}: the law has three numbers, and takes {usl.FEWEST_CREWS} sizes of crew "
                           "of the same mix of writers and readers, of primitives that are CLEAN.")
    return chart if chart.panels or chart.notes else None


def _tables(group):
    """For each primitive {crew: rates}, of the mix of writers and readers that has most crews; without what broke."""
    mixes = {}
    for point, data in group.points.items():
        if not points.broken(data.trials) and points.rates(data.trials):
            mix = Fraction(point.readers, point.writers + point.readers)
            mixes.setdefault(mix, {}).setdefault(point.sync, {})[point.writers + point.readers] = points.rates(data.trials)
    return max(mixes.values(), key=lambda tables: max(map(len, tables.values())), default={})


def _panel(run, group, tables, fits, looks, name):
    labels = {sync: style.ellipsis(sync, 20) + ("" if found.holds else " (not by the law)") for sync, found in fits.items()}
    right = 30 + max(plot.text_width(label, style.FONT_SIZE - 1) for label in labels.values())
    canvas = plot.Canvas(WIDTH, max(330, 114 + 17 * len(fits)), 62, round(right), 58, 50)
    canvas.title(group.title, "throughput, operations per second")
    far = max(found.reach for found in fits.values())
    middles = {sync: {crew: stats.median(rates) for crew, rates in tables[sync].items()} for sync in fits}
    _, top, ticks = axis.linear([value for one in middles.values() for value in one.values()])
    canvas.y_axis(0, top, ticks, style.metric)
    crews = sorted({crew for one in middles.values() for crew in one})
    canvas.x_axis(0.5, far + 0.5, crews, [str(crew) for crew in crews], "workers")
    edge = canvas.x_px(crews[-1])
    canvas.box(edge, canvas.top, canvas.right - edge, canvas.bottom - canvas.top, style.BAND, behind=True)
    entries = [_draw(canvas, sync, found, middles[sync], looks[sync], labels[sync], top) for sync, found in fits.items()]
    canvas.labels_right(entries)
    return plot.Panel(name, f"Scalability law: {group.title}", canvas, _caption(run, fits))


def _draw(canvas, sync, found, middles, look, label, top):
    colour = look.colour.light
    last = found.reach if found.holds else found.largest
    places = numpy.linspace(1, last, STEPS)
    if found.holds:
        low, high = found.band(places)
        for edge in (low, high):
            canvas.series([(n, min(value, top)) for n, value in zip(places, edge)], f"lines lc rgb '#80{colour[1:]}' lw 0.7", f"{sync}: 95 % interval")
        values = found.law.at(places)
        canvas.series([(n, min(value, top)) for n, value in zip(places, values)], f"lines lc rgb '{colour}' lw 1.8 dt {style.DASHES[look.dash]}", sync)
        end = min(top, float(values[-1]))
    else:
        end = middles[max(middles)]
    canvas.series(list(middles.items()), f"points pt {look.filled} ps 0.7 lc rgb '{colour}'", f"{sync}: medians")
    return canvas.x_px(last), canvas.y_px(end), label, look.colour


def words(sync, found):
    """What the fit says of one primitive."""
    if not found.holds:
        return f"{sync}: the law explains {style.share(max(0.0, found.r2))} of the variation, too little to draw it"
    low, high = (numpy.quantile([law.contention for law in found.resampled], part) for part in (0.025, 0.975))
    said = f"{sync}: contention {found.law.contention:.2g} ({low:.2g} to {high:.2g}), coherence {found.law.coherence:.2g}, "
    peak = found.law.peak
    if peak is not None and peak <= found.reach:
        return said + f"best at {style.plural(max(1, round(peak)), 'worker')}"
    return said + f"no best crew up to {found.reach:g} workers, and further the figures do not reach"


def _caption(run, fits):
    threads = run.host.get("threads")
    most = max(found.largest for found in fits.values())
    beyond = (f" Above {threads} workers the CPUs are shared, and the law speaks of the scheduler as well."
              if isinstance(threads, int) and most > threads else "")
    return "; ".join(words(sync, found) for sync, found in fits.items()) + ". Shaded: beyond what was measured." + beyond
