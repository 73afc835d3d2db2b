"""MLTK 0.20's functions that read and write one image."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.core.preprocess.utils.audio import _as_path, _is_symbolic
from mltk.data.numpy1_array import as_numpy1
from mltk.errors import DatasetError
from mltk.image.files import read_pixels, write_image

__all__ = ["read_image_file", "write_image_file"]


def read_image_file(path: Any, target_channels: int = 0, return_numpy: bool = False) -> Any:
    """Read an image file, turned upright as its EXIF orientation says.

    Args:
        path: Path of an image: a str, or a scalar array or tensor, also of a graph.
        target_channels: Number of channels: 1, 3 or 4; 0 keeps that of the file.
        return_numpy: Whether to return an array, else a tensor. For a path of a graph, the result is a tensor.

    Returns:
        uint8 ``[height, width, channels]``. A file with 16 bits is divided by 257. An array promotes as in NumPy 1:
        minus 300 it is int16.

    Raises:
        DatasetError: ``target_channels`` is another number.
        ImageFileError: The file cannot be read.
    """
    if target_channels not in (0, 1, 3, 4):
        raise DatasetError(f"target_channels is {target_channels!r}.", hint="It can be 0, 1, 3 or 4.")

    def read(file: Any) -> npt.NDArray[np.uint8]:
        pixels = read_pixels(_as_path(file), target_channels)
        return pixels if pixels.dtype == np.uint8 else np.rint(pixels / 257).astype(np.uint8)

    if _is_symbolic(path):
        import tensorflow as tf

        pixels = tf.numpy_function(read, [path], tf.uint8)
        pixels.set_shape([None, None, target_channels or None])
        return pixels
    pixels = read(path)
    if return_numpy:
        return as_numpy1(pixels)
    import tensorflow as tf

    return tf.convert_to_tensor(pixels)


def write_image_file(path: Any, sample: Any, auto_scale: bool = True, batch_size: int | None = None) -> Any:
    """Write an image, or each image of a batch.

    Args:
        path: Path of the file; the extension is the format. A path without an extension is a folder; the name of the
            JPEG file is the current time.
        sample: ``[height, width]`` or ``[height, width, channels]``: an array or tensor, also of a graph. uint8 is
            written as it is; 128 is added to int8.
        auto_scale: Scale floats so that the largest value is white; and the smallest is black if it is negative.
            Otherwise floats are from 0 to 255.
        batch_size: Number of images of ``sample``, which then has one more dimension in front; None is one image.

    Returns:
        Path of the file; for a batch, the list of the paths.

    Raises:
        DatasetError: The batch does not have ``batch_size`` images.
        OutputError: The file cannot be written.
    """

    def write_one(name: str, image: npt.NDArray[Any], number: str) -> str:
        folder, extension = os.path.splitext(name)
        if not extension:
            name = os.path.join(name, f"{time.time_ns() // 1000}{number}.jpg")
        elif number:
            name = f"{folder}{number}{extension}"
        return write_image(name, _to_8_bits(image, auto_scale))

    def write(file: Any, images: Any) -> npt.NDArray[np.object_]:
        name, array = _as_path(file), np.asarray(images)
        if batch_size is None:
            return np.array(write_one(name, array, "").encode(), object)
        if len(array) != batch_size:
            raise DatasetError(f"The batch has {len(array)} images; batch_size is {batch_size}.")
        return np.array([write_one(name, image, f"-{i}").encode() for i, image in enumerate(array)], object)

    if _is_symbolic(path) or _is_symbolic(sample):
        import tensorflow as tf

        return tf.numpy_function(write, [path, sample], tf.string)
    written = write(path, sample)
    return written.item().decode() if batch_size is None else [name.decode() for name in written]


def _to_8_bits(image: npt.NDArray[Any], auto_scale: bool) -> npt.NDArray[Any]:
    if image.dtype == np.int8:
        return (image.astype(np.int16) + 128).astype(np.uint8)
    if image.dtype.kind != "f" or not auto_scale or not image.size:
        return image
    low, high = min(0.0, float(image.min())), float(image.max())
    return (image - low) * (255 / (high - low)) if high > low else image
