"""Quantize a trained Keras model into a ``.tflite`` with its parameters inside.

    mltk quantize yes_no

The steps: give the model a form that can be converted, convert it, put the parameters in, write the file and its
summary. The converter's bytes are read once; every step works on the same `TfliteModel`.
"""

from __future__ import annotations

import datetime
import hashlib
import logging
import os
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mltk.errors import MltkError, QuantizationError
from mltk.files import write_file
from mltk.operations.c_code import write_c_code
from mltk.operations.shared.c_files import FOLDER, c_files
from mltk.operations.shared.check_dataset import load_dataset
from mltk.operations.shared.convert import convert
from mltk.operations.shared.keras_model import build_keras_model, load_keras_model, model_to_save
from mltk.operations.shared.output import tflite_output_path
from mltk.operations.shared.prepare import prepare
from mltk.operations.shared.report_facts import tflite_in
from mltk.operations.shared.representative import as_inputs, input_example, iter_training_samples
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.specification.train_settings import TrainMixin
from mltk.tflite.structure import network_hash
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import BuildableModel, KerasModel, TrainableModel
    from mltk.tflite.model import TfliteModel

_REPORT_SAMPLES = 32


def quantize_model(
    model: MltkModel | str,
    keras_model: KerasModel = None,
    build: bool = False,
    weights: str | None = None,
    output: str | None = None,
    update_archive: bool | None = None,
    test: bool = False,
    **unused: Any,
) -> TfliteModel:
    """Quantize a model as the ``tflite_converter`` settings of its specification say.

    Args:
        model: A loaded specification, its name, or the path of its script or archive.
        keras_model: Quantize this Keras model instead of the trained one.
        build: Quantize an untrained model, to see its size. The archive does not change.
        weights: Quantize with these weights: a path, a file name in the weights folder, or ``"best"``.
        output: Write the ``.tflite`` to this file or folder; by default to the log folder.
        update_archive: Store the ``.tflite`` in the archive. By default only that of the trained model, and only if
            ``output`` is not set.
        test: Use the specification's test mode.
        unused: For compatibility with MLTK 0.20; ignored.

    Returns:
        The quantized model.

    Raises:
        QuantizationError: The converter refuses the model.
        SettingError: A setting of the converter has an impossible value.
        ArchiveError: The model has not been trained.
        OutputError: A file cannot be written.
    """
    stop_if_loading_script()
    loaded = cast("BuildableModel", prepare(model, TrainMixin, test=test, operation="quantize"))
    logger = logging.getLogger("mltk")
    trained = keras_model is None and not build
    if update_archive is None:
        update_archive = trained and output is None and os.path.isfile(loaded.archive_path)
    if build:
        keras_model = model_to_save(loaded, build_keras_model(loaded), logger)
    elif keras_model is None:
        keras_model = load_keras_model(loaded, weights)
    if output is None:
        loaded.create_log_dir()
        path = loaded.tflite_log_dir_path
    else:
        path = tflite_output_path(output, f"{loaded.name}.tflite")
    if update_archive:
        loaded.check_archive_file_is_writable()
    tflite_model = quantize_keras_model(loaded, keras_model, path=path, build=build, logger=logger)
    if update_archive:
        from mltk.operations.shared.model_archive import update_model_archive

        members: dict[str, bytes | str] = {
            f"{loaded.name}.tflite": path,
            f"{loaded.name}.tflite.summary.txt": f"{path}.summary.txt",
        }
        members |= {member: file for file, member in c_files(loaded)}
        _warn_of_former_figures(loaded, tflite_model, logger)
        update_model_archive(loaded, members, without=(f"{FOLDER}/",))
        logger.info("Updated %s", loaded.archive_path)
    loaded.trigger_event(MltkModelEvent.QUANTIZE_SHUTDOWN, tflite_model=tflite_model)
    return tflite_model


def _warn_of_former_figures(model: BuildableModel, tflite_model: TfliteModel, logger: logging.Logger) -> None:
    """Say that the archive keeps figures of another network, before that network is replaced."""
    with ArchiveReader(model.archive_path) as archive:
        former = tflite_in(archive, model.name)
        has_figures = any(name == "report.html" or name.startswith("eval/tflite") for name in archive.names)
    if has_figures and former is not None and network_hash(former.graph) != network_hash(tflite_model.graph):
        logger.warning(
            "The evaluation and the report in the archive are those of the former .tflite. This renews them:\n"
            "mltk evaluate %s --tflite",
            model.name,
        )


