"""Checks the statistics of a change against published examples, against scipy, and against what chance alone does."""

import math

import numpy
import pytest
from scipy import stats as scipy_stats

import change
import histogram
import stats
import synthetic

# The worked example of Wilcoxon's test in many textbooks: ten pairs, one without a difference.
BEFORE = [125, 115, 130, 140, 140, 115, 140, 125, 140, 135]
AFTER = [110, 122, 125, 120, 140, 124, 123, 137, 135, 145]
# Aesop's race, run by six of each, in the order of arrival; the place is the time.
TORTOISES, HARES = [1, 7, 8, 9, 10, 11], [2, 3, 4, 5, 6, 12]


def random_of(seed):
    return numpy.random.Generator(numpy.random.PCG64(seed))


def test_the_textbook_pairs_have_the_textbook_rank_sums():
    # W = 27 - 18 = 9 of the differences before - after, whose ranks add up to 45.
    _, _, effect = change.signed_rank(numpy.array(BEFORE, dtype=float) - numpy.array(AFTER))
    assert effect == pytest.approx(9 / 45)


def test_the_race_has_the_published_u():
    # U is 25 for those who come in later, 11 for the others.
    _, _, effect = change.rank_sum(numpy.array(HARES, dtype=float), numpy.array(TORTOISES, dtype=float))
    assert effect == pytest.approx(2 * 25 / 36 - 1)


@pytest.mark.parametrize("n_a, n_b, p", [(5, 5, 2 / 252), (4, 4, 2 / 70), (3, 3, 0.1), (8, 8, 2 / 12870), (6, 9, 2 / 5005)])
def test_samples_that_do_not_overlap_have_the_exact_p(n_a, n_b, p):
    measured = change.unpaired(numpy.arange(1.0, n_a + 1), numpy.arange(100.0, 100 + n_b))
    assert measured.p == pytest.approx(p) and measured.least_p == pytest.approx(p)
    assert measured.effect == 1


@pytest.mark.parametrize("n, p", [(5, 0.0625), (6, 0.03125), (8, 0.0078125), (10, 0.001953125)])
def test_pairs_that_agree_have_the_exact_p(n, p):
    a = numpy.linspace(1, 2, n)
    measured = change.paired(a, a * numpy.linspace(1.1, 1.5, n))
    assert measured.p == pytest.approx(p) and measured.least_p == pytest.approx(p)
    assert measured.effect == 1


@pytest.mark.parametrize("values, adjusted", [
    ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # as in the literature's usual example
    ([], []), ([0.2], [0.2]), ([0.6, 0.7], [1.0, 1.0]), ([0.01, 0.01, 0.01], [0.03, 0.03, 0.03])])
def test_holm(values, adjusted):
    assert change.holm(values) == pytest.approx(adjusted)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ties", [False, True])
def test_rank_statistics_agree_with_scipy(seed, ties):
    random = random_of(seed)
    a, b = random.lognormal(0, 0.4, 14), random.lognormal(0.2, 0.4, 11)
    if ties:
        a, b = a.round(1), b.round(1)
    p, z, effect = change.rank_sum(a, b)
    assert p == scipy_stats.mannwhitneyu(b, a, alternative="two-sided").pvalue
    normal = scipy_stats.mannwhitneyu(b, a, alternative="two-sided", method="asymptotic", use_continuity=False).pvalue
    assert 2 * scipy_stats.norm.sf(abs(z)) == pytest.approx(normal)
    assert effect == pytest.approx(numpy.mean(numpy.sign(b[:, None] - a[None, :])))
    pairs = change.log_ratios(a[:11], b)
    pairs = pairs[pairs != 0]
    p, z, _ = change.signed_rank(pairs)
    tied = len(set(abs(pairs))) < len(pairs)
    assert p == pytest.approx(scipy_stats.wilcoxon(pairs, mode="approx" if tied else "exact").pvalue)


@pytest.mark.parametrize("seed", range(4))
def test_the_interval_agrees_with_scipys_bootstrap(seed):
    random = random_of(seed)
    a, b = random.lognormal(0, 0.2, 25), random.lognormal(0.1, 0.2, 25)
    ours = change.unpaired(a, b).interval
    theirs = scipy_stats.bootstrap((a, b), lambda x, y, axis: numpy.median(y, axis=axis) / numpy.median(x, axis=axis),
                                   n_resamples=4000, method="percentile", random_state=random).confidence_interval
    assert ours.low == pytest.approx(theirs.low, rel=0.04) and ours.high == pytest.approx(theirs.high, rel=0.04)
    ours = change.paired(a, b).interval
    theirs = scipy_stats.bootstrap((b / a,), numpy.median, n_resamples=4000, method="percentile",
                                   random_state=random).confidence_interval
    assert ours.low == pytest.approx(theirs.low, rel=0.04) and ours.high == pytest.approx(theirs.high, rel=0.04)


@pytest.mark.parametrize("seed", range(3))
def test_conditions_are_added_up_as_by_stouffer(seed):
    random = random_of(seed)
    changes = [change.paired(random.lognormal(0, 0.3, 12), random.lognormal(0.1, 0.3, 12), place) for place in range(5)]
    one_sided = [scipy_stats.norm.sf(one.z) for one in changes]
    theirs = scipy_stats.combine_pvalues(one_sided, method="stouffer")[1]
    both = change.together(changes)
    assert both.p == pytest.approx(2 * min(theirs, 1 - theirs))
    assert both.n_a == 60 and both.ratio == pytest.approx(math.exp(numpy.median([math.log(one.ratio) for one in changes])))


