"""Quantize a trained Keras model into a ``.tflite`` with its parameters inside.

    mltk quantize yes_no

The batch dimension is fixed to 1 first: with a dynamic one the converter emits SHAPE, STRIDED_SLICE and PACK
before every RESHAPE, which cost memory and which accelerators refuse.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.iterate import iter_batches, take
from mltk.errors import MltkError, OutputError, QuantizationError, SettingError, did_you_mean
from mltk.files import write_file
from mltk.operations.shared import common
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.specification.train_settings import TrainMixin

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_REPORT_SAMPLES = 32
_OURS = (
    "representative_dataset",
    "representative_dataset_max_samples",
    "generate_unquantized",
    "generate_quantization_report",
)
_DTYPES = ("inference_input_type", "inference_output_type")


def quantize_model(
    model: MltkModel | str,
    keras_model: Any = None,
    build: bool = False,
    weights: str | None = None,
    output: str | None = None,
    update_archive: bool | None = None,
    test: bool = False,
    **unused: Any,
) -> TfliteModel:
    """Quantize a model as the ``tflite_converter`` settings of its specification say.

    Args:
        model: a loaded specification, its name, or the path of its script or archive.
        keras_model: quantize this, in place of the trained one.
        build: quantize an untrained model, to see its size; nothing in the archive changes.
        weights: quantize with these weights: a path, a file name in the weights folder, or ``"best"``.
        output: where to write the ``.tflite``: a file or a folder; by default the log folder.
        update_archive: store it in the archive; by default if it is of the trained model and ``output`` is not given.
        test: a dry run.

    Raises:
        QuantizationError: the converter refuses the model or a setting.
        ArchiveError: the model has not been trained.
    """
    model = common.prepare(model, TrainMixin, test=test, operation="quantize")
    logger = logging.getLogger("mltk")
    trained = keras_model is None and not build
    if update_archive is None:
        update_archive = trained and output is None and os.path.isfile(model.archive_path)
    if build:
        keras_model = common.build_keras_model(model)
    elif keras_model is None:
        keras_model = common.load_keras_model(model, weights)
    path = _output_path(model, output)
    if update_archive:
        model.check_archive_file_is_writable()
    tflite_model = quantize_keras_model(model, keras_model, path=path, build=build, logger=logger)
    if update_archive:
        from mltk.operations.shared.model_archive import update_model_archive

        members: dict[str, bytes | str] = {
            f"{model.name}.tflite": path,
            f"{model.name}.tflite.summary.txt": f"{path}.summary.txt",
        }
        update_model_archive(model, members)
        logger.info("Updated %s", model.archive_path)
    model.trigger_event(MltkModelEvent.QUANTIZE_SHUTDOWN, tflite_model=tflite_model)
    return tflite_model


def _output_path(model: Any, output: str | None) -> str:
    if output is None:
        model.create_log_dir()
        return model.tflite_log_dir_path
    output = os.path.abspath(os.path.expanduser(output))
    path = (
        os.path.join(output, f"{model.name}.tflite")
        if os.path.isdir(output) or not output.endswith(".tflite")
        else output
    )
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as e:
        raise OutputError(f"The folder {os.path.dirname(path)} can't be made: {e.strerror}.") from None
    return path


def quantize_keras_model(
    model: Any, keras_model: Any, *, path: str | None = None, build: bool = False, logger: logging.Logger | None = None
) -> TfliteModel:
    """Quantize ``keras_model``, put the parameters in, and write the ``.tflite`` and its summary.

    Also writes the float32 variant beside it, if ``tflite_converter["generate_unquantized"]``.
    """
    from mltk.tflite.model import TfliteModel

    logger = logger or logging.getLogger("mltk")
    path = path or model.tflite_log_dir_path
    settings = dict(model.tflite_converter)
    model.trigger_event(MltkModelEvent.QUANTIZE_STARTUP, build=build, keras_model=keras_model, tflite_path=path)
    fixed = fix_batch_size(keras_model)
    reported = bool(settings.get("generate_quantization_report")) and not build
    if (settings.get("generate_unquantized") or reported) and not build:
        float_path = path.removesuffix(".tflite") + ".float32.tflite"
        flatbuffer = convert(
            model, fixed, {k: v for k, v in settings.items() if k == "allow_custom_ops"}, quantized=False
        )
        write_file(float_path, add_parameters(model, flatbuffer))
    logger.info("Quantizing %s", model.name)
    flatbuffer = add_parameters(model, convert(model, fixed, settings, build=build))
    write_file(path, flatbuffer)
    tflite_model = TfliteModel(flatbuffer, path=path)
    write_file(f"{path}.summary.txt", tflite_model.summary())
    if reported:
        write_quantization_report(model, tflite_model, float_path, fixed, logger)
    model.trigger_event(MltkModelEvent.AFTER_QUANTIZE, tflite_model=tflite_model, update_archive=False)
    logger.debug("Wrote %s", path)
    return tflite_model


def write_quantization_report(
    model: Any, tflite_model: TfliteModel, float_path: str, keras_model: Any, logger: logging.Logger
) -> None:
    """Write what quantization costs layer by layer, on training samples, as text and JSON into the log folder."""
    from mltk.operations.results.quantization import quantization_report
    from mltk.tflite.model import TfliteModel

    if getattr(model, "x", None) is None:
        common.load_dataset(model, "training")
    names = list(getattr(keras_model, "input_names", None) or [])
    dtypes = [str(t.dtype) for t in keras_model.inputs]
    samples = [_as_inputs(s, names, dtypes) for s in _iter_training_samples(model, _REPORT_SAMPLES)]
    stacked = [np.concatenate(arrays) for arrays in zip(*samples, strict=True)]
    inputs = [tflite_model.quantize_to_input_dtype(a, i) for i, a in enumerate(stacked)]
    try:
        report = quantization_report(
            tflite_model, TfliteModel.load_flatbuffer_file(float_path), inputs, source="the training dataset"
        )
    except MltkError as e:
        logger.warning("The quantization report can't be made: %s", e.message)
        return
    base = os.path.join(os.path.dirname(tflite_model.path or float_path), f"{model.name}.quantization_report")
    write_file(f"{base}.txt", report.to_text() + "\n")
    write_file(f"{base}.json", report.to_json())
    logger.info("Quantization report: %s.txt", base)


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
    tf = common.import_tensorflow()
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
        with common.quiet_native_stderr(), _quiet_python_logging():
            flatbuffer = bytes(converter.convert())
    except MltkError:
        raise
    except Exception as e:
        text = str(e).strip()
        raise QuantizationError(
            f"{model.name}: the TensorFlow Lite converter refused the model: {common._first_lines(text)}",
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


class _quiet_python_logging:
    """Keep TensorFlow's and Keras's chatter during conversion from the terminal."""

    def __enter__(self) -> None:
        import contextlib
        import io
        import warnings

        self._stack = contextlib.ExitStack()
        self._stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        self._stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        self._logger = logging.getLogger("tensorflow")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *error: object) -> None:
        self._logger.setLevel(self._level)
        self._stack.close()


def configure(converter: Any, settings: dict[str, Any]) -> None:
    """Set the converter's attributes: enum members or their names, dtypes of TensorFlow, NumPy or by name."""
    tf = common.import_tensorflow()
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
    tf = common.import_tensorflow()
    try:
        return tf.as_dtype(value)
    except TypeError:
        raise SettingError(
            f"tflite_converter[{setting!r}]: {value!r} is not a dtype.",
            hint="Use for instance 'int8', np.int8 or tf.int8.",
        ) from None


