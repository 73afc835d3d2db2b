"""Import path of MLTK 0.20 for `mltk.training`. Submodules are imported when they are first used."""

from __future__ import annotations

from mltk._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {}, ("callbacks", "layers", "losses", "models"))