def test_pairs_see_what_two_samples_do_not():
    random = random_of(5)
    machine = random.lognormal(0, 0.8, 20)
    a, b = machine * random.lognormal(0, 0.01, 20), 0.9 * machine * random.lognormal(0, 0.01, 20)
    assert change.paired(a, b).p < 1e-4 < 0.2 < change.unpaired(a, b).p
    assert change.paired(a, b).ratio == pytest.approx(0.9, abs=0.01)


def test_a_scale_changes_nothing_and_sides_can_be_swapped():
    random = random_of(9)
    a, b = random.lognormal(0, 0.2, 12), random.lognormal(0.1, 0.2, 12)
    for compare in (change.paired, change.unpaired):
        there, scaled, back = compare(a, b), compare(1000 * a, 1000 * b), compare(b, a)
        assert there.p == pytest.approx(scaled.p) and there.ratio == pytest.approx(scaled.ratio)
        assert there.p == pytest.approx(back.p) and there.ratio == pytest.approx(1 / back.ratio)
        assert there.effect == pytest.approx(-back.effect) and there.z == pytest.approx(-back.z)


def test_no_change_at_all():
    for compare in (change.paired, change.unpaired):
        measured = compare([3.0, 4.0, 5.0, 6.0], [3.0, 4.0, 5.0, 6.0])
        assert (measured.p, measured.z, measured.effect, measured.ratio) == (1.0, 0.0, 0.0, 1.0)
    assert change.unpaired([2.0, 2.0], [2.0, 2.0]).p == 1.0


def test_zeros_are_no_crash():
    measured = change.paired([0.0, 0.0, 4.0, 5.0], [0.0, 3.0, 0.0, 5.0])
    assert math.isfinite(measured.ratio) and measured.interval.low <= measured.interval.high
    assert change.unpaired([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]).ratio > 1e6
    assert change.log_ratios([0.0], [0.0])[0] == 0


@pytest.mark.parametrize("n", [3, 5, 7, 8])
def test_equal_values_show_no_more_than_so_many_can(n):
    assert change.signed_rank(numpy.full(n, 0.5))[0] == change.least_p_paired(n)
    assert change.rank_sum(numpy.zeros(n), numpy.ones(n))[0] >= change.least_p_unpaired(n, n)


def test_too_few_values_have_no_interval():
    assert change.unpaired([1.0, 2.0], [1.0, 2.0, 3.0]).interval is None
    assert change.paired([1.0], [2.0]).least_p == 1.0
    with pytest.raises(ValueError):
        change.paired([], [])
    with pytest.raises(ValueError):
        change.unpaired([1.0], [])


def distribution_of(values):
    made = histogram.Histogram(5)
    record = synthetic.histogram(1, "acquire", "writer", values)
    made.add(record["buckets"], record["count"], record["sum"], record["min"], record["max"])
    return histogram.Distribution.of(made)


def test_percentiles_are_of_what_was_added_up_and_never_averaged():
    # One trial of few slow operations, one of many fast ones: the mean of the two medians would be 550.
    few, many = distribution_of([1000] * 10), distribution_of([100] * 990)
    whole, _ = histogram.resampled_percentiles([few, many], 0.5, histogram.draws(2, 1))
    assert whole == pytest.approx(100, rel=0.02)
    a = [distribution_of(random_of(seed).lognormal(5, 0.5, 2000)) for seed in range(8)]
    b = [distribution_of(1.5 * random_of(seed + 50).lognormal(5, 0.5, 2000)) for seed in range(8)]
    values = [[one.percentile(0.5) for one in side] for side in (a, b)]
    measured = change.of_distributions(*values, a, b, 0.5, False)
    assert measured.ratio == pytest.approx(1.5, rel=0.05) and measured.interval.low < 1.5 < measured.interval.high * 1.03
    assert measured.a == pytest.approx(math.exp(5), rel=0.05)


def test_a_distribution_says_what_the_histogram_says():
    random = random_of(2)
    record_values = random.lognormal(6, 1, 5000)
    one = distribution_of(record_values)
    whole = histogram.Histogram(5)
    record = synthetic.histogram(1, "acquire", "writer", record_values)
    whole.add(record["buckets"], record["count"], record["sum"], record["min"], record["max"])
    for fraction in (0.01, 0.5, 0.9, 0.99, 0.999):
        assert one.percentile(fraction) == whole.percentile(fraction)
        assert one.supports(fraction) == whole.supports(fraction)
        assert histogram.resampled_percentiles([one], fraction, histogram.draws(1, 0))[0] == whole.percentile(fraction)


def test_draws_are_the_same_each_time_and_of_the_right_size():
    assert (histogram.draws(5, 3) == histogram.draws(5, 3)).all()
    assert (histogram.draws(5, 3).sum(axis=1) == 5).all()
    assert (stats.resampled_medians([1.0, 2.0, 3.0], 4) == stats.resampled_medians([1.0, 2.0, 3.0], 4)).all()
