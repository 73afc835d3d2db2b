"""Say in a user's words why the TensorFlow Lite converter, or the engines, refuse a model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mltk.errors import QuantizationError
from mltk.operations.shared.converter_child import ConverterCrash
from mltk.operations.shared.explain import first_lines

REMEDIES = {
    "TILE": "Use concatenation or UpSampling2D(interpolation='bilinear') or Conv2DTranspose.",
    "GELU": "Use the activation 'relu' or 'silu'.",
    "EXP": "Use the activation 'relu', 'silu' or 'elu'.",
    "SELECT": "Use the activation 'relu' or 'elu', or multiplication instead of a condition.",
    "REDUCE_ANY": "Leave out Masking and mask_zero: pad the samples with zeros and let the model learn them.",
    "CONV_3D": "Use Conv2D, with the third dimension as channels.",
    "CONV_3D_TRANSPOSE": "Use Conv2DTranspose, with the third dimension as channels.",
    "MAXPOOL3D": "Use MaxPooling2D, with the third dimension as channels.",
    "AVGPOOL3D": "Use AveragePooling2D, with the third dimension as channels.",
    "ERF": "Use the activation 'relu' or 'silu'.",
    "RFFT2D": "Compute the spectrum in the dataset; for audio use AudioFeatureGenerator.",
    "SQRT": "Leave out the square root, or compute it in the dataset.",
    "RSQRT": "Leave out the square root, or compute it in the dataset.",
    "LOG": "Leave out the logarithm, or compute it in the dataset.",
    "TOPK_V2": "Sort the model's outputs in the application.",
    "ONE_HOT": "Compute the one-hot values in the dataset.",
    "BUCKETIZE": "Compute the classes of values in the dataset.",
    "STRIDED_SLICE": "TimeDistributed around a 2D layer: move its time dimension into the channels.",
    "PYFUNC": "Compute it in the dataset: a device runs no Python.",
}
"""Operator of TensorFlow or of a ``.tflite`` → what to do instead."""
_HALF = re.compile(r"x(f16|bf16)>")
_DOUBLE = re.compile(r"x?f64>")
_REFUSED = "{}: the TensorFlow Lite converter refused the model"
_SETTINGS = (
    (
        "`representative_dataset` must be specified",
        "int8 operators need samples to find the ranges of values with, and representative_dataset is not set.",
        "Set my_model.tflite_converter['representative_dataset'] = 'generate'.",
    ),
    (
        "inference_output_type must be tf.float32",
        "inference_input_type and inference_output_type are for quantized models, and optimizations is empty.",
        "Set my_model.tflite_converter['optimizations'] = ['DEFAULT'], or the two types to 'float32'.",
    ),
    (
        "must be in ['tf.float32', 'tf.int16']",
        "with 16-bit activations, inference_input_type and inference_output_type are 'float32' or 'int16'.",
        "Set both to 'int16'.",
    ),
    (
        "Expected to be in ('tf.uint8', 'tf.int8')",
        "inference_input_type does not fit the operators.",
        "Use 'int8', 'uint8' or 'float32'; 'int16' needs the operators with 16-bit activations in supported_ops.",
    ),
    (
        "Select TensorFlow op",
        "supported_ops has SELECT_TF_OPS, whose operators can't be calibrated and do not run on a microcontroller.",
        "Remove SELECT_TF_OPS from my_model.tflite_converter['supported_ops'].",
    ),
)
"""What TensorFlow's error says; what is wrong, in the words of the settings; what to do."""


def layer_named_in(path: str, keras_model: Any) -> Any:
    """Return the layer in whose computation TensorFlow made the operation or tensor ``path``; None if it is unknown.

    Args:
        path: For example ``"functional_1/sequential_1/max_pooling3d_1/MaxPool3D"``. TensorFlow may have added a number
            to the layer's name.
        keras_model: The model of the layer, or one with it inside.
    """
    from mltk.training.convertible import all_layers

    layers = {layer.name: layer for layer in all_layers(keras_model) if not _is_model(layer)}
    for part in reversed(re.split(r"[/;:@]", path)):
        for name in (part, re.sub(r"_\d+$", "", part)):
            if name in layers:
                return layers[name]
    return None


