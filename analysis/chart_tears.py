"""Draws where in the record torn reads split: a bar for each stretch of the record, against cache lines and pages."""

import plot
import points
import style

WIDTH, MOST_PANELS, ROW = 560, 12, 30
LINE, PAGE = 64, 4096
MOST_BARS, MOST_SYNCS = 64, 16


def build(run, looks):
    """The chart, or None if nothing was torn."""
    found = {}
    for trial in run.judged:
        if trial.tears:
            found.setdefault((trial.point.load, trial.point.size), {}).setdefault(trial.point.sync, []).extend(trial.tears)
    if not found:
        return None
    chart = plot.Chart()
    for number, ((load, size), by_sync) in enumerate(sorted(found.items())[:MOST_PANELS]):
        chart.panels.append(_panel(load, size, by_sync, looks, f"tears-{number + 1}"))
    if len(found) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(found) - MOST_PANELS, 'more panel')} left out here.")
    return chart


def _panel(load, size, by_sync, looks, name):
    syncs = list(by_sync)[:MOST_SYNCS]
    left = 26 + max(plot.text_width(style.ellipsis(sync, 20), style.FONT_SIZE - 1) for sync in syncs)
    canvas = plot.Canvas(WIDTH, 112 + ROW * len(syncs), round(left), 74, 58, 54)
    canvas.title(f"{load} · {style.size(size)}", "share of torn reads that split there")
    top = max(size, 8)
    ticks = [top * part // 4 for part in range(5)] if top >= 4 else [0, top]
    canvas.y_axis(0, len(syncs), [], str)
    canvas.x_axis(0, top, ticks, [str(tick) for tick in ticks], "offset in the record, bytes")
    _rules(canvas, top)
    step = max(8, -(-top // MOST_BARS // 8) * 8)
    for row, sync in enumerate(syncs):
        _row(canvas, row, sync, by_sync[sync], step, top, looks[sync])
    caption = f"A bar is {style.plural(step, 'byte')} wide. " + _caption(by_sync, size)
    left_out = len(by_sync) - len(syncs)
    return plot.Panel(name, f"Where records tear: {load}, {style.size(size)}", canvas,
                      caption + (f" {style.plural(left_out, 'more primitive')} left out." if left_out else ""))


def _rules(canvas, top):
    line = LINE if top / LINE <= 64 else PAGE
    for place in range(line, top, line):
        page = place % PAGE == 0
        canvas.line(canvas.x_px(place), canvas.top, canvas.x_px(place), canvas.bottom, colour=style.SOFT if page else style.RULE,
                    width=1.6 if page else 0.8)


def _row(canvas, row, sync, offsets, step, top, look):
    foot = canvas.top + (row + 1) * ROW - 3
    counts = {}
    for offset in offsets:
        counts[min(offset, top - 1) // step] = counts.get(min(offset, top - 1) // step, 0) + 1
    most = max(counts.values())
    for place, count in counts.items():
        x, end = canvas.x_px(place * step), canvas.x_px(min(top, (place + 1) * step))
        height = max(1.5, (ROW - 8) * count / most)
        canvas.box(x, foot - height, max(1.5, end - x - 0.5), height, look.colour)
    canvas.line(canvas.left, foot, canvas.right, foot)
    canvas.text(canvas.left - 10, foot - ROW / 3, style.ellipsis(sync, 20), colour=look.colour, anchor="right", size=style.FONT_SIZE - 1)
    canvas.text(canvas.right + 8, foot - ROW / 3, f"top {style.share(most / len(offsets))}", colour=style.SOFT, size=style.FONT_SIZE - 2)


def _caption(by_sync, size):
    offsets = [offset for found in by_sync.values() for offset in found]
    at_lines = sum(offset % LINE == 0 for offset in offsets)
    words = f"{style.plural(len(offsets), 'torn read')} of {points.named_list(by_sync, 4)}"
    if size <= LINE:
        return words + ": the record may lie within one cache line."
    return words + f", {style.share(at_lines / len(offsets))} of them at a multiple of {LINE}."
