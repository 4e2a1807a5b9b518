"""What the charts over the time of a trial share: which trials they show, their axis of time, and the shades of faults."""

import axis
import points
import style
from conditions import NO_FAULT

# A fault that is a moment is shaded this wide, in pixels, so that it can be seen.
MOMENT = 3


def faulted(point):
    """Was something to disturb the crew?"""
    return point.fault not in (NO_FAULT, "")


def title(point):
    """The conditions in words."""
    fault = f" · fault {point.fault}" if faulted(point) else ""
    return f"{point.load} · {points.population(point)} · {style.size(point.size)}{fault}"


def whose(trials):
    """The primitives that a panel is of."""
    return points.named_list(trial.point.sync for trial in trials)


def firsts(run, has, tells=lambda trial: True):
    """For each configuration, the first trial of each primitive in its largest crew that has what is to be shown, and tells something
    if one does."""
    for group in points.groups(run.points, lambda point, data: any(has(trial) for trial in data.trials)):
        largest = max(group.populations(), key=sum)
        yield [max(filter(has, data.trials), key=tells) for point, data in group.points.items()
               if (point.writers, point.readers) == largest and any(has(trial) for trial in data.trials)]


def time_axis(canvas, end):
    """The horizontal axis from the opening of the gate to the last moment that is shown."""
    ticks = [tick for tick in axis.linear([end])[2] if tick <= end]
    canvas.x_axis(0, end, ticks, [style.duration(tick * 1e9) for tick in ticks], "time since the start of the trial")


def spans(canvas, trials, end):
    """(left, width) in pixels of each time in which a fault was at work."""
    for start, until in (window for trial in trials for window in trial.windows):
        if start < end:
            left = canvas.x_px(max(0, start))
            width = max(MOMENT, canvas.x_px(min(end, until)) - left) if until is not None else MOMENT
            yield left, min(width, canvas.right - left)


def shade(canvas, trials, end):
    """Shades the times in which a fault was at work."""
    for left, width in spans(canvas, trials, end):
        canvas.box(left, canvas.top, width, canvas.bottom - canvas.top, style.BAND, behind=True)


def struck(trials):
    """How often the fault struck, in a sentence; empty if it never did."""
    number, shown = sum(trial.faults for trial in trials), sum(len(trial.windows) for trial in trials)
    if not number:
        return ""
    return f"The fault struck {style.plural(number, 'time')}." + (f" The first {shown} are shaded." if shown < number else "")
