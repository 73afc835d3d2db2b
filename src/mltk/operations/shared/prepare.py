"""Load the specification that an operation needs."""

from __future__ import annotations

import os

from mltk.errors import ModelNotFoundError, SpecificationError
from mltk.operations.shared.tensorflow_setup import import_tensorflow
from mltk.specification.events import MltkModelEvent
from mltk.specification.loading import load_mltk_model
from mltk.specification.model import MltkModel


def check_source(model: str) -> str:
    """See that ``model`` names an archive, or a specification that is Python; runs neither. Gives its path.

    Raises:
        ModelNotFoundError: it is not there.
        ModelNameError: its file's name can't be a model's.
        SpecificationError: it has a syntax error.
        ArchiveError: the archive is damaged.
    """
    from mltk.specification import names
    from mltk.specification.archive_file import ArchiveReader
    from mltk.specification.loading import script_error
    from mltk.specification.search import find_model

    is_path = model.endswith((".py", names.ARCHIVE_EXTENSION)) or os.sep in model
    path = os.path.abspath(os.path.expanduser(model)) if is_path else find_model(model)
    if path.endswith(names.ARCHIVE_EXTENSION):
        if not os.path.exists(path):
            raise ModelNotFoundError(f"There is no file {path}.")
        ArchiveReader(path).__exit__()
    elif path.endswith(".py"):
        text = _read(path)
        names.check_model_name(names.name_of_file(path), path)
        try:
            compile(text, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as e:
            raise script_error(path, e) from None
    return path


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise ModelNotFoundError(f"There is no file {path}.") from None
    except OSError as e:
        raise SpecificationError(f"{path} can't be read: {e.strerror}.") from None


def import_tensorflow_if_used(model: str) -> None:
    """Import TensorFlow quietly before a specification does, if its text says that it will."""
    path = check_source(model)
    text = _read(path) if path.endswith(".py") else b"keras"
    if b"tensorflow" in text or b"keras" in text:
        import_tensorflow()


def prepare(model: str | MltkModel, *mixins: type, test: bool = False, operation: str) -> MltkModel:
    """Load a specification and see that it has the mixins that ``operation`` needs.

    Raises:
        SpecificationError: it lacks one.
    """
    if not isinstance(model, MltkModel):
        check_source(os.fspath(model))  # before TensorFlow is imported, which takes seconds
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
