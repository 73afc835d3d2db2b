"""Numbers as people read them."""

from __future__ import annotations

import pytest

from mltk.report.numbers import UNKNOWN, count, duration, figure, interval, n_bytes, percent, rate, seconds, short

NAN = float("nan")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.97777), "97.8 %"), (percent(1.0, 0), "100 %"), (percent(None), UNKNOWN), (percent(NAN), UNKNOWN),
        (count(14304), "14,304"), (count(NAN), UNKNOWN),
        (short(88064), "88.1 k"), (short(12), "12"), (short(3.2e6, "B"), "3.2 MB"), (short(None), UNKNOWN),
        (n_bytes(608), "608 bytes"), (n_bytes(14304), "14.3 kB"), (n_bytes(None), UNKNOWN),
        (seconds(0.00144), "1.44 ms"), (seconds(2), "2 s"), (seconds(9.5e-7), "0.95 µs"), (seconds(NAN), UNKNOWN),
        (figure(0.123456), "0.1235"), (figure(None), UNKNOWN), (figure(True), "yes"), (figure(12345), "12,345"),
        (rate(1043.2), "1,043"), (rate(3.504), "3.5"), (rate(99.96), "100"), (rate(NAN), UNKNOWN),
        (duration(1.0), "1 hour"), (duration(2.5), "2.5 hours"), (duration(0.05), "3 minutes"),
        (duration(1 / 60), "1 minute"), (duration(0.00383), "13.8 seconds"), (duration(0.9999), "1 hour"),
        (figure("text"), "text"), (figure(NAN), UNKNOWN),
    ],
)  # fmt: skip
def test_numbers_are_written_with_units(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("right", "n", "expected"),
    [
        (0, 1, (0.0000000, 0.7934507)),
        (5, 10, (0.2365931, 0.7634069)),
        (352, 360, (0.9567692, 0.9886976)),
        (360, 360, (0.9894419, 1.0000000)),
    ],
)
def test_the_interval_is_wilsons(right: int, n: int, expected: tuple[float, float]) -> None:
    """The expected values are those of ``scipy.stats.binomtest(right, n).proportion_ci(0.95, "wilson")``."""
    assert interval(right / n, n) == pytest.approx(expected, abs=1e-6)
