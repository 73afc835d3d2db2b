"""Python values, modules and processes, for specification scripts."""

from __future__ import annotations

import collections
import functools
import importlib.util
import json
import logging
import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import IO, Any

from mltk.utils.logger import DummyLogger, make_filelike
from mltk.utils.path import fullpath

__all__ = [
    "SHORT_VERSION",
    "DefaultDict",
    "DictObject",
    "DummyLogger",
    "append_exception_msg",
    "as_list",
    "contains_class_type",
    "debugger_is_active",
    "disable_warnings",
    "find_object_key_with_value",
    "find_object_value_with_key",
    "find_object_value_with_key_or_value",
    "flatten_list",
    "forward_method_kwargs",
    "fullpath",
    "get_case_insensitive",
    "import_module_at_path",
    "install_pip_package",
    "is_false",
    "is_true",
    "list_rindex",
    "load_json_safe",
    "make_filelike",
    "merge_dict",
    "notebook_is_active",
    "prepend_exception_msg",
    "run_shell_cmd",
    "set_absl_log_level",
    "timeit",
]

SHORT_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def _nothing() -> None:
    return None


def DefaultDict(d: dict[Any, Any] | None = None, **kwargs: Any) -> collections.defaultdict[Any, Any]:
    """Return a dict of ``kwargs`` and ``d`` in which a missing key reads as None."""
    return collections.defaultdict(_nothing, {**kwargs, **(d or {})})


