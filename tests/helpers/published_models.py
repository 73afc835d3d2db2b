"""Models that others published, where a package with them is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def wake_words() -> list[Path]:
    """The streaming models of the package pymicro-wakeword, where it is installed."""
    spec = importlib.util.find_spec("pymicro_wakeword")
    return sorted(Path(spec.origin).parent.glob("models/*.tflite")) if spec and spec.origin else []
