"""Import path of MLTK 0.20 for `mltk.training.losses`."""

from mltk.training.losses import (
    ContrastiveLoss,
    Correlation,
    StructuralSimilarity,
    mae_loss_func,
    mse_loss_func,
    ssim_loss_func,
)

__all__ = [
    "ContrastiveLoss",
    "Correlation",
    "StructuralSimilarity",
    "mae_loss_func",
    "mse_loss_func",
    "ssim_loss_func",
]
