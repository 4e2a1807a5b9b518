"""Draws how evenly the workers of a role were served: each worker's share as a dot, and Jain's index."""

import plot
import points
import stats
import style

WIDTH, MOST_PANELS, ROW = 560, 8, 26
MOST_DOTS, MOST_ROWS = 400, 24
ROLES = ("writer", "reader")


def build(run, looks):
    """The chart, or None if no role had two workers."""
    families = {}
    for group in points.groups(run.points, lambda point, data: points.alive(data) and any(map(_rivals, data.trials))):
        crew = max(group.populations(), key=sum)
        families.setdefault((group.load, group.fault, group.settings), []).append((group, crew))
    if not families:
        return None
    chosen = [max(members, key=lambda member: (len(member[0].points), sum(member[1]))) for members in families.values()]
    chart = plot.Chart()
    for number, (group, crew) in enumerate(chosen[:MOST_PANELS]):
        chart.panels.append(_panel(group, crew, looks, f"fairness-{number + 1}"))
    chart.notes.append("One configuration per load and fault: the one with most primitives and the largest crew.")
    if len(chosen) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(chosen) - MOST_PANELS, 'more panel')} left out here.")
    return chart


def _served(trial, role):
    """Operations of each of several who did some; else None. A damaged record may know other roles."""
    ops = trial.crew.ops.get(role, ())
    return ops if len(ops) > 1 and sum(ops) else None


def _rivals(trial):
    return any(_served(trial, role) for role in ROLES)


def _rows(group, crew):
    """(sync, role, shares of all workers of all trials, Jain's index of each trial, broken)."""
    for point, data in group.points.items():
        if (point.writers, point.readers) != crew:
            continue
        for role in ROLES:
            served = [ops for trial in data.trials if (ops := _served(trial, role))]
            if served:
                shares = [ops * len(one) / sum(one) for one in served for ops in one]
                yield point.sync, role, shares, [jain(one) for one in served], data.trials


def jain(ops):
    """Jain's index of these operations."""
    return sum(ops) ** 2 / (len(ops) * sum(value * value for value in ops))


def _panel(group, crew, looks, name):
    rows = list(_rows(group, crew))
    left_out, rows = max(0, len(rows) - MOST_ROWS), rows[:MOST_ROWS]
    labels = [f"{points.marked(sync, trials)} · {role}s" for sync, role, _, _, trials in rows]
    size = style.FONT_SIZE - 1
    left = 24 + max(plot.text_width(label, size) for label in labels)
    canvas = plot.Canvas(max(WIDTH, round(left) + 340), 112 + ROW * len(rows), round(left), 96, 58, 54)
    canvas.title(f"{group.title} · {crew[0]}w{crew[1]}r", "each worker's operations, over the mean of its role")
    top = max(2.0, 1.05 * max(max(shares) for _, _, shares, _, _ in rows))
    ticks = _ticks(top)
    canvas.y_axis(-0.5, len(rows) - 0.5, [], str)
    canvas.x_axis(0, top, ticks, [f"{tick:g}" for tick in ticks], "share of operations; 1 is a fair share", grid=True)
    canvas.text(canvas.width - 12, 46, "Jain's index", colour=style.SOFT, anchor="right", size=size)
    for place, ((sync, _, shares, indices, _), label) in enumerate(zip(rows, labels)):
        _row(canvas, len(rows) - 1 - place, sync, shares, indices, label, looks[sync])
    most = max(len(indices) for _, _, _, indices, _ in rows)
    caption = f"{style.plural(most, 'trial')} of each." + (f" Dots: about {MOST_DOTS} of each row." if any(len(row[2]) > MOST_DOTS for row in rows) else "")
    return plot.Panel(name, f"Shares of the workers and Jain's index: {group.title}", canvas,
                      caption + (f" {style.plural(left_out, 'more row')} left out." if left_out else ""))


def _ticks(top):
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 10000) if top / step <= 8)
    return [place * step for place in range(int(top / step) + 1)]


def _row(canvas, place, sync, shares, indices, label, look):
    thinned = shares[::-(-len(shares) // MOST_DOTS)]
    canvas.series([(share, place) for share in thinned], f"points pt {look.filled} ps 0.4 lc rgb '#90{look.colour.light[1:]}'",
                  f"{sync}: each worker")
    height, size = canvas.y_px(place), style.FONT_SIZE - 1
    canvas.text(canvas.left - 10, height, label, colour=look.colour, anchor="right", size=size)
    canvas.text(canvas.width - 12, height, f"{stats.median(indices):.3f}", anchor="right", size=size)
