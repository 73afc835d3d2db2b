"""The C extensions and the tag of the wheel. Everything else about the package is in pyproject.toml."""

import os
import sysconfig
from pathlib import Path

from setuptools import setup

os.chdir(Path(__file__).resolve().parent)  # setuptools looks for pyproject.toml and the sources there

# The extensions use the stable ABI, so one wheel serves Python 3.11 and every later version. Python without the global
# interpreter lock has no stable ABI.
STABLE_ABI = {} if sysconfig.get_config_var("Py_GIL_DISABLED") else {"py_limited_api": "cp311"}

setup(
    cffi_modules=[
        "src/mltk/native/_build.py:frontend",
        "src/mltk/native/_build.py:effects",
        "src/mltk/native/_build.py:images",
        "src/mltk/native/_build.py:detections",
    ],
    options={"bdist_wheel": STABLE_ABI},
)
