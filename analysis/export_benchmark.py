"""Writes figures of a run for github-action-benchmark: one file of what should be large, one of what should be small."""

import json

import metrics
import points
import stats
import style
from conditions import NO_FAULT


def bigger(run):
    """Throughput: for the tool customBiggerIsBetter."""
    return _text(run, ("throughput",))


def smaller(run):
    """Latencies and the CPU time of an operation: for the tool customSmallerIsBetter."""
    return _text(run, ("p50", "p99", "cpu"))


def _text(run, names):
    namer = points.SettingsNamer(run.points)
    entries = [entry for point, data in run.points.items() for name in names
               if (entry := _entry(metrics.named(name), point, data, namer)) is not None]
    return json.dumps(entries, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _entry(metric, point, data, namer):
    """One figure of one point; None where it has none, or where it is the figure of something broken."""
    trials = [trial for trial in data.trials if metric.of(trial) is not None]
    if not trials or points.broken(data.trials):
        return None
    fault = [f"fault {point.fault}"] if point.fault not in (NO_FAULT, "") else []
    words = [point.load, point.sync, points.population(point), style.size(point.size), *fault, *(word for word in namer.words(point) if word)]
    value, interval = _figure(metric, trials)
    entry = {"name": " ".join(words) + ("" if metric.name == "throughput" else f": {metric.title}"), "unit": metric.unit, "value": value,
             "extra": f"{style.plural(len(trials), 'trial')}; {data.trials[0].replay or ''}"}
    if interval:
        entry["range"] = f"± {max(interval.high - value, value - interval.low):.4g}"
    return entry


def _figure(metric, trials):
    """(value, interval or None): of a percentile that of all trials added up."""
    if metric.fraction is None:
        middle = stats.middle([metric.of(trial) for trial in trials])
        return middle.median, middle.interval
    value, resampled = metrics.merged_percentile(trials, metric.fraction)
    return value, stats.Interval(*stats.ends(resampled)) if len(trials) >= stats.FEWEST_FOR_INTERVAL else None
