"""The errors that a user can cause.

Each error says what happened and where, with the value; its hint says what to do. The command line prints the message
and the hint in one block; ``--verbose`` adds the traceback. Every error is also a built-in exception where one fits, so
that ``except FileNotFoundError`` works too. The tree (in parentheses: the built-in exceptions)::

    MltkError
    ├── ArchiveError               the model archive is damaged, hostile, or lacks a member
    ├── DatasetError               the dataset is missing, empty, or does not fit the model
    │   └── DownloadError          a file cannot be downloaded, or is the wrong file (ValueError)
    │       └── ArchiveRefused     a downloaded archive is damaged, hostile, or of an unknown kind
    ├── EvaluationError            the model cannot be evaluated
    ├── MissingDependencyError     an optional dependency is not installed (ImportError)
    ├── ModelNameError             a file name cannot be a model's name (ValueError)
    ├── ModelNotFoundError         there is no model of this name (FileNotFoundError)
    ├── OutputError                a file or folder cannot be written (OSError)
    ├── ParameterError             a model parameter cannot be stored in the .tflite (ValueError, TypeError)
    ├── QuantizationError          the converter refused the model or its settings
    ├── RuntimeFailure             a native runtime refused the model, or crashed
    │   └── UnsupportedModelError  an engine cannot run this model
    ├── SettingError               a setting is misspelled, of the wrong type, or impossible
    │                              (AttributeError, TypeError, ValueError)
    ├── SpecificationError         a specification cannot be loaded, or lacks a part that the operation needs
    ├── TfliteError                a file is not a valid .tflite, or cannot hold a change (ValueError)
    └── TrainingError              training cannot start or cannot continue
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MltkError(Exception):
    """Base of all errors that a user can cause.

    Args:
        message: What happened and where, with the value.
        hint: What the user can do about it; None if nothing is known.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        message = message.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")  # names not in UTF-8
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class SettingError(MltkError, AttributeError, TypeError, ValueError):
    """A setting of a model specification is misspelled, of the wrong type, or impossible."""


class ModelNotFoundError(MltkError, FileNotFoundError):
    """There is no model specification or archive of this name."""


class ModelNameError(MltkError, ValueError):
    """A file name cannot be a model's name."""


class SpecificationError(MltkError):
    """A model specification cannot be loaded, or lacks a part that the operation needs."""


class DatasetError(MltkError):
    """The dataset is missing, empty, or does not fit the model."""


class DownloadError(DatasetError, ValueError):
    """A file cannot be downloaded, or is the wrong file. No part of it is left behind under its name."""


class ArchiveRefused(DownloadError):
    """A downloaded archive is damaged, hostile, or of an unknown kind. No part of it was put in place."""


class TrainingError(MltkError):
    """Training cannot start or cannot continue."""


class QuantizationError(MltkError):
    """The TensorFlow Lite converter refused the model or its settings."""


class EvaluationError(MltkError):
    """The model cannot be evaluated."""


class ArchiveError(MltkError):
    """A model archive is damaged, hostile, or lacks a member."""


class TfliteError(MltkError, ValueError):
    """A file is not a valid ``.tflite``, or cannot hold a change."""


class ParameterError(MltkError, ValueError, TypeError):
    """A model parameter cannot be stored in the dictionary of the ``.tflite``; the message names its key."""


class RuntimeFailure(MltkError):
    """A native runtime (TensorFlow Lite Micro, LiteRT) refused a model, or crashed."""


class UnsupportedModelError(RuntimeFailure):
    """An engine cannot run this model. The model may be valid, and another engine may run it."""


class OutputError(MltkError, OSError):
    """A file or folder cannot be written. Nothing half-written is left behind."""


class MissingDependencyError(MltkError, ImportError):
    """An optional dependency is not installed.

    Args:
        what: Name of the dependency.
        extra: Name of the extra that installs it, such as ``"train"``.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} is not installed, and this needs it.", hint=f"Install it with: pip install 'openmltk[{extra}]'"
        )


def did_you_mean(name: str, known: Iterable[str], *, n: int = 3, cutoff: float = 0.6) -> str:
    """Return a sentence that names the nearest of the known names.

    Args:
        name: The name that is not known.
        known: The known names.
        n: Number of names to suggest at most.
        cutoff: Similarity that a suggestion must have, 0 to 1.

    Returns:
        ``"Did you mean 'a' or 'b'?"``, or an empty string if no name is near.
    """
    near = difflib.get_close_matches(name, list(known), n=n, cutoff=cutoff)
    return f"Did you mean {' or '.join(repr(x) for x in near)}?" if near else ""
