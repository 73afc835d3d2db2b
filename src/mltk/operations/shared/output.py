"""Where a ``.tflite`` is written that a user asked for with ``output``."""

from __future__ import annotations

import os

from mltk.files import make_folder


def tflite_output_path(output: str, filename: str) -> str:
    """Return the path of a ``.tflite`` to write, and make its folder.

    Args:
        output: Path of a file that ends in ``.tflite``, or of a folder.
        filename: Name of the file in the folder.

    Raises:
        OutputError: The folder cannot be made.
    """
    output = os.path.abspath(os.path.expanduser(output))
    is_folder = os.path.isdir(output) or not output.endswith(".tflite")
    path = os.path.join(output, filename) if is_folder else output
    make_folder(os.path.dirname(path))
    return path
