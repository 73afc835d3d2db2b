"""Which samples an epoch has, and in which order: a function of the seed and the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

_ORDER, _UNKNOWN, _BATCH = range(3)


def _generator(seed: int, purpose: int, epoch: int, index: int = 0) -> np.random.Generator:
    """Return a generator that depends only on the arguments (Salmon et al., "Parallel random numbers", 2011)."""
    return np.random.Generator(np.random.Philox(key=[seed, purpose], counter=[0, 0, index, epoch]))


def batch_generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """Return the random generator for what is drawn in batch ``index`` of an epoch."""
    return _generator(seed, _BATCH, epoch, index)


@dataclass
class EpochOrder:
    """The samples of each epoch.

    Attributes:
        seed: Seed of everything that is drawn.
        samples: int64 [samples]: Indices of the samples.
        shuffle: Whether each epoch has a random order.
        places: int64 [n]: Positions in ``samples`` whose samples are drawn again from ``pool`` in each epoch.
        pool: int64 [m]: Indices to draw from; nothing is drawn if it is empty.
    """

    seed: int
    samples: npt.NDArray[np.int64]
    shuffle: bool
    places: npt.NDArray[np.int64]
    pool: npt.NDArray[np.int64]
    _recent: dict[int, npt.NDArray[np.int64]] = field(default_factory=dict)

    def of(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return int64 [samples]: the index of each sample, in the order of the epoch."""
        found = self._recent.get(epoch)
        if found is None:
            found = self._draw(epoch)
            self._recent = {k: v for k, v in self._recent.items() if abs(k - epoch) <= 1}
            self._recent[epoch] = found
        return found

    def _draw(self, epoch: int) -> npt.NDArray[np.int64]:
        chosen = self.samples.copy()
        if not self.shuffle:
            return chosen
        if len(self.pool):
            drawn = _generator(self.seed, _UNKNOWN, epoch).permutation(self.pool)[: len(self.places)]
            chosen[self.places] = drawn
        return _generator(self.seed, _ORDER, epoch).permutation(chosen)
