"""Run the TensorFlow Lite converter with the settings of a specification."""

from __future__ import annotations

import importlib
from typing import Any

from mltk.errors import MltkError, QuantizationError, SettingError, did_you_mean
from mltk.operations.shared.explain import first_lines
from mltk.operations.shared.quiet import quiet_native_stderr, quiet_python_logging
from mltk.operations.shared.representative import representative_dataset
from mltk.operations.shared.tensorflow_setup import import_tensorflow
from mltk.specification.events import MltkModelEvent

_OURS = (
    "representative_dataset",
    "representative_dataset_max_samples",
    "generate_unquantized",
    "generate_quantization_report",
)
_DTYPES = ("inference_input_type", "inference_output_type")


def fix_batch_size(keras_model: Any) -> Any:
    """``keras_model`` with a batch dimension of 1; itself if it can't be wrapped."""
    keras = importlib.import_module("keras")
    inputs = getattr(keras_model, "inputs", None)
    if not inputs or all(t.shape[0] == 1 for t in inputs):
        return keras_model
    structure = getattr(keras_model, "_inputs_struct", inputs[0] if len(inputs) == 1 else list(inputs))
    fixed = keras.tree.map_structure(
        lambda t: keras.Input(batch_shape=(1, *t.shape[1:]), dtype=t.dtype, name=t.name), structure
    )
    flat = keras.tree.flatten(fixed)  # the converter takes no dict of inputs
    return keras.Model(flat if len(flat) > 1 else flat[0], keras_model(fixed), name=keras_model.name)


def convert(
    model: Any, keras_model: Any, settings: dict[str, Any], *, quantized: bool = True, build: bool = False
) -> bytes:
    """Run the TensorFlow Lite converter.

    Args:
        settings: as ``my_model.tflite_converter``.
        quantized: False leaves everything float32.
        build: the model is untrained: the representative samples may be random.

    Raises:
        QuantizationError: the converter refuses the model.
        SettingError: a setting can't be.
    """
    tf = import_tensorflow()
    converter = tf.lite.TFLiteConverter.from_keras_model(keras_model)
    if quantized:
        configure(converter, settings)
        samples = representative_dataset(model, keras_model, settings, build=build)
        if samples is not None:
            converter.representative_dataset = samples
    elif settings.get("allow_custom_ops"):
        converter.allow_custom_ops = True
    model.trigger_event(MltkModelEvent.BEFORE_QUANTIZE, converter=converter, converter_settings=settings)
    try:
        with quiet_native_stderr(), quiet_python_logging():
            flatbuffer = bytes(converter.convert())
    except MltkError:
        raise
    except Exception as e:
        text = str(e).strip()
        raise QuantizationError(
            f"{model.name}: the TensorFlow Lite converter refused the model: {first_lines(text)}",
            hint="See the tflite_converter settings: "
            + ", ".join(f"{k}={v}" for k, v in settings.items() if k not in _OURS)
            if settings
            else None,
        ) from e
    return with_short_names(in_keras_order(flatbuffer, keras_model), one_operation=quantized)


def with_short_names(flatbuffer: bytes, *, one_operation: bool) -> bytes:
    """``flatbuffer`` without what the names of its tensors need not say."""
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.tensor_names import shorten_names

    tflite_model = TfliteModel(flatbuffer)
    shorten_names(tflite_model, one_operation=one_operation)
    return tflite_model.flatbuffer_data


def in_keras_order(flatbuffer: bytes, keras_model: Any) -> bytes:
    """``flatbuffer`` with its inputs and outputs in the order of the Keras model's; the converter shuffles them."""
    from mltk.tflite.model import TfliteModel

    inputs, outputs = (getattr(keras_model, name, None) or [] for name in ("inputs", "outputs"))
    if len(inputs) < 2 and len(outputs) < 2:
        return flatbuffer
    tflite_model = TfliteModel(flatbuffer)
    named_inputs, named_outputs = tflite_model.signatures.get("serving_default", ({}, {}))
    names = [t.name for t in inputs]
    if sorted(names) == sorted(named_inputs):
        tflite_model.flatbuffer_subgraph.inputs = [named_inputs[n] for n in names]
    names = [f"output_{i}" for i in range(len(outputs))]
    if sorted(names) == sorted(named_outputs):
        tflite_model.flatbuffer_subgraph.outputs = [named_outputs[n] for n in names]
    tflite_model.regenerate_flatbuffer()
    return tflite_model.flatbuffer_data


def configure(converter: Any, settings: dict[str, Any]) -> None:
    """Set the converter's attributes: enum members or their names, dtypes of TensorFlow, NumPy or by name."""
    tf = import_tensorflow()
    ops = [_member(tf.lite.OpsSet, v, "supported_ops") for v in _as_list(settings.get("supported_ops"))]
    converter.optimizations = [
        _member(tf.lite.Optimize, v, "optimizations") for v in _as_list(settings.get("optimizations"))
    ]
    if ops:
        converter.target_spec.supported_ops = ops
    if settings.get("supported_types"):
        converter.target_spec.supported_types = [
            _dtype(v, "supported_types") for v in _as_list(settings["supported_types"])
        ]
    for name in _DTYPES:
        if settings.get(name) is not None:
            setattr(converter, name, _dtype(settings[name], name))
    for name, value in settings.items():
        if (
            name in (*_OURS, *_DTYPES, "supported_ops", "optimizations", "supported_types", "target_spec")
            or value is None
        ):
            continue
        if hasattr(converter, name):
            setattr(converter, name, value)


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple, set)) else [value]


def _member(enum: Any, value: Any, setting: str) -> Any:
    if isinstance(value, enum):
        return value
    if isinstance(value, str):
        name = value.rpartition(".")[2]
        if name in enum.__members__:
            return enum[name]
        values = {str(m.value): m for m in enum}
        if value in values:
            return values[value]
    raise SettingError(
        f"tflite_converter[{setting!r}]: {value!r} is not one of {enum.__name__}'s members.",
        hint=did_you_mean(str(value), enum.__members__) or f"Members are {', '.join(enum.__members__)}.",
    )


def _dtype(value: Any, setting: str) -> Any:
    tf = import_tensorflow()
    try:
        return tf.as_dtype(value)
    except TypeError:
        raise SettingError(
            f"tflite_converter[{setting!r}]: {value!r} is not a dtype.",
            hint="Use for instance 'int8', np.int8 or tf.int8.",
        ) from None
