"""Checks the ranges and ticks of axes, and that spread labels never overlap."""

import random

import pytest

import axis


@pytest.mark.parametrize("values", [[1], [0.2], [5, 9], [3e6, 17e6], [0]])
def test_linear_axes_start_at_zero_and_hold_the_values(values):
    low, high, ticks = axis.linear(values)
    assert low == 0 == ticks[0]
    assert high >= max(values) and ticks[-1] == pytest.approx(high)
    assert 2 <= len(ticks) <= 8


@pytest.mark.parametrize("values", [[1], [7, 8], [3, 4e9], [90, 110], [1e-3, 1e12]])
def test_log_axes_hold_the_values_with_some_ticks(values):
    low, high, ticks = axis.logarithmic(values)
    assert low < min(values) and max(values) < high
    assert 2 <= len(ticks) <= 10
    assert all(low <= tick <= high for tick in ticks)


def test_wide_ranges_ask_for_a_log_axis_and_zero_for_a_linear_one():
    assert axis.axis_for([1, 1000])[0]
    assert not axis.axis_for([10, 100])[0]
    assert not axis.axis_for([0, 1e9])[0]


def order_of(values):
    return sorted(range(len(values)), key=lambda index: values[index])


@pytest.mark.parametrize("seed", range(20))
def test_spread_labels_keep_their_distance_and_stay_inside(seed):
    chance = random.Random(seed)
    wanted = [chance.uniform(0, 300) for _ in range(chance.randint(1, 12))]
    places = axis.spread(wanted, 16, 0, 300)
    ordered = sorted(places)
    assert all(after - before >= 16 - 1e-6 for before, after in zip(ordered, ordered[1:]))
    assert ordered[0] >= -1e-6 and ordered[-1] <= 300 + 1e-6
    assert order_of(wanted) == order_of(places)


def test_labels_that_do_not_touch_stay_where_they_are():
    assert axis.spread([10, 100, 200], 16, 0, 300) == [10, 100, 200]


def test_touching_labels_are_centred_on_their_mean():
    assert axis.spread([100, 100], 16, 0, 300) == [92, 108]
