"""Draws what a writer leaves that is killed at each word in turn: the share of trials whose data were found torn."""

import chart_crash
import crash
import plot
import style

CELL = (46, 36)
MOST_COLUMNS = 24
MOST_PANELS = 12
HEAD = 92
SIZE = style.FONT_SIZE - 2
WHAT = {"inside": "words of the record written", "writing": "stores of the primitive's own made",
        "within": "instructions of the primitive's own gone"}


def build(run, looks):
    """The chart, or None if no place was swept over."""
    del looks
    chart = plot.Chart()
    for block in crash.blocks(run):
        for kind, blows in block.sweeps().items():
            for start in range(0, len(blows), MOST_COLUMNS):
                chart.panels.append(_panel(block, kind, blows[start:start + MOST_COLUMNS], f"words-{len(chart.panels) + 1}"))
    if len(chart.panels) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(chart.panels) - MOST_PANELS, 'more panel')} left out here.")
        del chart.panels[MOST_PANELS:]
    return chart if chart.panels else None


def _panel(block, kind, blows, name):
    place, manner, others = kind
    syncs = [sync for sync, row in block.cells.items() if any(blow in row for blow in blows)]
    left = 26 + max(plot.text_width(style.ellipsis(sync, 20)) for sync in syncs)
    below = f"{block.title}; {' '.join((manner, *others))}, {place}"
    axis = WHAT.get(place, "at")
    # One column more: the whole row.
    room = max(left + CELL[0] * (len(blows) + 1) + 26, plot.text_width(below, style.FONT_SIZE - 1) + 30, 360)
    canvas = plot.Canvas(round(room), HEAD + CELL[1] * len(syncs) + 16, left, 16, HEAD, 16)
    canvas.title("Data after death", below)
    canvas.text(left, HEAD - 34, axis, colour=style.SOFT, size=SIZE)
    for column, blow in enumerate(blows):
        canvas.text(left + (column + 0.5) * CELL[0], HEAD - 14, f"{blow.number:g}", colour=style.SOFT, anchor="center",
                    size=SIZE)
    canvas.text(left + 10 + (len(blows) + 0.5) * CELL[0], HEAD - 14, "all", colour=style.SOFT, anchor="center", size=SIZE)
    for row, sync in enumerate(syncs):
        top = HEAD + row * CELL[1]
        canvas.text(left - 12, top + CELL[1] / 2, style.ellipsis(sync, 20), anchor="right")
        for column, blow in enumerate(blows):
            cell = block.cells[sync].get(blow)
            chart_crash.draw_cell(canvas, left + column * CELL[0], top, CELL, cell, cell and torn_words(cell))
        _share(canvas, left + 10 + len(blows) * CELL[0], top, block.pooled(sync, blows))
    return plot.Panel(name, f"Share of records found torn, by primitive and number: {below}", canvas,
                      "Torn trials, of those in which the data could be looked at; a dash where they could not. The glyph "
                      "tells what became of the others." + (" An exchange that fails counts as a store." if place == "writing" else ""))


def torn_words(cell):
    """2/3: torn, of those that could be looked at."""
    return f"{cell.torn}/{cell.looked_at}" if cell.looked_at else "–"


def _share(canvas, x, y, cell):
    words = style.share(cell.torn / cell.looked_at) if cell and cell.looked_at else "–"
    canvas.text(x + CELL[0] / 2, y + CELL[1] / 2, words, anchor="center", size=SIZE, bold=True)
