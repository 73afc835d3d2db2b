"""Check a value against a type annotation, and describe values and types in words."""

from __future__ import annotations

import collections.abc
import os
import types
import typing
from typing import Any


class Mismatch(Exception):
    """A value does not have the annotated type. The message describes the value."""


def describe_value(value: Any) -> str:
    """Return a value and its type in one line: ``'abc' (str)``."""
    text = repr(value)
    if len(text) > 60 or "\n" in text:
        text = text.split("\n")[0][:57] + "…"
    return f"{text} ({type(value).__name__})"


def describe_type(hint: Any) -> str:
    """Return a type annotation in words: ``int``, ``list of str``, ``int or None``."""
    if hint is Any:
        return "anything"
    if hint is None or hint is type(None):
        return "None"
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe_type(a) for a in args)
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(a) for a in args)
    if origin in (list, tuple) and args and args[0] is not Any:
        return f"{origin.__name__} of {describe_type(args[0])}"
    if origin is collections.abc.Callable or hint is collections.abc.Callable:
        return "a function"
    if origin is not None:
        return getattr(origin, "__name__", str(origin))
    return getattr(hint, "__name__", str(hint))


def coerce(value: Any, hint: Any) -> Any:
    """Convert a value to an annotated type, if the conversion loses nothing.

    A NumPy scalar becomes a Python number, and a path becomes a str. Where the annotation wants it, a tuple becomes a
    list, and an int becomes a float. A bool is not an int here.

    Args:
        value: Any value.
        hint: Type annotation.

    Returns:
        The value, converted if necessary.

    Raises:
        Mismatch: The value does not have the annotated type.
    """
    if hint is Any:
        return value
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _coerce_union(value, args)
    if origin is typing.Literal:
        if value in args:
            return value
    elif hint is None or hint is type(None):
        if value is None:
            return None
    elif hint in _SCALARS:
        return _coerce_scalar(value, hint)
    elif origin in (list, tuple) or hint in (list, tuple):
        return _coerce_sequence(value, origin or hint, args)
    elif origin is collections.abc.Callable or hint is collections.abc.Callable:
        if callable(value):
            return value
    elif origin is dict or hint is dict:
        if isinstance(value, collections.abc.Mapping):
            return value
    elif isinstance(origin or hint, type) and isinstance(value, origin or hint):
        return value
    raise Mismatch(describe_value(value))


def _coerce_union(value: Any, options: tuple[Any, ...]) -> Any:
    exact = [o for o in options if isinstance(o, type) and type(value) is o]
    for option in [*exact, *options]:
        try:
            return coerce(value, option)
        except Mismatch:
            continue
    raise Mismatch(describe_value(value))


_SCALARS = (bool, int, float, str)


def _coerce_scalar(value: Any, hint: type) -> Any:
    if hint is not str and hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0 and hasattr(value, "item"):
        value = value.item()  # a NumPy scalar; duck-typed so that NumPy is not imported for it
    if hint is bool and isinstance(value, bool):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    raise Mismatch(describe_value(value))


def _coerce_sequence(value: Any, kind: type, args: tuple[Any, ...]) -> Any:
    if not isinstance(value, (list, tuple)) and not getattr(value, "ndim", 0):
        raise Mismatch(describe_value(value))
    items = list(value)
    if args and args[0] is not Ellipsis:
        element = args[0]
        for i, item in enumerate(items):
            try:
                items[i] = coerce(item, element)
            except Mismatch as e:
                raise Mismatch(f"{e} as element {i}") from None
    if kind is list and isinstance(value, list) and all(a is b for a, b in zip(items, value, strict=True)):
        return value  # the same list, because the user may append to it
    return kind(items)