class DictObject(dict[str, Any]):
    """A dict whose items are also attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None


# -- values ------------------------------------------------------------------------------------------------------------


def as_list(obj: Any, split: str | None = None) -> list[Any]:
    """Convert a value to a list.

    Args:
        obj: A list, tuple, set or dict, whose elements are returned; None, for an empty list; else the only element.
        split: Separator at which a str is split; spaces around the parts are removed.
    """
    if obj is None:
        return []
    if isinstance(obj, str):
        return [part.strip() for part in obj.split(split)] if split else [obj]
    if isinstance(obj, (list, tuple, set, frozenset, dict)):
        return list(obj)
    return [obj]


def flatten_list(l: Iterable[Any]) -> list[Any]:  # noqa: E741  the name of MLTK 0.20
    """Return the elements of nested lists and tuples in one list. A str is an element."""
    found = []
    for item in l:
        found += flatten_list(item) if isinstance(item, (list, tuple)) else [item]
    return found


def list_rindex(lst: Iterable[Any], value: Any) -> int:
    """Return the index of the last occurrence of a value.

    Raises:
        ValueError: The value does not occur.
    """
    items = list(lst)
    return len(items) - 1 - items[::-1].index(value)


def contains_class_type(l: Iterable[Any], cls: Any) -> bool:  # noqa: E741
    """Return whether an element is an instance of ``cls``."""
    return any(isinstance(item, cls) for item in l)


def get_case_insensitive(value: str, l: Iterable[Any]) -> str | None:  # noqa: E741
    """Return the element that equals ``value`` in upper or lower case; None if there is none."""
    return next((item for item in l if isinstance(item, str) and item.lower() == value.lower()), None)


def merge_dict(destination: dict[Any, Any], source: dict[Any, Any], copy_destination: bool = False) -> dict[Any, Any]:
    """Merge a dict into another dict; a dict in a dict is merged item by item.

    Args:
        destination: Dict that is changed.
        source: Dict whose items are copied.
        copy_destination: Whether to change a copy of ``destination``.

    Returns:
        The changed dict.
    """
    import copy

    merged = copy.deepcopy(destination) if copy_destination else destination
    for key, value in source.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merge_dict(merged[key], dict(value))
        else:
            merged[key] = value
    return merged


_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def is_true(arg: Any) -> bool:
    """Return whether a value means yes: True, 1, or "1", "true", "yes", "on" in upper or lower case.

    Raises:
        ValueError: The value is not a bool, int or str.
    """
    return _says(arg, _TRUE)


def is_false(arg: Any) -> bool:
    """Return whether a value means no: False, 0, or "0", "false", "no", "off" in upper or lower case.

    Raises:
        ValueError: The value is not a bool, int or str.
    """
    return _says(arg, _FALSE)


def _says(arg: Any, words: set[str]) -> bool:
    if not isinstance(arg, (bool, int, str)):
        raise ValueError(f"{arg!r} is neither true nor false")
    return str(int(arg) if isinstance(arg, bool) else arg).strip().lower() in words


def _public_items(obj: object) -> Iterable[tuple[str, Any]]:
    if isinstance(obj, Mapping):
        return [(str(k), v) for k, v in obj.items()]
    return [(name, getattr(obj, name)) for name in dir(obj) if not name.startswith("_")]


def find_object_key_with_value(obj: object, needle: object, throw_exception: bool = False) -> str | None:
    """Return the name, in lower case, of the attribute or dict item that equals ``needle``; None if there is none.

    Raises:
        ValueError: There is none, and ``throw_exception`` is set.
    """
    for name, value in _public_items(obj):
        if type(value) is type(needle) and value == needle:
            return name.lower()
    _check_found(obj, needle, throw_exception)
    return None


def find_object_value_with_key(
    obj: object, needle: str, ignore_case: bool = False, throw_exception: bool = False
) -> Any:
    """Return the value of the attribute or dict item with the name ``needle``; None if there is none.

    Raises:
        ValueError: There is none, and ``throw_exception`` is set.
    """
    for name, value in _public_items(obj):
        if name == needle or (ignore_case and name.lower() == needle.lower()):
            return value
    _check_found(obj, needle, throw_exception)
    return None


def find_object_value_with_key_or_value(
    obj: object, needle: Any, ignore_case: bool = False, throw_exception: bool = False
) -> Any:
    """Return the value of the attribute or dict item that has the name ``needle`` or equals it; None if there is none.

    Raises:
        ValueError: There is none, and ``throw_exception`` is set.
    """
    if isinstance(needle, str):
        found = find_object_value_with_key(obj, needle, ignore_case=ignore_case)
        if found is not None:
            return found
    for _, value in _public_items(obj):
        if type(value) is type(needle) and value == needle:
            return value
    _check_found(obj, needle, throw_exception)
    return None


def _check_found(obj: object, needle: object, throw_exception: bool) -> None:
    if throw_exception:
        raise ValueError(f"{needle} not found in {obj}")


def forward_method_kwargs(**kwargs: Any) -> dict[Any, Any]:
    """Return arguments to pass on, from ``**locals()``: without ``self`` and ``cls``, with the items of ``kwargs``."""
    more = kwargs.pop("kwargs", None) or {}
    return {k: v for k, v in {**kwargs, **more}.items() if k not in ("self", "cls") and not k.startswith("__")}


def load_json_safe(path: str, *args: Any, **kwargs: Any) -> Any:
    """Load a JSON file in which ``// …`` and ``/* … */`` are comments.

    Args:
        path: Path of the file.
        args: Positional arguments of :func:`json.loads`.
        kwargs: Arguments of :func:`json.loads`.
    """
    with open(fullpath(path), encoding="utf-8") as stream:
        text = stream.read()
    string_or_comment = r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/'
    text = re.sub(string_or_comment, lambda m: m[0] if m[0][0] == '"' else " ", text, flags=re.DOTALL)
    return json.loads(text, *args, **kwargs)


# -- exceptions, warnings, logs --------------------------------------------------------------------------------------


def append_exception_msg(e: Exception, msg: str) -> Exception:
    """Append text to the message of an exception. Returns the exception."""
    return _with_message(e, lambda text: f"{text}, {msg}" if text else msg)


def prepend_exception_msg(e: Exception, msg: str) -> Exception:
    """Prepend text to the message of an exception. Returns the exception."""
    return _with_message(e, lambda text: f"{msg}, {text}" if text else msg)


def _with_message(e: Exception, change: Callable[[str], str]) -> Exception:
    first = e.args[0] if e.args else ""
    if isinstance(first, str):
        e.args = (change(first), *e.args[1:])
    else:  # the first argument of an OSError is a number
        e.args = (*e.args[:1], change(str(e.args[1]) if len(e.args) > 1 else ""), *e.args[2:])
        if isinstance(e, OSError):
            e.strerror = e.args[1]
    if hasattr(e, "message"):
        e.message = change(e.message)
    return e


def disable_warnings(func: Callable[..., Any], level: str = "ERROR") -> Callable[..., Any]:
    """Decorator that hides Python's warnings, and TensorFlow's messages below ``level``, in a function."""

    @functools.wraps(func)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        loggers = [logging.getLogger(n) for n in ("tensorflow", "absl")]
        before = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(level)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return func(*args, **kwargs)
        finally:
            for logger, old in zip(loggers, before, strict=True):
                logger.setLevel(old)

    return quiet


def set_absl_log_level(level: Any) -> None:
    """Set the lowest level of messages of TensorFlow and absl, such as ``"ERROR"``."""
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(level.upper() if isinstance(level, str) else level)


def timeit(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator that prints the time of each call."""

    @functools.wraps(method)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return method(*args, **kwargs)
        finally:
            print(f"{method.__name__} {(time.perf_counter() - start) * 1000:.3f} ms")

    return timed


