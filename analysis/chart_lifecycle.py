"""Draws what each step of a region's life costs: median and 99th percentile against population."""

import axis
import plot
import points
import style

MOST_PANELS = 8
WIDTH = 560
LOAD = "lifecycle"
STEPS = ("open", "size", "map", "use", "unmap", "close", "unlink")
AXIS_TITLE = "population (w writers, r readers)"


def build(run, looks):
    """The chart, or None if no trial has life-cycle histograms."""
    del looks  # The lines are steps; primitives have a panel each.
    groups = points.groups(run.points, lambda point, data: any(name in STEPS for name, _ in data.histograms))
    panels = [(group, sync, cells) for group in groups for sync, cells in group.by_sync().items()]
    if not panels:
        return None
    chart = plot.Chart()
    for group, sync, cells in panels[:MOST_PANELS]:
        panel = _panel(group, sync, cells, f"lifecycle-{len(chart.panels) + 1}")
        if panel:
            chart.panels.append(panel)
        else:
            chart.notes.append(f"{group.title} · {sync}: not drawn, too few samples for a median.")
    chart.notes.append("A filled mark is the median, the hollow one above it the 99th percentile, drawn where enough "
                       "samples lie beyond it.")
    if len(panels) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(panels) - MOST_PANELS, 'more panel')} left out here; "
                           "the histograms in run.jsonl have their figures.")
    return chart


class _Step:
    """One step of the life cycle: its median and 99th percentile at each population."""

    def __init__(self, name, cells, populations, look, offset):
        self.name, self.look = name, look
        histograms = [cells[population].histogram(name) for population in populations]
        self.medians = [(place + offset, max(1, found.percentile(0.5))) if found and found.supports(0.5) else ()
                        for place, found in enumerate(histograms)]
        self.tails = [(place + offset, max(1, found.percentile(0.99))) if found and found.supports(0.99) else ()
                      for place, found in enumerate(histograms)]
        self.samples = sum(found.count for found in histograms if found)


def _panel(group, sync, cells, name):
    """The panel of one primitive; None without a single median."""
    populations = [population for population in group.populations() if population in cells]
    labels = [f"{writers}w{readers}r" for writers, readers in populations]
    offsets = [(place - 3) * 0.1 for place in range(len(STEPS))]
    steps = [_Step(step, cells, populations, look, offset)
             for step, look, offset in zip(STEPS, style.SCALE_LOOKS, offsets)]
    values = [row[1] for step in steps for row in step.medians + step.tails if row]
    if not values:
        return None
    title = f"{group.title} · {points.marked(sync, group.trials_of(sync))}"
    canvas = plot.Canvas(WIDTH if len(labels) <= 6 else 860, 380, 62, 84, 58, 50)
    canvas.title(title, "time of each step, median and 99 % (log scale)")
    low, high, ticks = axis.logarithmic(values)
    canvas.y_axis(low, high, ticks, style.duration, log=True)
    canvas.x_axis(-0.5, len(labels) - 0.5, range(len(labels)), labels, AXIS_TITLE)
    _draw(canvas, steps)
    return plot.Panel(name, f"Time of each life-cycle step by population: {title}", canvas, _caption(steps))


def _draw(canvas, steps):
    entries = []
    for step in steps:
        there = [row for row in step.medians if row]
        if not there:
            continue
        colour, look = step.look.colour.light, step.look
        if len(there) > 1:
            canvas.series(step.medians, f"lines lc rgb '{colour}' lw 1.8 dt {style.DASHES[look.dash]}", step.name)
        reach = [(middle[0], middle[1], 0, tail[1] - middle[1]) for middle, tail in zip(step.medians, step.tails)
                 if middle and tail]
        if reach:
            canvas.series(reach, f"vectors nohead lc rgb '{colour}' lw 1", f"{step.name}: median to 99 %")
            tails = [row for row in step.tails if row]
            canvas.series(tails, f"points pt {look.hollow} ps 0.6 lw 1.2 lc rgb '{colour}'", f"{step.name}: 99 %")
        canvas.series(there, f"points pt {look.filled} ps 0.7 lc rgb '{colour}'", f"{step.name}: median")
        entries.append((canvas.x_px(there[-1][0]), canvas.y_px(there[-1][1]), step.name, look.colour))
    canvas.labels_right(entries)


def _caption(steps):
    counts = sorted({step.samples for step in steps if step.samples})
    if not counts:
        return "No samples."
    written = " to ".join(dict.fromkeys(style.metric(count) for count in (counts[0], counts[-1])))
    absent = [step.name for step in steps if not step.samples]
    missing = f" Not measured: {points.named_list(absent)}." if absent else ""
    return f"Samples of a step, all populations: {written}.{missing}"
