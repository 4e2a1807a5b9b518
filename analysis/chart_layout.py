"""Draws each choice of a layout against the first of its kind: throughput, repeat by repeat, mapping and page faults."""

import collections

import axis
import conditions
import plot
import points
import stats
import style

WIDTH, ROW, MOST_ROWS = 860, 24, 24
Line = collections.namedtuple("Line", "point data value first middle")


def build(run, looks):
    """The chart, a panel for each axis that was varied; None if none was."""
    chart = plot.Chart()
    for field in conditions.LAYOUT:
        lines = _lines(run, field)
        if lines:
            chart.panels.append(_panel(field, lines, looks, points.SettingsNamer(run.points)))
    return chart if chart.panels else None


def _lines(run, field):
    """For all conditions with more than one value of this axis, its values in the order of the plan."""
    families = {}
    for point, data in run.points.items():
        if points.alive(data):
            families.setdefault(conditions.replaced(point, **{field.name: None}), []).append((point, data))
    found = []
    for members in families.values():
        first = next(((point, data) for point, data in members if points.rates(data.trials)), None)
        if len(members) < 2 or first is None:
            continue
        base = {trial.repeat: trial.ops_per_s for trial in points.measured(first[1].trials)}
        for point, data in members:
            ratios = [trial.ops_per_s / base[trial.repeat] for trial in points.measured(data.trials) if base.get(trial.repeat)]
            found.append(Line(point, data, getattr(point, field.name), getattr(first[0], field.name), stats.middle(ratios)))
    return found


def _name(line, namer, field):
    """The conditions without the axis itself, whose value stands beside."""
    mine = dict(zip((setting.name for setting in conditions.SETTINGS), namer.words(line.point)))
    others = [word for name, word in mine.items() if word and name != field.name and name not in _LAYOUT_NAMES]
    return " ".join([line.point.load, line.point.sync, points.population(line.point), style.size(line.point.size), *others])


_LAYOUT_NAMES = frozenset(field.name for field in conditions.LAYOUT)


def _panel(field, lines, looks, namer):
    left_out, lines = max(0, len(lines) - MOST_ROWS), lines[:MOST_ROWS]
    names = [style.ellipsis(f"{_name(line, namer, field)} · {line.value}", 64) for line in lines]
    size = style.FONT_SIZE - 1
    left = 24 + max(plot.text_width(name, size) for name in names)
    canvas = plot.Canvas(max(WIDTH, round(left) + 540), 112 + ROW * len(lines), round(left), 290, 58, 54)
    canvas.title(f"Which {field.word}", "operations a second against the first value's, with the 95 % interval; more is better")
    low, high, ticks = axis.logarithmic([1.0] + [end for line in lines for end in _ends(line.middle)], 8)
    canvas.y_axis(-0.5, len(lines) - 0.5, [], str)
    canvas.x_axis(low, high, ticks, [f"{tick:.3g}" for tick in ticks], "ratio (log scale)", log=True, grid=True)
    canvas.line(canvas.x_px(1), canvas.top, canvas.x_px(1), canvas.bottom, colour=style.SOFT)
    canvas.text(canvas.right + 12, 46, "ops/s · ratio · CPU/op · map · page faults", colour=style.SOFT, size=size)
    reasons = {}
    for place, (line, name) in enumerate(zip(lines, names)):
        _row(canvas, len(lines) - 1 - place, line, name, looks[line.point.sync])
        if line.middle is None:
            reasons.setdefault(line.data.trials[0].reason, []).append(str(line.value))
    caption = "Ratios are of the same repeat, run next to each other. CPU time and page faults are of the crew's loops, at the median; " \
              "map: what a worker took, before them, to open and map its memory."
    caption += "".join(f" {points.named_list(dict.fromkeys(values))}: {why}." for why, values in reasons.items())
    if left_out:
        caption += f" {style.plural(left_out, 'more row')} left out."
    return plot.Panel(f"layout-{field.name}", f"Throughput by {field.word}", canvas, caption)


def _ends(middle):
    if middle is None:
        return ()
    return (middle.median, *((middle.interval.low, middle.interval.high) if middle.interval else ()))


def _cpu(data):
    """CPU time an operation: what others run on the machine it hardly shows."""
    known = [trial.crew.cpu_s / trial.ops for trial in data.trials if trial.ops and trial.crew.workers and trial.crew.cpu_s is not None]
    return style.duration(1e9 * stats.median(known)) if known else "–"


def _mapping(data):
    """What a worker's mapping of its memory took, before the gate."""
    known = [mapping for trial in data.trials for mapping in trial.crew.map_ns]
    return style.duration(stats.median(known)) if known else "–"


def _faults(data):
    known = [trial.minor_faults for trial in data.trials if trial.minor_faults is not None]
    return f"{round(stats.median(known)):,}" if known else "–"


def _row(canvas, height, line, name, look):
    size, y = style.FONT_SIZE - 1, canvas.y_px(height)
    canvas.text(canvas.left - 10, y, name, colour=look.colour, anchor="right", size=size)
    if line.middle is None:
        word, _ = points.leading(line.data.trials)
        canvas.text(canvas.right + 12, y, f"N/A: {word}", colour=style.SOFT, size=size)
        return
    middle, base = line.middle, line.value == line.first
    rate = style.metric(stats.median(points.rates(line.data.trials)))
    tip = f"{name}: {middle.median:.3f} of {line.first}"
    if middle.interval and not base:
        canvas.series([(middle.interval.low, height, middle.interval.high - middle.interval.low, 0)],
                      f"vectors nohead lc rgb '{look.colour.light}' lw 1.6", tip)
    kind = look.hollow if points.broken(line.data.trials) else look.filled
    canvas.series([(middle.median, height)], f"points pt {kind} ps 0.8 lc rgb '{look.colour.light}'", tip)
    ratio = "1" if base else f"{middle.median:.2f}"
    canvas.text(canvas.right + 12, y, f"{rate} · {ratio} · {_cpu(line.data)} · {_mapping(line.data)} · {_faults(line.data)}", size=size, bold=not base)
