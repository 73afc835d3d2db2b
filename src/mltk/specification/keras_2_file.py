"""Load ``.h5`` files that Keras 2 wrote, so that the models compute what they computed in Keras 2.

The description of the model in the file is changed where Keras 3 reads it in another way:

- Keras 2 stored arguments that some layers did not use. The layers of Keras 3 refuse these arguments.
- Keras 2 counted the calls of a model in another model from 1. Keras 3 counts them from 0.
- The initial state of a recurrent layer was one of several inputs. In Keras 3 it is an argument.
- ``hard_sigmoid`` had a slope of 0.2. In Keras 3 it has a slope of 1/6, and no error says so.
- Keras 3 ignores the axes of a layer in the oldest format, if there are several.
- Calls of TensorFlow's functions were layers; see `mltk.specification.keras_2_functions`.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mltk.specification.keras_2_functions import CLASSES as FUNCTION_CLASSES
from mltk.specification.keras_2_functions import REGISTERED as FUNCTION
from mltk.specification.keras_2_functions import adapt_function, is_constant, register_layer

_RECURRENT = ("RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_SEPARABLE = ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")
_UNUSED_KEYS: dict[str, tuple[str, ...]] = {
    "DepthwiseConv1D": ("groups", *_SEPARABLE[1:]),
    "DepthwiseConv2D": ("groups", *_SEPARABLE[1:]),
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "SeparableConvolution1D": _SEPARABLE,
    "SeparableConvolution2D": _SEPARABLE,
    "Conv1DTranspose": ("groups",),
    "Conv2DTranspose": ("groups",),
    "Conv3DTranspose": ("groups",),
    "Convolution1DTranspose": ("groups",),
    "Convolution2DTranspose": ("groups",),
    "Convolution3DTranspose": ("groups",),
    "SpatialDropout1D": ("trainable", "noise_shape"),
    "SpatialDropout2D": ("trainable", "noise_shape"),
    "SpatialDropout3D": ("trainable", "noise_shape"),
    "MultiHeadAttention": ("query_shape", "key_shape", "value_shape"),
    "Embedding": ("input_length",),
    **dict.fromkeys(_RECURRENT, ("time_major",)),
}
"""Class of the layer → keys that Keras 2 stored and the layer did not use."""
_WITHOUT_EFFECT = {"groups": 1, "time_major": False, "noise_shape": None}
"""Key → the value that changes nothing. Other values are kept, and Keras refuses them."""
_ACTIVATIONS = ("activation", "recurrent_activation")
_PACKAGE, _HARD_SIGMOID = "mltk", "hard_sigmoid_of_keras_2"
_TAKES_STATE = {*_RECURRENT, "Bidirectional", "CuDNNGRU", "CuDNNLSTM"}


@contextmanager
def readable_by_keras_3(path: str) -> Iterator[str]:
    """Provide a model file that Keras 3 accepts.

    Args:
        path: A ``.keras`` or ``.h5`` file. The file is not changed.

    Yields:
        The path itself, or that of a temporary copy with a description that Keras 3 reads as Keras 2 did.
    """
    register_activations()
    register_layer()
    config = _stored_config(path) if path.endswith((".h5", ".hdf5")) else None
    if config is None or not adapt_to_keras_3(config):
        yield path
        return
    h5py = importlib.import_module("h5py")
    with tempfile.TemporaryDirectory(prefix="mltk-") as folder:
        copy = os.path.join(folder, os.path.basename(path))
        shutil.copyfile(path, copy)
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(config)
        yield copy


def _stored_config(path: str) -> Any:
    """Return the description of the model in an ``.h5`` file of Keras 2; None if there is none."""
    h5py = importlib.import_module("h5py")
    try:
        with h5py.File(path, "r") as file:
            version = file.attrs.get("keras_version", "2")
            version = version.decode() if isinstance(version, bytes) else str(version)
            return json.loads(file.attrs["model_config"]) if version.startswith(("1.", "2")) else None
    except (OSError, KeyError, ValueError, TypeError):
        return None  # Keras says what is wrong


def adapt_to_keras_3(config: Any) -> bool:
    """Change the description of a model of Keras 2, at any depth, so that Keras 3 builds the same model.

    Args:
        config: The description, which is changed in place.

    Returns:
        Whether something was changed.
    """
    before = json.dumps(config)
    for layer in _layers(config):
        _remove_unused_keys(layer)
        _replace_class(layer)
        if layer.get("class_name") in FUNCTION_CLASSES:
            adapt_function(layer)
        _name_module(layer)
        _name_modules_within(layer)
        settings = layer["config"]
        dtype = settings.get("dtype")
        if isinstance(dtype, dict) and dtype.get("class_name") == "Policy":
            settings["dtype"] = dtype["config"]["name"]
        for key in _ACTIVATIONS:
            if settings.get(key) == "hard_sigmoid":
                settings[key] = _hard_sigmoid()
        if isinstance(settings.get("layers"), list):
            _remove_shapes(settings["layers"])
            _adapt_calls(settings)
    return json.dumps(config) != before


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    """Yield the description of each layer, model, wrapper and cell, the inner ones first."""
    if isinstance(config, list):
        for item in config:
            yield from _layers(item)
    elif isinstance(config, dict):
        yield from _layers(list(config.values()))
        if isinstance(config.get("config"), dict):
            yield config


def _remove_unused_keys(layer: dict[str, Any]) -> None:
    settings = layer["config"]
    for key in _UNUSED_KEYS.get(str(layer.get("class_name")), ()):
        if key in settings and settings[key] == _WITHOUT_EFFECT.get(key, settings[key]):
            del settings[key]


def _replace_class(layer: dict[str, Any]) -> None:
    """Replace a layer, or a name of a setting, that Keras 3 does not have by one that computes the same."""
    if layer.get("class_name") == "ThresholdedReLU":
        settings = layer["config"]
        settings["threshold"] = settings.pop("theta", 1.0)
        layer["class_name"] = "ReLU"
    elif layer.get("class_name") == "LeakyReLU" and "alpha" in layer["config"]:
        layer["config"]["negative_slope"] = layer["config"].pop("alpha")


def _name_module(layer: dict[str, Any]) -> None:
    """Name the module of a layer whose settings Keras 3 changes if the description does not name the module.

    It drops several axes and uses its default. It takes the name of a score for the name of a layer.
    """
    settings = layer["config"]
    axis = settings.get("axis", 0)
    lost = axis is None or (isinstance(axis, list) and len(axis) != 1) or "score_mode" in settings
    if lost and "module" not in layer:
        layer |= {"module": "keras.layers", "registered_name": None}


def _name_modules_within(layer: dict[str, Any]) -> None:
    """Name the modules of wrapped layers, cells and activations; Keras 3 finds the layers of a model without them."""
    layers = importlib.import_module("keras").layers
    for key, value in layer["config"].items():
        for inner in (value if isinstance(value, list) else [value]) if key != "layers" else []:
            name = inner.get("class_name") if isinstance(inner, dict) else None
            if not isinstance(name, str) or "module" in inner:
                continue
            if name in ("Functional", "Model"):
                inner |= {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": name}
            elif name == "Sequential":
                inner |= {"module": "keras", "registered_name": None}
            elif isinstance(getattr(layers, name, None), type):
                inner |= {"module": "keras.layers", "registered_name": None}


def _remove_shapes(layers: list[Any]) -> None:
    """Remove the shape that other layers than the input layer state: it says nothing new, and Keras 3 warns."""
    if any(layer.get("class_name") == "InputLayer" for layer in layers):
        for layer in _layers(layers):
            if layer.get("class_name") != "InputLayer":
                layer["config"].pop("batch_input_shape", None)


def _hard_sigmoid() -> dict[str, Any]:
    return {
        "module": "builtins",
        "class_name": "function",
        "config": _HARD_SIGMOID,
        "registered_name": "function",
    }


def register_activations() -> None:
    """Register with Keras the activations that Keras 3 computes in another way than Keras 2, under their own names."""
    keras = importlib.import_module("keras")
    if keras.saving.get_registered_object(f"{_PACKAGE}>{_HARD_SIGMOID}") is not None:
        return

    def hard_sigmoid_of_keras_2(x: Any) -> Any:
        return keras.ops.relu6(1.2 * x + 3.0) / 6.0  # 0.2 x + 0.5 from 0 to 1; the device has RELU6

    keras.saving.register_keras_serializable(_PACKAGE, _HARD_SIGMOID)(hard_sigmoid_of_keras_2)


# -- calls of layers -------------------------------------------------------------------------------------------------


def _adapt_calls(model: dict[str, Any]) -> None:
    """Change how the layers of a functional model refer to each other; a sequential model has no references."""
    layers = {layer["name"]: layer for layer in model["layers"] if isinstance(layer, dict) and "inbound_nodes" in layer}
    references = [r for layer in layers.values() for node in layer["inbound_nodes"] for r in _references(node)]
    outputs = list(_references(model.get("output_layers")))
    for name, layer in layers.items():
        calls = len(layer["inbound_nodes"])
        of_this = [r for r in references if r[0] == name]
        highest = max((r[1] for r in [*of_this, *outputs] if r[0] == name), default=0)
        if "layers" not in layer["config"] or highest < calls:
            continue
        for reference in of_this:
            reference[1] -= 1
        if layer["class_name"] == "Sequential":  # Keras 3 itself does this for outputs of functional models
            for reference in outputs:
                reference[1] -= reference[0] == name
    for layer in layers.values():
        if layer.get("registered_name") == FUNCTION:
            layer["inbound_nodes"] = [_function_call(node) for node in layer["inbound_nodes"]]
            continue
        takes_state = layer["class_name"] in _TAKES_STATE
        layer["inbound_nodes"] = [_with_arguments(node, takes_state) for node in layer["inbound_nodes"]]
    for key in ("input_layers", "output_layers"):
        ends = model.get(key)
        if isinstance(ends, list) and len(ends) == 1 and _is_reference(ends[0]):
            model[key] = ends[0]  # one tensor; Keras 3 would expect a list with one tensor


def _references(value: Any) -> Iterator[list[Any]]:
    """Yield the references ``[layer, call, output, …]`` in a value, at any depth."""
    if isinstance(value, dict):
        yield from _references(list(value.values()))
    elif _is_reference(value):
        yield value
        yield from _references(value[3:])
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and [type(item) for item in value[:3]] == [str, int, int]
        and isinstance(value[-1], (int, dict))
    )


def _with_arguments(node: Any, takes_state: bool) -> Any:
    """Return a call in the form of Keras 3, if the old form cannot express it.

    Args:
        node: List of references. The last item of a reference has the keyword arguments of the call.
        takes_state: Whether all inputs but the first are the initial state.
    """
    if not isinstance(node, list) or not all(_is_reference(r) for r in node):
        return node
    kwargs = dict(node[-1][3]) if node and len(node[-1]) == 4 else {}
    inputs = [_tensor(r) for r in node]
    if takes_state and len(inputs) > 1:
        kwargs["initial_state"] = inputs[1:]
        inputs = inputs[:1]
        if kwargs.get("constants", 0) is None:  # Bidirectional of Keras 3 has no such argument
            del kwargs["constants"]
    elif not any(True for _ in _references(list(kwargs.values()))):
        return node
    kwargs = {key: _tensors(value) for key, value in kwargs.items()}
    return {"args": inputs if len(inputs) == 1 else [inputs], "kwargs": kwargs}


def _function_call(node: Any) -> dict[str, Any]:
    """Return the call of a function in the form of Keras 3.

    Args:
        node: The reference to the first argument, or a list of references if it is a list of tensors. The last item
            of a reference has the keyword arguments.
    """
    if is_constant(node):  # Keras 3 wants a tensor as the first argument
        kwargs = _named_arguments(node)
        name = next(key for key, value in node[3].items() if _is_reference(value))
        return {"args": [kwargs.pop(name)], "kwargs": {**kwargs, "first_constant": node[2], "argument_name": name}}
    if _is_reference(node):
        return {"args": [_tensor(node)], "kwargs": _named_arguments(node)}
    return {"args": [_tensors(node)], "kwargs": _named_arguments(node[-1])}


def _named_arguments(reference: list[Any]) -> dict[str, Any]:
    kwargs = reference[3] if len(reference) == 4 else {}
    return {key: _tensors(value) for key, value in kwargs.items()}


def _tensors(value: Any) -> Any:
    if _is_reference(value):
        return _tensor(value)
    return [_tensors(item) for item in value] if isinstance(value, list) else value


def _tensor(reference: list[Any]) -> dict[str, Any]:
    # Keras 3 replaces the tensor by the output that the history names, so the shape does not matter.
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None], "dtype": "float32", "keras_history": reference[:3]},
    }
