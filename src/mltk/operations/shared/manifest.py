"""The manifest of an archive: how it was made, and with which versions."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any

from mltk.operations.results.plain_data import plain_dict

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel

_VERSIONED = ("openmltk", "tensorflow", "keras", "numpy", "ai-edge-litert", "tflite-micro", "flatbuffers")


def manifest(model: MltkModel, **facts: Any) -> dict[str, Any]:
    """Return the manifest of a model's archive, as plain data for JSON.

    Args:
        model: The specification.
        facts: More entries: seed, dataset, epochs.
    """
    from mltk.specification.describe import settings_to_json

    versions = {"python": platform.python_version()}
    for name in _VERSIONED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    entries = {
        "format": "openmltk-archive",
        "format_version": 1,
        "name": model.name,
        "model_version": model.version,
        "description": model.description,
        "platform": platform.platform(),
        "versions": versions,
        "settings": settings_to_json(model),
        **facts,
    }
    return plain_dict(entries)
