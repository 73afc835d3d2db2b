"""Results of an evaluation: figures as a dict, a summary to read, plots.

`EvaluationResults` is the base, and the class for figures of any kind. `ClassifierEvaluationResults` and
`AutoEncoderEvaluationResults` compute their figures; see `classifier.py` and `autoencoder.py`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

import numpy as np

from mltk.errors import MissingDependencyError
from mltk.files import make_folder, replacing, write_reports
from mltk.operations.results.plain_data import plain_dict, wrap_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")
_LONGEST_VALUE = 200
_NOT_LISTED = ("name", "model_type", "engine", "engine_description", "notes", "n_samples")


class FigureOf(Generic[T]):
    """A figure of the results as an attribute: ``results.accuracy`` reads ``results["accuracy"]``."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, results: None, owner: type) -> FigureOf[T]: ...
    @overload
    def __get__(self, results: dict[str, Any], owner: type) -> T: ...
    def __get__(self, results: dict[str, Any] | None, owner: type) -> FigureOf[T] | T:
        if results is None:
            return self
        value: T = results[self._name]
        return value

    def __set__(self, results: dict[str, Any], value: T) -> None:
        raise AttributeError(f"{self._name} is read-only; set results[{self._name!r}].")


class EvaluationResults(dict[str, Any]):
    """Figures of an evaluation, by name.

    Args:
        name: The model's name.
        model_type: ``"classification"``, ``"auto_encoder"`` or the word of a custom evaluation.
        kwargs: The figures.
    """

    name = FigureOf[str]()
    """The model's name."""
    model_type = FigureOf[str]()
    """Kind of model."""

    def __init__(self, name: str, model_type: str = "generic", **kwargs: Any) -> None:
        super().__init__(name=name, model_type=model_type, **kwargs)
        self.figures: dict[str, Figure] = {}
        """The plots that `generate_plots` made, by name."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data for JSON: NaN is None, arrays are lists."""
        return plain_dict(self)

    def to_json(self, indent: int = 2) -> str:
        """Return `to_dict` as JSON. An object that JSON does not know becomes its ``str``."""
        return json.dumps(self.to_dict(), indent=indent, default=str)

    def to_text(self, width: int = 120) -> str:
        """Return the summary; lines longer than ``width`` columns are wrapped."""
        return wrap_lines(self.generate_summary(), width)

    def __str__(self) -> str:
        return self.to_text()

    def save(self, output: str, *, plots: bool = True) -> list[str]:
        """Write the results.

        Args:
            output: A ``.json`` or ``.txt`` file, or a folder for both files and the plots. Without matplotlib, there
                are no plots.
            plots: Whether to write the plots.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
        contents = {"eval-results.json": self.to_json(indent=1), "summary.txt": self.generate_summary() + "\n"}
        written = write_reports(output, contents)
        if not plots or written == [output]:
            return written
        with contextlib.suppress(MissingDependencyError):
            written += self.generate_plots(show=False, output_dir=output)
        return written

    # A specification of MLTK 0.20 may override these two methods, so `to_text` and `save` call them.

    def generate_summary(self, include_all: bool = True) -> str:
        """Return the figures as text, one line each.

        Args:
            include_all: Include all figures; otherwise only what every kind of evaluation has.
        """
        lines = [f"Name: {self.name}", f"Model Type: {self.model_type}"]
        if self.get("engine_description"):
            lines.append(f"Computed by: {self['engine_description']}")
        if self.get("n_samples"):
            lines.append(f"Samples: {self['n_samples']}")
        lines += [f"Note: {note}" for note in self.get("notes", [])]
        if include_all:
            lines += [f"{k}: {_short(v)}" for k, v in self.items() if k not in _NOT_LISTED]
        return "\n".join(lines)

    def generate_plots(
        self, show: bool = True, output_dir: str | None = None, logger: logging.Logger | None = None
    ) -> list[str]:
        """Draw the plots; the base class has none.

        Args:
            show: Open a window for each plot.
            output_dir: Write the plots to this folder as PNG.
            logger: For compatibility with MLTK 0.20; ignored.

        Returns:
            The paths of the files.
        """
        return []

    def _write_plots(self, figures: dict[str, Figure], show: bool, output_dir: str | None) -> list[str]:
        """Keep the plots in `figures`, write them, show them. Returns the paths of the files."""
        from mltk.operations.results import plots

        written = []
        if output_dir:
            make_folder(output_dir)
            for key, figure in figures.items():
                path = os.path.join(output_dir, f"{self.name}-{key}.png")
                with replacing(path) as temporary:
                    plots.save(figure, temporary)
                written.append(path)
        self.figures = figures
        if show:
            plots.show_all()
        return written


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) < _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "…"


class Curves(NamedTuple):
    """Curves of one class against all others, over the thresholds of its score."""

    fpr: np.ndarray
    """False positive rate at each threshold."""
    tpr: np.ndarray
    """True positive rate at each threshold."""
    thresholds: np.ndarray
    """Thresholds, descending."""
    roc_auc: float
    """Area under the ROC curve; NaN if the class or all others have no samples."""
    precision: np.ndarray
    """Precision along the precision-recall curve."""
    recall: np.ndarray
    """Recall along the precision-recall curve."""


def compute_curves(positive: np.ndarray, scores: np.ndarray) -> Curves:
    """Compute the curves of one class.

    Args:
        positive: Whether each sample is of the class, ``[samples]``.
        scores: Score of each sample, ``[samples]``; higher is more like the class.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    metrics = metrics_module()
    if positive.all() or not positive.any():
        empty = np.array([])
        return Curves(empty, empty, empty, float("nan"), empty, empty)
    fpr, tpr, thresholds = metrics.roc_curve(positive, scores)
    precision, recall, _ = metrics.precision_recall_curve(positive, scores, drop_intermediate=True)
    return Curves(fpr, tpr, thresholds, float(metrics.auc(fpr, tpr)), precision, recall)


def metrics_module() -> Any:
    """Import ``sklearn.metrics``.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    try:
        from sklearn import metrics
    except ImportError:
        raise MissingDependencyError("scikit-learn", "train") from None
    return metrics
