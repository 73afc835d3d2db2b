"""What an archive says about how it was made."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from typing import Any

from mltk.operations.results.plain_data import plain_dict

_VERSIONED = ("openmltk", "tensorflow", "keras", "numpy", "ai-edge-litert", "tflite-micro", "flatbuffers")


def manifest(model: Any, **more: Any) -> dict[str, Any]:
    """What an archive says about how it was made."""
    from mltk.specification.describe import settings_to_json

    versions = {"python": platform.python_version()}
    for name in _VERSIONED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    facts = {
        "format": "openmltk-archive",
        "format_version": 1,
        "name": model.name,
        "model_version": model.version,
        "description": model.description,
        "platform": platform.platform(),
        "versions": versions,
        "settings": settings_to_json(model),
        **more,
    }
    return plain_dict(facts)
