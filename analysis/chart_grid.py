"""Draws the shmoo grid: a verdict for each primitive under each condition, with glyph, word and count of repeats."""

import plot
import points
import style

MOST_PANELS = 12
MOST_ROWS = 40
# Up to this many columns a cell spells its verdict; beyond, it carries glyph and count, and the legend spells them.
MOST_WIDE_COLUMNS = 8
MOST_COLUMNS = 20
WIDE, NARROW = (122, 44), (50, 38)
# What needs no line of its own where all columns say it.
SILENT = {"", "no fault"}
# Height of the panel's title with the populations, and of each line of conditions above them.
HEAD, LEVEL = 56, 26


def build(run, looks):
    """The chart, or None if all trials were of deaths, which have a matrix of their own."""
    del looks  # Verdicts have colours of their own.
    chart = plot.Chart()
    panels = [panel for load, groups in _by_load(run) for panel in _split(load, groups)]
    # What is left out must never be what broke.
    shown = sorted(sorted(range(len(panels)), key=lambda place: (not _unexpected(panels[place]), place))[:MOST_PANELS])
    for number, place in enumerate(shown):
        chart.panels.append(_panel(panels[place], f"grid-{number + 1}"))
    if len(panels) > len(shown):
        chart.notes.append(f"{style.plural(len(panels) - len(shown), 'more panel')} left out here, those with "
                           "unexpected verdicts last; the table of all trials holds every verdict.")
    return chart if chart.panels else None


def _by_load(run):
    """(load, its groups) in the order of the plan."""
    found = {}
    for group in points.groups(run.points, lambda point, data: points.alive(data)):
        found.setdefault(group.load, []).append(group)
    return found.items()


class _Column:
    """One condition: a group and one of its populations."""

    def __init__(self, group, population):
        self.population = population
        fault = "no fault" if group.fault in (points.NO_FAULT, "") else f"fault {group.fault}"
        # From the widest condition to the narrowest; a line that says the same everywhere is not drawn.
        self.levels = (fault, *group.settings, style.size(group.size))
        self.cells = {point.sync: data.trials for point, data in group.points.items()
                      if (point.writers, point.readers) == population}


class _Block:
    """What one picture shows: a load, rows of primitives, columns of conditions."""

    def __init__(self, load, syncs, columns):
        self.load, self.syncs, self.columns = load, syncs, columns
        last = len(columns[0].levels) - 1
        self.levels = [level for level in range(last) if {column.levels[level] for column in columns} - SILENT] + [last]
        self.head = HEAD + LEVEL * len(self.levels)


def _split(load, groups):
    """The blocks of a load: one where it fits, else cut between columns and between rows."""
    columns = [_Column(group, population) for group in groups for population in group.populations()]
    syncs = list(dict.fromkeys(sync for group in groups for sync in group.syncs()))
    for first in range(0, len(syncs), MOST_ROWS):
        rows = syncs[first:first + MOST_ROWS]
        for start in range(0, len(columns), MOST_COLUMNS):
            part = columns[start:start + MOST_COLUMNS]
            used = [sync for sync in rows if any(sync in column.cells for column in part)]
            if used:
                yield _Block(load, used, part)


def _unexpected(block):
    return any(not trial.as_expected for column in block.columns for sync in block.syncs
               for trial in column.cells.get(sync, ()))


def _panel(block, name):
    wide = len(block.columns) <= MOST_WIDE_COLUMNS
    cell_width, cell_height = WIDE if wide else NARROW
    left = 26 + max(plot.text_width(style.ellipsis(sync, 20)) for sync in block.syncs)
    least = plot.text_width(f"load {block.load}", style.FONT_SIZE + 1) + 30
    width = max(left + cell_width * len(block.columns) + 16, least, 300)
    canvas = plot.Canvas(round(width), block.head + cell_height * len(block.syncs) + 14, left, 16, block.head, 14)
    canvas.title(f"load {block.load}")
    _draw_heads(canvas, block, left, cell_width)
    for row, sync in enumerate(block.syncs):
        top = block.head + row * cell_height
        canvas.text(left - 12, top + cell_height / 2, style.ellipsis(sync, 20), anchor="right")
        for place, column in enumerate(block.columns):
            cell = _Cell(canvas, left + place * cell_width, top, cell_width, cell_height, wide)
            cell.draw(column.cells.get(sync))
    return plot.Panel(name, f"Verdicts of load {block.load} by primitive and condition", canvas)


def _draw_heads(canvas, block, left, cell_width):
    """The population above each column, and above runs of columns what they share."""
    size = style.FONT_SIZE - (1 if cell_width == WIDE[0] else 2)
    for place, column in enumerate(block.columns):
        words = f"{column.population[0]}w{column.population[1]}r"
        canvas.text(left + (place + 0.5) * cell_width, block.head - 13, words, colour=style.SOFT, anchor="center",
                    size=size)
    for line, level in enumerate(reversed(block.levels)):
        for first, last in _runs(block, level):
            x, room = left + first * cell_width, (last - first) * cell_width
            y = block.head - 25 - LEVEL * line
            words = plot.fitting(block.columns[first].levels[level], room - 4, size)
            canvas.text(x + room / 2, y - 11, words, anchor="center", size=size)
            canvas.line(x + 5, y, x + room - 5, y, colour=style.SOFT, width=0.8)


def _runs(block, level):
    """(first, beyond the last) of the columns that agree down to this level."""
    start = 0
    for place, column in enumerate(block.columns):
        beyond = place + 1
        if beyond == len(block.columns) or block.columns[beyond].levels[:level + 1] != column.levels[:level + 1]:
            yield start, beyond
            start = beyond


class _Cell:
    """One cell of the grid, in pixels."""

    def __init__(self, canvas, x, y, width, height, wide):
        self.canvas, self.wide = canvas, wide
        self.x, self.y, self.width, self.height = x + 3, y + 3, width - 6, height - 6

    def draw(self, trials):
        """Ground, outline and words; an empty frame where the plan holds no such trial."""
        if not trials:
            self.canvas.text(self.x + self.width / 2, self.y + self.height / 2, "·", colour=style.SOFT,
                             anchor="center")
            return
        counts = points.verdict_counts(trials)
        word, number = points.leading(trials)
        look = style.verdict_look(word)
        loud = any(not trial.as_expected for trial in trials)
        ground, ink = (look.loud, style.ON_LOUD) if loud else (look.soft, look.on_soft)
        self.canvas.box(self.x, self.y, self.width, self.height, ground, style.INK if loud else None, 3)
        self._words(look, word, number, len(trials), len(counts) > 1, ink)

    def _words(self, look, word, number, of, mixed, ink):
        middle, height = self.x + self.width / 2, self.y + self.height / 2
        size = style.FONT_SIZE - 2
        if self.wide:
            self.canvas.text(middle, height - 8, f"{look.glyph} {word}", colour=ink, anchor="center", size=size,
                             bold=True)
        else:
            self.canvas.text(middle, height - 7, look.glyph, colour=ink, anchor="center", bold=True)
        words = f"{number}/{of}" + (" mixed" if mixed and self.wide else "")
        self.canvas.text(middle, height + 8, words, colour=ink, anchor="center", size=size)
