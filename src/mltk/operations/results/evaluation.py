"""What came of an evaluation: figures as a dict, a summary to read, plots."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import numpy as np

from mltk.errors import MissingDependencyError
from mltk.files import replacing, write_file


class EvaluationResults(dict):
    """Figures of an evaluation, by name.

    Args:
        name: the model's name.
        model_type: ``"classification"``, ``"auto_encoder"`` or what a custom evaluation calls it.
        kwargs: the figures.
    """

    def __init__(self, name: str, model_type: str = "generic", **kwargs: Any) -> None:
        super().__init__(name=name, model_type=model_type, **kwargs)

    @property
    def name(self) -> str:
        """The model's name."""
        return self["name"]

    @property
    def model_type(self) -> str:
        """Kind of model."""
        return self["model_type"]

    def generate_summary(self, include_all: bool = True) -> str:
        """The figures in words, a line each."""
        lines = [f"Name: {self.name}", f"Model Type: {self.model_type}"]
        lines += self._engine_lines()
        if include_all:
            shown = {"name", "model_type", "engine", "engine_description", "notes"}
            lines += [f"{k}: {_short(v)}" for k, v in self.items() if k not in shown]
        return "\n".join(lines)

    def _engine_lines(self) -> list[str]:
        lines = []
        if self.get("engine_description"):
            lines.append(f"Computed by: {self['engine_description']}")
        if self.get("n_samples"):
            lines.append(f"Samples: {self['n_samples']}")
        return lines + [f"Note: {note}" for note in self.get("notes", [])]

    def generate_plots(
        self, show: bool = True, output_dir: str | None = None, logger: logging.Logger | None = None
    ) -> list[str]:
        """Draw the plots; those written to ``output_dir`` are listed."""
        return []

    def to_json(self) -> str:
        """The figures as JSON."""
        return json.dumps({k: without_nan(v) for k, v in self.items()}, indent=1, default=str)

    def save(self, folder: str) -> None:
        """Write ``eval-results.json`` and ``summary.txt`` into ``folder``."""
        os.makedirs(folder, exist_ok=True)
        write_file(os.path.join(folder, "eval-results.json"), self.to_json())
        write_file(os.path.join(folder, "summary.txt"), self.generate_summary() + "\n")

    def __str__(self) -> str:
        return self.generate_summary()


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 200 else text[:197] + "…"


