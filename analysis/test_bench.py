"""What a bench's bound makes of an interval."""
from types import SimpleNamespace

import bench
import pytest


@pytest.mark.parametrize("bound, low, high, verdict", [
    ("", 1, 2, ""), ("<= 1.10", 1.0, 1.1, "kept"), ("<= 1.10", 1.0, 1.2, "open"), ("<= 1.10", 1.11, 1.2, "missed"),
    (">= 0.85", 0.85, 0.9, "kept"), (">= 0.85", 0.8, 0.9, "open"), (">= 0.85", 0.8, 0.84, "missed"),
    ("0.97 - 1.03", 0.98, 1.02, "kept"), ("0.97 - 1.03", 0.9, 0.96, "missed"), ("0.97 - 1.03", 1.04, 1.1, "missed"),
    ("0.97 - 1.03", 0.9, 1.0, "open"), ("0.97 - 1.03", 1.0, 1.1, "open"), ("0.97 - 1.03", 0.9, 1.1, "open")])
def test_a_bound_is_kept_missed_or_open(bound, low, high, verdict):
    interval = SimpleNamespace(low=low, high=high)
    assert bench.judged(bound, SimpleNamespace(median=(low + high) / 2, interval=interval)) == verdict


def test_without_an_interval_the_median_decides():
    assert bench.judged("<= 1.10", SimpleNamespace(median=1.2, interval=None)) == "missed"