def _is_model(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.Model)


def describe_layer(layer: Any) -> str:
    """Return ``layer 'pool' (MaxPooling3D)``."""
    return f"layer {layer.name!r} ({type(layer).__name__})"


def explain_refusal(name: str, keras_model: Any, error: Exception, settings: dict[str, Any]) -> QuantizationError:
    """Return the error for a user, from what the converter raised.

    Args:
        name: Name of the specification.
        keras_model: The model that was converted.
        error: What the converter raised.
        settings: The ``tflite_converter`` settings.
    """
    if isinstance(error, ConverterCrash):
        return _explain_crash(name, keras_model, error)
    text = str(error).strip()
    details = list(getattr(error, "errors", []))
    if details and "neither a custom op nor a flex op" in text:
        return _explain_operators(name, keras_model, details, text)
    for said, wrong, remedy in _SETTINGS:
        if said in text:
            return QuantizationError(f"{_REFUSED.format(name)}: {wrong}", hint=remedy)
    lines = [line for line in text.splitlines() if "<unknown>:0: note" not in line]
    shown = ", ".join(f"{k}={v}" for k, v in settings.items() if not callable(v))
    return QuantizationError(
        f"{_REFUSED.format(name)}: {first_lines(chr(10).join(lines), 3)}",
        hint=f"The tflite_converter settings are: {shown}" if shown else None,
    )


def _explain_operators(name: str, keras_model: Any, details: Iterable[Any], text: str) -> QuantizationError:
    found: dict[str, str] = {}
    kinds = ""
    for detail in details:
        operator = detail.operator.name.removeprefix("tf.")
        layers = (layer_named_in(call.name, keras_model) for call in detail.location.call)
        layer = next((found for found in layers if found is not None), None)
        found.setdefault(operator, f" of {describe_layer(layer)}" if layer is not None else "")
        kinds += detail.error_message
    what = ", ".join(f"{operator}{layer}" for operator, layer in found.items())
    if half := _HALF.search(text):
        dtype = {"f16": "float16", "bf16": "bfloat16"}[half[1]]
        return QuantizationError(
            f"{_REFUSED.format(name)}: {what} computes in {dtype}.",
            hint=f"Remove the cast to {dtype}, or use the policy 'mixed_{dtype}': its layers are converted in float32.",
        )
    if _DOUBLE.search(kinds):
        return QuantizationError(
            f"{_REFUSED.format(name)}: {what} computes in float64.",
            hint="Use float32: cast constants and inputs to float32.",
        )
    remedies = [REMEDIES[o.upper()] for o in found if o.upper() in REMEDIES]
    return QuantizationError(
        f"{_REFUSED.format(name)}: TensorFlow Lite has no operator for {what}.",
        hint=" ".join(dict.fromkeys(remedies))
        or "Use other layers or operations; most layers of Keras can be converted.",
    )


def _explain_crash(name: str, keras_model: Any, error: ConverterCrash) -> QuantizationError:
    loops = _loops(error.float_model, keras_model)
    where = f" It fails at loops, and the model has one in {loops[0]}." if loops else ""
    hint = (
        "Compute the steps one after another in place of a loop; a recurrent layer of Keras does so with unroll=True."
        if loops
        else "Find the layer: leave out layers that are not Keras's own, one after another, and run "
        f"'mltk quantize {name} --build'."
    )
    return QuantizationError(f"{name}: {error.message[0].lower()}{error.message[1:]}{where}", hint=hint)


def _loops(float_model: bytes | None, keras_model: Any) -> list[str]:
    """Return the layers in which a ``.tflite`` has loops or conditions."""
    from mltk.tflite.graph import graph_of

    if float_model is None:
        return []
    graph = graph_of(float_model)
    found = []
    for subgraph in graph.subgraphs:
        for operator in subgraph.operators:
            if operator.name in ("WHILE", "IF"):
                names = [subgraph.tensors[i].name for i in operator.outputs]
                layers = [layer for n in names if (layer := layer_named_in(n, keras_model)) is not None]
                found.append(describe_layer(layers[0]) if layers else f"operator {operator.name}")
    return found
