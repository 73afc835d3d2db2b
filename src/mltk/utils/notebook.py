"""Notebooks."""

from mltk.utils.python import notebook_is_active

__all__ = ["notebook_is_active"]
