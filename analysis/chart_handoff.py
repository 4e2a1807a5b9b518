"""Draws the matrix of hand-offs from core to core: the median time of a message between two pinned processes."""

import plot
import points
import style
from histogram import merged

CELL = (74, 34)
MOST_CPUS, MOST_PANELS = 24, 6
FEWEST_SAMPLES = 20


def build(run, looks):
    """The chart, or None if no pair was pinned to two single CPUs."""
    del looks
    found, unpinned = {}, 0
    for point, data in run.points.items():
        pairs = {_pair(trial) for trial in data.trials}
        times = _times(data)
        if not times or points.broken(data.trials):
            continue
        if len(pairs) != 1 or None in pairs:
            unpinned += 1
            continue
        cells = found.setdefault((point.sync, point.load, point.size, times[0][2]), {})
        writer, reader = pairs.pop()
        for histogram, outward, part in times:
            cells.setdefault((writer, reader) if outward else (reader, writer), []).append((histogram, part))
    if not found:
        return plot.Chart([], ["No matrix of hand-offs: it takes pairs of one writer and one reader, each pinned to a CPU "
                               "of its own (--load pingpong --writers 1 --readers 1 --pin 0,1 and so on)."]) if unpinned else None
    chart = plot.Chart([_panel(key, cells, f"handoff-{number + 1}") for number, (key, cells) in enumerate(list(found.items())[:MOST_PANELS])])
    if len(found) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(found) - MOST_PANELS, 'more panel')} left out here.")
    return chart


def _times(data):
    """(histogram, from the writer to the reader?, part of it that is one way). Who receives a message has timed it: the reader those
    of the writer, and the writer the answers. Where only round trips are there, half of one stands for the way there."""
    ways = [(data.histograms[name, role], role == "reader", 1.0)
            for name, role in (("one-way", "reader"), ("one-way", "writer")) if (name, role) in data.histograms]
    rounds = data.histogram("round-trip")
    return ways or ([(rounds, True, 0.5)] if rounds is not None else [])


def _pair(trial):
    """The two CPUs of a pair; None where it is no pair, or not pinned to one CPU each."""
    cpus = trial.crew.cpus
    if len(cpus) != 2 or not all(isinstance(cpu, str) and cpu.isdigit() for cpu in cpus):
        return None
    return int(cpus[0]), int(cpus[1])


def _panel(key, cells, name):
    sync, load, size, part = key
    cpus = sorted({cpu for pair in cells for cpu in pair})[:MOST_CPUS]
    values = {pair: _median(found) for pair, found in cells.items()}
    left, head = 84, 92
    canvas = plot.Canvas(max(360, left + CELL[0] * len(cpus) + 24), head + CELL[1] * len(cpus) + 40, left, 24, head, 40)
    canvas.title(f"{sync} · {load} · {style.size(size)}", "median of one way" + ("" if part == 1 else ", half of a round trip"))
    canvas.text(left, head - 34, "to CPU", colour=style.SOFT, size=style.FONT_SIZE - 1)
    known = sorted(value for value in values.values() if value is not None)
    for row, source in enumerate(cpus):
        top = head + row * CELL[1]
        canvas.text(left - 12, top + CELL[1] / 2, ("from CPU " if row == 0 else "") + str(source), colour=style.SOFT, anchor="right", size=style.FONT_SIZE - 2)
        canvas.text(left + (row + 0.5) * CELL[0], head - 14, str(source), colour=style.SOFT, anchor="center", size=style.FONT_SIZE - 1)
        for column, target in enumerate(cpus):
            _cell(canvas, left + column * CELL[0], top, values.get((source, target)), known)
    return plot.Panel(name, f"Hand-off from CPU to CPU, {load}: {sync}, {style.size(size)}", canvas,
                      "A dot: that pair was not measured. Darker is faster." if known else "Too few samples for a median.")


def _median(found):
    whole = merged([histogram for histogram, _ in found])
    return whole.percentile(0.5) * found[0][1] if whole.count >= FEWEST_SAMPLES else None


def _cell(canvas, x, y, value, known):
    middle = x + CELL[0] / 2, y + CELL[1] / 2
    if value is None:
        canvas.text(*middle, "·", colour=style.SOFT, anchor="center")
        return
    place = 0.0 if known[0] == known[-1] else (value - known[0]) / (known[-1] - known[0])
    canvas.box(x + 1, y + 1, CELL[0] - 2, CELL[1] - 2, style.SCALE[round(4 * place)])
    canvas.text(*middle, style.duration(value), colour=style.PAPER, anchor="center", size=style.FONT_SIZE - 1)
