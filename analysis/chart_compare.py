"""Draws B against A: for each judgement the ratio with its interval, on an axis that shows halving and doubling alike."""

import math

import comparison
import plot
import points
import style

WIDTH, ROW_HEIGHT = 860, 19
MOST_ROWS = 60
NEED_NO_WORDS = frozenset((comparison.SAME, comparison.UNDECIDED, comparison.FEW))
# However far away an interval ends, the axis shows no more than this; an arrow head says that it goes on.
MOST_RATIO = 8.0
TICKS = (0.125, 0.2, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1, 1.15, 1.2, 1.25, 4 / 3, 1.5, 2.0,
         3.0, 4.0, 5.0, 8.0)


def build(found, looks, words):
    """The chart: a panel for each metric that was compared; `words` names the conditions of a point."""
    chart = plot.Chart()
    for name in found.terms.metrics:
        members = [one for one in found.judgements if one.metric.name == name]
        if members:
            chart.panels.append(_panel(found, members, looks, words))
    return chart


def _chosen(members):
    """The rows to be drawn, in their order: what changed, what is taken together, then the least certain of the rest."""
    if len(members) <= MOST_ROWS:
        return members
    order = sorted(range(len(members)), key=lambda place: (members[place].says in NEED_NO_WORDS, members[place].point is not None,
                                                           -abs(members[place].change.z)))
    return [members[place] for place in sorted(order[:MOST_ROWS])]


def _panel(found, members, looks, words):
    shown = _chosen(members)
    names = [f"{one.load} {one.sync} {words(one.point) if one.point else f'all {one.conditions}'}" for one in shown]
    names = [style.ellipsis(name, 52) for name in names]
    size = style.FONT_SIZE - 2
    left = 20 + max(plot.text_width(name, size) for name in names)
    metric = members[0].metric
    canvas = plot.Canvas(WIDTH, 112 + ROW_HEIGHT * len(shown), round(left), 118, 58, 54)
    better = "right" if metric.higher_is_better else "left"
    canvas.title(f"B against A: {metric.title}", f"B/A, with the 95 % interval; better is to the {better}")
    low, high, ticks = _axis(shown, found.terms.threshold)
    canvas.y_axis(-0.5, len(shown) - 0.5, [], str)
    canvas.x_axis(low, high, ticks, [f"{tick:.3g}" for tick in ticks], "B/A (log scale)", log=True, grid=True)
    _draw_band(canvas, found.terms.threshold)
    for place, (one, name) in enumerate(zip(shown, names)):
        _draw_row(canvas, len(shown) - 1 - place, one, name, looks[one.sync])
    caption = f"The band is what does not count as a change, {style.share(found.terms.threshold)} to either side."
    if len(shown) < len(members):
        caption += f" {style.plural(len(members) - len(shown), 'more judgement')} left out; the table has them."
    return plot.Panel(f"compare-{metric.name}", f"{metric.title} of B against A by condition, with intervals", canvas, caption)


def _axis(shown, threshold):
    """(low, high, ticks) that hold all ratios and most of the intervals."""
    values = [one.change.ratio for one in shown] + [end for one in shown if one.change.interval
                                                    for end in (one.change.interval.low, one.change.interval.high)]
    reach = max(abs(math.log(min(max(value, 1 / MOST_RATIO), MOST_RATIO))) for value in values)
    reach = max(1.08 * reach, 2.2 * threshold)
    low, high = math.exp(-reach), math.exp(reach)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    apart = 2 * reach / 14
    kept = [1.0]
    for tick in sorted(ticks, key=lambda tick: abs(math.log(tick))):
        if all(abs(math.log(tick / other)) >= apart for other in kept):
            kept.append(tick)
    return low, high, sorted(kept)


def _draw_band(canvas, threshold):
    low, high = canvas.ranges["x"][:2]
    left, right = canvas.x_px(max(low, 1 - threshold)), canvas.x_px(min(high, 1 + threshold))
    canvas.box(left, canvas.top, right - left, canvas.bottom - canvas.top, style.BAND, behind=True)
    canvas.line(canvas.x_px(1), canvas.top, canvas.x_px(1), canvas.bottom, colour=style.SOFT)


def _draw_row(canvas, height, one, name, look):
    low, high = canvas.ranges["x"][:2]
    size, y = style.FONT_SIZE - 2, canvas.y_px(height)
    canvas.text(canvas.left - 8, y, name, anchor="right", size=size, bold=one.point is None)
    tip = f"{name}: B/A {one.change.ratio:.3f}, {one.says}"
    interval = one.change.interval
    if interval:
        ends = [min(max(end, low), high) for end in (interval.low, interval.high)]
        if ends[0] < ends[1]:
            canvas.series([(ends[0], height, ends[1] - ends[0], 0)], f"vectors nohead lc rgb '{look.colour.light}' lw 1.6", tip)
        for end, beyond, mark in ((ends[0], interval.low < low, 3), (ends[1], interval.high > high, 3)):
            if beyond:
                canvas.series([(end, height)], f"points pt {mark} ps 0.5 lc rgb '{look.colour.light}'", tip)
    if low <= one.change.ratio <= high:
        kind = look.filled if one.says not in (comparison.UNDECIDED, comparison.FEW) else look.hollow
        canvas.series([(one.change.ratio, height)], f"points pt {kind} ps 0.7 lc rgb '{look.colour.light}'", tip)
    loud = one.says in (comparison.WORSE, comparison.BETTER)
    canvas.text(canvas.right + 10, y, one.says.upper() if one.says == comparison.WORSE else one.says,
                colour=style.INK if loud else style.SOFT, size=size, bold=loud)


def looks_of(found):
    """The looks of the primitives of both runs."""
    return style.looks_for(list(dict.fromkeys(points.syncs(found.a) + points.syncs(found.b))))
