"""Draws the crash matrix: what became of the survivors, for each primitive, by the place and the manner of the death."""

import crash
import plot
import style

CELL = (46, 36)
MOST_COLUMNS = 26
MOST_ROWS = 45
MOST_PANELS = 12
HEAD = 116
SIZE = style.FONT_SIZE - 2


def build(run, looks):
    """The chart, or None if nobody was killed on purpose."""
    del looks  # Outcomes have colours of their own.
    chart = plot.Chart()
    for block in crash.blocks(run):
        for part in _parts(block):
            chart.panels.append(_panel(block, *part, f"crash-{len(chart.panels) + 1}"))
    if len(chart.panels) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(chart.panels) - MOST_PANELS, 'more panel')} left out here; the table of "
                           "deaths holds every cell.")
        del chart.panels[MOST_PANELS:]
    return chart if chart.panels else None


def _parts(block):
    """(rows, columns) of each picture of a block."""
    columns, syncs = block.matrix(), list(block.cells)
    pieces = -(-len(columns) // MOST_COLUMNS)
    wide = -(-len(columns) // max(pieces, 1))
    for first in range(0, len(syncs), MOST_ROWS):
        for start in range(0, len(columns), wide):
            part = columns[start:start + wide]
            rows = [sync for sync in syncs[first:first + MOST_ROWS] if any(blow in block.cells[sync] for blow in part)]
            if rows:
                yield rows, part


def _panel(block, syncs, columns, name):
    width, height = CELL
    left = 26 + max(plot.text_width(style.ellipsis(sync, 20)) for sync in syncs)
    present = _outcomes(block, syncs, columns)
    body = HEAD + height * len(syncs)
    room = max(left + width * len(columns) + 16, plot.text_width(block.title) + 30, _legend_width(present), 320)
    canvas = plot.Canvas(round(room), body + 44, left, 16, HEAD, 44)
    canvas.title("Crash matrix", block.title)
    _heads(canvas, columns, left)
    for row, sync in enumerate(syncs):
        top = HEAD + row * height
        canvas.text(left - 12, top + height / 2, style.ellipsis(sync, 20), anchor="right")
        for place, blow in enumerate(columns):
            draw_cell(canvas, left + place * width, top, CELL, block.cells[sync].get(blow))
    _legend(canvas, present, body + 24)
    return plot.Panel(name, f"What became of the survivors of a death, by primitive, place and manner: {block.title}", canvas)


def _heads(canvas, columns, left):
    """The manner above each column, with whom it strikes and the number of words; above the columns of one place its name."""
    width = CELL[0]
    for place, blow in enumerate(columns):
        lines = [blow.manner, *blow.others] + ([f"at {blow.number:g}"] if blow.number is not None else [])
        for line, words in enumerate(reversed(lines[:3])):
            canvas.text(left + (place + 0.5) * width, HEAD - 12 - 13 * line, plot.fitting(words, width - 2, SIZE), colour=style.SOFT,
                        anchor="center", size=SIZE)
    start = 0
    for beyond in range(1, len(columns) + 1):
        if beyond < len(columns) and columns[beyond].place == columns[start].place:
            continue
        x, room = left + start * width, (beyond - start) * width
        words = plot.fitting(columns[start].place, room, SIZE)
        canvas.text(x + room / 2, HEAD - 60, words, anchor="center", size=SIZE)
        canvas.line(x + 4, HEAD - 50, x + room - 4, HEAD - 50, colour=style.SOFT, width=0.8)
        start = beyond


def draw_cell(canvas, x, y, cell_size, cell, words=None):
    """Ground, glyph and count of a cell; a dot where there is none. `words` stand in the place of the count."""
    x, y, width, height = x + 2, y + 2, cell_size[0] - 4, cell_size[1] - 4
    if cell is None:
        canvas.text(x + width / 2, y + height / 2, "·", colour=style.SOFT, anchor="center")
        return
    outcome, count = cell.leading
    look, glyph = crash.look_of(outcome)
    ground, ink = (look.loud, style.ON_LOUD) if cell.odd else (look.soft, look.on_soft)
    canvas.box(x, y, width, height, ground, style.INK if cell.odd else None, 2)
    canvas.text(x + width / 2, y + height / 2 - 7, glyph, colour=ink, anchor="center", bold=True)
    canvas.text(x + width / 2, y + height / 2 + 8, words or f"{count}/{len(cell.trials)}", colour=ink, anchor="center",
                size=SIZE)


def _outcomes(block, syncs, columns):
    """The outcomes that the picture has, in the order of the list."""
    there = {outcome for sync in syncs for blow in columns if blow in block.cells[sync]
             for outcome, _ in block.cells[sync][blow].outcomes}
    return [outcome for outcome in crash.OUTCOMES if outcome in there] + sorted(there - set(crash.OUTCOMES))


def _legend_width(outcomes):
    return sum(_entry_width(outcome) for outcome in outcomes) + 20


def _entry_width(outcome):
    return 38 + plot.text_width(style.ellipsis(outcome, 16), SIZE)


def _legend(canvas, outcomes, y):
    x = 12
    for outcome in outcomes:
        look, glyph = crash.look_of(outcome)
        canvas.box(x, y - 9, 18, 18, look.soft)
        canvas.text(x + 9, y, glyph, colour=look.on_soft, anchor="center", size=SIZE, bold=True)
        canvas.text(x + 24, y, style.ellipsis(outcome, 16), colour=style.SOFT, size=SIZE)
        x += _entry_width(outcome)
