"""The name of MLTK 0.20 for the compiler of an accelerator of Silicon Labs."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, NoReturn

from mltk.core._function_module import make_callable
from mltk.errors import MltkError

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel

__all__ = ["compile_model"]


def compile_model(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    accelerator: str,
    output: str | None = None,
    update_archive: bool | None = None,
    logger: logging.Logger | None = None,
    **kwargs: Any,
) -> NoReturn:
    """Raise an error: the compiler of Silicon Labs' accelerator is not a part of openmltk.

    Args:
        model: The model.
        accelerator: Name of the accelerator.
        output: Path of the compiled ``.tflite``.
        update_archive: Whether to store the compiled ``.tflite`` in the archive.
        logger: For compatibility with MLTK 0.20; ignored.
        kwargs: For compatibility with MLTK 0.20; ignored.

    Raises:
        MltkError: Always.
    """
    raise MltkError(
        f"There is no compiler for the accelerator {accelerator!r}: it is a part of Silicon Labs' SDK.",
        hint="Run the .tflite itself with TensorFlow Lite Micro. 'mltk profile' estimates its cost.",
    )


make_callable(__name__)
