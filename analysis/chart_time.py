"""Draws throughput over the time of a trial, with the times shaded in which a fault was at work, and the longest wait marked."""

import axis
import over_time
import plot
import points
import style

WIDTH, MOST_PANELS, MOST_LINES = 500, 12, 12
FEWEST_INTERVALS = 3


def build(run, looks):
    """The chart, or None if no trial has intervals."""
    panels, few = [], 0
    for firsts in over_time.firsts(run, _progress):
        enough = [trial for trial in firsts if len(_progress(trial)) >= FEWEST_INTERVALS]
        few += not enough
        # What is shaded is one trial's, so that each trial with a fault needs a panel of its own.
        panels += [[trial] for trial in enough] if over_time.faulted(firsts[0].point) else [enough[:MOST_LINES]] if enough else []
    if not panels and not few:
        return None
    panels.sort(key=lambda trials: not trials[0].windows)
    chart = plot.Chart([_panel(trials, looks, f"time-{number + 1}") for number, trials in enumerate(panels[:MOST_PANELS])])
    if len(panels) > MOST_PANELS:
        chart.notes.append(f"{style.plural(len(panels) - MOST_PANELS, 'more panel')} left out here.")
    if few:
        chart.notes.append(f"{style.plural(few, 'configuration')} without a curve: fewer than {FEWEST_INTERVALS} intervals show no course.")
    return chart


def _progress(trial):
    """The intervals in which somebody may have worked: those of a hunt are slices of different trials."""
    return [] if trial.hunted else trial.intervals


def rows(trial):
    """(time of the middle of an interval, operations per second in it)."""
    return [(end - seconds / 2, ops / seconds) for end, seconds, ops in trial.intervals]


def _panel(trials, looks, name):
    point = trials[0].point
    labels = [points.marked(trial.point.sync, [trial]) for trial in trials]
    right = 30 + max(plot.text_width(label, style.FONT_SIZE - 1) for label in labels)
    canvas = plot.Canvas(WIDTH, max(300, 114 + 17 * len(trials)), 62, round(right), 66, 50)
    canvas.title(over_time.title(point), "throughput, operations per second")
    curves = [rows(trial) for trial in trials]
    _, top, ticks = axis.linear([value for curve in curves for _, value in curve])
    canvas.y_axis(0, top, ticks, style.metric)
    end = max(trial.intervals[-1][0] for trial in trials)
    over_time.time_axis(canvas, end)
    over_time.shade(canvas, trials, end)
    entries = []
    for trial, curve, label in zip(trials, curves, labels):
        look = looks[trial.point.sync]
        canvas.series(curve, f"lines lc rgb '{look.colour.light}' lw 1.6 dt {style.DASHES[look.dash]}", trial.point.sync)
        entries.append((canvas.x_px(curve[-1][0]), canvas.y_px(curve[-1][1]), label, look.colour))
        if trial.longest and trial.longest[1] <= end:
            canvas.series([(trial.longest[1], top * 0.985)], f"points pt {style.SHAPES['down'][0]} ps 0.7 lc rgb '{look.colour.light}'",
                          f"{trial.point.sync}: longest wait, {style.duration(trial.longest[0])}")
    canvas.labels_right(entries)
    return plot.Panel(name, f"Throughput over time: {over_time.title(point)}: {over_time.whose(trials)}", canvas, _caption(trials))


def _caption(trials):
    waits = [f"{trial.point.sync} {style.duration(trial.longest[0])}" for trial in trials if trial.longest]
    return " ".join(filter(None, [f"Longest wait: {', '.join(waits)}." if waits else "", over_time.struck(trials)]))
