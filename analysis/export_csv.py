"""Writes a run as a table, RFC 4180: one line a trial, the columns of `shmoo run --format csv` and those of the settings."""

import csv
import io

from conditions import SETTINGS

FRACTIONS = (("acquire_p50_ns", 0.5), ("acquire_p99_ns", 0.99))
COLUMNS = ("trial", "job", "load", "sync", "fault", "writers", "readers", "size", "repeat", "seed", "verdict", "expect", "as_expected",
           "ops", "seconds", "ops_per_s", "window_s", "violations", "handoffs", "contended", "sampled", "minor_faults", "acquire_p50_ns",
           "acquire_p99_ns", "acquire_max_ns", "reason", "replay")


def text(run):
    """The table; a percentile without enough samples beyond it stays empty."""
    out = io.StringIO(newline="")
    settings = [field.name for field in SETTINGS]
    extra = sorted({name for trial in run.judged for name, _ in trial.point.extra})
    writer = csv.DictWriter(out, [*COLUMNS, "cpu_s", "jain", *settings, *extra])
    writer.writeheader()
    for trial in run.judged:
        values = {**_fields(trial), **{name: getattr(trial.point, name) for name in settings}, **dict(trial.point.extra)}
        writer.writerow({name: _written(value) for name, value in values.items()})
    return out.getvalue()


def _fields(trial):
    point, acquire = trial.point, trial.distributions.get("acquire")
    values = {"trial": trial.number, "job": trial.job, "load": point.load, "sync": point.sync, "fault": point.fault,
              "writers": point.writers, "readers": point.readers, "size": point.size, "repeat": trial.repeat, "seed": trial.seed,
              "verdict": trial.verdict, "expect": trial.expect, "as_expected": bool(trial.as_expected), "ops": trial.ops,
              "seconds": trial.seconds, "ops_per_s": trial.ops_per_s, "window_s": trial.window_s, "violations": trial.violations,
              **{name: trial.exposure.get(name) for name in ("handoffs", "contended", "sampled")},
              "minor_faults": trial.minor_faults, "acquire_max_ns": acquire.max if acquire else None, "reason": trial.reason, "replay": trial.replay,
              "cpu_s": trial.crew.cpu_s if trial.crew.workers else None, "jain": trial.crew.jain()}
    for name, fraction in FRACTIONS:
        values[name] = acquire.percentile(fraction) if acquire and acquire.supports(fraction) else None
    return values


def _written(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else value
