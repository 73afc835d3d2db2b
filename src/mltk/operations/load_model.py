"""Load the trained files of a model: its ``.tflite`` or its Keras model.

model = mltk.load_tflite_model("yes_no")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, overload

from mltk.files import make_folder
from mltk.operations.shared.load import TFLITE, ModelKind, resolve
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel


@overload
def load_tflite_model(
    model: str | os.PathLike[str] | MltkModel | TfliteModel,
    build: bool = False,
    print_not_found_err: bool = False,
    return_tflite_path: Literal[False] = False,
    test: bool = False,
    logger: object = None,
    archive_file_ext: str | None = None,
) -> TfliteModel: ...
@overload
def load_tflite_model(
    model: str | os.PathLike[str] | MltkModel | TfliteModel,
    build: bool = False,
    print_not_found_err: bool = False,
    *,
    return_tflite_path: Literal[True],
    test: bool = False,
    logger: object = None,
    archive_file_ext: str | None = None,
) -> str: ...
def load_tflite_model(
    model: str | os.PathLike[str] | MltkModel | TfliteModel,
    build: bool = False,
    print_not_found_err: bool = False,
    return_tflite_path: bool = False,
    test: bool = False,
    logger: object = None,
    archive_file_ext: str | None = None,
) -> TfliteModel | str:
    """Load the ``.tflite`` of a model. Runs the specification only with ``build``.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`, which
            is returned as it is.
        build: Build and quantize the model without training it.
        print_not_found_err: For compatibility with MLTK 0.20; ignored.
        return_tflite_path: For compatibility with MLTK 0.20: return `find_tflite_path` of the model instead.
        test: Load the file of the dry run.
        logger: For compatibility with MLTK 0.20; ignored.
        archive_file_ext: Ending of the archive's member, such as ``".float32.tflite"``; ``".tflite"`` by default.

    Returns:
        The model.

    Raises:
        ModelNotFoundError: There is no such model or file.
        ArchiveError: The model has not been trained, or the archive is damaged.
        TfliteError: The file is not a valid ``.tflite``.
    """
    stop_if_loading_script()
    reference = resolve(model, test=test, can_build=True)
    if build and reference.kind is not ModelKind.TFLITE_MODEL:
        from mltk.operations.quantize import quantize_model

        found = quantize_model(reference.given, build=True, update_archive=False, test=test)
    else:
        found = reference.tflite_model(archive_file_ext or TFLITE)
    return find_tflite_path(found) if return_tflite_path else found


def find_tflite_path(
    model: str | os.PathLike[str] | MltkModel | TfliteModel, build: bool = False, test: bool = False
) -> str:
    """Find the ``.tflite`` file of a model; if it is in an archive or in memory only, write it to the user folder.

    Args:
        model: As for `load_tflite_model`.
        build: Build and quantize the model without training it.
        test: Find the file of the dry run.

    Returns:
        The path of the file.

    Raises:
        MltkError: As for `load_tflite_model`; also `OutputError` if the file cannot be written.
    """
    from mltk.user_settings import user_dir

    stop_if_loading_script()
    found = load_tflite_model(model, build=build, test=test)
    if found.path and os.path.isfile(found.path):
        return found.path
    folder = make_folder(user_dir() / "extracted")
    path = os.path.join(folder, found.filename or "model.tflite")
    found.save(path)
    return path


def load_tflite_or_keras_model(
    model: MltkModel | str,
    model_type: str | None = None,
    weights: str | None = None,
    logger: object = None,
) -> Any:
    """Load the trained Keras model, or the ``.tflite``. For a Keras model, runs the specification.

    Args:
        model: A loaded specification, the name of a trained model, or the path of its script or archive.
        model_type: ``"tflite"``, ``"h5"`` or ``"keras"``; by default the Keras model.
        weights: Load these weights into the Keras model: a path, a file name in the weights folder, or ``"best"``.
        logger: For compatibility with MLTK 0.20; ignored.

    Returns:
        A `TfliteModel` or a ``keras.Model``.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
    """
    stop_if_loading_script()
    if model_type == "tflite":
        return load_tflite_model(model)
    from mltk.operations.shared.keras_model import load_keras_model
    from mltk.operations.shared.prepare import prepare

    return load_keras_model(prepare(model, operation="load it"), weights)
