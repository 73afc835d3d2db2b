"""The compiled C of the image effects, loaded when it is first used."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np

from mltk.errors import MltkError

COLORS = np.dtype(
    [
        ("pixels", np.uint64),
        ("n_pixels", np.int32),
        ("n_channels", np.int32),
        ("steps", np.int32),
        ("shift", np.float32),
        ("brightness", np.float32),
        ("contrast", np.float32),
        ("noise", np.int32),
        ("seed", np.uint32),
    ],
    align=True,
)
"""``mltk_image_colors`` of ``mltk/native/images.h``. ``pixels`` is the address of float32 values."""


class ImageEffectsUnavailableError(MltkError, ImportError):
    """mltk was installed without its C extension, because there was no C compiler."""


@cache
def load() -> tuple[Any, Any]:
    """Load the extension.

    Returns:
        cffi's ``ffi`` and ``lib``.

    Raises:
        ImageEffectsUnavailableError: The extension was not compiled, or is of another version of mltk.
    """
    try:
        module = importlib.import_module("mltk.native._images")
    except ImportError as error:
        raise ImageEffectsUnavailableError(
            "The color and noise effects of images are C code, which was not compiled when mltk was installed here. "
            f"The usual cause is that there was no C compiler ({error}).",
            hint="Install a C compiler (on Debian and Ubuntu: apt install gcc libc6-dev; on macOS: xcode-select "
            "--install), then install mltk again: pip install --force-reinstall --no-deps openmltk",
        ) from error
    if module.ffi.sizeof("mltk_image_colors") != COLORS.itemsize:
        raise ImageEffectsUnavailableError(
            "The compiled image effects are of another version of mltk.",
            hint="Install mltk again: pip install --force-reinstall --no-deps openmltk",
        )
    return module.ffi, module.lib
