"""Modules of MLTK 0.20 that have the name of their function.

In MLTK 0.20, ``mltk.core.train_model`` is a function, and ``from mltk.core.train_model import train_model`` works too.
Python sets the attribute of the package to the module when the module is imported. So the module must be callable.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _FunctionModule(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


def make_callable(module: str) -> None:
    """Let a call of a module be a call of the function that has its name.

    Args:
        module: Name of the module, ``__name__``.
    """
    sys.modules[module].__class__ = _FunctionModule
