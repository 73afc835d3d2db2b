"""Results of a training run, and the report that ``mltk train`` shows at its end."""

from __future__ import annotations

import json
import math
import os
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mltk.errors import MissingDependencyError
from mltk.files import replacing, write_reports
from mltk.operations.results.evaluation import EvaluationResults
from mltk.operations.results.plain_data import plain_dict
from mltk.specification.model import MltkModel
from mltk.specification.weights import higher_is_better

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_NARROWEST = 60


@dataclass
class TrainingResults:
    """Results of a training run.

    Attributes:
        mltk_model: The specification.
        keras_model: The trained Keras model.
        history: Metric → its value after each epoch, from the first epoch on, also if the run resumed another.
        params: Number of epochs and of steps in an epoch.
        seed: Seed of all random generators.
        model_archive_path: Path of the archive; None if none was written.
        tflite_model: The quantized model; None if it was not quantized.
        weights_epoch: Epoch whose weights the trained model has, from 1; None if the weights are not those of an epoch.
        weights: Which weights the trained model has, in words.
    """

    mltk_model: MltkModel
    keras_model: Any
    history: dict[str, list[float]]
    params: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    model_archive_path: str | None = None
    tflite_model: TfliteModel | None = None
    weights_epoch: int | None = None
    weights: str = ""

    @property
    def epochs(self) -> list[int]:
        """Numbers of the epochs, from 0."""
        return list(range(max((len(v) for v in self.history.values()), default=0)))

    def get_best_metric(self) -> tuple[str, float]:
        """Return the monitored metric and its best value: the lowest loss, the highest accuracy."""
        name, value, _ = self.best()
        return name, value

    def best(self) -> tuple[str, float, int | None]:
        """Return the monitored metric, its best value, and the first epoch that has it, from 1.

        The epoch is None if there is no such metric, or if its values are not numbers.
        """
        options = getattr(self.mltk_model, "checkpoint", None) or {}
        wanted = options.get("monitor", "val_accuracy")
        nearest = [wanted, wanted.removeprefix("val_"), "val_accuracy", "accuracy", "val_loss", "loss"]
        name = next((c for c in [*nearest, *self.history] if self.history.get(c)), "")
        if not name:
            return "", float("nan"), None
        mode = options.get("mode", "auto") if name == wanted else "auto"
        values = self.history[name]
        numbers = [v for v in values if not math.isnan(v)]
        if not numbers:
            return name, float("nan"), None
        value = (max if higher_is_better(name, mode) else min)(numbers)
        # With validation_freq, a metric has fewer values than there are epochs.
        step = getattr(self.mltk_model, "validation_freq", 1) if len(values) < len(self.epochs) else 1
        return name, value, (values.index(value) + 1) * step

    def to_dict(self) -> dict[str, Any]:
        """Return the history as plain data for JSON."""
        facts = {"epochs": self.epochs, "params": self.params, "seed": self.seed, "history": self.history}
        facts["weights"] = {"epoch": self.weights_epoch, "description": self.weights}
        return plain_dict(facts)

    def to_json(self, indent: int = 2) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int = 120) -> str:
        """Return the figures that matter, and where the files are; lines are wrapped at ``width`` columns."""
        return report_training(self, [], width)

    def __str__(self) -> str:
        return self.to_text()

    def save(self, output: str, *, show: bool = False) -> list[str]:
        """Write the history.

        Args:
            output: A ``.json`` or ``.txt`` file, or a folder for both files and a plot. Without matplotlib, there is
                no plot.
            show: Also open a window with the plot.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
        contents = {"training-history.json": self.to_json(), "training-results.txt": self.to_text() + "\n"}
        written = write_reports(output, contents)
        if written == [output]:
            return written
        from mltk.operations.results.plots import plot_training_history

        path = os.path.join(output, "training-history.png")
        try:
            with replacing(path) as temporary:
                plot_training_history(self, temporary, show=show)
        except MissingDependencyError:
            return written
        return [*written, path]

    # Names of MLTK 0.20.
    asdict = to_dict


def report_training(
    results: TrainingResults, evaluations: Sequence[EvaluationResults], width: int | None = None
) -> str:
    """Return the figures of a training run and of the evaluations after it, and where the files are.

    Args:
        results: The results of the training run.
        evaluations: Results for the Keras model, then for the ``.tflite``.
        width: Number of columns; by default those of the terminal.
    """
    rows = [*_training_rows(results), *_evaluation_rows(evaluations), *_file_rows(results)]
    title_width = max(len(title) for title, _ in rows)
    columns = width or shutil.get_terminal_size().columns
    text_width = max(columns, _NARROWEST) - title_width - 2
    lines = []
    for title, text in rows:
        first, *others = textwrap.wrap(text, text_width, break_long_words=False, break_on_hyphens=False) or [""]
        lines += [f"{title:>{title_width}}  {first}", *(f"{'':>{title_width}}  {line}" for line in others)]
    return "\n".join(lines)


def _training_rows(results: TrainingResults) -> list[tuple[str, str]]:
    name, value, epoch = results.best()
    best = f"best {name} {value:.4g}{'' if epoch is None else f' after epoch {epoch}'}"
    rows = [
        ("model", f"{results.mltk_model.name}, version {results.mltk_model.version}"),
        ("training", f"{len(results.epochs)} epochs, {best}, seed {results.seed}"),
    ]
    return [*rows, ("weights", results.weights)] if results.weights else rows


def _evaluation_rows(evaluations: Sequence[EvaluationResults]) -> list[tuple[str, str]]:
    rows = []
    for evaluation in evaluations:
        is_keras = evaluation.get("engine") == "keras"
        rows.append(("Keras model" if is_keras else ".tflite model", _figures(evaluation)))
        if not is_keras and evaluation.get("engine") is not None:
            rows.append(("computed by", evaluation["engine_description"]))
            rows += [("note", note) for note in evaluation.get("notes", [])]
    if len(evaluations) == 2 and all("overall_accuracy" in e for e in evaluations):
        loss = evaluations[0]["overall_accuracy"] - evaluations[1]["overall_accuracy"]
        rows.append(("quantization", f"{'costs' if loss >= 0 else 'gains'} {abs(loss) * 100:.2f} points of accuracy"))
    return rows


def _file_rows(results: TrainingResults) -> list[tuple[str, str]]:
    rows = []
    tflite_model = results.tflite_model
    if tflite_model is not None:
        from mltk.tflite.model_parameters import stored_parameters

        memory = stored_parameters(tflite_model).get("runtime_memory_size") or 0
        needs = f", {memory:,} bytes of tensor arena" if memory else ""
        rows.append((".tflite size", f"{tflite_model.flatbuffer_size:,} bytes{needs}"))
    if results.model_archive_path:
        rows.append(("archive", _short_path(results.model_archive_path)))
    report = os.path.join(results.mltk_model.log_dir, "report.html")
    if os.path.isfile(report):
        rows.append(("report", _short_path(report)))
    rows.append(("logs", _short_path(results.mltk_model.log_dir)))
    return rows


def _figures(evaluation: EvaluationResults) -> str:
    if "overall_accuracy" in evaluation:
        return f"{evaluation['overall_accuracy']:.2%} accuracy on {evaluation['n_samples']} samples"
    shown = {k: v for k, v in evaluation.items() if isinstance(v, float)}
    return ", ".join(f"{k} {v:.4g}" for k, v in shown.items()) or "see the archive"


def _short_path(path: str) -> str:
    home = os.path.expanduser("~")
    relative = os.path.relpath(path)
    if not relative.startswith(".."):
        return relative
    return "~" + path[len(home) :] if path.startswith(home + os.sep) else path
