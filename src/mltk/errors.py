"""The errors a user can cause.

Every one says what was wrong, where, and what to do. The command line prints just that, in one block;
``--verbose`` adds the traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MltkError(Exception):
    """Base of everything a user can cause.

    ``message`` says what was wrong and where; ``hint``, when there is one, what to do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class SettingError(MltkError, AttributeError, TypeError, ValueError):
    """A setting of a model specification is misspelled, of the wrong type or impossible."""


class ModelNotFoundError(MltkError, FileNotFoundError):
    """No model specification or archive goes by that name."""


class ModelNameError(MltkError, ValueError):
    """A file name that can't be a model's name."""


class SpecificationError(MltkError):
    """A model specification script can't be loaded or lacks something the operation needs."""


class DatasetError(MltkError):
    """The dataset is missing, empty or not what the model needs."""


class TrainingError(MltkError):
    """Training can't start or can't go on."""


class QuantizationError(MltkError):
    """The TensorFlow Lite converter refused the model or its settings."""


class EvaluationError(MltkError):
    """The model can't be evaluated."""


class ArchiveError(MltkError):
    """A model archive is damaged, hostile, or lacks what was asked of it."""


class TfliteError(MltkError, ValueError):
    """A file that is not a valid ``.tflite``, or a change it can't hold."""


class ParameterError(MltkError, ValueError, TypeError):
    """A model parameter that the ``.tflite`` dictionary can't hold; names the key."""


class RuntimeFailure(MltkError):
    """A native runtime (TensorFlow Lite Micro, LiteRT) refused or crashed on a model."""


class UnsupportedModelError(RuntimeFailure):
    """An engine cannot run this model. The model may be valid, and another engine may run it."""


class OutputError(MltkError, OSError):
    """A file or folder can't be written; nothing half-written is left behind."""


class MissingDependencyError(MltkError, ImportError):
    """An optional dependency is not installed; names the extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} is not installed, and this needs it.", hint=f"Install it with: pip install 'openmltk[{extra}]'"
        )


def did_you_mean(name: str, known: Iterable[str], *, n: int = 3, cutoff: float = 0.6) -> str:
    """A sentence naming what of ``known`` is nearest to ``name``, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=n, cutoff=cutoff)
    return f"Did you mean {' or '.join(repr(x) for x in near)}?" if near else ""
