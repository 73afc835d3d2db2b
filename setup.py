"""The C extensions. Everything else about the package is in pyproject.toml."""

import os
from pathlib import Path

from setuptools import setup

os.chdir(Path(__file__).resolve().parent)  # setuptools looks for pyproject.toml and the sources there

setup(
    cffi_modules=[
        "src/mltk/native/_build.py:frontend",
        "src/mltk/native/_build.py:effects",
    ]
)
