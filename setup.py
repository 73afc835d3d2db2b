"""The C extensions; everything else about the package is in pyproject.toml."""

from setuptools import setup

setup(
    cffi_modules=[
        "src/mltk/native/_build.py:frontend",
        "src/mltk/native/_build.py:effects",
    ]
)
