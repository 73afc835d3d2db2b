"""Import TensorFlow without its messages, and only where it is needed."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from typing import Any

from mltk.errors import MissingDependencyError
from mltk.operations.shared.quiet import quiet_native_stderr
from mltk.specification.logs import get_mltk_logger


def import_tensorflow() -> Any:
    """Import TensorFlow and Keras without their messages about hardware that this machine does not have.

    Returns:
        The module ``tensorflow``.

    Raises:
        MissingDependencyError: TensorFlow or Keras is not installed.
    """
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    verbose = get_mltk_logger().isEnabledFor(logging.DEBUG) and os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    try:
        with contextlib.nullcontext() if verbose else quiet_native_stderr():
            tensorflow = importlib.import_module("tensorflow")
            importlib.import_module("keras")
            tensorflow.config.list_physical_devices()  # it looks for devices now, so that its messages come now
    except ModuleNotFoundError as e:
        raise MissingDependencyError("TensorFlow" if e.name == "tensorflow" else str(e.name), "train") from None
    return tensorflow
