"""Get at a model file, whichever way it is named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mltk.errors import ModelNotFoundError, SpecificationError
from mltk.specification import names
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.model import MltkModel
from mltk.specification.search import find_model

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel


def tflite_from_file(path: str) -> TfliteModel:
    """The ``.tflite`` at ``path``, or the one in the archive at ``path``. Runs no code of the archive.

    Raises:
        ModelNotFoundError: there is no such file.
        TfliteError: it is not a valid ``.tflite``.
        ArchiveError: the archive is damaged or holds none.
    """
    from mltk.tflite.model import TfliteModel

    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise ModelNotFoundError(f"There is no file {path}.")
    if not path.endswith(names.ARCHIVE_EXTENSION):
        return TfliteModel.load_flatbuffer_file(path)
    with ArchiveReader(path) as archive:
        member = archive_member(archive, path, ".tflite")
        return TfliteModel(archive.read(member), path=f"{path}/{member}")


def archive_member(archive: ArchiveReader, path: str, extension: str) -> str:
    """Name of the model's file with ``extension`` in its archive, also if the archive was renamed."""
    wanted = f"{names.name_of_file(path)}{extension}"
    if wanted in archive.names:
        return wanted
    ending = [
        n for n in archive.names if n.endswith(extension) and "/" not in n and not n.endswith(f".float32{extension}")
    ]
    return ending[0] if len(ending) == 1 else wanted


def archive_of(model: str, test: bool = False) -> str | None:
    """Path of the archive that ``model`` names, without running its specification; None if there is none.

    Args:
        model: name, path of a specification, or path of an archive.
    """
    if model.endswith(names.ARCHIVE_EXTENSION):
        return os.path.abspath(os.path.expanduser(model))
    if model.endswith(names.TEST_SUFFIX):
        test, model = True, model.removesuffix(names.TEST_SUFFIX)
    path = os.path.abspath(os.path.expanduser(model)) if model.endswith(".py") else find_model(model)
    if path.endswith(names.ARCHIVE_EXTENSION):
        return path
    archive = names.archive_path_of(path, test=test)
    return archive if os.path.isfile(archive) else None


def load_tflite_model(
    model: str | MltkModel | TfliteModel,
    build: bool = False,
    print_not_found_err: bool = False,
    return_tflite_path: bool = False,
    test: bool = False,
    logger: object = None,
    archive_file_ext: str | None = None,
) -> TfliteModel | str:
    """Load the ``.tflite`` of a model. Runs no specification, unless ``build``.

    Args:
        model: a ``.tflite`` file, an archive, the name of a trained model, a specification, or a
            :class:`TfliteModel`, which is given back.
        build: build and quantize the model anew, untrained.
        return_tflite_path: give a path of the file instead.
        test: of the dry run.
        archive_file_ext: another ending of the member of the archive, such as ``".float32.tflite"``.

    Raises:
        ModelNotFoundError: there is no such model.
        ArchiveError: it has not been trained, or the archive is damaged.
        TfliteError: the file is not a valid ``.tflite``.
    """
    from mltk.tflite.model import TfliteModel

    if isinstance(model, TfliteModel):
        found = model
    elif build:
        from mltk.operations.quantize import quantize_model

        found = quantize_model(model, build=True, update_archive=False, test=test)
    else:
        found = _load_tflite(model, test, archive_file_ext or ".tflite")
    if not return_tflite_path:
        return found
    if found.path and os.path.isfile(found.path):
        return found.path
    folder = names.user_dir() / "extracted"
    os.makedirs(folder, exist_ok=True)
    path = str(folder / os.path.basename(found.path or "model.tflite"))
    found.save(path)
    return path


def _load_tflite(model: str | MltkModel, test: bool, extension: str) -> TfliteModel:
    from mltk.tflite.model import TfliteModel

    if isinstance(model, MltkModel):
        path = model.archive_path
    else:
        model = os.fspath(model)
        if model.endswith(".tflite") or (
            os.path.isfile(model) and not model.endswith((".py", names.ARCHIVE_EXTENSION))
        ):
            return tflite_from_file(model)
        path = archive_of(model, test) or ""
        if not path:
            raise SpecificationError(
                f"{model} has not been trained: there is no archive of it.",
                hint=f"Train it with 'mltk train {model}', or add --build to build it untrained.",
            )
    with ArchiveReader(path) as archive:
        member = archive_member(archive, path, extension)
        return TfliteModel(archive.read(member), path=f"{path}/{member}")


def load_tflite_or_keras_model(
    model: MltkModel | str, model_type: str | None = None, weights: str | None = None, logger: object = None
) -> Any:
    """Load the trained Keras model, or with ``model_type="tflite"`` the ``.tflite``.

    Args:
        model_type: ``"tflite"``, ``"h5"`` or ``"keras"``; by default Keras.
        weights: other weights for the Keras model.
    """
    if model_type == "tflite":
        return load_tflite_model(model)
    from mltk.operations.shared.keras_model import load_keras_model
    from mltk.operations.shared.prepare import prepare

    loaded = prepare(model, operation="load it")
    return load_keras_model(loaded, weights)
