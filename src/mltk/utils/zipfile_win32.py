"""Import path of MLTK 0.20 for :mod:`zipfile`, which can write long paths on Windows today."""

from zipfile import ZipFile

__all__ = ["ZipFile"]
