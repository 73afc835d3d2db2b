"""Convert a Keras model with the TensorFlow Lite converter, as the ``tflite_converter`` settings say."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError, SettingError, did_you_mean
from mltk.operations.shared.converter_child import ConverterCrash, native_converter_in_child
from mltk.operations.shared.quiet import quiet_conversion, quiet_native_stderr
from mltk.operations.shared.refusal import explain_refusal
from mltk.operations.shared.representative import representative_dataset
from mltk.operations.shared.tensorflow_setup import import_tensorflow
from mltk.specification.events import MltkModelEvent
from mltk.specification.logs import get_mltk_logger

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
_ONLY_NEW = ("experimental_new_converter", "experimental_new_quantizer")
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
    """Run the TensorFlow Lite converter; its native code runs in a child process.

    The result has its inputs and outputs in the order of the Keras model, and short tensor names.

    Args:
        model: The specification.
        keras_model: A functional model with a batch dimension of 1, in a form that can be converted; see
            `mltk.training.convertible` and `mltk.training.functional_form`.
        settings: Settings as in ``my_model.tflite_converter``.
        quantized: False leaves everything float32.
        build: The model is not trained, so the representative samples may be random.

    Raises:
        QuantizationError: The converter refuses the model, or crashes.
        SettingError: A setting has an impossible value.
    """
    from mltk.tflite.equal_scales import repair_scales
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.softmax_scale import repair_softmax_scales
    from mltk.tflite.tensor_names import shorten_names

    if quantized:
        converter = _make_converter(model, keras_model, settings, build=build)
    else:
        converter = import_tensorflow().lite.TFLiteConverter.from_keras_model(keras_model)
        converter.allow_custom_ops = bool(settings.get("allow_custom_ops"))
    model.trigger_event(MltkModelEvent.BEFORE_QUANTIZE, converter=converter, converter_settings=settings)
    tflite_model = TfliteModel(_run_converter(converter, model.name, keras_model, settings))
    put_in_keras_order(tflite_model, keras_model)
    repair_scales(tflite_model)
    if repair_softmax_scales(tflite_model):
        logging.getLogger("mltk").warning(
            "%s: the input of SOFTMAX was almost 0 for all samples, so that all classes have the same score. "
            "The model has learned nothing yet.",
            model.name,
        )
    shorten_names(tflite_model, one_operation=quantized)
    return tflite_model


def try_to_convert(
    model: BuildableModel, keras_model: KerasModel, settings: dict[str, Any], *, timeout_s: float
) -> bytes:
    """Convert an untrained model, only to see whether it can be converted.

    No event is triggered, and the tensors keep the names that TensorFlow derives from the names of the layers.

    Args:
        model: The specification.
        keras_model: As for `convert`.
        settings: As for `convert`; a function as ``representative_dataset`` is not called.
        timeout_s: Seconds that one call into the native converter may take.

    Returns:
        The ``.tflite``.

    Raises:
        QuantizationError: The converter refuses the model, or crashes.
        SettingError: A setting has an impossible value.
    """
    if callable(settings.get("representative_dataset")):
        settings = {**settings, "representative_dataset": "generate"}
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.softmax_scale import repair_softmax_scales

    converter = _make_converter(model, keras_model, settings, build=True)
    tflite_model = TfliteModel(_run_converter(converter, model.name, keras_model, settings, timeout_s))
    if repair_softmax_scales(tflite_model):
        tflite_model.regenerate_flatbuffer()
    return bytes(tflite_model.flatbuffer_data)


def _make_converter(model: BuildableModel, keras_model: KerasModel, settings: dict[str, Any], *, build: bool) -> Any:
    converter = import_tensorflow().lite.TFLiteConverter.from_keras_model(keras_model)
    configure(converter, settings)
    samples = representative_dataset(model, keras_model, settings, build=build)
    if samples is not None:
        converter.representative_dataset = samples
    return converter


def _run_converter(
    converter: Any, name: str, keras_model: KerasModel, settings: dict[str, Any], timeout_s: float | None = None
) -> bytes:
    shown = {k: v for k, v in settings.items() if k not in _OURS}
    try:
        with quiet_native_stderr(show_failure=False), quiet_conversion(), native_converter_in_child(timeout_s):
            return bytes(converter.convert())
    except ConverterCrash as e:
        raise explain_refusal(name, keras_model, e, shown) from e
    except MltkError:
        raise
    except Exception as e:
        raise explain_refusal(name, keras_model, e, shown) from e


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
        if name in _ONLY_NEW and not value:  # specifications for TensorFlow 2.3 chose the old one
            get_mltk_logger().warning("tflite_converter: %s=False is ignored. TensorFlow has only the new one.", name)
            continue
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
