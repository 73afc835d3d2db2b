"""Reading and writing image files: PNG, JPEG, BMP, GIF, WebP, TIFF and PPM, with 8 or 16 bits.

A photo is turned upright as its EXIF orientation says. The colors of a palette and of CMYK become RGB.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.bank import UnreadableFileError
from mltk.errors import MissingDependencyError, OutputError
from mltk.files import make_folder, replacing
from mltk.image.deep_colors import has_deep_colors, read_deep_colors
from mltk.image.findings import Kind
from mltk.image.image_format import ImageFormat

if TYPE_CHECKING:
    from PIL import Image

IMAGE_FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
"""File name extensions of the image files that can be read."""
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_ORIENTATION = 0x0112
_DEEP_COLORS = "mltk: the file has 16 bits of each color, of which Pillow reads 8"


class ImageFileError(UnreadableFileError):
    """An image file cannot be read; the message names the file."""


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingDependencyError("Pillow, which reads image files,", "image") from None
    return Image


@contextlib.contextmanager
def opened(path: str) -> Iterator[Image.Image]:
    """Open an image file; turn Pillow's errors into :class:`ImageFileError`.

    Args:
        path: Image file.

    Raises:
        ImageFileError: The file cannot be read, or has several frames.
    """
    pillow = _pillow()
    try:
        with pillow.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            if frames > 1:
                raise ImageFileError(f"{path} is animated: it has {frames} frames, not one.")
            image.info[_DEEP_COLORS] = has_deep_colors(image)
            image.load()
            yield image
    except UnreadableFileError:
        raise
    except FileNotFoundError:
        raise ImageFileError(f"There is no image file {path}.") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, pillow.DecompressionBombError) as error:
        if os.path.isfile(path) and os.path.getsize(path) == 0:
            raise ImageFileError(f"{path} is empty: it has no bytes.") from None
        raise ImageFileError(f"{path} can't be read as an image: {_reason(error)}.") from None


def _reason(error: BaseException) -> str:
    if type(error).__name__ == "UnidentifiedImageError":
        return "its content is not of a known image format"
    return str(error).rstrip(". ") or type(error).__name__


def read_image(path: str, wanted: ImageFormat, found: set[Kind] | None = None) -> npt.NDArray[Any]:
    """Read an image file, and bring it to a size, a number of channels and a depth.

    Args:
        path: Image file.
        wanted: What the image is made to.
        found: Receives what is lost.

    Returns:
        uint8 or uint16 [height, width, channels].

    Raises:
        ImageFileError: The file cannot be read.
    """
    with opened(path) as image:
        upright = _upright(image)
        if found is not None and upright.mode == "CMYK":
            found.add(Kind.CMYK)
        if upright.mode == "F":
            raise ImageFileError(f"{path} has floating-point pixels; images have 8 or 16 bits.")
        deep_gray = upright.mode.startswith("I")
        deep = None
        if deep_gray:
            deep = np.asarray(_resized(_as_float(path, upright), wanted))[..., np.newaxis]
        elif image.info[_DEEP_COLORS] and wanted.bits == 16:
            deep = read_deep_colors(path, image, wanted.channels, lambda plane: _resized(plane, wanted))
        if found is not None and ((deep_gray and wanted.bits == 8) or (image.info[_DEEP_COLORS] and deep is None)):
            found.add(Kind.DEEP)
        if deep is not None:
            return _from_16_bits(deep, wanted)
        pixels = np.asarray(_resized(upright.convert(_MODES[wanted.channels]), wanted))
    shaped = pixels.reshape(*pixels.shape[:2], wanted.channels)
    return shaped if wanted.bits == 8 else np.asarray(shaped.astype(np.uint16) * 257)


def read_pixels(path: str, channels: int = 0) -> npt.NDArray[Any]:
    """Read an image file in its own size, turned upright.

    Args:
        path: Image file.
        channels: Number of channels: 1, 3 or 4; 0 keeps that of the file.

    Returns:
        uint8 [height, width, channels], or uint16 [height, width, channels] of a gray file with 16 bits.

    Raises:
        ImageFileError: The file cannot be read.
    """
    with opened(path) as image:
        upright = _upright(image)
        if upright.mode.startswith("I"):
            gray = np.asarray(_as_float(path, upright)).astype(np.uint16)[..., np.newaxis]
            return np.repeat(gray, channels or 1, axis=2)
        mode = _MODES.get(channels, upright.mode)
        if mode not in _MODES.values():
            mode = "RGBA" if mode in ("LA", "PA") or "transparency" in upright.info else "L" if mode == "1" else "RGB"
        pixels = np.asarray(upright.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


def _upright(image: Image.Image) -> Image.Image:
    if image.getexif().get(_ORIENTATION, 1) in (0, 1):
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _as_float(path: str, image: Image.Image) -> Image.Image:
    """Return a 16-bit image as floats, which Pillow can resize without loss."""
    values = np.asarray(image).astype(np.float32)
    if values.size and not 0 <= float(values.min()) <= float(values.max()) <= 65535:
        raise ImageFileError(f"{path} has 32-bit pixels; images have 8 or 16 bits.")
    made: Image.Image = _pillow().fromarray(values)
    return made


def _resized(image: Image.Image, wanted: ImageFormat) -> Image.Image:
    """Change the size with Pillow's filters, which MLTK 0.20 uses too."""
    width, height = wanted.width, wanted.height
    if not wanted.resizes or image.size == (width, height):
        return image
    box = None
    if wanted.keep_aspect_ratio:
        w = min(image.width, image.height * width / height)
        h = min(image.height, image.width * height / width)
        left, top = (image.width - w) / 2, (image.height - h) / 2
        box = (left, top, left + w, top + h)
    return image.resize((width, height), getattr(_pillow().Resampling, wanted.interpolation.upper()), box)


