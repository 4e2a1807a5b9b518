"""Log-linear histograms as the records carry them: merging by addition, and percentiles of what was merged.

A percentile is read from the counts of one histogram, usually merged over repeats and roles; two percentiles are
never averaged, because the average of percentiles is the percentile of nothing.
"""

import functools
import math
from dataclasses import dataclass

import numpy

# A percentile is only as good as the samples beyond it: with fewer than this many, the next one could move it anywhere.
SAMPLES_BEYOND = 10
MOST_BITS = 64
MOST_SUB_BITS = 20
RESAMPLES = 500


def low(index, sub_bits):
    """The smallest value of step `index`, when each power of two is cut into 2**sub_bits equal steps."""
    steps = 1 << sub_bits
    if index < steps:
        return index
    exponent, step = index // steps - 1, index % steps
    return (steps + step) << exponent


def mid(index, sub_bits):
    """The middle of the integers that step `index` holds; exact where the step holds a single one."""
    return (low(index, sub_bits) + low(index + 1, sub_bits) - 1) / 2


def mids(indices, sub_bits):
    """The same of many steps at once, as an array."""
    steps = numpy.asarray(indices, dtype=numpy.int64)
    exponents = numpy.maximum((steps >> sub_bits) - 1, 0)
    lows = numpy.where(steps >> sub_bits == 0, steps, (1 << sub_bits) + (steps & (1 << sub_bits) - 1)).astype(float) * 2.0 ** exponents
    return lows + (2.0 ** exponents - 1) / 2


class Histogram:
    """Counts by step, with the exact count, sum, minimum and maximum, and where the maximum was met."""

    __slots__ = ("sub_bits", "counts", "count", "sum", "min", "max", "max_where")

    def __init__(self, sub_bits):
        if not 0 <= sub_bits <= MOST_SUB_BITS:
            raise ValueError(f"sub_bits is {sub_bits}, and 0 to {MOST_SUB_BITS} make sense")
        self.sub_bits = sub_bits
        self.counts = {}
        self.count = 0
        self.sum = 0
        self.min = None
        self.max = None
        self.max_where = None

    def add(self, buckets, count, total, smallest, largest, where=None):
        """Adds one recorded distribution; ValueError if its counts do not add up to `count`."""
        counts = self.counts
        most = (MOST_BITS + 1) << self.sub_bits
        added = dict(buckets)
        if added and not 0 <= min(added) <= max(added) < most:
            raise ValueError(f"a step of a histogram lies outside of {MOST_BITS} bit values")
        seen = sum(added.values())
        if counts:
            for index, number in added.items():
                counts[index] = counts.get(index, 0) + number
        else:
            self.counts = added
        if seen != count:
            raise ValueError(f"its buckets hold {seen} values, its count says {count}")
        self.count += count
        self.sum += total
        self._extremes(smallest, largest, where)

    def merge(self, other):
        """Adds another histogram of the same `sub_bits`; ValueError if the steps differ."""
        if other.sub_bits != self.sub_bits:
            raise ValueError(f"sub_bits {other.sub_bits} and {self.sub_bits} do not merge")
        self.add(other.counts.items(), other.count, other.sum, other.min, other.max, other.max_where)

    def _extremes(self, smallest, largest, where):
        if smallest is not None and (self.min is None or smallest < self.min):
            self.min = smallest
        if largest is not None and (self.max is None or largest > self.max):
            self.max, self.max_where = largest, where

    def percentiles(self, fractions):
        """The values below or at which these fractions of the samples lie, as a list; exact at 0 and 1."""
        if not self.count:
            raise ValueError("an empty histogram has no percentiles")
        indices = sorted(self.counts)
        cumulated = numpy.cumsum([self.counts[index] for index in indices])
        ranks = [rank(fraction, self.count) for fraction in fractions]
        places = numpy.searchsorted(cumulated, ranks)
        values = [self._clamped(mid(indices[place], self.sub_bits)) for place in places]
        return [self._exact_end(fraction, value) for fraction, value in zip(fractions, values)]

    def time_percentiles(self, fractions):
        """For each fraction, the value below or at which that share of the sum of all values lies, and how many samples
        lie at or beyond it."""
        indices = numpy.array(sorted(self.counts))
        counts = numpy.array([self.counts[index] for index in indices.tolist()])
        values = numpy.clip(mids(indices, self.sub_bits), self.min, self.max)
        times = numpy.cumsum(counts * values)
        places = numpy.minimum(numpy.searchsorted(times, numpy.array(fractions) * times[-1]), indices.size - 1)
        beyond = numpy.cumsum(counts[::-1])[::-1]
        return [(float(values[place]), int(beyond[place])) for place in places]

    def percentile(self, fraction):
        """One percentile; see percentiles()."""
        return self.percentiles([fraction])[0]

    def supports(self, fraction):
        """True if enough samples lie beyond this fraction for the percentile to mean something."""
        return supported(self.count, fraction)

    def _clamped(self, value):
        if self.min is not None and value < self.min:
            return self.min
        if self.max is not None and value > self.max:
            return self.max
        return value

    def _exact_end(self, fraction, value):
        if fraction <= 0 and self.min is not None:
            return self.min
        if fraction >= 1 and self.max is not None:
            return self.max
        return value


