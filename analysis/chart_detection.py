"""Draws how long hunts took to find what is broken: one row a primitive, a dot a try, time along a logarithmic axis."""

import axis
import detection
import plot
import style

WIDTH, ROW_HEIGHT = 860, 17
LIMIT_S = 5.0
FAMILIES = ("lock", "cell", "queue", "counter", "pool", "barrier")
AXIS_TITLE = "time until it was found (log scale)"
# A try that found nothing stands this far to the right of the longest time shown.
BEYOND = 1.6


def build(run, looks):
    """The chart, or None if the run has no hunt for anything broken."""
    del looks  # Colours are of families here: primitives have a row each.
    found = detection.rows(run)
    if not found:
        return None
    chart = plot.Chart(notes=[detection.summary(found) + "."])
    chart.panels.append(_panel(found))
    return chart


def look_of(family):
    """The look of a family."""
    return style.SCALE_LOOKS[FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)]


def _panel(found):
    left = 24 + max(plot.text_width(row.sync, style.FONT_SIZE - 2) for row in found)
    canvas = plot.Canvas(WIDTH, 130 + ROW_HEIGHT * len(found), round(left), 132, 58, 50)
    canvas.title("Time to detection", "a dot is a try, a bar the median; the fastest on top")
    times = [max(time, 1e-6) for row in found for time in row.times]
    low, high, ticks = axis.logarithmic([*times, detection.FAST_S, LIMIT_S])
    canvas.y_axis(-0.5, len(found) - 0.5, [], str)
    canvas.x_axis(low, high * BEYOND, ticks, [style.duration(tick * 1e9) for tick in ticks], AXIS_TITLE, log=True, grid=True)
    for limit in (detection.FAST_S, LIMIT_S):
        canvas.line(canvas.x_px(limit), canvas.top, canvas.x_px(limit), canvas.bottom, colour=style.SOFT, dash="short")
    for place, row in enumerate(found):
        _row(canvas, len(found) - 1 - place, row, high)
    _legend(canvas, found)
    words = f"Time until each of {style.plural(len(found), 'broken primitive')} was found, one dot for each try"
    return plot.Panel("detection", words, canvas, f"Broken lines: {style.seconds(detection.FAST_S)}, the goal for a median, "
                                                  f"and {style.seconds(LIMIT_S)}, the time that a try had.")


def _row(canvas, height, row, high):
    look, size = look_of(row.family), style.FONT_SIZE - 2
    y = canvas.y_px(height)
    canvas.text(canvas.left - 8, y, row.sync, anchor="right", size=size)
    tip = f"{row.sync}: found in {len(row.times)} of {style.plural(row.tried, 'try', 'tries')}"
    dots = [(max(time, 1e-6), height) for time in row.times]
    if dots:
        canvas.series(dots, f"points pt {look.filled} ps 0.5 lc rgb '{look.colour.light}'", tip)
    if row.missed:
        canvas.series([(high * (1 + BEYOND) / 2, height)], f"points pt 2 ps 0.7 lw 1.6 lc rgb '{style.INK.light}'", tip)
    if row.median < float("inf"):
        middle = canvas.x_px(max(row.median, 1e-6))
        canvas.line(middle, y - 6, middle, y + 6, colour=look.colour, width=2.4)
    canvas.text(canvas.right + 8, y, f"{len(row.times)}/{row.tried}", colour=style.INK if row.missed else style.SOFT, size=size,
                bold=bool(row.missed))


def _legend(canvas, found):
    """Names the families that are there, at the right."""
    there = [family for family in FAMILIES if any(row.family == family for row in found)]
    for place, family in enumerate(there):
        look, y = look_of(family), canvas.top + 10 + 18 * place
        canvas.box(canvas.right + 52, y - 5, 10, 10, look.colour)
        canvas.text(canvas.right + 68, y, family, colour=look.colour, size=style.FONT_SIZE - 1)