# -- modules and processes -------------------------------------------------------------------------------------------


def import_module_at_path(path: str, reload: bool = False) -> ModuleType:
    """Import the Python script at a path, under the name of its file.

    Args:
        path: Path of the script, with or without ``.py``, or of a package.
        reload: Whether to run the script again if it was imported before.

    Raises:
        FileNotFoundError: There is no such file.
    """
    path = fullpath(path)
    if not path.endswith(".py"):
        path = os.path.join(path, "__init__.py") if os.path.isdir(path) else f"{path}.py"
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {path}.")
    is_package = os.path.basename(path) == "__init__.py"
    name = os.path.basename(os.path.dirname(path)) if is_package else os.path.basename(path)[:-3]
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == path and not reload:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if known is None:
            del sys.modules[name]
        else:
            sys.modules[name] = known
        raise
    return module


def install_pip_package(
    package: str,
    module_name: str | None = None,
    logger: logging.Logger | None = None,
    install_dir: str | None = None,
    upgrade: bool = False,
    no_deps: bool = False,
) -> None:
    """Install a Python package with pip, unless it is installed.

    Args:
        package: Requirement, such as ``"pillow>=10"``.
        module_name: Name of the module; None is the name of the package.
        logger: Logger of the command.
        install_dir: Folder to install into; it is added to the module search path.
        upgrade: Whether to install the package again if it is installed.
        no_deps: Whether to leave out the dependencies of the package.

    Raises:
        RuntimeError: pip failed; the message has the output of pip.
    """
    module = module_name or re.split(r"[<>=!~\[; ]", package)[0].replace("-", "_")
    if install_dir and install_dir not in sys.path:
        sys.path.append(install_dir)
    if not upgrade and importlib.util.find_spec(module) is not None:
        return
    command = [sys.executable, "-m", "pip", "install", package]
    command += ["--upgrade"] if upgrade else []
    command += ["--no-deps"] if no_deps else []
    command += ["--target", install_dir] if install_dir else []
    code, output = run_shell_cmd(command, logger=logger)
    if code != 0:
        raise RuntimeError(f"Installing {package} failed:\n{output}")
    importlib.invalidate_caches()


def run_shell_cmd(
    cmd: str | Iterable[Any],
    cwd: str | None = None,
    env: dict[str, str] | None = None,
    outfile: IO[Any] | None = None,
    line_processor: Callable[[str], str] | None = None,
    logger: logging.Logger | None = None,
) -> tuple[int, str]:
    """Run a command.

    Args:
        cmd: A str for the shell, or a list of words, which is run without a shell.
        cwd: Working folder of the command.
        env: Environment of the command; None is the environment of this process.
        outfile: File to which each line is written.
        line_processor: Called with each line; returns the line to keep.
        logger: Logger of the command, at level debug.

    Returns:
        Exit code, and the output including errors.
    """
    words: str | list[str] = cmd if isinstance(cmd, str) else [str(c) for c in cmd]
    if logger is not None:
        logger.debug("%s", words if isinstance(words, str) else " ".join(words))
    lines = []
    with subprocess.Popen(
        words,
        shell=isinstance(words, str),
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line_processor is not None:
                line = line_processor(line)
            if line:
                lines.append(line)
                if outfile is not None:
                    outfile.write(line)
    return process.returncode, "".join(lines)


def debugger_is_active() -> bool:
    """Return whether a debugger traces this process."""
    return sys.gettrace() is not None or "debugpy" in sys.modules or "pydevd" in sys.modules


def notebook_is_active() -> bool:
    """Return whether this process belongs to a notebook."""
    return "ipykernel" in sys.modules
