"""The figures by which trials are compared and primitives recommended: one row each."""

from dataclasses import dataclass

import change
import histogram
import stats
import style

# What stands for a trial's latency, the first that it has: with a rate the response from the intended start, of load
# quit the sighting of a change, else the wait for the primitive.
LATENCIES = ("response", "sighting", "acquire")
# No figure of a trial is as large as this.
MOST = 1e30


@dataclass(frozen=True)
class Metric:
    """One figure of a trial: `read` takes it from the trial, None where it has none; `fraction` is set for percentiles."""

    name: str
    title: str
    higher_is_better: bool
    write: object
    read: object
    unit: str
    fraction: float | None = None

    def of(self, trial):
        """The trial's figure; None where it has none, or one that no measurement comes to."""
        value = self.read(trial)
        return value if value is not None and 0 <= value < MOST else None


def latency(trial):
    """(name, distribution) of the trial's latency; (None, None) without one."""
    return next(((name, trial.distributions[name]) for name in LATENCIES if name in trial.distributions), (None, None))


def _throughput(trial):
    """Operations per second of the common window; none of a trial that stopped half-way."""
    return None if trial.verdict in style.CUT_SHORT else trial.ops_per_s


def _cpu(trial):
    """CPU time that the crew spent for an operation, in ns."""
    cpu_s = trial.crew.cpu_s if trial.crew.workers else None
    if not cpu_s or not trial.ops or trial.verdict in style.CUT_SHORT:
        return None
    return cpu_s / trial.ops * 1e9


def _percentile(fraction):
    def of(trial):
        _, found = latency(trial)
        usable = found is not None and trial.verdict not in style.CUT_SHORT and found.supports(fraction)
        return found.percentile(fraction) if usable else None
    return of


METRICS = (
    Metric("throughput", "throughput", True, style.metric, _throughput, "ops/s"),
    Metric("cpu", "CPU time an operation", False, style.duration, _cpu, "ns"),
    *(Metric(name, f"latency, {words}", False, style.duration, _percentile(fraction), "ns", fraction)
      for name, words, fraction in (("p50", "median", 0.5), ("p99", "99 %", 0.99), ("p999", "99.9 %", 0.999))),
)
NAMES = tuple(metric.name for metric in METRICS)


def change_of(metric, a, b, is_paired, seed=0):
    """The change of a figure between two lists of trials that all have it; of pairs the lists are of equal length."""
    values = [metric.of(trial) for trial in a], [metric.of(trial) for trial in b]
    if metric.fraction is not None:
        kept = [[latency(trial)[1] for trial in side] for side in (a, b)]
        return change.of_distributions(*values, *kept, metric.fraction, is_paired, seed)
    return (change.paired if is_paired else change.unpaired)(*values, seed)


def merged_percentile(trials, fraction, seed=stats.SEED):
    """(percentile of what the trials' latencies add up to, the same of resampled trials)."""
    kept = [latency(trial)[1] for trial in trials]
    return histogram.resampled_percentiles(kept, fraction, histogram.draws(len(kept), seed))


def named(name):
    """The metric of this name; KeyError if there is none."""
    return {metric.name: metric for metric in METRICS}[name]
