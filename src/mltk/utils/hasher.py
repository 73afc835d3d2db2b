"""Hashes of files and of Python values."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

_BLOCK = 1 << 20


def hash_file(path: str, algorithm: Any = "md5", include_filename: bool = False) -> str:
    """Return the hash of a file's content in hexadecimal.

    Args:
        path: Path of the file.
        algorithm: Name of an algorithm of :mod:`hashlib`, or a hash object to continue.
        include_filename: Whether to hash the file's name, without folders, too.
    """
    hasher = hashlib.new(algorithm, usedforsecurity=False) if isinstance(algorithm, str) else algorithm
    if include_filename:
        hasher.update(os.path.basename(path).encode())
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
    return str(hasher.hexdigest())


def hash_object(*objects: Any, hasher: Any = None) -> Any:
    """Hash values.

    Equal values have equal hashes in every process. The order of a dict does not matter. If a value has a method
    ``hashable_value()``, the result of the method is hashed.

    Args:
        objects: The values.
        hasher: Hash object to continue; None is a new MD5.

    Returns:
        The hash object.
    """
    if hasher is None:
        hasher = hashlib.md5(usedforsecurity=False)
    for value in objects:
        _update(hasher, value)
    return hasher


def generate_hash(*args: Any) -> str:
    """Return the MD5 hash of values in hexadecimal; see :func:`hash_object`."""
    return str(hash_object(*args).hexdigest())


def _update(hasher: Any, value: Any) -> None:
    if hasattr(value, "hashable_value"):
        value = value.hashable_value()
    if isinstance(value, (bytes, bytearray, memoryview)):
        hasher.update(value)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            _update(hasher, key)
            _update(hasher, value[key])
    elif isinstance(value, (set, frozenset)):
        for item in sorted(value, key=str):
            _update(hasher, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _update(hasher, item)
    elif hasattr(value, "tobytes") and hasattr(value, "dtype"):  # a NumPy array
        hasher.update(f"{value.dtype}{value.shape}".encode())
        hasher.update(value.tobytes())
    elif callable(value) and hasattr(value, "__qualname__"):
        hasher.update(f"{value.__module__}.{value.__qualname__}".encode())
    else:
        hasher.update(str(value).encode())