def representative_dataset(model: Any, keras_model: Any, settings: dict[str, Any], *, build: bool) -> Callable | None:
    """The function that gives the converter samples to find the ranges of activations with, or None.

    ``"generate"`` takes up to ``representative_dataset_max_samples`` of the training samples, spread evenly.
    """
    wanted = settings.get("representative_dataset")
    if wanted is None or wanted == "":
        return None
    if callable(wanted):
        takes_model = any(
            p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in inspect.signature(wanted).parameters.values()
        )
        give = (lambda: wanted(model)) if takes_model else wanted
        return lambda: _by_name(give(), keras_model)
    if hasattr(wanted, "input_gen"):  # tf.lite.RepresentativeDataset
        return wanted.input_gen
    if wanted != "generate":
        raise SettingError(
            f"tflite_converter['representative_dataset']: {wanted!r} is unknown.",
            hint="Give 'generate', None, or a function.",
        )
    limit = int(settings.get("representative_dataset_max_samples") or 1000)
    if build:
        return lambda: _by_name(_random_samples(keras_model, min(limit, 10)), keras_model)
    if getattr(model, "x", None) is None:
        common.load_dataset(model, "training")
    names = [t.name for t in keras_model.inputs]
    dtypes = [str(t.dtype) for t in keras_model.inputs]

    def samples() -> Iterator[Any]:
        count = 0
        for sample in _iter_training_samples(model, limit):
            yield from _by_name([_as_inputs(sample, names, dtypes)], keras_model)
            count += 1
        if not count:
            raise QuantizationError(f"{model.name}: the training dataset gave no sample to quantize with.")

    return samples


