"""Movements that an accelerometer measured: ``tflm_magic_wand/``, gestures with a wand."""
