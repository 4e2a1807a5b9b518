"""Latencies over time as the records carry them: coarse histograms of one interval after the other, in the least room.

Courses whose intervals begin together are added up by their counts, at the width of the coarser one; percentiles are read
from what an interval's counts add up to.
"""

from dataclasses import dataclass

import numpy

from histogram import MOST_BITS, MOST_SUB_BITS, low, mid, rank, supported

MOST_INTERVALS, MOST_FOLDS = 4096, 40
# Fewer show no course.
FEWEST_SAMPLES, FEWEST_INTERVALS = 100, 3


@dataclass(frozen=True, slots=True)
class Course:
    """One count for each interval and step that is not empty, and the exact maximum of each interval that has samples."""

    name: str
    sub_bits: int
    interval_s: float
    places: numpy.ndarray
    steps: numpy.ndarray
    counts: numpy.ndarray
    max_places: numpy.ndarray
    maxima: numpy.ndarray

    @classmethod
    def of(cls, name, sub_bits, interval_s, intervals):
        """That of a record's fields; ValueError or TypeError if they make none."""
        if not 0 <= sub_bits <= MOST_SUB_BITS or not interval_s > 0 or not intervals:
            raise ValueError(f"a course of {sub_bits} sub_bits and {len(intervals)} intervals of {interval_s} s")
        heads = [(place, largest) for place, largest, _ in intervals]
        pairs = [numpy.asarray(steps, dtype=numpy.int64).reshape(-1, 2) for _, _, steps in intervals]
        places = numpy.repeat(numpy.asarray([place for place, _ in heads], dtype=numpy.int64), [len(rows) for rows in pairs])
        steps, counts = numpy.concatenate(pairs).T
        maxima = numpy.asarray([largest for _, largest in heads], dtype=numpy.float64)
        course = cls(name, sub_bits, interval_s, places, steps, counts, numpy.asarray([place for place, _ in heads], dtype=numpy.int64), maxima)
        if not course._sound():
            raise ValueError("a course holds an interval, step or count that cannot be")
        return course

    def _sound(self):
        ascending = bool((numpy.diff(self.max_places) > 0).all())
        return (ascending and 0 <= self.max_places[0] and self.max_places[-1] < MOST_INTERVALS and self.counts.size
                and self.counts.min() > 0 and 0 <= self.steps.min() and self.steps.max() < (MOST_BITS + 1) << self.sub_bits
                and self.maxima.min() >= 0)

    @property
    def count(self):
        """All samples."""
        return int(self.counts.sum())

    @property
    def intervals(self):
        """How many intervals there are up to the last one that has a sample."""
        return int(self.max_places[-1]) + 1

    @property
    def tells(self):
        """Is it enough to show a course?"""
        return self.intervals >= FEWEST_INTERVALS and self.count >= FEWEST_SAMPLES

    def folded(self, times):
        """The same with 2**times intervals made one."""
        if not times:
            return self
        places, inverse = numpy.unique(self.max_places >> times, return_inverse=True)
        maxima = numpy.zeros(places.size)
        numpy.maximum.at(maxima, inverse, self.maxima)
        return self._summed(self.interval_s * 2 ** times, self.places >> times, self.steps, self.counts, places, maxima)

    def _summed(self, interval_s, places, steps, counts, max_places, maxima):
        width = (MOST_BITS + 1) << self.sub_bits
        keys, inverse = numpy.unique(places * width + steps, return_inverse=True)
        sums = numpy.zeros(keys.size, dtype=numpy.int64)
        numpy.add.at(sums, inverse, counts)
        return Course(self.name, self.sub_bits, interval_s, keys // width, keys % width, sums, max_places, maxima)

    def columns(self):
        """(interval, steps, counts, maximum) of each interval that has samples."""
        starts = numpy.searchsorted(self.places, self.max_places)
        ends = numpy.searchsorted(self.places, self.max_places, side="right")
        for place, start, end, largest in zip(self.max_places.tolist(), starts, ends, self.maxima.tolist()):
            yield place, self.steps[start:end], self.counts[start:end], largest

    def percentiles(self, fraction):
        """(interval, value at or below which this fraction of its samples lies), None where they are too few to tell."""
        for place, steps, counts, largest in self.columns():
            number = int(counts.sum())
            value = None
            if supported(number, fraction):
                found = steps[numpy.searchsorted(numpy.cumsum(counts), rank(fraction, number))]
                value = min(mid(int(found), self.sub_bits), largest)
            yield place, value

    def supports(self, fraction):
        """The share of the intervals in which this percentile means something."""
        found = [value is not None for _, value in self.percentiles(fraction)]
        return sum(found) / len(found)

    def record_fields(self):
        """The fields that of() takes, as JSON can hold them."""
        rows = [[place, int(largest), numpy.column_stack((steps, counts)).ravel().tolist()]
                for place, steps, counts, largest in self.columns()]
        return {"sub_bits": self.sub_bits, "interval_s": self.interval_s, "intervals": rows}

    def edges(self, step):
        """The lowest value of a step and of the one above it."""
        return low(step, self.sub_bits), low(step + 1, self.sub_bits)


def _folds(coarse, fine):
    """How often the finer intervals must be doubled to be as wide as the coarser; ValueError where they never are."""
    ratio = coarse / fine
    times = round(numpy.log2(ratio))
    if times > MOST_FOLDS or abs(ratio / 2 ** times - 1) > 1e-6:
        raise ValueError(f"intervals of {fine:g} s and of {coarse:g} s do not begin together")
    return times


def added(courses):
    """What these courses add up to; None of none, ValueError where they do not go together."""
    courses = list(courses)
    if not courses:
        return None
    if len({(one.name, one.sub_bits) for one in courses}) > 1:
        raise ValueError("courses of different latencies or steps do not add up")
    if len(courses) == 1:
        return courses[0]
    widest = max(one.interval_s for one in courses)
    courses = [one.folded(_folds(widest, one.interval_s)) for one in courses]
    places, inverse = numpy.unique(numpy.concatenate([one.max_places for one in courses]), return_inverse=True)
    maxima = numpy.zeros(places.size)
    numpy.maximum.at(maxima, inverse, numpy.concatenate([one.maxima for one in courses]))
    together = (numpy.concatenate([getattr(one, name) for one in courses]) for name in ("places", "steps", "counts"))
    return courses[0]._summed(widest, *together, places, maxima)
