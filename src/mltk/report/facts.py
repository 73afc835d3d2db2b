"""What a report shows of a model, as plain data. ``operations/report.py`` collects it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Plain = Mapping[str, Any]
"""An object of JSON."""

_TITLES = {"keras": "Keras model", "tflite": ".tflite model"}


@dataclass(frozen=True)
class EvaluationFacts:
    """One evaluation.

    Attributes:
        key: Name of its folder in the archive: ``"keras"``, ``"tflite"``, or one of both with the name of a dataset.
        results: The content of ``eval-results.json``.
        evidence: The content of ``evidence.json``; None without one.
    """

    key: str
    results: Plain
    evidence: Plain | None = None

    @property
    def is_tflite(self) -> bool:
        """Whether the ``.tflite`` was evaluated."""
        return self.key.startswith("tflite")

    @property
    def n_samples(self) -> int:
        """Number of samples; 0 if it is not known. Results of MLTK 0.20 have only the confusion matrix."""
        n = self.results.get("n_samples") or sum(map(sum, self.results.get("confusion_matrix") or []))
        return int(n) if n == int(n) else 0

    @property
    def is_own_data(self) -> bool:
        """Whether the data are a folder that was named in the command, and not those of the specification."""
        return self.key not in _TITLES

    @property
    def title(self) -> str:
        """What was evaluated."""
        kind, _, folder = self.key.partition("-")
        return f"{_TITLES.get(kind, kind)} on {folder}" if folder else _TITLES.get(kind, kind)


@dataclass(frozen=True)
class ModelFacts:
    """One model.

    Attributes:
        name: Its name.
        command: What stands for the model in commands.
        manifest: The content of ``manifest.json``.
        history: Metric → its value after each epoch.
        weights: Epoch of the weights, and their description.
        evaluations: The evaluations, in the order in which they are shown.
        costs: `ProfilingModelResults.to_dict` for each target.
        memory: `MemoryPlan.to_dict`.
        parity: `ParityResults.to_dict`.
        quantization: `QuantizationReport.to_dict`.
        stream: The content of ``eval-results.json`` of `evaluate_stream`; None if no stream was evaluated.
        tflite_bytes: Size of the ``.tflite``.
        arena_bytes: Size of the tensor arena.
        arena_source: Where `arena_bytes` comes from.
        source: The text of the specification.
        missing: What could not be read, in sentences.
        has_archive: Whether there is an archive; False for a ``.tflite`` alone.
    """

    name: str
    command: str
    manifest: Plain = field(default_factory=dict)
    history: Mapping[str, list[float]] = field(default_factory=dict)
    weights: Plain = field(default_factory=dict)
    evaluations: tuple[EvaluationFacts, ...] = ()
    costs: tuple[Plain, ...] = ()
    memory: Plain | None = None
    parity: Plain | None = None
    quantization: Plain | None = None
    stream: Plain | None = None
    tflite_bytes: int | None = None
    arena_bytes: int | None = None
    arena_source: str = ""
    source: str = ""
    missing: tuple[str, ...] = ()
    has_archive: bool = True

    @property
    def main_evaluation(self) -> EvaluationFacts | None:
        """The evaluation that counts: that of the ``.tflite``, otherwise that of the Keras model."""
        known = {e.key: e for e in self.evaluations}
        return known.get("tflite") or known.get("keras") or next(iter(self.evaluations), None)

    def evaluation(self, key: str) -> EvaluationFacts | None:
        """Return the evaluation of this key."""
        return next((e for e in self.evaluations if e.key == key), None)
