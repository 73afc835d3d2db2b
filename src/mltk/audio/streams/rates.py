"""How sure a counted rate is. Errors of a stream are counted as independent events (Poisson, binomial)."""

from __future__ import annotations

import math


def poisson_at_most(count: int, mean: float) -> float:
    """Return the probability of at most ``count`` events where ``mean`` are expected."""
    if count < 0:
        return 0.0
    if mean <= 0:
        return 1.0
    log_mean = math.log(mean)
    return min(1.0, math.fsum(math.exp(k * log_mean - mean - math.lgamma(k + 1)) for k in range(count + 1)))


def poisson_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact limits of a Poisson distribution's mean, after ``count`` events were seen (Garwood 1936).

    Args:
        count: Number of events.
        confidence: Probability that the interval contains the mean.
    """
    tail = (1 - confidence) / 2
    high = count + 10 + 10 * math.sqrt(count + 1)
    low = 0.0 if count == 0 else _mean_where(count - 1, 1 - tail, high)
    return low, _mean_where(count, tail, high)


def poisson_quantile(probability: float, mean: float) -> int:
    """Return the smallest count that is not exceeded with this probability, where ``mean`` events are expected."""
    count = max(0, int(mean - 10 * math.sqrt(mean)))
    while poisson_at_most(count, mean) < probability:
        count += 1
    return count


def _mean_where(count: int, probability: float, high: float) -> float:
    """Return the mean at which at most ``count`` events have this probability."""
    low = 0.0
    for _ in range(80):
        middle = (low + high) / 2
        if poisson_at_most(count, middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def share_interval(part: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the limits of a share, of which ``part`` of ``total`` were seen (Wilson 1927).

    Args:
        part: How many were seen.
        total: Of how many.
        z: Quantile of the normal distribution; 1.96 is a confidence of 95 %.
    """
    if total == 0:
        return 0.0, 1.0
    share = part / total
    center = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (center - half) / scale), min(1.0, (center + half) / scale)
