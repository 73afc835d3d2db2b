"""Which model does an argument mean? Every operation asks this module.

    reference = resolve("yes_no")     # a name, a path, a specification, a TfliteModel or a Keras model
    reference.tflite_model()          # its .tflite, read and checked
    reference.archive()               # its archive, opened for reading

Nothing here runs the code of a specification. What a ``.tflite`` does not need is imported where it is used, since
commands that only look into a file start in a fifth of a second.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from mltk.errors import ArchiveError, ModelNotFoundError
from mltk.specification import names

if TYPE_CHECKING:
    from mltk.specification.archive_file import ArchiveReader
    from mltk.tflite.model import TfliteModel

TFLITE, FLOAT_TFLITE = ".tflite", ".float32.tflite"


class ModelKind(Enum):
    """What a model argument is."""

    NAME = auto()
    """The name of a model, or the path of its specification."""
    SPECIFICATION = auto()
    """A loaded specification."""
    ARCHIVE_FILE = auto()
    """The path of an archive."""
    TFLITE_FILE = auto()
    """The path of a ``.tflite``."""
    TFLITE_MODEL = auto()
    """A `TfliteModel` in memory."""
    KERAS_MODEL = auto()
    """A Keras model in memory."""


@dataclass(frozen=True)
class ModelReference:
    """The model that an argument refers to; made by `resolve`.

    Attributes:
        kind: What the argument is.
        given: The argument; a path is a str.
        test: Whether the files of the dry run are meant.
        can_build: Whether the caller can build an untrained model, for the hint of the error.
    """

    kind: ModelKind
    given: Any
    test: bool = False
    can_build: bool = False

    @property
    def is_tflite(self) -> bool:
        """Whether the argument is a ``.tflite`` itself, in a file or in memory."""
        return self.kind in (ModelKind.TFLITE_FILE, ModelKind.TFLITE_MODEL)

    @property
    def is_outside_file(self) -> bool:
        """Whether the argument is the path of a ``.tflite`` or an archive, which may come from anywhere."""
        return self.kind in (ModelKind.TFLITE_FILE, ModelKind.ARCHIVE_FILE)

    @property
    def name(self) -> str:
        """Name of the model for people."""
        if isinstance(self.given, str):
            return names.name_of_file(self.given)
        return str(getattr(self.given, "name", "") or "model")

    def archive_path(self) -> str:
        """Return the path of the model's archive.

        Raises:
            ModelNotFoundError: There is no such model or file.
            ArchiveError: The model has not been trained.
        """
        if self.kind is ModelKind.SPECIFICATION:
            path = str(self.given.archive_path)
        elif self.kind is ModelKind.NAME:
            path = _archive_of(self.given, self.test)
        elif self.kind is ModelKind.ARCHIVE_FILE:
            path = os.path.abspath(os.path.expanduser(self.given))
            if not os.path.isfile(path):
                raise ModelNotFoundError(f"There is no file {path}.")
        else:
            raise ArchiveError(f"{_describe(self.given)} has no archive.")
        if not os.path.isfile(path):
            name = self.given.name if self.kind is ModelKind.SPECIFICATION else self.given
            raise ArchiveError(
                f"{name} has not been trained: there is no archive {path}.",
                hint=f"Train it with 'mltk train {name}'"
                + (", or add --build to use it untrained." if self.can_build else "."),
            )
        return path

    def archive(self) -> ArchiveReader:
        """Open the model's archive for reading.

        Raises:
            ModelNotFoundError: There is no such model or file.
            ArchiveError: The model has not been trained, or the archive is damaged.
        """
        from mltk.specification.archive_file import ArchiveReader

        return ArchiveReader(self.archive_path())

    def tflite_model(self, extension: str = TFLITE) -> TfliteModel:
        """Read the model's ``.tflite``.

        Args:
            extension: Ending of the archive's member, such as ``".float32.tflite"``.

        Returns:
            The model. If the argument is a `TfliteModel`, that object itself.

        Raises:
            ModelNotFoundError: There is no such model or file.
            ArchiveError: The model has not been trained, or the archive is damaged or has no such member.
            TfliteError: The file is not a valid ``.tflite``.
        """
        from mltk.tflite.model import TfliteModel

        if self.kind is ModelKind.TFLITE_MODEL:
            assert isinstance(self.given, TfliteModel)
            return self.given
        if self.kind is ModelKind.TFLITE_FILE:
            path = os.path.abspath(os.path.expanduser(self.given))
            if not os.path.isfile(path):
                raise ModelNotFoundError(f"There is no file {path}.")
            return TfliteModel.load_flatbuffer_file(path)
        with self.archive() as archive:
            member = archive_member(archive, extension)
            if member not in archive.names and extension == TFLITE:
                _check_quantized(archive)
            return TfliteModel(archive.read(member), path=f"{archive.path}/{member}")

    def float_tflite_model(self) -> TfliteModel | None:
        """Read the float32 ``.tflite`` that quantization left in the archive or beside the file.

        Returns:
            The model; None if there is none.

        Raises:
            TfliteError: The file is not a valid ``.tflite``.
        """
        if self.kind is ModelKind.TFLITE_MODEL:
            return None
        if self.kind is ModelKind.TFLITE_FILE:
            beside = f"{self.given.removesuffix(TFLITE)}{FLOAT_TFLITE}"
            return resolve(beside).tflite_model() if os.path.isfile(os.path.expanduser(beside)) else None
        try:
            return self.tflite_model(FLOAT_TFLITE)
        except ArchiveError:
            return None


def resolve(model: object, *, test: bool = False, can_build: bool = False) -> ModelReference:
    """Find out what a model argument refers to. Reads and runs nothing.

    Args:
        model: A ``.tflite`` file, an archive, the name of a model, the path of its specification, a loaded
            specification, a `TfliteModel` or a Keras model.
        test: Use the files of the dry run.
        can_build: Whether the caller can build an untrained model, for the hint of the error.

    Raises:
        ModelNotFoundError: ``model`` is of another type.
    """
    if isinstance(model, str | os.PathLike):
        path = os.fspath(model)
        return ModelReference(_kind_of_path(path), path, test, can_build)
    from mltk.specification.model import MltkModel

    if isinstance(model, MltkModel):
        return ModelReference(ModelKind.SPECIFICATION, model, test, can_build)
    if is_keras_model(model):
        return ModelReference(ModelKind.KERAS_MODEL, model, test, can_build)
    from mltk.tflite.model import TfliteModel

    if isinstance(model, TfliteModel):
        return ModelReference(ModelKind.TFLITE_MODEL, model, test, can_build)
    raise ModelNotFoundError(
        f"{_describe(model)} is not a model.",
        hint="Give a model's name, the path of its specification, its archive or a .tflite, or a loaded model.",
    )


def is_keras_model(model: object) -> bool:
    """Whether ``model`` is a Keras model, told without importing Keras."""
    return any(c.__name__ == "Model" and c.__module__.startswith("keras") for c in type(model).__mro__)


def archive_member(archive: ArchiveReader, extension: str) -> str:
    """Return the name of the model's file with ``extension`` in its archive, also if the archive was renamed."""
    wanted = f"{names.name_of_file(archive.path)}{extension}"
    if wanted in archive.names:
        return wanted
    ending = [
        n for n in archive.names if n.endswith(extension) and "/" not in n and not n.endswith(f".float32{extension}")
    ]
    return ending[0] if len(ending) == 1 else wanted


