"""Quantize a trained Keras model into a ``.tflite`` with its parameters inside.

    mltk quantize yes_no

The batch dimension is fixed to 1 first: with a dynamic one the converter emits SHAPE, STRIDED_SLICE and PACK
before every RESHAPE, which cost memory and which accelerators refuse.
"""

from __future__ import annotations

import datetime
import hashlib
import logging
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import MltkError
from mltk.files import write_file
from mltk.operations.shared.check_dataset import load_dataset
from mltk.operations.shared.convert import convert, fix_batch_size
from mltk.operations.shared.keras_model import build_keras_model, load_keras_model
from mltk.operations.shared.output import tflite_output_path
from mltk.operations.shared.prepare import prepare
from mltk.operations.shared.representative import as_inputs, iter_training_samples
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.specification.train_settings import TrainMixin
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_REPORT_SAMPLES = 32


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
    stop_if_loading_script()
    model = prepare(model, TrainMixin, test=test, operation="quantize")
    logger = logging.getLogger("mltk")
    trained = keras_model is None and not build
    if update_archive is None:
        update_archive = trained and output is None and os.path.isfile(model.archive_path)
    if build:
        keras_model = build_keras_model(model)
    elif keras_model is None:
        keras_model = load_keras_model(model, weights)
    if output is None:
        model.create_log_dir()
        path = model.tflite_log_dir_path
    else:
        path = tflite_output_path(output, f"{model.name}.tflite")
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
        load_dataset(model, "training")
    names = list(getattr(keras_model, "input_names", None) or [])
    dtypes = [str(t.dtype) for t in keras_model.inputs]
    samples = [as_inputs(s, names, dtypes) for s in iter_training_samples(model, _REPORT_SAMPLES)]
    stacked = [np.concatenate(arrays) for arrays in zip(*samples, strict=True)]
    inputs = [tflite_model.quantize_to_input_dtype(a, i) for i, a in enumerate(stacked)]
    try:
        report = quantization_report(
            tflite_model, TfliteModel.load_flatbuffer_file(float_path), inputs, source="the training dataset"
        )
    except MltkError as e:
        logger.warning("The quantization report can't be made: %s", e.message)
        return
    written = report.save(os.path.dirname(tflite_model.path or float_path), plots=False)
    logger.info("Quantization report: %s", written[-1])


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
