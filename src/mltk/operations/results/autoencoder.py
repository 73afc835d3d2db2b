"""Results of evaluating an autoencoder: how well it tells normal from abnormal samples."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from mltk.operations.results.evaluation import EvaluationResults, FigureOf, compute_curves, metrics_module


class AutoEncoderEvaluationResults(EvaluationResults):
    """Evaluation of an autoencoder: how well the reconstruction error separates normal from abnormal samples.

    Args:
        name: The model's name.
        classes: Class labels, the normal class first.
        kwargs: More figures.
    """

    classes = FigureOf[list[str]]()
    """The normal class first, then the abnormal classes."""
    class_stats = FigureOf[dict[str, dict[str, Any]]]()
    """For each abnormal class, the figures against the normal class."""
    overall_accuracy = FigureOf[float]()
    """Highest share of samples classified correctly, over all thresholds."""
    overall_best_threshold = FigureOf[float]()
    """Threshold of the score with the highest accuracy; a sample with this score or a higher one is abnormal."""
    overall_precision = FigureOf[np.ndarray]()
    """Precision at each threshold."""
    overall_recall = FigureOf[np.ndarray]()
    """Recall at each threshold."""
    overall_pr_accuracy = FigureOf[float]()
    """Area under the precision-recall curve."""
    overall_tpr = FigureOf[np.ndarray]()
    """True positive rate at each threshold."""
    overall_fpr = FigureOf[np.ndarray]()
    """False positive rate at each threshold."""
    overall_roc_auc = FigureOf[float]()
    """Area under the ROC curve."""
    overall_thresholds = FigureOf[np.ndarray]()
    """Thresholds of the score, descending."""

    def __init__(self, name: str = "my_model", classes: list[str] | None = None, **kwargs: Any) -> None:
        kwargs.pop("model_type", None)
        super().__init__(name=name, model_type="auto_encoder", classes=list(classes or []), **kwargs)

    def calculate(
        self, y: np.ndarray, y_pred: np.ndarray, all_scores: np.ndarray, thresholds: list[float] | None = None
    ) -> None:
        """Compute all figures.

        Args:
            y: Class indices ``[samples]``; 0 is normal.
            y_pred: For compatibility with MLTK 0.20; ignored.
            all_scores: Reconstruction error ``[samples]``; higher is more abnormal.
            thresholds: Scores to evaluate at; by default every score that occurs.

        Raises:
            MissingDependencyError: scikit-learn is not installed.
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
        """Return the accuracy and the areas under the curves, overall and by abnormal class."""
        lines = [super().generate_summary(include_all=False)]
        best = self.get("overall_best_threshold")  # which results of older archives do not have
        threshold = "" if best is None or not np.isfinite(best) else f" (abnormal: a score of {best:.6g} or more)"
        lines.append(f"Overall accuracy: {self.overall_accuracy:.3%}{threshold}")
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
        return self._write_plots({"roc": figure}, show, output_dir)


def _anomaly_figures(abnormal: np.ndarray, scores: np.ndarray, thresholds: list[float] | None) -> dict[str, Any]:
    fpr, tpr, found, auc, precision, recall = compute_curves(abnormal, scores)
    if thresholds is not None:
        found = np.sort(np.asarray(thresholds, dtype=np.float64))[::-1]
        above = scores[None] >= found[:, None]
        tpr = above[:, abnormal].mean(axis=1) if abnormal.any() else np.zeros(len(found))
        fpr = above[:, ~abnormal].mean(axis=1) if (~abnormal).any() else np.zeros(len(found))
    share = abnormal.mean() if len(abnormal) else 0.0
    accuracy = tpr * share + (1 - fpr) * (1 - share)
    area = float(metrics_module().auc(recall, precision)) if len(recall) > 1 else float("nan")
    return {
        "accuracy": float(accuracy.max()) if len(accuracy) else float("nan"),
        "best_threshold": float(found[accuracy.argmax()]) if len(accuracy) else float("nan"),
        "precision": precision,
        "recall": recall,
        "pr_accuracy": area,
        "tpr": tpr,
        "fpr": fpr,
        "roc_auc": auc,
        "thresholds": found,
    }
