"""What scripts expect that were written for MLTK 0.20 and before.

- They import ``keras_preprocessing``, which Keras 2 installed. Keras 3 has the same functions in ``tf.keras``.
- Before MLTK 0.20, callbacks such as ``my_model.tensorboard`` were dicts, and scripts set single items of them.
  In MLTK 0.20 these settings are None.
- They import modules of their package with ``from .name import``. The package of a published archive's script is not
  in the archive; here it is ``mltk.models``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

from mltk.specification.settings import items_set_by

_ITEM = re.compile(r"^\s*\w+\.(\w+)\[[^\]\n]+\]\s*=(?!=)", re.MULTILINE)
_RELATIVE_IMPORT = re.compile(r"^\s*from\s+\.(\w+)\s+import\b", re.MULTILINE)
_REFERENCE_MODELS = Path(__file__).resolve().parent.parent / "models"
_KERAS = "keras._tf_keras.keras.preprocessing"
_IMAGE = ("affine_transformations", "dataframe_iterator", "directory_iterator", "image_data_generator", "iterator")
_MODULES = {
    "keras_preprocessing": _KERAS,
    "keras_preprocessing.image": f"{_KERAS}.image",
    "keras_preprocessing.sequence": f"{_KERAS}.sequence",
    "keras_preprocessing.text": f"{_KERAS}.text",
    **{f"keras_preprocessing.image.{name}": f"{_KERAS}.image" for name in (*_IMAGE, "numpy_array_iterator", "utils")},
    "keras.utils.np_utils": "keras.utils",
}
"""Modules of Keras 2, and the module of Keras 3 that has their functions."""


class _RemovedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules in the table above where they are not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _MODULES:
            return None
        is_package = any(name.startswith(f"{fullname}.") for name in _MODULES)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=is_package)

    def exec_module(self, module: types.ModuleType) -> None:
        replacement = importlib.import_module(_MODULES[module.__name__])
        for name, value in vars(replacement).items():
            if not name.startswith("_"):
                setattr(module, name, value)


_FINDER = _RemovedModules()


@contextlib.contextmanager
def older_script(path: str) -> Iterator[None]:
    """Within the block, run a script as MLTK 0.20 and before would run it.

    Args:
        path: Path of the script.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)  # last: an installed package has priority
    with items_set_by(frozenset(_ITEM.findall(_text(path)))):
        yield


class _SpecInPackage(importlib.machinery.ModuleSpec):
    """The description of a module that is not named after its package."""

    package = ""

    @property
    def parent(self) -> str:
        """Name of the package that relative imports refer to."""
        return self.package


def script_spec(name: str, path: str) -> importlib.machinery.ModuleSpec | None:
    """Return the description of a script as a module, for ``importlib``.

    Args:
        name: Name of the module.
        path: Path of the script.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    package = _package(Path(path))
    if spec is not None and package:
        spec.__class__ = _SpecInPackage
        spec.package = package  # type: ignore[attr-defined]  # an attribute of the new class
    return spec


def _package(path: Path) -> str:
    """Return the package that the relative imports of a script refer to; empty if there are none."""
    imported = _RELATIVE_IMPORT.findall(_text(str(path)))
    if not imported:
        return ""
    folder = path.parent
    names: list[str] = []
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    if names:
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        return ".".join(names)
    for models in _REFERENCE_MODELS.iterdir():
        if all((models / f"{module}.py").is_file() for module in imported):
            return ".".join((_REFERENCE_MODELS.parent.name, _REFERENCE_MODELS.name, models.name))
    return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
