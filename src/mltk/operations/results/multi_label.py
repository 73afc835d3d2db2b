"""Results of evaluating a model for which any number of labels is true at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.operations.results.evaluation import EvaluationResults, metrics_module

_THRESHOLD = 0.5


class MultiLabelEvaluationResults(EvaluationResults):
    """Figures of each label by itself. A label is predicted where its score is at least 0.5.

    Args:
        name: Name of the model.
        classes: Names of the labels.
        kwargs: Other figures.
    """

    def __init__(self, name: str, classes: list[str], **kwargs: Any) -> None:
        super().__init__(name, "multi_label_classification", classes=list(classes), **kwargs)

    def calculate(self, y: npt.NDArray[Any], y_pred: npt.NDArray[Any]) -> None:
        """Compute all figures.

        Args:
            y: Zeros and ones ``[samples, labels]``.
            y_pred: Scores from 0 to 1 ``[samples, labels]``.
        """
        metrics = metrics_module()
        truth, scores = np.asarray(y) > _THRESHOLD, np.asarray(y_pred, np.float64)
        right = truth == (scores >= _THRESHOLD)
        self["n_samples"] = len(truth)
        self["label_accuracies"] = right.mean(axis=0).tolist()
        self["label_shares"] = truth.mean(axis=0).tolist()
        self["mean_label_accuracy"] = float(right.mean())
        self["exact_match_accuracy"] = float(right.all(axis=1).mean())
        self["roc_auc"] = [
            float(metrics.roc_auc_score(t, s)) if 0 < t.sum() < len(t) else float("nan")
            for t, s in zip(truth.T, scores.T, strict=True)
        ]

    def generate_summary(self, include_all: bool = True) -> str:
        """Return the figures in words: each label by itself, and the share of samples with all labels right."""
        lines = [super().generate_summary(include_all=False)]
        lines.append(f"All labels right: {self['exact_match_accuracy']:.3%} of the samples")
        lines.append("Each label: accuracy at a threshold of 0.5, area under the ROC curve, share of the samples")
        width = max((len(c) for c in self["classes"]), default=0)
        rows = zip(self["classes"], self["label_accuracies"], self["roc_auc"], self["label_shares"], strict=True)
        for name, accuracy, area, share in rows:
            auc = "unknown" if np.isnan(area) else f"{area:.4f}"
            lines.append(f"  {name:<{width}}  {accuracy:8.3%}  {auc:>7}  {share:7.2%}")
        return "\n".join(lines)
