"""Models that others published, in packages that may be installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def files_of_package(package: str, pattern: str) -> list[Path]:
    """Return the files of a package that match ``pattern``; none if the package is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob(pattern))


def wake_words() -> list[Path]:
    """Return the streaming models of the package pymicro-wakeword."""
    return files_of_package("pymicro_wakeword", "models/*.tflite")


PUBLISHED = [*wake_words(), *files_of_package("tflite_micro", "**/*.tflite")]
