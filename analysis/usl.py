"""Fits the universal scalability law: X(N) = rate N / (1 + contention (N - 1) + coherence N (N - 1)).

N / X(N) is linear in three numbers that may not be negative, so that the fit is one of non-negative least squares, of relative errors.
"""

from dataclasses import dataclass

import numpy
from scipy import optimize

import stats

FEWEST_CREWS = 4
RESAMPLES = 300
# How much further than the largest crew measured the law is believed.
REACH = 1.5
# Below this share of the variation explained, the law is not what these figures follow.
LEAST_R2 = 0.8


@dataclass(frozen=True)
class Law:
    """The parameters; `rate` is that of one worker alone."""

    rate: float
    contention: float
    coherence: float

    def at(self, n):
        """The throughput of n workers."""
        n = numpy.asarray(n, dtype=float)
        return self.rate * n / (1 + self.contention * (n - 1) + self.coherence * n * (n - 1))

    @property
    def peak(self):
        """The crew with the highest throughput; None where more workers are always better, 1 where one is best."""
        if self.contention >= 1:
            return 1.0
        return float(max(1.0, numpy.sqrt((1 - self.contention) / self.coherence))) if self.coherence > 0 else None


@dataclass(frozen=True)
class Fit:
    """A law, how much of the variation between crews it explains, and the laws of resampled repeats."""

    law: Law
    r2: float
    resampled: list
    largest: int

    @property
    def holds(self):
        """Do the figures follow the law?"""
        return self.r2 >= LEAST_R2

    @property
    def reach(self):
        """The largest crew of which the law may be asked."""
        return self.largest * REACH

    def band(self, n):
        """(low, high) of the throughput at n, 95 %; ValueError too far out."""
        if numpy.max(n) > self.reach + 1e-9:
            raise ValueError(f"{numpy.max(n):g} workers, and {self.largest} is the most that was measured")
        values = numpy.array([law.at(n) for law in self.resampled])
        return numpy.quantile(values, [0.025, 0.975], axis=0)


def solve(crews, rates):
    """The law of these medians; None where none fits."""
    n, x = numpy.asarray(crews, dtype=float), numpy.asarray(rates, dtype=float)
    terms = numpy.column_stack([numpy.ones_like(n), n - 1, n * (n - 1)]) * (x / n)[:, None]
    (base, linear, square), _ = optimize.nnls(terms, numpy.ones_like(n))
    return Law(1 / base, linear / base, square / base) if base > 0 else None


def fit(table):
    """The fit of {crew: rates of its repeats}; None for fewer than four crews, or where no law fits."""
    table = {crew: rates for crew, rates in sorted(table.items()) if rates and min(rates) > 0}
    if len(table) < FEWEST_CREWS:
        return None
    crews, medians = list(table), [stats.median(rates) for rates in table.values()]
    law = solve(crews, medians)
    if law is None:
        return None
    spread = numpy.sum((numpy.array(medians) - numpy.mean(medians)) ** 2)
    r2 = 1 - float(numpy.sum((numpy.array(medians) - law.at(crews)) ** 2) / spread) if spread else 1.0
    drawn = [stats.resampled_medians(rates, stats.SEED + place, RESAMPLES) for place, rates in enumerate(table.values())]
    resampled = [found for row in zip(*drawn) if (found := solve(crews, row))]
    return Fit(law, r2, resampled, crews[-1])
