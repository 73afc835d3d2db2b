"""Kinds of kernels that no target was measured with. The time of these layers is a guess, so no limit is kept."""

from __future__ import annotations

from mltk.tflite.layers.base import TfliteLayer
from mltk.tflite.tensor import TfliteTensor

_CONVERSIONS = {"quantize", "dequantize", "cast"}  # their tensors have two types, by their nature
_FLOATS = {"float16", "float32", "float64", "bfloat16"}


def unmeasured_kind(layer: TfliteLayer) -> str:
    """Return what makes the kernel of a layer one that was never measured; an empty string if nothing does.

    The measurements are of int8 models. Operators on indices and shapes (int32, int64) are no arithmetic of a model, so
    they do not count.
    """
    inputs = [t for t in layer.inputs if t is not None]
    constants = {t.dtype_str for t in inputs if t.is_constant}
    if layer.opcode_str in _CONVERSIONS:
        return "float16 weights" if constants & _FLOATS else ""
    activations = {t.dtype_str for t in (*inputs, *layer.outputs) if t is not None and not t.is_constant}
    if packed := sorted(constants & {"int4", "uint4", "int2"}):
        return f"{packed[0]} weights"
    if activations & _FLOATS:
        return "float activations, int8 weights" if constants & {"int8", "uint8"} else _largest_float(activations)
    if "int16" in activations:
        return "int16 activations, int8 weights" if "int8" in constants else "int16"
    if "uint8" in activations:
        return "uint8"
    return "groups" if _is_grouped(layer, inputs) else ""


def _largest_float(types: set[str]) -> str:
    return max(types & _FLOATS)


def _is_grouped(layer: TfliteLayer, inputs: list[TfliteTensor]) -> bool:
    """Return whether a convolution has groups: its filters read a part of the input's channels."""
    if layer.opcode_str != "conv_2d" or len(inputs) < 2:
        return False
    return tuple(inputs[0].shape)[-1:] != tuple(inputs[1].shape)[-1:]
