"""Checks the histogram's steps, merging and percentiles against brute force over the values themselves."""

import math

import numpy
import pytest

import synthetic
from histogram import Histogram, low, merged, mid, mids


def of_values(values, sub_bits=synthetic.SUB_BITS):
    record = synthetic.histogram(1, "acquire", "writer", values)
    histogram = Histogram(sub_bits)
    histogram.add(record["buckets"], record["count"], record["sum"], record["min"], record["max"], (1, 0, 0.1))
    return histogram


def exact_of(histogram):
    return histogram.count, histogram.sum, histogram.min, histogram.max


def nearest_rank(values, fraction):
    """The percentile by definition: the smallest value that at least this share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(fraction * len(ordered) - 1e-9)) - 1]


@pytest.mark.parametrize("sub_bits", [0, 1, 3, 5, 7])
def test_low_is_the_definition(sub_bits):
    steps = 1 << sub_bits
    for index in range(12 * steps):
        if index < steps:
            expected = index
        else:
            exponent, step = index // steps - 1, index % steps
            expected = (steps + step) * 2 ** exponent
        assert low(index, sub_bits) == expected


@pytest.mark.parametrize("sub_bits", [0, 3, 5])
def test_steps_follow_each_other_without_gap_or_overlap(sub_bits):
    bounds = [low(index, sub_bits) for index in range(20 << sub_bits)]
    assert bounds == sorted(set(bounds))


def test_low_by_hand():
    assert [low(index, 2) for index in range(13)] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]


def test_mid_is_exact_for_single_values_and_central_otherwise():
    assert mid(3, 2) == 3
    assert mid(7, 2) == 7
    assert mid(8, 2) == 8.5    # 8 and 9
    assert mid(12, 2) == 17.5  # 16 to 19


def test_each_value_falls_into_its_step():
    values = numpy.concatenate([numpy.arange(5000), 2 ** numpy.arange(40)])
    for value, index in zip(values, synthetic.steps_of(values)):
        assert low(int(index), synthetic.SUB_BITS) <= value < low(int(index) + 1, synthetic.SUB_BITS)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_percentiles_agree_with_brute_force(fraction):
    generator = numpy.random.Generator(numpy.random.PCG64(1))
    values = [int(value) for value in generator.lognormal(7, 2, 20000)]
    exact = nearest_rank(values, fraction)
    assert of_values(values).percentile(fraction) == pytest.approx(exact, rel=2.0 ** -(synthetic.SUB_BITS + 1), abs=0.5)


def test_small_values_are_exact():
    values = list(range(1, 32))
    histogram = of_values(values)
    for fraction in (0.1, 0.25, 0.5, 0.75, 0.99):
        assert histogram.percentile(fraction) == nearest_rank(values, fraction)


def test_the_99th_of_a_hundred_is_the_99th():
    assert of_values(list(range(1, 21)) * 5).percentile(0.99) == 20
    assert of_values([1] * 99 + [30]).percentile(0.99) == 1


def test_percentiles_never_leave_the_exact_range():
    histogram = of_values([1000, 1001])
    assert histogram.percentile(0) == 1000
    assert histogram.percentile(1) == 1001
    assert 1000 <= histogram.percentile(0.5) <= 1001


def test_merging_is_the_histogram_of_all_values_together():
    generator = numpy.random.Generator(numpy.random.PCG64(2))
    parts = [generator.lognormal(5, 1, 500).astype(int), generator.lognormal(9, 1, 70).astype(int), numpy.array([3])]
    together, separate = of_values(numpy.concatenate(parts)), merged(of_values(part) for part in parts)
    assert separate.counts == together.counts
    assert exact_of(separate) == exact_of(together)


def test_merged_percentile_is_not_the_mean_of_percentiles():
    fast, slow = of_values([10] * 990), of_values([20000] * 10)
    assert merged([fast, slow]).percentile(0.99) == 10
    assert (fast.percentile(0.99) + slow.percentile(0.99)) / 2 > 5000


def test_merging_leaves_its_parts_alone():
    first, second = of_values([5, 6]), of_values([7])
    merged([first, second])
    assert (first.count, second.count) == (2, 1)


def test_unequal_steps_do_not_merge():
    with pytest.raises(ValueError, match="do not merge"):
        Histogram(5).merge(Histogram(4))


def test_where_the_maximum_was_met_survives_merging():
    first, second = Histogram(5), Histogram(5)
    first.add([(3, 1)], 1, 3, 3, 3, (1, 0, 0.5))
    second.add([(9, 1)], 1, 9, 9, 9, (2, 4, 0.7))
    assert merged([first, second]).max_where == (2, 4, 0.7)


def test_counts_must_add_up():
    with pytest.raises(ValueError, match="hold 2 values"):
        Histogram(5).add([[1, 2]], 3, 3, 1, 1)


@pytest.mark.parametrize("index", [-1, 1 << 40])
def test_impossible_steps_are_refused(index):
    with pytest.raises(ValueError, match="outside"):
        Histogram(5).add([[index, 1]], 1, 1, 1, 1)


@pytest.mark.parametrize("count, fraction, supported", [
    (19, 0.5, False), (20, 0.5, True), (999, 0.99, False), (1000, 0.99, True), (10000, 0.999, True),
    (9999, 0.999, False)])
def test_a_percentile_needs_ten_samples_beyond_it(count, fraction, supported):
    assert of_values([5] * count).supports(fraction) is supported


def test_an_empty_histogram_has_no_percentile():
    with pytest.raises(ValueError):
        Histogram(5).percentile(0.5)
    assert merged([]) is None


@pytest.mark.parametrize("sub_bits", [0, 2, 5])
def test_middles_of_many_steps_are_those_of_each(sub_bits):
    steps = numpy.arange(60 << sub_bits)
    assert mids(steps, sub_bits).tolist() == [mid(int(step), sub_bits) for step in steps]


def test_percentiles_by_time_are_those_of_the_summed_values():
    values = numpy.sort(numpy.random.Generator(numpy.random.PCG64(9)).lognormal(6, 2, 3000).astype(int) + 1)
    fractions = (0.1, 0.5, 0.9, 0.999, 1)
    sums = numpy.cumsum(values.astype(float))
    for fraction, (value, beyond) in zip(fractions, of_values(values).time_percentiles(fractions)):
        exact = values[min(numpy.searchsorted(sums, fraction * sums[-1]), values.size - 1)]
        assert value == pytest.approx(exact, rel=2.5 * 2.0 ** -synthetic.SUB_BITS)  # a step may end on either side of the share
        assert beyond == (values >= low(int(synthetic.steps_of([value])[0]), synthetic.SUB_BITS)).sum()


def test_one_long_wait_is_most_of_the_time():
    (half, beyond), = of_values([20] * 1000 + [10 ** 9]).time_percentiles((0.5,))
    assert half == pytest.approx(10 ** 9, rel=2.0 ** -synthetic.SUB_BITS) and beyond == 1
