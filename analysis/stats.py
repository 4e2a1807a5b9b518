"""Medians over repeats, with a bootstrap interval that is the same each time the report is made."""

import functools
import math
from dataclasses import dataclass

import numpy

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 20
# Two values have no spread worth the name: an interval of them would be their range, dressed up.
FEWEST_FOR_INTERVAL = 3


@dataclass(frozen=True)
class Interval:
    """A percentile interval of the median, and how sure it claims to be."""

    low: float
    high: float


@dataclass(frozen=True)
class Middle:
    """The median of `n` values; `interval` is None where there were too few for one."""

    n: int
    median: float
    interval: Interval | None


def median(values):
    """The median; ValueError for no values, because no value is not 0."""
    if not len(values):
        raise ValueError("the median of no values")
    return float(numpy.median(values))


def median_interval(values, confidence=CONFIDENCE, resamples=RESAMPLES, seed=SEED):
    """The bootstrap percentile interval of the median, or None for fewer than three values."""
    data = numpy.asarray(values, dtype=float)
    if data.size < FEWEST_FOR_INTERVAL:
        return None
    return Interval(*ends(resampled_medians(data, seed, resamples), confidence))


def resampled_medians(values, seed=SEED, resamples=RESAMPLES):
    """The medians of so many samples of the same size, drawn from the values with replacement."""
    data = numpy.asarray(values, dtype=float)
    return numpy.concatenate([_resampled_medians(data, rows, seed + part)
                              for part, rows in enumerate(_parts(data.size, resamples))])


def ends(resampled, confidence=CONFIDENCE):
    """(low, high) of the percentile interval that resampled estimates make."""
    tail = (1 - confidence) / 2
    low, high = numpy.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


@functools.lru_cache(maxsize=256)
def _middles(size, rows, seed):
    """Of so many values in ascending order, which two each resample has in its middle; for an odd size they are one."""
    drawn = numpy.random.Generator(numpy.random.PCG64(seed)).integers(size, size=(rows, size))
    drawn.sort(axis=1)
    return drawn[:, (size - 1) // 2].copy(), drawn[:, size // 2].copy()


def _resampled_medians(data, rows, seed):
    data = numpy.sort(data)
    below, above = _middles(data.size, rows, seed)
    return (data[below] + data[above]) / 2


def _parts(size, resamples):
    """Row counts that add up to `resamples`, none of which needs more than about a million cells at once."""
    most = max(1, 1_000_000 // size)
    return [min(most, resamples - start) for start in range(0, resamples, most)]


def middle(values):
    """Median and interval of the values that are there; None if none is."""
    present = [value for value in values if value is not None]
    if not present:
        return None
    return Middle(len(present), median(present), median_interval(present))


def range_coverage(n):
    """How often the range of n independent values holds the true median: the most that an interval can claim."""
    return 1 - 2 * math.pow(0.5, n) if n > 0 else 0.0
