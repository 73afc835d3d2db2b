"""Results of evaluating a classifier."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from mltk.operations.results.evaluation import EvaluationResults, FigureOf, compute_curves, metrics_module

_CURVES = {
    "roc": ("ROC", "false positive rate", "true positive rate", "fpr", "tpr"),
    "precision_vs_recall": ("precision and recall", "recall", "precision", "recall", "precision"),
    "tpr": ("true positive rate", "threshold", "true positive rate", "roc_thresholds", "tpr"),
    "fpr": ("false positive rate", "threshold", "false positive rate", "roc_thresholds", "fpr"),
}
"""Plot → its title, the names of its axes, and the figures on them."""


class ClassifierEvaluationResults(EvaluationResults):
    """Evaluation of a classifier; the definitions are those of `sklearn.metrics`.

    For each class, the curves take its samples as positive and all others as negative.

    Args:
        name: The model's name.
        classes: Class labels, in the order of the scores.
        kwargs: More figures.
    """

    classes = FigureOf[list[str]]()
    """Class labels."""
    overall_accuracy = FigureOf[float]()
    """Share of samples whose highest score is the score of their class."""
    class_accuracies = FigureOf[list[float]]()
    """For each class, the share of its samples that were classified as it (recall); NaN without samples."""
    confusion_matrix = FigureOf[np.ndarray]()
    """Counts ``[true class, predicted class]``."""
    false_positive_rate = FigureOf[float]()
    """Over all classes, the share of other classes' samples that were classified as the class."""
    fpr = FigureOf[list[np.ndarray]]()
    """For each class, the false positive rate at each threshold of its score."""
    tpr = FigureOf[list[np.ndarray]]()
    """For each class, the true positive rate at each threshold of its score."""
    roc_thresholds = FigureOf[list[np.ndarray]]()
    """For each class, the thresholds of `fpr` and `tpr`, descending."""
    roc_auc = FigureOf[list[float]]()
    """For each class, the area under its ROC curve; NaN if the class or all others have no samples."""
    roc_auc_avg = FigureOf[float]()
    """Mean of `roc_auc` over the classes that have one."""
    precision = FigureOf[list[np.ndarray]]()
    """For each class, the precision along its precision-recall curve."""
    recall = FigureOf[list[np.ndarray]]()
    """For each class, the recall along its precision-recall curve."""

    def __init__(self, name: str = "my_model", classes: list[str] | None = None, **kwargs: Any) -> None:
        kwargs.pop("model_type", None)
        super().__init__(name=name, model_type="classification", classes=list(classes or []), **kwargs)

    def calculate(self, y: np.ndarray | Sequence[Any], y_pred: np.ndarray | Sequence[Any]) -> None:
        """Compute all figures.

        Args:
            y: Class indices ``[samples]``, or one-hot ``[samples, classes]``.
            y_pred: Scores ``[samples, classes]``, or ``[samples, 1]``: the scores of the second of two classes.

        Raises:
            MissingDependencyError: scikit-learn is not installed.
        """
        from mltk.data.labels import class_indices

        metrics = metrics_module()
        truth = class_indices(np.asarray(y))
        scores = two_columns(np.asarray(y_pred, dtype=np.float64))
        n_classes = scores.shape[1]
        if len(self.classes) != n_classes:
            self["classes"] = [*self.classes, *map(str, range(len(self.classes), n_classes))][:n_classes]
        predicted = scores.argmax(axis=1)
        matrix = metrics.confusion_matrix(truth, predicted, labels=range(n_classes))
        totals = matrix.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = np.diag(matrix) / totals
            precision = np.diag(matrix) / matrix.sum(axis=0)
        wrong = matrix.sum(axis=0) - np.diag(matrix)
        negatives = len(truth) - totals
        self["n_samples"] = len(truth)
        self["overall_accuracy"] = float((truth == predicted).mean())
        self["class_accuracies"] = recall.tolist()
        self["class_precisions"] = precision.tolist()
        self["false_positive_rate"] = float(wrong.sum() / max(negatives.sum(), 1))
        self["confusion_matrix"] = matrix
        curves = [compute_curves(truth == c, scores[:, c]) for c in range(n_classes)]
        for i, key in enumerate(("fpr", "tpr", "roc_thresholds", "roc_auc", "precision", "recall")):
            self[key] = [curve[i] for curve in curves]
        areas = np.array(self["roc_auc"])
        self["roc_auc_avg"] = float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan")

    def generate_summary(self, include_all: bool = True) -> str:
        """Return the accuracy and the area under the ROC curve, overall and by class, best first."""
        lines = [super().generate_summary(include_all=False)]
        lines.append(f"Overall accuracy: {self.overall_accuracy:.3%}")
        lines.append("Class accuracies:")
        lines += _ranked(self.classes, self.class_accuracies)
        if np.isnan(self.roc_auc_avg):
            lines.append("ROC AUC: not defined, because all samples are of one class")
            return "\n".join(lines)
        lines.append(f"Average ROC AUC: {self.roc_auc_avg:.3%}")
        lines.append("Class ROC AUC:")
        lines += _ranked(self.classes, self.roc_auc)
        return "\n".join(lines)

    def generate_plots(
        self, show: bool = True, output_dir: str | None = None, logger: logging.Logger | None = None
    ) -> list[str]:
        """Draw the confusion matrix, ROC, precision against recall, and TPR and FPR against the threshold."""
        from mltk.operations.results import plots

        title = f"{self.name}: {self.overall_accuracy:.2%} accuracy"
        matrix = np.asarray(self.confusion_matrix)
        figures = {"confusion_matrix": plots.plot_confusion_matrix(matrix, self.classes, title, show=show)}
        for key, (title, x_label, y_label, x, y) in _CURVES.items():
            curves = [
                (f"{c} ({a:.3f})" if key == "roc" else c, np.clip(np.asarray(cx, float), 0, 1), np.asarray(cy, float))
                for c, a, cx, cy in zip(self.classes, self.roc_auc, self[x], self[y], strict=True)
            ]
            figures[key] = plots.plot_curves(
                curves, f"{self.name}: {title}", x_label, y_label, diagonal=key == "roc", show=show
            )
        return self._write_plots(figures, show, output_dir)


def two_columns(scores: np.ndarray) -> np.ndarray:
    """Return scores with a column for each class: one column ``p`` of a binary model becomes ``1 - p, p``."""
    scores = scores.reshape(len(scores), -1)
    return np.hstack([1.0 - scores, scores]) if scores.shape[1] == 1 else scores


def _ranked(classes: list[str], values: list[float]) -> list[str]:
    order = sorted(range(len(classes)), key=lambda i: -np.nan_to_num(values[i], nan=-1))
    return [f"- {classes[i]} = " + ("no samples" if np.isnan(values[i]) else f"{values[i]:.3%}") for i in order]
