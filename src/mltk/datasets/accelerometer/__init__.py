"""Movements that an accelerometer measured.

- ``seglearn_watch.py``: shoulder exercises with a watch, in the package seglearn.
- ``tflm_magic_wand/``: gestures with a wand.
"""