def merged(histograms):
    """A new histogram that adds these up; None if there are none."""
    total = None
    for histogram in histograms:
        if total is None:
            total = Histogram(histogram.sub_bits)
        total.merge(histogram)
    return total


@dataclass(frozen=True, slots=True)
class Distribution:
    """One trial's histogram in the least room: steps and their counts as arrays, to be kept for every trial."""

    sub_bits: int
    indices: numpy.ndarray
    counts: numpy.ndarray
    count: int
    min: int
    max: int

    @classmethod
    def of(cls, histogram):
        """The same counts, in ascending steps."""
        indices = numpy.fromiter(sorted(histogram.counts), dtype=numpy.int32, count=len(histogram.counts))
        counts = numpy.fromiter((histogram.counts[index] for index in indices.tolist()), dtype=numpy.int64,
                                count=indices.size)
        return cls(histogram.sub_bits, indices, counts, histogram.count, histogram.min, histogram.max)

    def percentile(self, fraction):
        """The value at or below which this fraction of the samples lies."""
        place = int(numpy.searchsorted(numpy.cumsum(self.counts), rank(fraction, self.count)))
        return float(min(max(mid(int(self.indices[place]), self.sub_bits), self.min), self.max))

    def supports(self, fraction):
        """True if enough samples lie beyond this fraction for the percentile to mean something."""
        return supported(self.count, fraction)


def rank(fraction, count):
    """Which of so many samples in ascending order the percentile is; the epsilon keeps 0.99 * 100 at 99."""
    return min(count, max(1, math.ceil(fraction * count - 1e-9)))


def supported(count, fraction):
    """True if of so many samples enough lie beyond this fraction."""
    return count * (1 - fraction) >= SAMPLES_BEYOND - 1e-6


@functools.lru_cache(maxsize=256)
def draws(number, seed, resamples=RESAMPLES):
    """How often each of `number` trials is drawn in each of the resamples, as rows of counts."""
    generator = numpy.random.Generator(numpy.random.PCG64(seed))
    return generator.multinomial(number, [1 / number] * number, size=resamples)


def resampled_percentiles(distributions, fraction, drawn):
    """(percentile of all added up, percentiles of what each draw of trials adds up to)."""
    steps = numpy.unique(numpy.concatenate([one.indices for one in distributions]))
    counts = numpy.zeros((len(distributions), steps.size))
    for row, one in enumerate(distributions):
        counts[row, numpy.searchsorted(steps, one.indices)] = one.counts
    values = numpy.clip(mids(steps, distributions[0].sub_bits), min(one.min for one in distributions), max(one.max for one in distributions))
    weights = numpy.vstack([numpy.ones(len(distributions)), drawn])
    cumulated = weights @ numpy.cumsum(counts, axis=1)
    wanted = numpy.maximum(1, numpy.ceil(fraction * cumulated[:, -1:] - 1e-9))
    found = values[(cumulated < wanted).sum(axis=1)]
    return float(found[0]), found[1:]
