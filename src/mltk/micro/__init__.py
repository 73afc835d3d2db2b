"""The ``.tflite`` as the device will see it, without importing TensorFlow.

:mod:`.engine` runs samples as TensorFlow Lite Micro computes them, :mod:`.arena` measures the tensor arena and
:mod:`.planner` plans it, :mod:`.support` says what TFLM refuses, :mod:`.parity` and :mod:`.layer_outputs` where engines
differ.
"""
