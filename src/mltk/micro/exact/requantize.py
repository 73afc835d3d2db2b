"""From integer accumulators to int8 as TFLM rounds, in a few float64 passes that are proven equal when they are built.

TFLM multiplies the accumulator by a fixed-point multiplier and rounds to nearest. Then it divides by a power of two,
``2^s``, and rounds again. Both steps are monotone, so the result is a staircase of at most 255 steps. It is known when
the accumulator is known at which each step begins. Rounding twice moves a step by ``2^−(s+1)`` towards zero, compared
with rounding once::

    y = rint(acc·M + sign(acc)·2^−(s+1))        M = multiplier · 2^(shift − 31)

This expression is also monotone in float64. So if both agree at the beginning of each step and one below it, they agree
everywhere. This is computed for every channel. If it fails, the integers are computed as TFLM does.
"""

from __future__ import annotations

import numpy as np

from mltk.micro.exact.fixed_point import multiply_by_quantized_multiplier

# Below the spacing of acc·M (2^−(31+s)), above float64's error at 8 integer bits: a tie goes up, as in TFLM.
_TIE_BREAK = 2.0**-45
# Rows of a few channels are treated as longer rows, which are faster in NumPy's inner loops.
_MIN_ROW = 512
# Number of channels. Each needs 6 × 255 integers.
_PROVEN_AT_ONCE = 1024


class Requantizer:
    """Turns accumulators (rows × channels) into int8.

    Args:
        multiplier: int64, one for each channel.
        shift: int64, one for each channel.
        bias: int64, one for each channel. It is added before multiplying.
        zero_point: Zero point of the output. It is added after multiplying.
        low: Smallest output.
        high: Largest output.
        bound: Largest possible magnitude of an accumulator with its bias.
    """

    def __init__(
        self,
        multiplier: np.ndarray,
        shift: np.ndarray,
        bias: np.ndarray,
        *,
        zero_point: int,
        low: int,
        high: int,
        bound: int,
    ) -> None:
        self.multiplier, self.shift, self.bias = (np.asarray(a, np.int64) for a in (multiplier, shift, bias))
        self.zero_point, self.low, self.high = int(zero_point), int(low), int(high)
        right = np.maximum(-self.shift, 0)
        self._scale = self.multiplier * 2.0 ** (self.shift - 31.0)
        nudge = np.where(right > 0, 2.0 ** -(right + 1.0), 0.0)
        # If no output is below zero (a fused ReLU), the sign is known, and one constant is added.
        self._signed_nudge = nudge if self.low < self.zero_point and nudge.any() else None
        offset = self.bias * self._scale + _TIE_BREAK
        self._offset = offset if self._signed_nudge is not None else offset + nudge + self.zero_point
        self.is_proven = self._prove(int(bound))
        self._tiles: dict[int, tuple[np.ndarray, ...]] = {}

    def exact(self, accumulators: np.ndarray) -> np.ndarray:
        """Return the output as TFLM computes it, in int64, before the zero point is added and the output is clipped."""
        return multiply_by_quantized_multiplier(
            np.asarray(accumulators, np.int64) + self.bias, self.multiplier, self.shift
        )

    def _prove(self, bound: int) -> bool:
        """Return whether the float64 expression equals the integer one for all accumulators up to ``bound``."""
        if np.any(self.multiplier <= 0):
            return False
        return all(
            self._prove_channels(bound, slice(i, i + _PROVEN_AT_ONCE))
            for i in range(0, len(self.multiplier), _PROVEN_AT_ONCE)
        )

    def _prove_channels(self, bound: int, part: slice) -> bool:
        multiplier, shift, bias, scale = (a[part] for a in (self.multiplier, self.shift, self.bias, self._scale))
        steps = np.arange(self.low - self.zero_point + 1, self.high - self.zero_point + 1, dtype=np.int64)[:, None]
        if not len(steps):
            return True
        estimate = np.floor((steps - 0.5) / scale).astype(np.int64)
        candidates = estimate + np.arange(-2, 4)[:, None, None]
        reached = multiply_by_quantized_multiplier(candidates, multiplier, shift) >= steps
        if not np.all(reached[-1]) or np.any(reached[0]):
            return False
        begins = np.take_along_axis(candidates, np.argmax(reached, axis=0)[None], axis=0)[0]
        possible = np.abs(begins) <= bound + 1
        at, below = (self._rounded((begins - d - bias).astype(np.float64), part) for d in (0, 1))
        return bool(np.all((at >= steps)[possible]) and np.all((below < steps)[possible]))

    def _rounded(self, raw: np.ndarray, part: slice) -> np.ndarray:
        """Return the float64 expression as :meth:`apply` evaluates it, without the zero point, for some channels."""
        z = raw * self._scale[part]
        z += self._offset[part]
        if self._signed_nudge is not None:
            z += np.copysign(self._signed_nudge[part], z)
        rounded: np.ndarray = np.rint(z)
        return rounded - self.zero_point if self._signed_nudge is None else rounded

    def apply(self, accumulators: np.ndarray, out: np.ndarray, scratch: np.ndarray | None = None) -> np.ndarray:
        """Requantize accumulators.

        Args:
            accumulators: Whole numbers in float32 or float64, shape (rows, channels).
            out: int8, the same shape. Gets the result.
            scratch: float64 of at least twice the size. It is overwritten.

        Returns:
            ``out``.
        """
        if not self.is_proven:
            y = self.exact(accumulators.astype(np.int64)) + self.zero_point
            np.copyto(out, np.clip(y, self.low, self.high), casting="unsafe")
            return out
        rows, channels = accumulators.shape
        tile = _tile(rows, channels)
        scale, offset, nudge = self._tiled(tile)
        size = accumulators.size
        if scratch is None or scratch.size < 2 * size:
            scratch = np.empty(2 * size)
        z = scratch[:size].reshape(rows // tile, tile * channels)
        np.multiply(accumulators.reshape(z.shape), scale, out=z)
        np.add(z, offset, out=z)
        shift = 0
        if nudge is not None:
            shift = self.zero_point
            signed = np.copysign(nudge, z, out=scratch[size : 2 * size].reshape(z.shape))
            np.add(z, signed, out=z)
        np.clip(z, self.low - shift, self.high - shift, out=z)
        np.rint(z, out=z)
        if shift:
            np.add(z, shift, out=z)
        np.copyto(out.reshape(z.shape), z, casting="unsafe")
        return out

    def _tiled(self, tile: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        if tile not in self._tiles:
            parts = (self._scale, self._offset, self._signed_nudge)
            self._tiles[tile] = tuple(None if p is None else np.tile(p, tile) for p in parts)  # type: ignore[misc]
        return self._tiles[tile]  # type: ignore[return-value]


def _tile(rows: int, channels: int) -> int:
    """Return how many rows to treat as one: a divisor of ``rows`` that makes a row about ``_MIN_ROW`` long."""
    tile = 1
    while tile * channels < _MIN_ROW and rows % (tile * 2) == 0:
        tile *= 2
    return tile
