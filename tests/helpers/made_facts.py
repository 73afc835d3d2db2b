"""Facts for reports, computed from made-up scores by the same functions that an evaluation uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.operations.results.autoencoder import AutoEncoderEvaluationResults
from mltk.operations.results.classifier import ClassifierEvaluationResults
from mltk.operations.results.evidence import anomaly_evidence, classifier_evidence
from mltk.report.facts import EvaluationFacts, ModelFacts

CLASSES = ["cat", "dog", "<b>owl</b>"]


def made_scores(n: int = 300, n_classes: int = 3, seed: int = 0) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return class indices ``[n]`` and scores ``[n, n_classes]`` in steps of 1/256, as an int8 softmax has them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(n_classes, size=n)
    scores = rng.dirichlet(np.full(n_classes, 0.6), size=n) * 0.6 + 0.4 * np.eye(n_classes)[truth]
    return truth, np.round(scores * 256).clip(0, 255) / 256


def classifier_facts(key: str = "tflite", seed: int = 0, classes: Sequence[str] = CLASSES) -> EvaluationFacts:
    """Return an evaluation of a classifier, with one mistake to show."""
    truth, scores = made_scores(n_classes=len(classes), seed=seed)
    results = ClassifierEvaluationResults(
        "made", list(classes), engine="exact-batched", engine_description="exact kernels"
    )
    results.calculate(truth, scores)
    evidence = classifier_evidence(classes, truth, scores)
    evidence.samples = [
        {
            "number": 7, "name": "owl/<i>1</i>.wav", "true": 0, "predicted": 1, "scores": [[1, 0.9], [0, 0.1]],
            "media": {"curves": [[0.0, 1.0, -1.0]]},
        }
    ]  # fmt: skip
    return EvaluationFacts(key, results.to_dict(), evidence.to_dict())


def anomaly_facts() -> EvaluationFacts:
    """Return an evaluation of an autoencoder."""
    rng = np.random.default_rng(1)
    truth = np.repeat([0, 1, 2], 60)
    scores = rng.gamma(2.0, 1.0, 180) + 3.0 * (truth > 0)
    results = AutoEncoderEvaluationResults("made", ["good", "worn", "broken"])
    results.calculate(truth, np.array([]), scores)
    evidence = anomaly_evidence(results.classes, truth, scores, results.overall_best_threshold)
    return EvaluationFacts("tflite", results.to_dict(), evidence.to_dict())


def made_facts(name: str = "made", **changes: Any) -> ModelFacts:
    """Return the facts of a classifier that was trained and evaluated."""
    facts: dict[str, Any] = {
        "name": name,
        "command": name,
        "manifest": {"name": name, "description": "Knows <i>animals</i>", "model_version": 2,
                     "versions": {"openmltk": "1"}, "settings": {"classes": CLASSES, "epochs": 3}, "epochs": 3,
                     "seed": 4},
        "history": {"loss": [2.0, 1.0, 0.5], "val_loss": [2.1, 1.2, 1.3], "accuracy": [0.4, 0.6, 0.9],
                    "val_accuracy": [0.4, 0.6, 0.7]},
        "weights": {"epoch": 2, "description": "of epoch 2, the best by val_loss"},
        "evaluations": (classifier_facts("tflite"), classifier_facts("keras", seed=1)),
    }  # fmt: skip
    return ModelFacts(**{**facts, **changes})
