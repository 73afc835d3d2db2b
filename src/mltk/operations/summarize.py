"""Summarize a model: its layers, sizes and parameters.

mltk summarize yes_no.tflite
"""

from __future__ import annotations

from typing import Any

from mltk.errors import ArchiveError
from mltk.operations.shared.load import ModelKind, ModelReference, archive_member, resolve
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.workers.script_loading import stop_if_loading_script


def summarize_model(
    model: Any, tflite: bool = False, build: bool = False, test: bool = False, built_model: Any = None
) -> str:
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
        return reference.tflite_model().summary()
    if reference.kind is ModelKind.KERAS_MODEL:
        return _summarize_keras(reference.given, model if isinstance(model, MltkModel) else None)
    if build:
        return _summarize_untrained(model, tflite, test)
    if tflite:
        return reference.tflite_model().summary()
    return _summarize_archived(reference)


def _summarize_keras(keras_model: Any, model: MltkModel | None) -> str:
    from mltk.operations.shared.keras_model import keras_summary

    text = keras_summary(keras_model)
    if model is None:
        return text
    text = f"{text}\n{model.summary()}"
    holder: dict[str, Any] = {"value": None}
    model.trigger_event(MltkModelEvent.SUMMARIZE_MODEL, summary=text, value_holder=holder)
    return holder["value"] or text


def _summarize_untrained(model: MltkModel | str, tflite: bool, test: bool) -> str:
    from mltk.operations.shared.keras_model import build_keras_model
    from mltk.operations.shared.prepare import prepare
    from mltk.specification.train_settings import TrainMixin

    loaded = prepare(model, TrainMixin, test=test, operation="build it")
    if tflite:
        from mltk.operations.quantize import quantize_model

        return quantize_model(loaded, build=True, update_archive=False, test=test).summary()
    return _summarize_keras(build_keras_model(loaded), loaded)


def _summarize_archived(reference: ModelReference) -> str:
    """Return the Keras summary that training stored, so that neither Keras nor the specification is needed."""
    with reference.archive() as archive:
        for extension in (".keras.summary.txt", ".h5.summary.txt"):
            member = archive_member(archive, extension)
            if member in archive.names:
                text = archive.read(member).decode(errors="replace").rstrip()
                return f"{text}\n{_about(archive)}".rstrip()
        raise ArchiveError(f"{archive.path} holds no summary of a Keras model.", hint="Try --tflite.")


def _about(archive: ArchiveReader) -> str:
    facts = archive.manifest()
    if "name" not in facts:  # 0.20 wrote the archive, and its summary says all this
        return ""
    labels = {"Name": "name", "Version": "model_version", "Description": "description"}
    lines = [f"{label}: {facts[key]}" for label, key in labels.items() if key in facts]
    settings = facts.get("settings")
    classes = settings.get("classes") if isinstance(settings, dict) else None
    if isinstance(classes, list):
        lines.append(f"Classes: {', '.join(map(str, classes))}")
    return "\n".join(lines)