def _from_16_bits(values: npt.NDArray[np.float32], wanted: ImageFormat) -> npt.NDArray[Any]:
    """Round values from 0 to 65535 [height, width, channels]; one channel becomes gray colors."""
    if wanted.bits == 8:
        values = values / np.float32(257)
    rounded = np.clip(np.rint(values), 0, wanted.white).astype(wanted.dtype)
    if rounded.shape[2] == wanted.channels:
        return np.asarray(rounded)
    pixels: npt.NDArray[Any] = np.repeat(rounded, wanted.channels, axis=2)
    if wanted.channels == 4:
        pixels[..., 3] = wanted.white
    return pixels


def write_image(path: str, sample: npt.ArrayLike) -> str:
    """Write an image file; the file name extension is the format.

    Args:
        path: Image file. Its folder is made if it does not exist.
        sample: [height, width] or [height, width, channels]: uint8, uint16 with one channel, or floats from 0 to 255,
            which are rounded.

    Returns:
        The path.

    Raises:
        OutputError: The file cannot be written.
    """
    pixels = np.asarray(sample)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (2, 3, 4)):
        raise OutputError(
            f"Can't write {path}: an array of shape {pixels.shape} is not an image.",
            hint="An image is [height, width] or [height, width, channels] with 1, 2, 3 or 4 channels.",
        )
    if not (pixels.dtype == np.uint8 or (pixels.dtype == np.uint16 and pixels.ndim == 2)):
        pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    make_folder(os.path.dirname(path))
    pillow = _pillow()
    with replacing(path, durable=False) as temporary:
        try:
            kind = pillow.registered_extensions().get(os.path.splitext(path)[1].lower(), "PNG")
            pillow.fromarray(pixels).save(temporary, format=kind)
        except (OSError, ValueError, KeyError) as error:
            raise OutputError(
                f"Can't write {path} as an image: {_reason(error)}.", hint=f"Formats are {', '.join(IMAGE_FORMATS)}."
            ) from None
    return path
