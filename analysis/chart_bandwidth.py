"""Draws bandwidth against the size of a record or message: bytes that came out whole in a second, a line per primitive."""

import axis
import plot
import points
import stats
import style

WIDTH, MOST_PANELS = 500, 8
FEWEST_SIZES = 2
# An operation of these loads writes or reads the whole record; of queues the records say the bytes.
WHOLE_RECORD = frozenset(("snapshot",))


def build(run, looks):
    """The chart, or None if no more than one size was measured."""
    families = {}
    for point, data in run.points.items():
        rates = [rate for trial in points.measured(data.trials) if (rate := bandwidth(trial))] if points.alive(data) else []
        if rates:
            key = point.load, point.fault, points.population(point), points.settings_key(point)
            families.setdefault(key, {}).setdefault(point.sync, {})[point.size] = (rates, data.trials, point)
    families = {key: syncs for key, syncs in families.items() if len({size for sizes in syncs.values() for size in sizes}) >= FEWEST_SIZES}
    if not families:
        return None
    namer = points.SettingsNamer(run.points)
    chart = plot.Chart([_panel(key, syncs, namer, looks, f"bandwidth-{number + 1}")
                        for number, (key, syncs) in enumerate(list(families.items())[:MOST_PANELS])])
    if len(families) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(families) - MOST_PANELS, 'more panel')} left out here.")
    return chart


def bandwidth(trial):
    """Bytes per second; None where an operation moves no whole record."""
    if trial.bytes_per_s is not None:
        return trial.bytes_per_s
    return trial.ops_per_s * trial.point.size if trial.point.load in WHOLE_RECORD and trial.ops_per_s else None


def written(value):
    """Bytes per second with their unit."""
    return f"{style.size(value)}/s"


def _panel(key, syncs, namer, looks, name):
    load, fault, population, _ = key
    curves = {sync: sorted((size, stats.middle(rates), trials) for size, (rates, trials, _) in sizes.items()) for sync, sizes in syncs.items()}
    point = next(point for sizes in syncs.values() for _, _, point in sizes.values())
    words = [load, population] + ([f"fault {fault}"] if fault not in (points.NO_FAULT, "") else []) + [word for word in namer.words(point) if word]
    labels = {sync: points.marked(sync, [trial for _, _, trials in rows for trial in trials]) for sync, rows in curves.items()}
    right = 30 + max(plot.text_width(label, style.FONT_SIZE - 1) for label in labels.values())
    canvas = plot.Canvas(WIDTH, max(330, 114 + 17 * len(curves)), 82, round(right), 58, 50)
    canvas.title(" · ".join(words), "bandwidth (log scale)")
    low, high, _ = axis.logarithmic([value for rows in curves.values() for _, middle, _ in rows for value in _ends(middle)])
    canvas.y_axis(low, high, _powers(low, high), written, log=True)
    sizes = sorted({size for rows in curves.values() for size, _, _ in rows})
    canvas.x_axis(sizes[0] / 1.2, sizes[-1] * 1.2, sizes, [style.size(size) for size in sizes], "size of a record or message (log scale)", log=True, grid=True)
    entries = []
    for sync, rows in curves.items():
        look = looks[sync]
        canvas.series([(size, middle.median) for size, middle, _ in rows], f"lines lc rgb '{look.colour.light}' lw 1.8 dt {style.DASHES[look.dash]}", sync)
        whiskers = [(size, middle.interval.low, 0, middle.interval.high - middle.interval.low) for size, middle, _ in rows if middle.interval]
        if whiskers:
            canvas.series(whiskers, f"vectors nohead lc rgb '{look.colour.light}' lw 1.4", f"{sync}: interval of the median")
        for size, middle, trials in rows:
            kind = look.hollow if points.broken(trials) else look.filled
            canvas.series([(size, middle.median)], f"points pt {kind} ps 0.7 lw 1.4 lc rgb '{look.colour.light}'", f"{sync}: {written(middle.median)}")
        entries.append((canvas.x_px(rows[-1][0]), canvas.y_px(rows[-1][1].median), labels[sync], look.colour))
    canvas.labels_right(entries)
    return plot.Panel(name, f"Size against bandwidth: {' '.join(words)}", canvas, "Medians of the repeats, with their intervals. Hollow: broken.")


def _ends(middle):
    return (middle.interval.low, middle.interval.high, middle.median) if middle.interval else (middle.median,)


def _powers(low, high):
    """Ticks at powers of two, few enough to be read."""
    found = [2.0 ** power for power in range(0, 60) if low <= 2.0 ** power <= high]
    return found[::-(-len(found) // 8)] if found else [low, high]
