"""Whether TensorFlow may use a GPU."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any


def initialize(logger: Any = None) -> None:
    """Let TensorFlow take GPU memory as it needs it, and not all at once. Without a GPU, do nothing.

    Args:
        logger: Logger of the GPUs that are found.
    """
    import tensorflow as tf

    for device in tf.config.list_physical_devices("GPU"):
        (logger or logging.getLogger("mltk")).debug("GPU: %s", device.name)
        try:
            tf.config.experimental.set_memory_growth(device, True)
        except RuntimeError as e:  # TensorFlow uses the GPU already
            (logger or logging.getLogger("mltk")).debug("%s", e)


def deinitialize(force: bool = False) -> None:
    """For compatibility with MLTK 0.20; ignored."""


def disable() -> None:
    """Hide all GPUs from TensorFlow. Call this before TensorFlow is used.

    Raises:
        RuntimeError: TensorFlow uses a GPU already.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
