"""Summarize a model: its layers, sizes and parameters.

mltk summarize yes_no.tflite
"""

from __future__ import annotations

from typing import Any

from mltk.errors import ArchiveError
from mltk.operations.results.summary import ModelSummary, summarize_tflite
from mltk.operations.shared.load import ModelKind, ModelReference, archive_member, resolve
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.workers.script_loading import stop_if_loading_script


def summarize_model(
    model: Any, tflite: bool = False, build: bool = False, test: bool = False, built_model: Any = None
) -> ModelSummary:
    """Summarize a model. Runs no specification, unless ``build`` or a loaded one is given.

    Args:
        model: a ``.tflite`` file, an archive, the name of a trained model, a specification, a Keras model or a
            ``TfliteModel``.
        tflite: summarize the ``.tflite`` in place of the Keras model.
        build: build the model anew, untrained; needs no archive.
        test: of the dry run.
        built_model: a Keras model or ``TfliteModel`` to summarize as ``model``'s.

    Raises:
        ModelNotFoundError: there is no such model.
        ArchiveError: it has not been trained, or the archive is damaged.
        TfliteError: the file is not a valid ``.tflite``.
    """
    stop_if_loading_script()
    reference = resolve(model if built_model is None else built_model, test=test, can_build=True)
    if reference.is_tflite:
        return summarize_tflite(reference.tflite_model())
    if reference.kind is ModelKind.KERAS_MODEL:
        return _summarize_keras(reference.given, model if isinstance(model, MltkModel) else None)
    if build:
        return _summarize_untrained(model, tflite, test)
    if tflite:
        return summarize_tflite(reference.tflite_model())
    return _summarize_archived(reference)


def _summarize_keras(keras_model: Any, model: MltkModel | None) -> ModelSummary:
    from mltk.operations.shared.keras_model import keras_summary

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

    loaded = prepare(model, TrainMixin, test=test, operation="build it")
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
        raise ArchiveError(f"{archive.path} holds no summary of a Keras model.", hint="Try --tflite.")


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
