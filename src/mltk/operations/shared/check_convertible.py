"""Find out before training whether the trained model can be saved, converted and run.

Training may take hours, so what ends in an error afterwards is said before. Most models consist of layers that are
known to work: then nothing is tried. A model with another layer, or unusual converter settings, is converted once with
its random weights, and an engine runs the result. That takes a second or two.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import MltkError, QuantizationError, RuntimeFailure, SpecificationError, UnsupportedModelError
from mltk.operations.shared.convert import try_to_convert
from mltk.operations.shared.explain import first_lines
from mltk.operations.shared.refusal import REMEDIES, describe_layer, layer_named_in
from mltk.operations.shared.representative import input_example
from mltk.specification.events import MltkModelEvent

if TYPE_CHECKING:
    from mltk.tflite.graph import Operator, Subgraph

# Layers of Keras whose int8 operators TensorFlow Lite Micro runs, whatever their arguments. Measured, one by one.
_KNOWN_LAYERS = (
    "InputLayer Identity Dense Conv1D Conv2D DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D "
    "Conv1DTranspose Conv2DTranspose BatchNormalization Activation ReLU LeakyReLU PReLU ELU Softmax Dropout "
    "SpatialDropout1D SpatialDropout2D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization "
    "MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalMaxPooling1D GlobalMaxPooling2D Flatten Reshape Permute Cropping1D Cropping2D ZeroPadding1D "
    "ZeroPadding2D Add Multiply Average Maximum Minimum Concatenate Rescaling Normalization GRU LSTM SimpleRNN "
    "GRUCell LSTMCell SimpleRNNCell Bidirectional UpSampling1D UpSampling2D RepeatVector"
)
_KNOWN_ACTIVATIONS = (
    "linear relu relu6 tanh sigmoid softmax hard_sigmoid hard_silu hard_swish silu swish elu leaky_relu log_softmax"
)
_KNOWN_TYPES = frozenset({"None", "int8", "uint8", "float32"})
_TRIAL_S = 60.0


def check_before_training(model: Any, keras_model: Any, *, quantize: bool) -> None:
    """Check that what is trained can be saved, and with ``quantize`` also converted and run.

    Args:
        model: The specification, with its training dataset loaded.
        keras_model: The model before training.
        quantize: Whether the trained model will be converted.

    Raises:
        SpecificationError: The model cannot be saved, or no engine here runs it.
        QuantizationError: The converter refuses the model, or crashes.
        SettingError: A dimension of an input is open.
    """
    if model.on_save_keras_model is not None or model.has_event_handler(MltkModelEvent.BEFORE_SAVE_TRAIN_MODEL):
        return  # another model may be saved and converted in place of this one
    check_savable(model, keras_model)
    if not quantize:
        return
    from mltk.training.convertible import all_layers, check_stateless
    from mltk.training.functional_form import check_fixed, input_shapes

    example = input_example(model)
    layers = all_layers(keras_model)
    check_stateless(layers)
    check_fixed(keras_model, input_shapes(keras_model, example), example)
    is_known = all(_is_known(layer) for layer in layers) and _are_known_settings(model.tflite_converter)
    if model.c_code or not is_known:
        try_conversion(model, keras_model, example)


def check_savable(model: Any, keras_model: Any) -> None:
    """Check that Keras can save the model.

    Raises:
        SpecificationError: It cannot.
    """
    import keras

    from mltk.training.convertible import all_layers

    def save(thing: Any) -> None:
        json.dumps(keras.saving.serialize_keras_object(thing))

    try:
        save(keras_model)
    except Exception as e:
        failing = [layer for layer in all_layers(keras_model)[1:] if _fails(save, layer)]
        # A model fails because of a layer in it, so the layer is more precise.
        failing.sort(key=lambda layer: isinstance(layer, keras.Model))
        what = describe_layer(failing[0]) if failing else "the Keras model"
        raise SpecificationError(
            f"{model.name}: {what} can't be saved: {first_lines(str(e), 2)}",
            hint="Give its class a method get_config() that returns the arguments of __init__ as numbers, strings and "
            "lists. Then a trained model can be saved.",
        ) from e


def _fails(save: Any, layer: Any) -> bool:
    try:
        save(layer)
    except Exception:  # noqa: BLE001 - as above
        return True
    return False


def _is_known(layer: Any) -> bool:
    kind = type(layer)
    if kind.__module__.startswith("mltk.") or kind.__name__ in ("Functional", "Sequential"):
        return True
    activations = [getattr(layer, name, None) for name in ("activation", "recurrent_activation")]
    names = {getattr(a, "__name__", type(a).__name__) for a in activations if a is not None}
    return (
        kind.__module__.startswith("keras.")
        and kind.__name__ in _KNOWN_LAYERS.split()
        and names <= {*_KNOWN_ACTIVATIONS.split()}
    )


def _are_known_settings(settings: dict[str, Any]) -> bool:
    """Whether the converter's settings are the default ones, but for the types of input and output."""

    def texts(name: str) -> list[str]:
        value = settings.get(name)
        # "<dtype: 'int8'>", "<class 'numpy.int8'>" and "int8" are all int8.
        return [re.findall(r"\w+", str(v))[-1] for v in (value if isinstance(value, list) else [value])]

    samples = settings.get("representative_dataset")
    return (
        texts("optimizations") == ["DEFAULT"]
        and texts("supported_ops") == ["TFLITE_BUILTINS_INT8"]
        and (samples == "generate" or callable(samples))
        and {*texts("inference_input_type"), *texts("inference_output_type")} <= _KNOWN_TYPES
    )


