"""The C extensions; everything else about the package is in pyproject.toml."""

from setuptools import setup

setup(
    cffi_modules=[
        "src/mltk/audio/frontend/_build.py:ffibuilder",
        "src/mltk/audio/augment/_build.py:ffibuilder",
    ]
)
