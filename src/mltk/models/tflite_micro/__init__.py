"""Specifications of the examples of TensorFlow Lite Micro.

- ``tflite_micro_speech.py``: "yes" and "no".
- ``tflite_micro_magic_wand.py``: gestures with an accelerometer.
"""
