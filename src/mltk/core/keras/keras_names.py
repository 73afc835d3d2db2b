"""Classes and functions of Keras under the names of MLTK 0.20. They are those of Keras 3."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import keras
from keras.preprocessing.image import array_to_img, img_to_array
from tensorflow.keras.preprocessing.image import ImageDataGenerator
from tensorflow.keras.preprocessing.image import Iterator as ImageIterator

from mltk.specification.keras_2_file import readable_by_keras_3

__all__ = [
    "DataSequence",
    "ImageDataGenerator",
    "ImageIterator",
    "KerasModel",
    "Sequence",
    "array_to_img",
    "img_to_array",
    "load_img",
    "load_keras_model",
]

KerasModel = keras.Model
Sequence = DataSequence = keras.utils.PyDataset


def load_img(
    path: str | os.PathLike[str],
    grayscale: bool = False,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Load an image file with Pillow.

    Args:
        path: Path of the file.
        grayscale: Whether to convert to ``color_mode="grayscale"``.
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``.
        target_size: Height and width in pixels; None is those of the file.
        interpolation: Method to resize with, such as ``"bilinear"``.
        keep_aspect_ratio: Whether to crop the image to the aspect ratio of ``target_size`` before it is resized.

    Returns:
        The image, a ``PIL.Image.Image``.
    """
    return keras.utils.load_img(
        path,
        color_mode="grayscale" if grayscale else color_mode,
        target_size=target_size,
        interpolation=interpolation,
        keep_aspect_ratio=keep_aspect_ratio,
    )


def load_keras_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """Load a model file of Keras: ``.keras``, or ``.h5``, which MLTK 0.20 wrote.

    Args:
        filepath: Path of the file.
        custom_objects: Name → class or function of your own that the model uses.
        compile: Whether to compile the model as it was compiled when it was saved.
        safe_mode: Whether to refuse a file that contains code, such as that of a Lambda layer.
        kwargs: Further arguments of ``keras.saving.load_model``.

    Returns:
        The model, a ``keras.Model``.
    """
    with readable_by_keras_3(os.fspath(filepath)) as readable:
        return keras.saving.load_model(
            readable, custom_objects=custom_objects, compile=compile, safe_mode=safe_mode, **kwargs
        )
