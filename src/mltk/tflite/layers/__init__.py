"""Layers of a ``.tflite``: operators with their tensors and options by name.

`base` has what every layer has, `typed` and `lstm` what some operators have. `operands` names their tensors, `counts`
counts what they compute, and `kernel_params` calculates the integers of their quantized kernels.
"""
