"""Welch's test beside published tables, and by its own promise."""

import numpy as np
import pytest

from evaluation.welch import difference, student_quantile


@pytest.mark.parametrize(
    ("probability", "freedom", "published"),
    [(0.975, 1, 12.7062), (0.975, 8, 2.3060), (0.995, 4, 4.6041), (0.9995, 2, 31.5991),
     (0.975, 1000, 1.9623), (0.5, 3, 0.0)],
)
def test_quantiles_are_those_of_the_tables(probability, freedom, published):
    assert student_quantile(probability, freedom) == pytest.approx(published, abs=1e-4)


def test_the_margin_by_hand():
    """Variances 1 and 4 of 3 and 5 values: the error and the freedom of Welch's equations."""
    one, two = [1.0, 2.0, 3.0], [4.0, 4.0, 6.0, 8.0, 8.0]
    found = difference(one, two, 0.95)
    assert found.means == (2.0, 6.0)
    error = 1 / 3 + 4 / 5
    freedom = error**2 / ((1 / 3) ** 2 / 2 + (4 / 5) ** 2 / 4)
    assert found.margin == pytest.approx(student_quantile(0.975, freedom) * error**0.5)
    assert found.interval == pytest.approx((4 - found.margin, 4 + found.margin))
    assert found.is_seen


def test_no_difference_is_rarely_seen_where_there_is_none():
    """Of 400 pairs of one mean and unequal spreads, about one in ten at 90 %."""
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(0, 1, 4), rng.normal(0, 5, 9)) for _ in range(400)]
    seen = np.mean([difference(one, two, 0.9).is_seen for one, two in pairs])
    assert 0.06 < seen < 0.14


def test_repetitions_that_are_all_alike_have_no_margin():
    assert not difference([1.0, 1.0], [1.0, 1.0], 0.95).is_seen
    found = difference([0.1] * 3, [0.9] * 3, 0.95)
    assert (found.means, found.margin) == ((0.1, 0.9), 0.0)  # not what rounding makes of them
    assert found.is_seen
