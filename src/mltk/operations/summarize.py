"""Summarize a model: its layers, sizes and parameters.

mltk summarize yes_no.tflite
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mltk.errors import ArchiveError
from mltk.operations.results.summary import ModelSummary, summarize_tflite
from mltk.operations.shared.load import ModelKind, ModelReference, archive_member, resolve
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import BuildableModel, KerasModel
    from mltk.specification.archive_file import ArchiveReader
    from mltk.specification.model import MltkModel


def summarize_model(
    model: object, tflite: bool = False, build: bool = False, test: bool = False, built_model: object = None
) -> ModelSummary:
    """Summarize a model. Runs a specification only with ``build``.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, a Keras model or a
            `TfliteModel`.
        tflite: Summarize the ``.tflite`` instead of the Keras model.
        build: Build the model without training it; it needs no archive.
        test: Use the files of the dry run.
        built_model: Summarize this Keras model or `TfliteModel` as that of the specification ``model``.

    Returns:
        The summary. It is a str, as in MLTK 0.20, and has the facts as plain data.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
        TfliteError: The file is not a valid ``.tflite``.
    """
    stop_if_loading_script()
    reference = resolve(model if built_model is None else built_model, test=test, can_build=True)
    if reference.is_tflite:
        return summarize_tflite(reference.tflite_model())
    if reference.kind is ModelKind.KERAS_MODEL:
        from mltk.specification.model import MltkModel

        return _summarize_keras(reference.given, model if isinstance(model, MltkModel) else None)
    if build:
        return _summarize_untrained(reference.given, tflite, test)
    if tflite:
        return summarize_tflite(reference.tflite_model())
    return _summarize_archived(reference)


def _summarize_keras(keras_model: KerasModel, model: MltkModel | None) -> ModelSummary:
    from mltk.operations.shared.keras_model import keras_summary
    from mltk.specification.events import MltkModelEvent

    text = keras_summary(keras_model)
    facts = {"name": keras_model.name, "parameters": keras_model.count_params() if keras_model.built else None}
    if model is None:
        return ModelSummary(text, facts.copy)
    text = f"{text}\n{model.summary()}"
    holder: dict[str, Any] = {"value": None}
    model.trigger_event(MltkModelEvent.SUMMARIZE_MODEL, summary=text, value_holder=holder)
    return ModelSummary(holder["value"] or text, {**facts, "name": model.name}.copy)


def _summarize_untrained(model: MltkModel | str, tflite: bool, test: bool) -> ModelSummary:
    from mltk.operations.shared.keras_model import build_keras_model
    from mltk.operations.shared.prepare import prepare
    from mltk.specification.train_settings import TrainMixin

    loaded = cast("BuildableModel", prepare(model, TrainMixin, test=test, operation="build it"))
    if tflite:
        from mltk.operations.quantize import quantize_model

        return summarize_tflite(quantize_model(loaded, build=True, update_archive=False, test=test))
    return _summarize_keras(build_keras_model(loaded), loaded)


def _summarize_archived(reference: ModelReference) -> ModelSummary:
    """Return the Keras summary that training stored, so that neither Keras nor the specification is needed."""
    with reference.archive() as archive:
        for extension in (".keras.summary.txt", ".h5.summary.txt"):
            member = archive_member(archive, extension)
            if member in archive.names:
                text = archive.read(member).decode(errors="replace").rstrip()
                facts = _facts(archive)
                return ModelSummary("\n".join([text, *_fact_lines(facts)]), facts.copy)
        raise ArchiveError(f"{archive.path} has no summary of a Keras model.", hint="Try --tflite.")


def _facts(archive: ArchiveReader) -> dict[str, Any]:
    """Return what the manifest says about the model; empty if 0.20 wrote the archive, whose summary says all this."""
    manifest = archive.manifest()
    if "name" not in manifest:
        return {}
    keys = {"name": "name", "version": "model_version", "description": "description"}
    facts = {key: manifest[known] for key, known in keys.items() if known in manifest}
    settings = manifest.get("settings")
    classes = settings.get("classes") if isinstance(settings, dict) else None
    return {**facts, "classes": classes} if isinstance(classes, list) else facts


def _fact_lines(facts: dict[str, Any]) -> list[str]:
    return [f"{k.title()}: {', '.join(map(str, v)) if isinstance(v, list) else v}".rstrip() for k, v in facts.items()]
