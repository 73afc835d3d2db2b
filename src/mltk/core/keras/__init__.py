"""Import path of MLTK 0.20; what is here lives in `mltk.training`. Submodules are imported when first used."""

from __future__ import annotations

import importlib
from types import ModuleType

_SUBMODULES = ("callbacks", "layers", "losses", "models")

__all__: list[str] = []


def __getattr__(name: str) -> ModuleType:
    if name not in _SUBMODULES:
        raise AttributeError(f"module 'mltk.core.keras' has no attribute {name!r}")
    return importlib.import_module(f"mltk.core.keras.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
