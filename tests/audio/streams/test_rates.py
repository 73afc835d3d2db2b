"""Limits of confidence, against published values."""

from __future__ import annotations

import pytest

from mltk.audio.streams.rates import poisson_at_most, poisson_interval, poisson_quantile, share_interval


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Garwood's table, as printed in textbooks.
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390), (50, 37.11, 65.92)],
)
def test_the_limits_of_a_count(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), abs=0.006)


def test_the_distribution_of_counts() -> None:
    assert poisson_at_most(0, 3.0) == pytest.approx(0.049787, abs=1e-6)
    assert poisson_at_most(-1, 3.0) == 0
    assert poisson_at_most(0, 0.0) == 1
    assert [poisson_quantile(0.975, mean) for mean in (0.0, 1.0, 4.0, 100.0)] == [0, 3, 8, 120]
    assert poisson_at_most(2000, 1990.0) == pytest.approx(0.594, abs=0.01)


def test_the_limits_of_a_share() -> None:
    assert share_interval(0, 0) == (0, 1)
    assert share_interval(5, 100) == pytest.approx((0.0215, 0.1118), abs=0.0005)
    assert share_interval(0, 50)[0] == 0
