"""What a person wants to know after a training, on one screen."""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import Any


def report_training(results: Any, evaluations: list[Any]) -> str:
    """The figures that matter and where the files are.

    Args:
        results: a :class:`~mltk.operations.train.TrainingResults`.
        evaluations: of the Keras model and of the ``.tflite``.
    """
    name, value = results.get_best_metric()
    rows = [("model", f"{results.mltk_model.name}, version {results.mltk_model.version}")]
    rows.append(("training", f"{len(results.epochs)} epochs, best {name} {value:.4g}, seed {results.seed}"))
    for evaluation in evaluations:
        rows.append((_kind(evaluation), _figures(evaluation)))
        if evaluation.get("engine") not in (None, "keras"):
            rows.append(("computed by", evaluation["engine_description"]))
    if len(evaluations) == 2 and all("overall_accuracy" in e for e in evaluations):
        loss = evaluations[0]["overall_accuracy"] - evaluations[1]["overall_accuracy"]
        rows.append(("quantization", f"{'costs' if loss >= 0 else 'gains'} {abs(loss) * 100:.2f} points of accuracy"))
    tflite_model = results.tflite_model
    if tflite_model is not None:
        from mltk.tflite.model_parameters import stored_parameters

        memory = stored_parameters(tflite_model).get("runtime_memory_size") or 0
        needs = f", {memory:,} bytes of tensor arena" if memory else ""
        rows.append((".tflite size", f"{tflite_model.flatbuffer_size:,} bytes{needs}"))
    if results.model_archive_path:
        rows.append(("archive", _short_path(results.model_archive_path)))
    rows.append(("logs", _short_path(results.mltk_model.log_dir)))
    width = max(len(k) for k, _ in rows)
    room = max(shutil.get_terminal_size().columns, 60) - width - 2
    lines = [
        f"{k:>{width}}  " + f"\n{'':>{width}}  ".join(textwrap.wrap(v, room, break_long_words=False)) for k, v in rows
    ]
    return "\n" + "\n".join(lines)


def _kind(evaluation: Any) -> str:
    return "Keras model" if evaluation.get("engine") == "keras" else ".tflite model"


def _figures(evaluation: Any) -> str:
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
