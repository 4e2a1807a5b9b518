"""The statistics of one change: how two samples of one figure differ, how sure that is, and how large it is.

A ratio is B over A. Where the trials of both sides ran next to each other, in an order drawn by lot, they are compared
pair by pair: median of the pairs' ratios, Wilcoxon's signed-rank test, matched-pairs rank-biserial correlation.
Otherwise as two samples: ratio of the medians, Mann and Whitney's test, Cliff's delta. Both effects run from -1 (all of
B's values are smaller) to 1. Conditions that are taken together are not mixed: each has a standardised rank statistic,
and their sum is tested (Stouffer).
"""

import math
import warnings
from dataclasses import dataclass

import numpy
from scipy import stats as scipy_stats

import histogram
import stats

# A pair of which one value is 0 has no finite ratio; beyond this no ratio of measured figures lies.
MOST_LOG_RATIO = 50.0
# Each condition draws by a seed of its own, so that those taken together are independent.
SEEDS_APART = 2
# Beyond so many pairs the normal distribution is as good as the exact one.
MOST_EXACT = 50


@dataclass(frozen=True)
class Change:
    """How B's values of one figure differ from A's under one condition, or under several taken together.

    `n_a` and `n_b` count values, `a` and `b` are their middles. `p` is two-sided; `least_p` is the smallest that so few
    values could have come to. `z` is the standardised rank statistic that conditions are added up by.
    """

    n_a: int
    n_b: int
    a: float
    b: float
    ratio: float
    interval: stats.Interval | None
    p: float
    least_p: float
    z: float
    effect: float
    resampled: numpy.ndarray


def log_ratios(a, b):
    """log(b/a) of each pair, as an array; a pair of zeros has not changed."""
    a, b = numpy.asarray(a, dtype=float), numpy.asarray(b, dtype=float)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        logs = numpy.log(b) - numpy.log(a)
    return numpy.clip(numpy.where((a == 0) & (b == 0), 0.0, logs), -MOST_LOG_RATIO, MOST_LOG_RATIO)


def paired(a, b, seed=0):
    """The change between values that were measured side by side; ValueError where there is no pair."""
    logs = log_ratios(a, b)
    if not logs.size:
        raise ValueError("no pair of values")
    return _change(a, b, True, stats.median(logs), stats.resampled_medians(logs, stats.SEED + SEEDS_APART * seed))


def unpaired(a, b, seed=0):
    """The change between two samples; ValueError where one of them is empty."""
    middle = log_ratios([stats.median(a)], [stats.median(b)])[0]
    return _change(a, b, False, middle, log_ratios(stats.resampled_medians(a, stats.SEED + SEEDS_APART * seed),
                                                   stats.resampled_medians(b, stats.SEED + SEEDS_APART * seed + 1)))


def of_distributions(a, b, of_a, of_b, fraction, is_paired, seed=0):
    """The change of a percentile: `a` and `b` are each trial's own, `of_a` and `of_b` their distributions.

    The ratio is that of the percentiles of what each side's trials add up to; the ranks are those of the trials.
    """
    draws_a = histogram.draws(len(of_a), SEEDS_APART * seed)
    draws_b = draws_a if is_paired else histogram.draws(len(of_b), SEEDS_APART * seed + 1)
    whole, resampled = zip(*(histogram.resampled_percentiles(of, fraction, draws)
                             for of, draws in ((of_a, draws_a), (of_b, draws_b))))
    return _change(a, b, is_paired, log_ratios([whole[0]], [whole[1]])[0], log_ratios(*resampled), whole)


def _change(a, b, is_paired, middle, resampled, middles=None):
    """Puts together what is the same for all kinds of figures; `middle` is the logarithm of the ratio."""
    a, b = numpy.asarray(a, dtype=float), numpy.asarray(b, dtype=float)
    p, z, effect = signed_rank(log_ratios(a, b)) if is_paired else rank_sum(a, b)
    least = least_p_paired(a.size) if is_paired else least_p_unpaired(a.size, b.size)
    middles = middles or (stats.median(a), stats.median(b))
    return Change(a.size, b.size, *middles, math.exp(middle), _interval(resampled, min(a.size, b.size)), p, least, z,
                  effect, resampled)


def _interval(resampled, n):
    """The percentile interval of the ratio; None for too few values."""
    if n < stats.FEWEST_FOR_INTERVAL:
        return None
    low, high = stats.ends(resampled)
    return stats.Interval(math.exp(low), math.exp(high))


def least_p_paired(n):
    """The smallest two-sided p of so many pairs: all of them point in one of two directions."""
    return min(1.0, 2.0 ** (1 - n))


def least_p_unpaired(n_a, n_b):
    """The smallest two-sided p of two samples of these sizes: one of two orders out of all there are."""
    return min(1.0, 2.0 / math.comb(n_a + n_b, n_a))


def signed_rank(logs):
    """(p, z, effect) of Wilcoxon's signed-rank test of the hypothesis that the values lie around 0.

    Where values are equal p is that of the normal distribution, which for few of them lies below what they can show at all.
    """
    found = logs[logs != 0]
    if not found.size:
        return 1.0, 0.0, 0.0
    ranks = scipy_stats.rankdata(numpy.abs(found))
    total = ranks.sum()
    above = ranks[found > 0].sum()
    exact = numpy.unique(ranks).size == ranks.size and found.size <= MOST_EXACT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the normal distribution of a small sample
        p = float(scipy_stats.wilcoxon(found, mode="exact" if exact else "approx").pvalue)
    return max(p, least_p_paired(found.size)), float((above - total / 2) / math.sqrt((ranks ** 2).sum() / 4)), float(2 * above / total - 1)


def rank_sum(a, b):
    """(p, z, effect) of Mann and Whitney's test of the hypothesis that neither of a and b tends to be larger."""
    test = scipy_stats.mannwhitneyu(b, a, alternative="two-sided")
    pairs, n = a.size * b.size, a.size + b.size
    _, ties = numpy.unique(numpy.concatenate([a, b]), return_counts=True)
    variance = pairs / 12 * (n + 1 - (ties ** 3 - ties).sum() / (n * (n - 1))) if n > 1 else 0
    z = (test.statistic - pairs / 2) / math.sqrt(variance) if variance > 0 else 0.0
    return max(float(test.pvalue), least_p_unpaired(a.size, b.size)) if variance > 0 else 1.0, float(z), float(2 * test.statistic / pairs - 1)


def together(changes):
    """The change under several conditions taken together: the median condition's ratio, Stouffer's test."""
    resampled = numpy.median([change.resampled for change in changes], axis=0)
    z = sum(change.z for change in changes) / math.sqrt(len(changes))
    ratio = math.exp(stats.median([math.log(change.ratio) for change in changes]))
    n_a, n_b = sum(change.n_a for change in changes), sum(change.n_b for change in changes)
    return Change(n_a, n_b, math.nan, math.nan, ratio, _interval(resampled, min(n_a, n_b)),
                  _two_sided(z), _two_sided(_most_z(changes)), z,
                  stats.median([change.effect for change in changes]), resampled)


def _two_sided(z):
    return float(2 * scipy_stats.norm.sf(abs(z)))


def _most_z(changes):
    """The z that the same conditions would have if each had come out as clearly as so many values can."""
    return sum(abs(scipy_stats.norm.isf(change.least_p / 2)) for change in changes) / math.sqrt(len(changes))


def holm(values):
    """Holm's adjusted p of each p: below a limit for any true hypothesis with at most that probability in all."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted, floor = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        floor = max(floor, min(1.0, values[place] * (len(values) - rank)))
        adjusted[place] = floor
    return adjusted
