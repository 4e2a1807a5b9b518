"""Draws how long the survivors of a death waited until one of them had the primitive: a row a primitive, a dot a death."""

import axis
import crash
import plot
import stats
import style

WIDTH, ROW_HEIGHT = 860, 18
MOST_PANELS = 6
LEAST_S = 1e-7
# Where a primitive is held: only there anything has to be recovered.
HELD = ("inside", "releasing")
# What nobody got again stands this far to the right of the longest time shown.
BEYOND = 1.8


def build(run, looks):
    """The chart, or None if nobody has acquired anything after a death."""
    del looks  # Colours are of places: primitives have a row each.
    chart = plot.Chart()
    for block in crash.blocks(run):
        if any(_deaths(block, sync).times for sync in block.cells):
            chart.panels.append(_panel(block, f"recovery-{len(chart.panels) + 1}"))
    if len(chart.panels) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(chart.panels) - MOST_PANELS, 'more panel')} left out here; the table of deaths "
                           "holds every cell.")
        del chart.panels[MOST_PANELS:]
    return chart if chart.panels else None


def _deaths(block, sync, place=None):
    """All deaths of one primitive, or those at one place, as one cell."""
    return crash.Cell([trial for blow, cell in block.cells[sync].items() for trial in cell.trials
                       if blow.kills and place in (None, blow.place)])


def look_of(place):
    """The look of a place of death."""
    known = crash.PLACES.index(place) if place in crash.PLACES else len(crash.PLACES)
    return style.SCALE_LOOKS[known % len(style.SCALE_LOOKS)]


def _panel(block, name):
    syncs = [sync for sync in block.cells if _deaths(block, sync).trials]
    left = 24 + max(plot.text_width(style.ellipsis(sync, 20), style.FONT_SIZE - 2) for sync in syncs)
    canvas = plot.Canvas(WIDTH, 130 + ROW_HEIGHT * len(syncs), round(left), 170, 58, 50)
    canvas.title("Time from a death to the next acquisition",
                 f"{block.title}; a dot is a death, a bar the median where the dead one held it")
    times = [max(time, LEAST_S) for sync in syncs for time in _deaths(block, sync).times]
    low, high, ticks = axis.logarithmic([*times, 1e-5, 1e-2])
    canvas.y_axis(-0.5, len(syncs) - 0.5, [], str)
    canvas.x_axis(low, high * BEYOND, ticks, [style.duration(tick * 1e9) for tick in ticks],
                  "until somebody else had the primitive (log scale); crosses: nobody ever had it again", log=True, grid=True)
    for place, sync in enumerate(syncs):
        _row(canvas, len(syncs) - 1 - place, sync, block, high)
    _legend(canvas, block)
    return plot.Panel(name, f"Time from a death to the next acquisition by another process: {block.title}", canvas,
                      "Where a worker was killed from outside the time runs from the signal, else from the death itself.")


def _row(canvas, height, sync, block, high):
    size, every = style.FONT_SIZE - 2, _deaths(block, sync)
    y = canvas.y_px(height)
    canvas.text(canvas.left - 8, y, style.ellipsis(sync, 20), anchor="right", size=size)
    held = []
    for place in dict.fromkeys(blow.place for blow in block.cells[sync]):
        times = _deaths(block, sync, place).times
        held += times if place in HELD else []
        if times:
            look = look_of(place)
            canvas.series([(max(time, LEAST_S), height) for time in times],
                          f"points pt {look.filled} ps 0.5 lc rgb '{look.colour.light}'",
                          f"{sync}, {place}: {crash.spread(times)}")
    got, died = len(every.times), len(every.trials)
    missed = died - got
    if missed:
        canvas.series([(high * (1 + BEYOND) / 2, height)], f"points pt 2 ps 0.6 lw 1.4 lc rgb '{style.INK.light}'",
                      f"{sync}: nobody had it again in {missed} of {died}")
    if held:
        middle = canvas.x_px(max(stats.median(held), LEAST_S))
        canvas.line(middle, y - 6, middle, y + 6, colour=style.INK, width=2.2)
    canvas.text(canvas.right + 8, y, f"{got}/{died}", colour=style.INK if missed else style.SOFT, size=size)


def _legend(canvas, block):
    """Names the places that are there, at the right."""
    there = {blow.place for row in block.cells.values() for blow in row if blow.kills}
    for number, place in enumerate(sorted(there, key=lambda word: crash.Blow(word, "").order)):
        look, y = look_of(place), canvas.top + 10 + 18 * number
        canvas.box(canvas.right + 76, y - 5, 10, 10, look.colour)
        canvas.text(canvas.right + 92, y, style.ellipsis(place, 10), colour=look.colour, size=style.FONT_SIZE - 1)
