"""Load the specification for an operation, and check that the operation can use it."""

from __future__ import annotations

import os

from mltk.errors import ModelNotFoundError, SpecificationError
from mltk.operations.shared.tensorflow_setup import import_tensorflow
from mltk.specification import names
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.events import MltkModelEvent
from mltk.specification.loading import load_mltk_model, script_error
from mltk.specification.model import MltkModel
from mltk.specification.search import find_model


def prepare(model: str | os.PathLike[str] | MltkModel, *mixins: type, test: bool = False, operation: str) -> MltkModel:
    """Load a specification and check that it has the mixins that an operation needs.

    Args:
        model: A loaded specification, its name, or the path of its script or archive.
        mixins: The mixins.
        test: Enable the specification's test mode.
        operation: What the specification is used for, for the error message: "train", "evaluate".

    Returns:
        The loaded specification.

    Raises:
        ModelNotFoundError: There is no such model.
        SpecificationError: The specification cannot be loaded, or lacks a mixin.
        ArchiveError: The archive is damaged.
        MissingDependencyError: TensorFlow is not installed.
    """
    if not isinstance(model, MltkModel):
        model = os.fspath(model)
        check_source(model)  # before TensorFlow is imported, which takes seconds
    import_tensorflow()
    loaded = load_mltk_model(model, test=test)
    for mixin in mixins:
        if not isinstance(loaded, mixin):
            raise SpecificationError(
                f"{loaded.name} can't be used to {operation}: its class lacks {mixin.__name__}.",
                hint=f"class {type(loaded).__name__}(mltk.MltkModel, mltk.{mixin.__name__}, ...)",
            )
    loaded.trigger_event(MltkModelEvent.BEFORE_MODEL_LOAD)
    return loaded


def check_source(model: str) -> str:
    """Check that a model's name or path leads to an archive or to valid Python; run neither.

    Args:
        model: Name of a model, or path of a script or archive.

    Returns:
        The path of the script or archive.

    Raises:
        ModelNotFoundError: There is no such model or file.
        ModelNameError: The file's name cannot be a model's name.
        SpecificationError: The script has a syntax error, or cannot be read.
        ArchiveError: The archive is damaged.
    """
    is_path = model.endswith((".py", names.ARCHIVE_EXTENSION)) or os.sep in model
    path = os.path.abspath(os.path.expanduser(model)) if is_path else find_model(model)
    if path.endswith(names.ARCHIVE_EXTENSION):
        if not os.path.exists(path):
            raise ModelNotFoundError(f"There is no file {path}.")
        with ArchiveReader(path):
            pass
    elif path.endswith(".py"):
        text = _read(path)
        names.check_model_name(names.name_of_file(path), path)
        try:
            compile(text, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as e:
            raise script_error(path, e) from None
    return path


def import_tensorflow_if_used(model: str) -> None:
    """Import TensorFlow without its messages, if the text of a specification contains its name or that of Keras.

    Args:
        model: Name of a model, or path of a script or archive.
    """
    path = check_source(model)
    text = _read(path) if path.endswith(".py") else b"keras"
    if b"tensorflow" in text or b"keras" in text:
        import_tensorflow()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise ModelNotFoundError(f"There is no file {path}.") from None
    except OSError as e:
        raise SpecificationError(f"{path} can't be read: {e.strerror}.") from None
