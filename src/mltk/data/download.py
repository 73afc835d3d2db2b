"""Fetching datasets: verified, resumable, from a mirror if there is one."""

from __future__ import annotations

import os
from pathlib import Path

from mltk.spec.names import user_dir


def datasets_dir() -> Path:
    """The folder that datasets are kept in: ``MLTK_DATASET_DIR``, else ``~/.mltk/datasets``."""
    folder = os.environ.get("MLTK_DATASET_DIR")
    return Path(folder).expanduser() if folder else user_dir() / "datasets"
