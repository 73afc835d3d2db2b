"""Import path of MLTK 0.20: the image data generator."""

from mltk.image.generator import ParallelImageDataGenerator
from mltk.image.process_params import ParallelProcessParams

__all__ = ["ParallelImageDataGenerator", "ParallelProcessParams"]
