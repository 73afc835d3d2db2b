"""Names of a package that are imported when they are first used.

``import mltk`` must cost next to nothing, although the package offers names from modules that need NumPy and more.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str,
    modules: Mapping[str, Sequence[str]],
    submodules: Collection[str] = (),
    *,
    left_out: Collection[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make the three names by which a package offers what it has not imported yet.

    ::

        __getattr__, __dir__, __all__ = lazy_names(__name__, {"mltk.errors": ["MltkError"]})

    A type checker cannot follow this. Hide it behind ``if not TYPE_CHECKING:`` and import the same names under
    ``if TYPE_CHECKING:``.

    Args:
        package: Name of the package, ``__name__``.
        modules: Module → the names that the package offers from the module.
        submodules: Names of modules of the package that are imported when they are used as attributes.
        left_out: Names to leave out of ``__all__``, so that ``from package import *`` does not import their modules.

    Returns:
        ``__getattr__``, ``__dir__`` and ``__all__`` of the package. ``__all__`` is sorted and lacks the submodules.
    """
    module_of = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        module = module_of.get(name)
        if module is not None:
            value = getattr(importlib.import_module(module), name)
        elif name in submodules:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *module_of, *submodules})

    return get, names, sorted(set(module_of).difference(left_out))


alias_table = ""
"""Module with ``ALIASES``: module → name → the module that has the name. The root package sets it."""


def names_of_0_20(module: str) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a module that offered other modules' names in MLTK 0.20.

    ::

        __getattr__ = names_of_0_20(__name__)

    The module itself does not know these names. They stand in one table, in the package for MLTK 0.20.

    Args:
        module: Name of the module, ``__name__``.
    """

    def get(name: str) -> Any:
        if not name.startswith("_") and alias_table:
            source = importlib.import_module(alias_table).ALIASES.get(module, {}).get(name)
            if source is not None:
                return getattr(importlib.import_module(source), name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return get