def _check_quantized(archive: ArchiveReader) -> None:
    """Check that an archive without a ``.tflite`` is not one of a trained model, whose quantization failed.

    Raises:
        ArchiveError: It is one.
    """
    if any(n.endswith((".keras", ".h5")) and "/" not in n for n in archive.names):
        name = names.name_of_file(archive.path)
        raise ArchiveError(
            f"{name} is trained, but not quantized: {archive.path} has no .tflite.",
            hint=f"Quantize it with 'mltk quantize {name}'. If the layers have to change for that, but not their "
            f"weights, run 'mltk train {name} --resume'.",
        )


def _kind_of_path(path: str) -> ModelKind:
    if path.endswith(TFLITE):
        return ModelKind.TFLITE_FILE
    if path.endswith(names.ARCHIVE_EXTENSION):
        return ModelKind.ARCHIVE_FILE
    is_other_file = not path.endswith(".py") and os.path.isfile(os.path.expanduser(path))
    return ModelKind.TFLITE_FILE if is_other_file else ModelKind.NAME


def _archive_of(model: str, test: bool) -> str:
    """Return where the archive of a model is, or would be, by the model's name or its specification's path."""
    from mltk.specification.search import find_model

    if model.endswith(names.TEST_SUFFIX):
        test, model = True, model.removesuffix(names.TEST_SUFFIX)
    path = os.path.abspath(os.path.expanduser(model)) if model.endswith(".py") else find_model(model)
    return path if path.endswith(names.ARCHIVE_EXTENSION) else names.archive_path_of(path, test=test)


def _describe(model: object) -> str:
    return f"An object of type {type(model).__name__}"
