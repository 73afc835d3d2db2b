"""Pickles that name functions of a user's script by its file, so that a worker process can call them.

Plain pickle refers to a function by its module, and a worker can't import ``__main__`` or a specification by name.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import pickle
import sys
import traceback
import types
from functools import cache
from typing import Any

from mltk.errors import SpecificationError

_loading_script = False


class ScriptEnd(BaseException):
    """In a worker: the script has come to where it would train, so that all its functions are there."""


def stop_if_loading_script() -> None:
    """In a worker that loads a user's script for its functions: end the script here. Elsewhere nothing."""
    if _loading_script:
        raise ScriptEnd


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, (types.FunctionType, type)):
            return NotImplemented
        module = sys.modules.get(obj.__module__)
        file = getattr(module, "__file__", None)
        if file is None or _is_importable(obj.__module__, file):
            return NotImplemented
        if "<" in obj.__qualname__:
            raise pickle.PicklingError(f"{obj.__qualname__} is defined in a function, or is a lambda")
        return _function_of_script, (os.path.abspath(file), obj.__qualname__)


@cache
def _is_importable(name: str, file: str) -> bool:
    """Whether a worker can import this module and get no more than its definitions: it is installed, not a script."""
    if name == "__main__":
        return False
    top = name.partition(".")[0]
    return top in ("mltk", *sys.stdlib_module_names) or "site-packages" in file or "dist-packages" in file


def dumps(value: Any) -> bytes:
    """Pickle ``value``. Raises pickle.PicklingError, AttributeError or TypeError if it can't be."""
    stream = io.BytesIO()
    _Pickler(stream, protocol=5).dump(value)
    return stream.getvalue()


def _function_of_script(file: str, name: str) -> Any:
    found: Any = _load_script(file)
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise SpecificationError(
                f"{file} has no {name} in a worker process.", hint="Define it above the call that starts training."
            )
    return found


@cache
def _load_script(file: str) -> types.ModuleType:
    """Run a script up to where it starts to train; as a module of its name, not as ``__main__``."""
    global _loading_script
    name = os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise SpecificationError(f"{file} can't be loaded in a worker process.")
    module = importlib.util.module_from_spec(spec)
    if name not in sys.modules:
        sys.modules[name] = module
    sys.path.insert(0, os.path.dirname(file))
    _replace_operations()
    _loading_script = True
    try:
        spec.loader.exec_module(module)
    except (ScriptEnd, SystemExit):
        pass
    except Exception:  # noqa: BLE001 - a script may raise anything; its functions may be there all the same
        traceback.print_exc()
    finally:
        _loading_script = False
    return module


def _replace_operations() -> None:
    """Have ``mltk.train_model`` and its like end a script."""
    import mltk

    def operation(*_: Any, **__: Any) -> None:
        raise ScriptEnd

    names = [n for module, names in mltk._PUBLIC.items() if module.startswith("mltk.operations") for n in names]
    for module in (mltk, importlib.import_module("mltk.core")):
        for name in names:
            if name[0].islower():
                setattr(module, name, operation)
