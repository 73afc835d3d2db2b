"""Import path of MLTK 0.20 for `mltk.training.tied_layers`."""

from mltk.training.tied_layers import Conv2DTranspose_tied, DenseTranspose_tied

__all__ = [
    "Conv2DTranspose_tied",
    "DenseTranspose_tied",
]
