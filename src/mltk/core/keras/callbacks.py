"""Import path of MLTK 0.20; the class lives in `mltk.training.callbacks`."""

from mltk.training.callbacks import (
    SteppedLearnRateScheduler,
)

__all__ = [
    "SteppedLearnRateScheduler",
]
