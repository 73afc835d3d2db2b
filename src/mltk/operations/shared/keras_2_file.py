"""Load ``.h5`` files that Keras 2 wrote and Keras 3 refuses.

Keras 2 stored arguments that some layers did not use. The layers of Keras 3 do not accept these arguments. Without
them the layers compute the same.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SEPARABLE = ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")
_UNUSED_KEYS: dict[str, tuple[str, ...]] = {
    "DepthwiseConv1D": ("groups", *_SEPARABLE[1:]),
    "DepthwiseConv2D": ("groups", *_SEPARABLE[1:]),
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "SeparableConvolution1D": _SEPARABLE,
    "SeparableConvolution2D": _SEPARABLE,
    "Conv1DTranspose": ("groups",),
    "Conv2DTranspose": ("groups",),
    "Conv3DTranspose": ("groups",),
    "Convolution1DTranspose": ("groups",),
    "Convolution2DTranspose": ("groups",),
    "Convolution3DTranspose": ("groups",),
    **dict.fromkeys(("RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), ("time_major",)),
}
"""Class of the layer → keys that Keras 2 stored and the layer did not use."""
_WITHOUT_EFFECT = {"groups": 1, "time_major": False}
"""Key → the value that changes nothing. Other values are kept, and Keras refuses them."""


@contextmanager
def readable_by_keras_3(path: str) -> Iterator[str]:
    """Provide a model file that Keras 3 accepts.

    Args:
        path: A ``.keras`` or ``.h5`` file. The file is not changed.

    Yields:
        The path itself, or that of a temporary copy without the keys that Keras 3 refuses.
    """
    config = _stored_config(path) if path.endswith((".h5", ".hdf5")) else None
    if config is None or not remove_unused_keys(config):
        yield path
        return
    h5py = importlib.import_module("h5py")
    with tempfile.TemporaryDirectory(prefix="mltk-") as folder:
        copy = os.path.join(folder, os.path.basename(path))
        shutil.copyfile(path, copy)
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(config)
        yield copy


def _stored_config(path: str) -> Any:
    """Return the description of the model in an ``.h5`` file; None if it cannot be read."""
    h5py = importlib.import_module("h5py")
    try:
        with h5py.File(path, "r") as file:
            return json.loads(file.attrs["model_config"])
    except (OSError, KeyError, ValueError, TypeError):
        return None  # Keras says what is wrong


def remove_unused_keys(config: Any) -> bool:
    """Remove the keys that Keras 3 refuses from the description of a model, at any depth.

    Args:
        config: The description, which is changed in place.

    Returns:
        Whether a key was removed.
    """
    if isinstance(config, list):
        return sum(remove_unused_keys(item) for item in config) > 0  # all of them: any() stops early
    if not isinstance(config, dict):
        return False
    changed = remove_unused_keys(list(config.values()))
    settings: Any = config.get("config")
    if not isinstance(settings, dict):
        return changed
    for key in _UNUSED_KEYS.get(str(config.get("class_name")), ()):
        if key in settings and settings[key] == _WITHOUT_EFFECT.get(key, settings[key]):
            del settings[key]
            changed = True
    return changed
