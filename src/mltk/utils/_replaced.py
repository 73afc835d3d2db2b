"""Names of MLTK 0.20 that made sense only with the tools or the firmware of Silicon Labs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from mltk.errors import MltkError


class _Replaced:
    """A class or function that raises an error when it is used, and not when it is imported."""

    def __init__(self, module: str, name: str, needs: str, instead: str) -> None:
        self.__module__, self.__name__, self.__qualname__ = module, name, name
        self.__doc__ = f"Raises an error: needs {needs}. {instead}"
        self._needs, self._instead = needs, instead

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise MltkError(f"{self.__name__} needs {self._needs}. openmltk does not use it.", hint=self._instead)

    def __repr__(self) -> str:
        return f"<{self.__module__}.{self.__name__}: {self.__doc__}>"


def replaced_names(module: str, needs: str, instead: str) -> Callable[[str], Any]:
    """Make a function that makes names which raise an error when they are called.

    Args:
        module: Name of the module that offers the names.
        needs: What the names need, for the message.
        instead: What to use instead, a sentence.

    Returns:
        A function: name → object.
    """
    return lambda name: _Replaced(module, name, needs, instead)