def without_nan(value: Any) -> Any:
    """``value`` as JSON can hold it: NumPy's arrays and numbers as Python's, NaN and infinity as None."""
    if isinstance(value, np.ndarray):
        return without_nan(value.tolist())
    if isinstance(value, np.generic):
        return without_nan(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None  # NaN and infinity are not JSON
    if isinstance(value, dict):
        return {str(k): without_nan(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(v) for v in value]
    return value


def metrics_module() -> Any:
    """``sklearn.metrics``.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    try:
        from sklearn import metrics
    except ImportError:
        raise MissingDependencyError("scikit-learn", "train") from None
    return metrics


class ClassifierEvaluationResults(EvaluationResults):
    """Evaluation of a classifier; definitions are those of :mod:`sklearn.metrics`.

    For each class, the curves take it as positive and all others as negative.
    """

    def __init__(self, name: str = "my_model", classes: list[str] | None = None, **kwargs: Any) -> None:
        kwargs.pop("model_type", None)
        super().__init__(name=name, model_type="classification", classes=list(classes or []), **kwargs)

    @property
    def classes(self) -> list[str]:
        """Class labels."""
        return self["classes"]

    @property
    def overall_accuracy(self) -> float:
        """Share of samples whose highest score is that of their class."""
        return self["overall_accuracy"]

    @property
    def class_accuracies(self) -> list[float]:
        """For each class, share of its samples classified as it (recall); NaN without samples."""
        return self["class_accuracies"]

    @property
    def confusion_matrix(self) -> np.ndarray:
        """Counts ``[true class, predicted class]``."""
        return self["confusion_matrix"]

    @property
    def fpr(self) -> list[np.ndarray]:
        """For each class, the false positive rate at each of its thresholds."""
        return self["fpr"]

    @property
    def false_positive_rate(self) -> float:
        """Share of other classes' samples taken for a class, over all classes."""
        return self["false_positive_rate"]

    @property
    def tpr(self) -> list[np.ndarray]:
        """For each class, the true positive rate at each of its thresholds."""
        return self["tpr"]

    @property
    def roc_thresholds(self) -> list[np.ndarray]:
        """For each class, the thresholds of :attr:`fpr` and :attr:`tpr`, descending."""
        return self["roc_thresholds"]

    @property
    def roc_auc(self) -> list[float]:
        """For each class, the area under its ROC curve; NaN when it or all others have no samples."""
        return self["roc_auc"]

    @property
    def roc_auc_avg(self) -> float:
        """Mean of :attr:`roc_auc` over the classes that have one."""
        return self["roc_auc_avg"]

    @property
    def precision(self) -> list[np.ndarray]:
        """For each class, the precision along its precision-recall curve."""
        return self["precision"]

    @property
    def recall(self) -> list[np.ndarray]:
        """For each class, the recall along its precision-recall curve."""
        return self["recall"]

    def calculate(self, y: np.ndarray | list, y_pred: np.ndarray | list) -> None:
        """Compute all figures.

        Args:
            y: class indices ``[samples]``, or one-hot ``[samples, classes]``.
            y_pred: scores ``[samples, classes]``, or ``[samples, 1]`` of the second of two classes.
        """
        from mltk.data.iterate import class_indices

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
        curves = [_curves(metrics, truth == c, scores[:, c]) for c in range(n_classes)]
        for i, key in enumerate(("fpr", "tpr", "roc_thresholds", "roc_auc", "precision", "recall")):
            self[key] = [curve[i] for curve in curves]
        areas = np.array(self["roc_auc"])
        self["roc_auc_avg"] = float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan")

    def generate_summary(self, include_all: bool = True) -> str:
        """Accuracy and area under the ROC curve, overall and by class, best first."""
        lines = [super().generate_summary(include_all=False)]
        lines.append(f"Overall accuracy: {self.overall_accuracy:.3%}")
        lines.append("Class accuracies:")
        lines += _ranked(self.classes, self.class_accuracies)
        lines.append(f"Average ROC AUC: {self.roc_auc_avg:.3%}")
        lines.append("Class ROC AUC:")
        lines += _ranked(self.classes, self.roc_auc)
        return "\n".join(lines)

    def generate_plots(
        self, show: bool = True, output_dir: str | None = None, logger: logging.Logger | None = None
    ) -> list[str]:
        """Draw the confusion matrix, ROC, precision against recall, and TPR and FPR against the threshold."""
        from mltk.operations.results import plots

        figures = {
            "confusion_matrix": plots.plot_confusion_matrix(
                np.asarray(self.confusion_matrix),
                self.classes,
                f"{self.name}: {self.overall_accuracy:.2%} accuracy",
                show=show,
            )
        }
        specs = {
            "roc": ("ROC", "false positive rate", "true positive rate", "fpr", "tpr"),
            "precision_vs_recall": ("precision and recall", "recall", "precision", "recall", "precision"),
            "tpr": ("true positive rate", "threshold", "true positive rate", "roc_thresholds", "tpr"),
            "fpr": ("false positive rate", "threshold", "false positive rate", "roc_thresholds", "fpr"),
        }
        for key, (title, x_label, y_label, x, y) in specs.items():
            curves = [
                (f"{c} ({a:.3f})" if key == "roc" else c, np.clip(np.asarray(cx, float), 0, 1), np.asarray(cy, float))
                for c, a, cx, cy in zip(self.classes, self.roc_auc, self[x], self[y], strict=True)
            ]
            figures[key] = plots.plot_curves(
                curves, f"{self.name}: {title}", x_label, y_label, diagonal=key == "roc", show=show
            )
        written = []
        if output_dir:
            os.makedirs(output_dir, exist_ok=True)
            for key, figure in figures.items():
                path = os.path.join(output_dir, f"{self.name}-{key}.png")
                with replacing(path) as temporary:
                    plots.save(figure, temporary)
                written.append(path)
        self._figures = figures
        if show:
            plots.show_all()
        return written


def two_columns(scores: np.ndarray) -> np.ndarray:
    """Scores with a column for each class: one column ``p`` of a binary model becomes ``1 - p, p``."""
    scores = scores.reshape(len(scores), -1)
    return np.hstack([1.0 - scores, scores]) if scores.shape[1] == 1 else scores


def _curves(metrics: Any, positive: np.ndarray, scores: np.ndarray) -> tuple:
    """``fpr, tpr, thresholds, auc, precision, recall`` of one class."""
    if positive.all() or not positive.any():
        empty = np.array([])
        return empty, empty, empty, float("nan"), empty, empty
    fpr, tpr, thresholds = metrics.roc_curve(positive, scores)
    precision, recall, _ = metrics.precision_recall_curve(positive, scores, drop_intermediate=True)
    return fpr, tpr, thresholds, float(metrics.auc(fpr, tpr)), precision, recall


def _ranked(classes: list[str], values: list[float]) -> list[str]:
    order = sorted(range(len(classes)), key=lambda i: -np.nan_to_num(values[i], nan=-1))
    return [f"- {classes[i]} = " + ("no samples" if np.isnan(values[i]) else f"{values[i]:.3%}") for i in order]


class AutoEncoderEvaluationResults(EvaluationResults):
    """Evaluation of an autoencoder: how well the reconstruction error tells normal samples from abnormal ones."""

    def __init__(self, name: str = "my_model", classes: list[str] | None = None, **kwargs: Any) -> None:
        kwargs.pop("model_type", None)
        super().__init__(name=name, model_type="auto_encoder", classes=list(classes or []), **kwargs)

    @property
    def classes(self) -> list[str]:
        """The normal class first, then the abnormal ones."""
        return self["classes"]

    @property
    def class_stats(self) -> dict[str, dict[str, Any]]:
        """For each abnormal class, the figures against the normal class."""
        return self["class_stats"]

    @property
    def overall_accuracy(self) -> float:
        """Best share of samples told rightly, over all thresholds."""
        return self["overall_accuracy"]

    @property
    def overall_precision(self) -> np.ndarray:
        """Precision at each threshold."""
        return self["overall_precision"]

    @property
    def overall_recall(self) -> np.ndarray:
        """Recall at each threshold."""
        return self["overall_recall"]

    @property
    def overall_pr_accuracy(self) -> float:
        """Area under the precision-recall curve."""
        return self["overall_pr_accuracy"]

    @property
    def overall_tpr(self) -> np.ndarray:
        """True positive rate at each threshold."""
        return self["overall_tpr"]

    @property
    def overall_fpr(self) -> np.ndarray:
        """False positive rate at each threshold."""
        return self["overall_fpr"]

    @property
    def overall_roc_auc(self) -> float:
        """Area under the ROC curve."""
        return self["overall_roc_auc"]

    @property
    def overall_thresholds(self) -> np.ndarray:
        """Thresholds of the score, descending."""
        return self["overall_thresholds"]

    def calculate(
        self, y: np.ndarray, y_pred: np.ndarray, all_scores: np.ndarray, thresholds: list[float] | None = None
    ) -> None:
        """Compute all figures.

        Args:
            y: class indices ``[samples]``; 0 is normal.
            y_pred: kept for 0.20's sake; the decoded samples.
            all_scores: reconstruction error ``[samples]``; higher is more abnormal.
            thresholds: evaluate at these scores; by default at each that occurs.
        """
        y = np.asarray(y)
        scores = np.asarray(all_scores, dtype=np.float64)
        self["n_samples"] = len(y)
        overall = _anomaly_figures(y != 0, scores, thresholds)
        self.update({f"overall_{k}": v for k, v in overall.items()})
        self["class_stats"] = {}
        for index, name in enumerate(self.classes):
            if index and (y == index).any():
                part = (y == 0) | (y == index)
                self["class_stats"][name] = _anomaly_figures(y[part] != 0, scores[part], thresholds)

    def generate_summary(self, include_all: bool = True) -> str:
        """Accuracy and area under the curves, overall and by abnormal class."""
        lines = [super().generate_summary(include_all=False)]
        lines.append(f"Overall accuracy: {self.overall_accuracy:.3%}")
        lines.append(f"Precision/recall accuracy: {self.overall_pr_accuracy:.3%}")
        lines.append(f"Overall ROC AUC: {self.overall_roc_auc:.3%}")
        lines += [f"- {n} = {s['roc_auc']:.3%} ROC AUC" for n, s in self.class_stats.items()]
        return "\n".join(lines)

    def generate_plots(
        self, show: bool = True, output_dir: str | None = None, logger: logging.Logger | None = None
    ) -> list[str]:
        """Draw the ROC curve of each abnormal class."""
        from mltk.operations.results import plots

        curves = [
            (f"{n} ({s['roc_auc']:.3f})", np.asarray(s["fpr"]), np.asarray(s["tpr"]))
            for n, s in self.class_stats.items()
        ]
        figure = plots.plot_curves(
            curves, f"{self.name}: ROC", "false positive rate", "true positive rate", diagonal=True, show=show
        )
        written = []
        if output_dir:
            os.makedirs(output_dir, exist_ok=True)
            path = os.path.join(output_dir, f"{self.name}-roc.png")
            with replacing(path) as temporary:
                plots.save(figure, temporary)
            written.append(path)
        if show:
            plots.show_all()
        return written


def _anomaly_figures(abnormal: np.ndarray, scores: np.ndarray, thresholds: list[float] | None) -> dict[str, Any]:
    metrics = metrics_module()
    fpr, tpr, found, auc, precision, recall = _curves(metrics, abnormal, scores)
    if thresholds is not None:
        found = np.sort(np.asarray(thresholds, dtype=np.float64))[::-1]
        above = scores[None] >= found[:, None]
        tpr = above[:, abnormal].mean(axis=1) if abnormal.any() else np.zeros(len(found))
        fpr = above[:, ~abnormal].mean(axis=1) if (~abnormal).any() else np.zeros(len(found))
    share = abnormal.mean() if len(abnormal) else 0.0
    accuracy = tpr * share + (1 - fpr) * (1 - share)
    area = float(metrics.auc(recall, precision)) if len(recall) > 1 else float("nan")
    return {
        "accuracy": float(accuracy.max()) if len(accuracy) else float("nan"),
        "precision": precision,
        "recall": recall,
        "pr_accuracy": area,
        "tpr": tpr,
        "fpr": fpr,
        "roc_auc": auc,
        "thresholds": found,
    }