def quantize_keras_model(
    model: BuildableModel,
    keras_model: KerasModel,
    *,
    path: str | None = None,
    build: bool = False,
    logger: logging.Logger | None = None,
) -> TfliteModel:
    """Quantize a Keras model, put the parameters in, and write the ``.tflite`` and its summary.

    Also writes the float32 ``.tflite`` and the quantization report beside it, if the settings want them.

    Args:
        model: The specification.
        keras_model: The Keras model.
        path: Path of the ``.tflite``; by default in the log folder.
        build: The model is not trained: random samples are used, and there is no float32 file and no report.
        logger: Logger of the operation.

    Raises:
        QuantizationError: The converter refuses the model.
        SettingError: A setting of the converter has an impossible value.
    """
    from mltk.training.convertible import convertible
    from mltk.training.functional_form import has_inputs, with_batch_of_one

    logger = logger or logging.getLogger("mltk")
    path = path or model.tflite_log_dir_path
    settings = dict(model.tflite_converter)
    if not settings.pop("enabled", True):
        raise QuantizationError(
            f"{model.name} makes no .tflite: its tflite_converter is None.",
            hint="Leave tflite_converter as it is, or assign settings to it.",
        )
    model.trigger_event(MltkModelEvent.QUANTIZE_STARTUP, build=build, keras_model=keras_model, tflite_path=path)
    wants_report = bool(settings.get("generate_quantization_report")) and not build
    float_model = None
    with convertible(keras_model) as notes:
        if not (build or has_inputs(keras_model)) and getattr(model, "x", None) is None:
            load_dataset(cast("TrainableModel", model), "training")  # its samples say what the inputs of a subclass are
        fixed = with_batch_of_one(keras_model, None if build else input_example(model))
        if (settings.get("generate_unquantized") or wants_report) and not build:
            float_settings = {k: v for k, v in settings.items() if k == "allow_custom_ops"}
            float_model = convert(model, fixed, float_settings, quantized=False)
            add_parameters(model, float_model)
            float_model.path = path.removesuffix(".tflite") + ".float32.tflite"
            float_model.save()
        logger.info("Quantizing %s", model.name)
        for note in notes:
            logger.info("%s", note)
        tflite_model = convert(model, fixed, settings, build=build)
    add_parameters(model, tflite_model)
    tflite_model.path = path
    tflite_model.save()
    write_file(f"{path}.summary.txt", tflite_model.summary())
    if not build and path == model.tflite_log_dir_path:
        write_c_code(model, tflite_model)
    if wants_report and float_model is not None:
        write_quantization_report(cast("TrainableModel", model), tflite_model, float_model, fixed, logger)
    model.trigger_event(MltkModelEvent.AFTER_QUANTIZE, tflite_model=tflite_model, update_archive=False)
    logger.debug("Wrote %s", path)
    return tflite_model


def write_quantization_report(
    model: TrainableModel,
    tflite_model: TfliteModel,
    float_model: TfliteModel,
    keras_model: KerasModel,
    logger: logging.Logger,
) -> None:
    """Compare both models layer by layer on training samples; write the report as text and JSON beside the model.

    Args:
        model: The specification.
        tflite_model: The quantized model.
        float_model: The float32 model.
        keras_model: The Keras model that both were converted from.
        logger: Gets a warning if there can be no report.
    """
    from mltk.operations.shared.compare_layers import quantization_report

    if getattr(model, "x", None) is None:
        load_dataset(model, "training")
    names = list(getattr(keras_model, "input_names", None) or [])
    dtypes = [str(t.dtype) for t in keras_model.inputs]
    samples = [as_inputs(s, names, dtypes) for s in iter_training_samples(model, _REPORT_SAMPLES)]
    stacked = [np.concatenate(arrays) for arrays in zip(*samples, strict=True)]
    inputs = [tflite_model.quantize_to_input_dtype(a, i) for i, a in enumerate(stacked)]
    try:
        report = quantization_report(tflite_model, float_model, inputs, source="the training dataset")
    except MltkError as e:
        logger.warning("There is no quantization report: %s", e.message)
        return
    written = report.save(os.path.dirname(tflite_model.path or ""), plots=False)
    logger.info("Quantization report: %s", written[-1])


def add_parameters(model: MltkModel, tflite_model: TfliteModel) -> None:
    """Add the description, the model's parameters and the specification's metadata entries to a ``.tflite``.

    The default parameters are ``name``, ``version``, ``classes``, ``hash``, ``date``, ``runtime_memory_size`` and
    ``runtime_memory_model``, the structure that the size was measured with. A
    parameter of the specification with one of these names replaces the default.

    Args:
        model: The specification.
        tflite_model: The model to change. ``hash`` is the MD5 of its bytes before the change.
    """
    from mltk.micro.memory.arena import measure_arena
    from mltk.micro.profile.memory import MEASURED_MODEL
    from mltk.tflite.model_parameters import TfliteModelParameters
    from mltk.tflite.structure import structure_hash

    model.populate_model_parameters()
    parameters = TfliteModelParameters()
    parameters["name"] = model.name
    parameters.put("version", model.version, dtype=None)
    parameters["classes"] = list(model.classes) if model.is_set("classes") else []
    parameters["hash"] = hashlib.md5(tflite_model.flatbuffer_data, usedforsecurity=False).hexdigest()
    parameters["date"] = build_date()
    try:
        parameters.put("runtime_memory_size", measure_arena(tflite_model).total, dtype=None)
        parameters[MEASURED_MODEL] = structure_hash(tflite_model.graph)
    except MltkError as e:
        logging.getLogger("mltk").warning("The memory that the model needs can't be measured: %s", e.message)
        parameters["runtime_memory_size"] = 0
    parameters.update(model.model_parameters)
    tflite_model.description = model.description
    parameters.add_to_tflite_model(tflite_model)
    for tag, content in model.serialize_tflite_metadata().items():
        tflite_model.add_metadata(tag, content)


def build_date() -> str:
    """Return the time in UTC, in ISO 8601 with milliseconds. ``SOURCE_DATE_EPOCH`` fixes it for reproducible builds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = (
        datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        if epoch and epoch.isdigit()
        else datetime.datetime.now(datetime.UTC)
    )
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
