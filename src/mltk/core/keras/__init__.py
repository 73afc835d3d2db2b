"""Names of MLTK 0.20 for Keras and `mltk.training`. Names and submodules are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk._lazy import lazy_names

if TYPE_CHECKING:
    from mltk.core.keras.keras_names import *  # noqa: F403

_NAMES = (
    "DataSequence",
    "ImageDataGenerator",
    "ImageIterator",
    "KerasModel",
    "Sequence",
    "array_to_img",
    "img_to_array",
    "load_img",
    "load_keras_model",
)

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__, {"mltk.core.keras.keras_names": _NAMES}, ("callbacks", "layers", "losses", "models")
    )