def try_conversion(model: Any, keras_model: Any, example: Any) -> None:
    """Convert the untrained model and run the result once; see `check_before_training`."""
    from mltk.training.convertible import convertible
    from mltk.training.functional_form import with_batch_of_one

    logger = logging.getLogger("mltk")
    logger.debug("Converting the untrained model to see whether it can be converted")
    with convertible(keras_model):
        fixed = with_batch_of_one(keras_model, example)
        try:
            flatbuffer = try_to_convert(model, fixed, dict(model.tflite_converter), timeout_s=_TRIAL_S)
        except QuantizationError as e:
            e.hint = f"{e.hint or ''} Nothing has been trained yet.".strip()
            raise
    check_runs(model, keras_model, flatbuffer)
    if model.c_code:
        check_c_code(model, flatbuffer)


def check_c_code(model: Any, flatbuffer: bytes) -> None:
    """Check that the ``.tflite`` can become C code.

    Raises:
        SpecificationError: It can't.
    """
    from mltk.codegen.lowering.lower import lower
    from mltk.tflite.graph import graph_of

    try:
        lower(graph_of(flatbuffer))
    except UnsupportedModelError as e:
        raise SpecificationError(
            f"{model.name}: {e.message}", hint="Set c_code to False, or change the layer. Nothing has been trained yet."
        ) from None


def check_runs(model: Any, keras_model: Any, flatbuffer: bytes) -> None:
    """Check that an engine runs the ``.tflite``, and warn if TensorFlow Lite Micro does not.

    Args:
        model: The specification.
        keras_model: What the ``.tflite`` was made from.
        flatbuffer: The ``.tflite``, with TensorFlow's names of tensors.

    Raises:
        SpecificationError: No engine here runs it.
    """
    from mltk.micro.engines.run import run_batch
    from mltk.micro.support import check_support
    from mltk.tflite.graph import graph_of

    graph = graph_of(flatbuffer)
    support = check_support(flatbuffer, timeout_s=_TRIAL_S)
    if support.ok:
        return
    said = " ".join([support.failure, *(o.reason for o in support.unsupported)])
    inputs = [np.zeros((1, *t.shape[1:]), t.dtype) for t in graph.inputs]
    try:
        run_batch(flatbuffer, inputs, engine="litert-reference", trusted=False, timeout_s=_TRIAL_S)
    except MltkError as e:
        text = f"{said} {e.message} {e.hint or ''}" if isinstance(e, RuntimeFailure) else said
        what, remedy = _culprits(graph.subgraphs, text, keras_model)
        raise SpecificationError(
            f"{model.name}: no engine here can run the quantized model: {what}.",
            hint=f"{remedy} Nothing has been trained yet.".strip(),
        ) from None
    what, remedy = _culprits(graph.subgraphs, said, keras_model)
    logging.getLogger("mltk").warning(
        "A device can't run this model: TensorFlow Lite Micro does not run %s. The .tflite will be evaluated with "
        "LiteRT. %s",
        what,
        remedy,
    )


def _culprits(subgraphs: Sequence[Subgraph], text: str, keras_model: Any) -> tuple[str, str]:
    """Return the operators that an engine's ``text`` names with their layers, and what to do instead."""
    names = dict.fromkeys(re.findall(r"\b([A-Z][A-Z0-9_]{2,})\b", text))
    found: dict[str, str] = {}
    for subgraph in subgraphs:
        for operator in subgraph.operators:
            if operator.name in names and operator.name not in found:
                found[operator.name] = _describe(subgraph, operator, keras_model)
    remedies = " ".join(REMEDIES[name] for name in found if name in REMEDIES)
    return ", ".join(found.values()) or first_lines(text, 2), remedies


def _describe(subgraph: Subgraph, operator: Operator, keras_model: Any) -> str:
    for index in operator.outputs:
        layer = layer_named_in(subgraph.tensors[index].name, keras_model)
        if layer is not None:
            return f"operator {operator.name} of {describe_layer(layer)}"
    return f"operator {operator.name}"
