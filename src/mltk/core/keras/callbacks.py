"""Import path of MLTK 0.20 for `mltk.training.callbacks`."""

from mltk.training.callbacks import (
    SteppedLearnRateScheduler,
)

__all__ = [
    "SteppedLearnRateScheduler",
]
