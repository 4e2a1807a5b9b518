"""Checks medians and intervals against scipy and against figures worked out by hand."""

import numpy
import pytest
import scipy.stats

import stats


def test_median_by_hand():
    assert stats.median([3, 1, 2]) == 2
    assert stats.median([4, 1, 2, 3]) == 2.5


def test_no_values_have_no_median():
    with pytest.raises(ValueError):
        stats.median([])
    assert stats.middle([]) is None
    assert stats.middle([None, None]) is None


@pytest.mark.parametrize("values", [[1], [1, 9]])
def test_fewer_than_three_values_have_no_interval(values):
    assert stats.median_interval(values) is None
    assert stats.middle(values).interval is None


def test_missing_values_are_left_out_and_not_taken_for_zero():
    middle = stats.middle([None, 4.0, None, 6.0])
    assert (middle.n, middle.median) == (2, 5.0)


def test_three_values_give_their_range():
    # A resample of three has the smallest as its median with probability 7/27, far more than 2.5 %.
    assert stats.median_interval([10.0, 20.0, 30.0]) == stats.Interval(10.0, 30.0)


@pytest.mark.parametrize("n", [5, 15, 40])
def test_interval_agrees_with_scipy(n):
    values = numpy.random.Generator(numpy.random.PCG64(n)).lognormal(3, 0.5, n)
    ours = stats.median_interval(values, resamples=20000)
    theirs = scipy.stats.bootstrap((values,), numpy.median, method="percentile", n_resamples=20000, random_state=3,
                                   vectorized=True).confidence_interval
    # Medians of resamples are themselves values or means of two: at a boundary two generators may differ by one place.
    ordered = numpy.sort(values)
    for our, their in ((ours.low, theirs.low), (ours.high, theirs.high)):
        assert abs(int(numpy.searchsorted(ordered, our)) - int(numpy.searchsorted(ordered, their))) <= 1


def test_interval_of_nine_by_hand():
    # P(median of a resample <= k-th of 9) = P(Binomial(9, k/9) >= 5): 0.0014 at k=1, 0.0304 at k=2; 2.5 % fall on k=2.
    assert stats.median_interval([1, 2, 3, 4, 5, 6, 7, 8, 9]) == stats.Interval(2.0, 8.0)


def test_interval_holds_the_true_median_about_as_often_as_it_says():
    generator = numpy.random.Generator(numpy.random.PCG64(4))
    hits = 0
    for _ in range(300):
        interval = stats.median_interval(generator.normal(0, 1, 21), resamples=500)
        hits += interval.low <= 0 <= interval.high
    assert 0.88 <= hits / 300 <= 0.99


def test_reports_are_reproducible():
    values = list(range(17))
    assert stats.median_interval(values) == stats.median_interval(values)


def test_many_values_do_not_need_much_memory():
    interval = stats.median_interval(numpy.arange(30_000), resamples=100)
    assert interval.low < 15_000 < interval.high


def test_equal_values_have_an_interval_of_no_width():
    assert stats.median_interval([7.0] * 5) == stats.Interval(7.0, 7.0)


def test_coverage_of_the_range():
    assert stats.range_coverage(3) == 0.75
    assert stats.range_coverage(5) == 0.9375
