"""Pickles that refer to a function of a user's script by the script's file, so that a worker process can call it.

Plain pickle refers to a function by its module, and a worker process can't import ``__main__`` or a specification by
its name.
"""

from __future__ import annotations

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
from mltk.specification.older_scripts import older_script, script_spec
from mltk.workers.script_loading import loading_script


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
    """Whether a worker can import this module without running a script: the module is installed."""
    if name == "__main__":
        return False
    top = name.partition(".")[0]
    return top in ("mltk", *sys.stdlib_module_names) or "site-packages" in file or "dist-packages" in file


def dumps(value: Any) -> bytes:
    """Pickle a value, such as a function with its arguments.

    Returns:
        The pickle. ``pickle.loads`` of a worker process reads it.

    Raises:
        pickle.PicklingError: The value can't be pickled. AttributeError or TypeError say the same.
    """
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
    """Run a script up to its first operation; as a module of its name, not as ``__main__``."""
    name = os.path.splitext(os.path.basename(file))[0]
    spec = script_spec(name, file)
    if spec is None or spec.loader is None:
        raise SpecificationError(f"{file} can't be loaded in a worker process.")
    module = importlib.util.module_from_spec(spec)
    if name not in sys.modules:
        sys.modules[name] = module
    sys.path.insert(0, os.path.dirname(file))
    try:
        with loading_script(), older_script(file):
            spec.loader.exec_module(module)
    except SystemExit:
        pass
    except Exception:  # noqa: BLE001 - a script may raise anything; its functions may be there all the same
        traceback.print_exc()
    return module