def _iter_training_samples(model: Any, limit: int) -> Iterator[Any]:
    """Training samples, each with a batch dimension of 1."""
    from mltk.data.iterate import count_samples, is_arrays

    if is_arrays(model.x):
        n = count_samples(model.x)
        for i in np.unique(np.linspace(0, n - 1, min(limit, n)).astype(int)):
            yield take(model.x, slice(int(i), int(i) + 1))
        return
    given = 0
    for batch in iter_batches(model.x, model.y, model.batch_size, steps=-(-limit // 1)):
        first = (
            next(iter(batch.x.values()))
            if isinstance(batch.x, dict)
            else batch.x[0]
            if isinstance(batch.x, (tuple, list))
            else batch.x
        )
        for i in range(len(first)):
            yield take(batch.x, slice(i, i + 1))
            given += 1
            if given >= limit:
                return


def _by_name(samples: Iterable[Any], keras_model: Any) -> Iterator[Any]:
    """Samples for a model of several inputs by name, since the converter has an order of its own."""
    names = [t.name for t in keras_model.inputs]
    for sample in samples:
        if len(names) > 1 and isinstance(sample, (list, tuple)) and len(sample) == len(names):
            yield dict(zip(names, sample, strict=True))
        else:
            yield sample


def _as_inputs(sample: Any, names: list[str], dtypes: list[str]) -> list[np.ndarray]:
    if isinstance(sample, dict):
        sample = [sample[n] for n in (names if all(n in sample for n in names) else sorted(sample))]
    arrays = list(sample) if isinstance(sample, (tuple, list)) else [sample]
    return [np.asarray(a, dtype=d) for a, d in zip(arrays, dtypes, strict=True)]


def _random_samples(keras_model: Any, n: int) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield [rng.uniform(-1, 1, size=(1, *t.shape[1:])).astype(str(t.dtype)) for t in keras_model.inputs]


def add_parameters(model: Any, flatbuffer: bytes) -> bytes:
    """``flatbuffer`` with the description, the model's parameters and its own metadata entries in it.

    The defaults come first: ``name``, ``version``, ``classes``, ``hash``, ``date``, ``runtime_memory_size``;
    a parameter of the specification that goes by one of these names takes its place.
    """
    from mltk.micro.memory.arena import measure_arena
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.model_parameters import TfliteModelParameters

    model.populate_model_parameters()
    tflite_model = TfliteModel(flatbuffer)
    parameters = TfliteModelParameters()
    parameters["name"] = model.name
    parameters.put("version", model.version, dtype=None)
    parameters["classes"] = list(model.classes) if model.is_set("classes") else []
    parameters["hash"] = hashlib.md5(flatbuffer, usedforsecurity=False).hexdigest()
    parameters["date"] = build_date()
    try:
        parameters.put("runtime_memory_size", measure_arena(flatbuffer).total, dtype=None)
    except MltkError as e:
        logging.getLogger("mltk").warning("The memory that the model needs can't be measured: %s", e.message)
        parameters["runtime_memory_size"] = 0
    parameters.update(model.model_parameters)
    tflite_model.description = model.description
    parameters.add_to_tflite_model(tflite_model)
    for tag, content in model.serialize_tflite_metadata().items():
        tflite_model.add_metadata(tag, content)
    return tflite_model.flatbuffer_data


def build_date() -> str:
    """Now, in UTC and ISO 8601 with milliseconds; ``SOURCE_DATE_EPOCH`` fixes it for reproducible builds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = (
        datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        if epoch and epoch.isdigit()
        else datetime.datetime.now(datetime.UTC)
    )
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
