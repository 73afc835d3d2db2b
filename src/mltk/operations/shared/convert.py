"""Convert a Keras model with the TensorFlow Lite converter, as the ``tflite_converter`` settings say.

The batch dimension is fixed to 1 first: with a dynamic one the converter emits SHAPE, STRIDED_SLICE and PACK before
every RESHAPE, which cost memory and which accelerators refuse.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError, QuantizationError, SettingError, did_you_mean
from mltk.operations.shared.explain import first_lines
from mltk.operations.shared.quiet import quiet_conversion, quiet_native_stderr
from mltk.operations.shared.representative import representative_dataset
from mltk.operations.shared.tensorflow_setup import import_tensorflow
from mltk.specification.events import MltkModelEvent

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import BuildableModel, KerasModel
    from mltk.tflite.model import TfliteModel

_OURS = (
    "representative_dataset",
    "representative_dataset_max_samples",
    "generate_unquantized",
    "generate_quantization_report",
)
"""Settings that are not attributes of the converter."""
_DTYPES = ("inference_input_type", "inference_output_type")
_CONVERTED = (*_OURS, *_DTYPES, "supported_ops", "optimizations", "supported_types", "target_spec")
"""Settings that are not copied to the converter as they are."""


def convert(
    model: BuildableModel,
    keras_model: KerasModel,
    settings: dict[str, Any],
    *,
    quantized: bool = True,
    build: bool = False,
) -> TfliteModel:
    """Run the TensorFlow Lite converter.

    The result has its inputs and outputs in the order of the Keras model, and short tensor names.

    Args:
        model: The specification.
        keras_model: A Keras model with a batch dimension of 1; see `fix_batch_size`.
        settings: Settings as in ``my_model.tflite_converter``.
        quantized: False leaves everything float32.
        build: The model is not trained, so the representative samples may be random.

    Raises:
        QuantizationError: The converter refuses the model.
        SettingError: A setting has an impossible value.
    """
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.tensor_names import shorten_names

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
    tflite_model = TfliteModel(_run_converter(converter, model.name, settings))
    put_in_keras_order(tflite_model, keras_model)
    shorten_names(tflite_model, one_operation=quantized)
    return tflite_model


def _run_converter(converter: Any, name: str, settings: dict[str, Any]) -> bytes:
    try:
        with quiet_native_stderr(), quiet_conversion():
            return bytes(converter.convert())
    except MltkError:
        raise
    except Exception as e:
        shown = ", ".join(f"{k}={v}" for k, v in settings.items() if k not in _OURS)
        raise QuantizationError(
            f"{name}: the TensorFlow Lite converter refused the model: {first_lines(str(e))}",
            hint=f"See the tflite_converter settings: {shown}" if settings else None,
        ) from e


def fix_batch_size(keras_model: KerasModel) -> KerasModel:
    """Return the Keras model with a batch dimension of 1; the model itself if it has no symbolic inputs."""
    keras = importlib.import_module("keras")
    inputs = getattr(keras_model, "inputs", None)
    if not inputs or all(t.shape[0] == 1 for t in inputs):
        return keras_model
    structure = getattr(keras_model, "_inputs_struct", inputs[0] if len(inputs) == 1 else list(inputs))
    fixed = keras.tree.map_structure(
        lambda t: keras.Input(batch_shape=(1, *t.shape[1:]), dtype=t.dtype, name=t.name), structure
    )
    flat = keras.tree.flatten(fixed)  # the converter does not accept a dict of inputs
    return keras.Model(flat if len(flat) > 1 else flat[0], keras_model(fixed), name=keras_model.name)


def put_in_keras_order(tflite_model: TfliteModel, keras_model: KerasModel) -> None:
    """Put inputs and outputs in the order of the Keras model; the converter changes it.

    The change is written with the next `TfliteModel.regenerate_flatbuffer`.
    """
    inputs, outputs = (getattr(keras_model, name, None) or [] for name in ("inputs", "outputs"))
    if len(inputs) < 2 and len(outputs) < 2:
        return
    named_inputs, named_outputs = tflite_model.signatures.get("serving_default", ({}, {}))
    names = [t.name for t in inputs]
    if sorted(names) == sorted(named_inputs):
        tflite_model.flatbuffer_subgraph.inputs = [named_inputs[n] for n in names]
    names = [f"output_{i}" for i in range(len(outputs))]
    if sorted(names) == sorted(named_outputs):
        tflite_model.flatbuffer_subgraph.outputs = [named_outputs[n] for n in names]


def configure(converter: Any, settings: dict[str, Any]) -> None:
    """Set the converter's attributes.

    Args:
        converter: A ``tf.lite.TFLiteConverter``.
        settings: Attribute → value. Enum values may be members or their names; a dtype may be TensorFlow's, NumPy's or
            a name.

    Raises:
        SettingError: A setting has an impossible value.
    """
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
        if name not in _CONVERTED and value is not None and hasattr(converter, name):
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
