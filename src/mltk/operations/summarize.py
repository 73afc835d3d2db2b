"""Summarize a model: its layers, sizes and parameters.

mltk summarize yes_no.tflite
"""

from __future__ import annotations

import os
from typing import Any

from mltk.errors import ArchiveError, ModelNotFoundError
from mltk.operations.shared.load import archive_member, archive_of, load_tflite_model
from mltk.specification import names
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel


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
    if built_model is not None:
        return _summarize_built(built_model, model if isinstance(model, MltkModel) else None)
    if hasattr(model, "flatbuffer_data") or type(model).__module__.startswith("keras"):
        return _summarize_built(model, None)
    if isinstance(model, str) and (model.endswith(".tflite") or (os.path.isfile(model) and not _is_ours(model))):
        return load_tflite_model(model).summary()  # type: ignore[union-attr]
    if build:
        return _summarize_new(model, tflite, test)
    if tflite:
        return load_tflite_model(model, test=test).summary()  # type: ignore[union-attr]
    return _summarize_archived(model, test)


def _is_ours(path: str) -> bool:
    return path.endswith((".py", names.ARCHIVE_EXTENSION))


def _summarize_built(built: Any, model: MltkModel | None) -> str:
    if hasattr(built, "flatbuffer_data"):
        return built.summary()

    from mltk.operations.shared.keras_model import keras_summary

    text = keras_summary(built)
    if model is None:
        return text
    text = f"{text}\n{model.summary()}"
    holder: dict[str, Any] = {"value": None}
    model.trigger_event(MltkModelEvent.SUMMARIZE_MODEL, summary=text, value_holder=holder)
    return holder["value"] or text


def _summarize_new(model: Any, tflite: bool, test: bool) -> str:
    from mltk.operations.shared.keras_model import build_keras_model
    from mltk.operations.shared.prepare import prepare
    from mltk.specification.train_settings import TrainMixin

    loaded = prepare(model, TrainMixin, test=test, operation="build it")
    if tflite:
        return load_tflite_model(loaded, build=True, test=test).summary()  # type: ignore[union-attr]
    return _summarize_built(build_keras_model(loaded), loaded)


def _summarize_archived(model: Any, test: bool) -> str:
    """The Keras summary that training stored, so that neither Keras nor the specification is needed."""
    path = model.archive_path if isinstance(model, MltkModel) else archive_of(os.fspath(model), test)
    if path is None:
        raise ArchiveError(
            f"{model} has not been trained: there is no archive of it.",
            hint=f"Train it with 'mltk train {model}', or add --build to summarize it untrained.",
        )
    if not os.path.isfile(path):
        raise ModelNotFoundError(f"There is no file {path}.")
    with ArchiveReader(path) as archive:
        for extension in (".keras.summary.txt", ".h5.summary.txt"):
            member = archive_member(archive, path, extension)
            if member in archive.names:
                text = archive.read(member).decode(errors="replace").rstrip()
                return f"{text}\n{_about(archive, path)}".rstrip()
        raise ArchiveError(f"{path} holds no summary of a Keras model.", hint="Try --tflite.")


def _about(archive: ArchiveReader, path: str) -> str:
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
