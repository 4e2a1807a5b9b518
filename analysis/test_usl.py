"""Checks the scalability law against known parameters and scipy's non-linear fit, and that it is not asked too far out."""

import numpy
import pytest
from scipy import optimize

import usl

CREWS = (1, 2, 4, 8, 16, 32)


def test_known_parameters_come_back():
    law = usl.Law(1000.0, 0.05, 0.002)
    found = usl.fit({n: [float(law.at(n))] * 3 for n in CREWS})
    assert (found.law.rate, found.law.contention, found.law.coherence) == pytest.approx((1000.0, 0.05, 0.002), rel=1e-6)
    assert found.r2 == pytest.approx(1.0) and found.law.peak == pytest.approx(numpy.sqrt(0.95 / 0.002)) and found.reach == 48


def test_it_agrees_with_a_non_linear_fit():
    random, law = numpy.random.Generator(numpy.random.PCG64(5)), usl.Law(2e6, 0.1, 0.004)
    table = {n: list(law.at(n) * random.lognormal(0, 0.02, 9)) for n in CREWS}
    found, medians = usl.fit(table), [numpy.median(rates) for rates in table.values()]
    (rate, contention, coherence), _ = optimize.curve_fit(lambda n, r, s, k: r * n / (1 + s * (n - 1) + k * n * (n - 1)), CREWS, medians,
                                                          p0=(1e6, 0.01, 0.001), bounds=(0, numpy.inf), sigma=medians)
    assert (found.law.rate, found.law.contention, found.law.coherence) == pytest.approx((rate, contention, coherence), rel=0.1)
    low, high = found.band(numpy.array(CREWS))
    assert all(low <= law.at(CREWS)) and all(law.at(CREWS) <= high)


def test_it_refuses_what_it_cannot_know():
    law = usl.Law(1000.0, 0.05, 0.002)
    table = {n: [float(law.at(n))] * 3 for n in CREWS}
    with pytest.raises(ValueError, match="32 is the most"):
        usl.fit(table).band(numpy.array([1, 49]))
    assert usl.fit({n: table[n] for n in CREWS[:3]}) is None
    assert not usl.fit({1: [5.0], 2: [50.0], 4: [5.0], 8: [50.0], 16: [5.0]}).holds
    assert usl.Law(1.0, 0.1, 0.0).peak is None and usl.Law(1.0, 1.5, 0.1).peak == 1
