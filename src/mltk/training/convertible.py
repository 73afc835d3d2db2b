"""Give a Keras model, for a while, the form that the TensorFlow Lite converter and the device's kernels take.

::

    with convertible(keras_model) as notes:
        flatbuffer = converter.convert()

Weights and float32 outputs stay the same. What changes:

- Recurrent layers compute one time step after another. The converter's calibrator crashes at a loop.
- Nearest-neighbor upsampling and `RepeatVector` do not use TILE, which no engine here runs in int8.
- Layers of a policy with a half-precision type compute in float32. Their weights are float32 already.
- Recurrent dropout is off. It would leave the variables of its random generator in the ``.tflite``.

The model's own layer objects are changed and restored, rather than copied: this works for any kind of model, also for
models within models, wrappers and subclasses of `keras.Model`.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import keras

from mltk.errors import QuantizationError
from mltk.training.recurrent_steps import STEPS

ops = keras.ops


@contextlib.contextmanager
def convertible(keras_model: Any) -> Iterator[list[str]]:
    """Change the layers of ``keras_model`` while this block runs.

    Args:
        keras_model: Any Keras model, with fixed dimensions except for the batch's.

    Yields:
        Sentences that tell the user what is converted in another form.

    Raises:
        QuantizationError: A recurrent layer keeps its state from one batch to the next.
    """
    layers = all_layers(keras_model)
    check_stateless(layers)
    notes: list[str] = []
    with contextlib.ExitStack() as undo:
        _compute_in_float32(layers, undo, notes)
        _take_steps(layers, undo, notes)
        _upsample_without_tile(layers, undo)
        yield notes


def all_layers(keras_model: Any) -> list[Any]:
    """Return every layer in ``keras_model``, also those of inner models, wrappers and cells, each once."""
    return list({id(layer): layer for layer in keras_model._flatten_layers(include_self=True, recursive=True)}.values())


def is_recurrent(layer: Any) -> bool:
    """Whether ``layer`` computes one time step after another: GRU, LSTM, SimpleRNN, RNN, ConvLSTM."""
    return isinstance(layer, keras.layers.RNN)


def check_stateless(layers: list[Any]) -> None:
    """Check that no recurrent layer is stateful.

    Raises:
        QuantizationError: One is.
    """
    for layer in layers:
        if is_recurrent(layer) and layer.stateful:
            raise QuantizationError(
                f"Layer {layer.name!r} ({type(layer).__name__}) has stateful=True, which can't be converted: a .tflite "
                "forgets the state after each inference.",
                hint="Set stateful=False. To process a stream, make the state an input and an output of the model: "
                "return_state=True and initial_state=...",
            )


def _set(undo: contextlib.ExitStack, thing: Any, name: str, value: Any) -> None:
    undo.callback(setattr, thing, name, getattr(thing, name))
    setattr(thing, name, value)


def _replace_method(undo: contextlib.ExitStack, layer: Any, name: str, function: Callable[..., Any]) -> None:
    """Let ``layer`` alone use ``function`` as its method ``name``."""
    undo.callback(layer.__dict__.pop, name, None)
    layer.__dict__[name] = types.MethodType(function, layer)


def _compute_in_float32(layers: list[Any], undo: contextlib.ExitStack, notes: list[str]) -> None:
    mixed = [x for x in layers if x.variable_dtype == "float32" and x.compute_dtype in ("float16", "bfloat16")]
    names = sorted({str(layer.compute_dtype) for layer in mixed})
    for layer in mixed:
        _set(undo, layer, "dtype_policy", keras.dtype_policies.DTypePolicy("float32"))
    if mixed:
        notes.append(f"The model computes in {' and '.join(names)} in Keras; it is converted in float32.")


def _take_steps(layers: list[Any], undo: contextlib.ExitStack, notes: list[str]) -> None:
    recurrent = [layer for layer in layers if is_recurrent(layer)]
    for layer in recurrent:
        _set(undo, layer, "unroll", True)
        if hasattr(layer, "use_cudnn"):
            _set(undo, layer, "use_cudnn", False)
        if type(layer) in STEPS:
            _replace_method(undo, layer, "inner_loop", _steps_unless_masked)
    for layer in layers:
        for name in ("dropout", "recurrent_dropout"):
            if isinstance(getattr(layer, name, None), float) and hasattr(layer, "get_dropout_mask"):
                _set(undo, layer, name, 0.0)
    if recurrent:
        names = ", ".join(f"{layer.name!r}" for layer in recurrent)
        notes.append(f"Recurrent layers are converted one time step after another: {names}.")


def _steps_unless_masked(
    layer: Any, sequences: Any, initial_state: Any, mask: Any = None, training: bool = False
) -> Any:
    fixed = None not in tuple(sequences.shape)
    if fixed and (mask is None or (isinstance(mask, (list, tuple)) and not any(m is not None for m in mask))):
        return STEPS[type(layer)](layer, sequences, initial_state, mask, training)
    return type(layer).inner_loop(layer, sequences, initial_state, mask, training=training)


def _upsample_without_tile(layers: list[Any], undo: contextlib.ExitStack) -> None:
    for layer in layers:
        if type(layer) is keras.layers.UpSampling2D and layer.interpolation == "nearest":
            _replace_method(undo, layer, "call", _upsample_2d)
        elif type(layer) is keras.layers.UpSampling1D:
            _replace_method(undo, layer, "call", _upsample_1d)
        elif type(layer) is keras.layers.RepeatVector:
            _replace_method(undo, layer, "call", _repeat_vector)


def _upsample_2d(layer: Any, inputs: Any) -> Any:
    last = layer.data_format == "channels_last"
    height, width = inputs.shape[1:3] if last else inputs.shape[2:4]
    size = (height * layer.size[0], width * layer.size[1])
    return ops.image.resize(inputs, size, interpolation="nearest", data_format=layer.data_format)


def _upsample_1d(layer: Any, inputs: Any) -> Any:
    image = ops.expand_dims(inputs, 2)
    size = (inputs.shape[1] * layer.size, 1)
    return ops.squeeze(ops.image.resize(image, size, interpolation="nearest", data_format="channels_last"), 2)


def _repeat_vector(layer: Any, inputs: Any) -> Any:
    return ops.stack([inputs] * layer.n, axis=1)
