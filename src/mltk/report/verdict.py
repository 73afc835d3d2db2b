"""What a reader should know first: a sentence, and what is good, odd or wrong, as far as the figures say it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.report.numbers import count, duration, figure, interval, percent, rate

Note = tuple[str, str]
"""Level and text; see `mltk.report.blocks.notes`."""
_FEW_SAMPLES, _LOW_RECALL, _COSTLY, _VERY_COSTLY, _GAP = 30, 0.8, 0.01, 0.05, 0.1
_MANY_FALSE_ACCEPTS = 5.0
"""In an hour."""
_FEW_MISTAKES, _FEW_MISTAKES_SHARE, _FALSE_ALARMS = 3, 0.05, 0.05
_DEVICE_ENGINES = ("tflm", "exact", "c")


def headline(facts: ModelFacts) -> str:
    """Return the main result in a sentence or two."""
    evaluation = facts.main_evaluation
    if not facts.has_archive:
        return "This is a .tflite without its archive: how it was trained and how good it is, is not known."
    if evaluation is None:
        return "The model is trained, but not evaluated."
    results, n = evaluation.results, evaluation.n_samples
    what = f"The {evaluation.title}"
    accuracy = results.get("overall_accuracy")
    if accuracy is None:
        accuracy = results.get("exact_match_accuracy")
        if accuracy is None or not n:
            return f"{what} is evaluated{f' on {n:,} samples' if n else ''}."
        return f"{what} finds all labels of {percent(accuracy)} of {n:,} samples." + _between(accuracy, n)
    if results.get("model_type") == "auto_encoder":
        area = percent(results.get("overall_roc_auc"))
        return (
            f"{what} separates normal from abnormal samples with an area under the ROC curve of {area}. With the best "
            f"threshold for these {n:,} samples, {percent(accuracy)} are classified correctly."
        )
    if not n:
        return f"{what} classifies {percent(accuracy)} of the samples correctly. The archive does not say how many."
    return f"{what} classifies {percent(accuracy)} of {n:,} samples correctly.{_between(accuracy, n)}"


def _between(accuracy: float, n: int) -> str:
    low, high = interval(accuracy, n)
    return f" With 95 % certainty, the true share is between {percent(low)} and {percent(high)}."


def verdict(facts: ModelFacts) -> list[Note]:
    """Return what the figures say about the model, the most important first."""
    order = {"bad": 0, "warn": 1, "good": 2, "": 3}
    parts = (_of_quantization, _of_engines, _of_classes, _of_anomalies, _of_stream, _of_training, _of_data)
    found = [note for part in parts for note in part(facts)]
    found += [("warn", text) for text in facts.missing]
    return sorted(found, key=lambda note: order[note[0]])


def _of_quantization(facts: ModelFacts) -> Iterator[Note]:
    keras, tflite = facts.evaluation("keras"), facts.evaluation("tflite")
    if keras is None or tflite is None:
        return
    before, after = (e.results.get("overall_accuracy") for e in (keras, tflite))
    if before is None or after is None:
        return
    loss = before - after
    level = "bad" if loss >= _VERY_COSTLY else "warn" if loss >= _COSTLY else "good"
    if loss == 0:
        yield level, "Quantization costs no accuracy."
        return
    verb = "costs" if loss > 0 else "gains"
    n = tflite.n_samples
    samples = f" ({round(abs(loss) * n):,} of {n:,} samples)" if n and n == keras.n_samples else ""
    yield level, f"Quantization {verb} {abs(loss) * 100:.2f} points of accuracy{samples}."


def _of_engines(facts: ModelFacts) -> Iterator[Note]:
    tflite = facts.evaluation("tflite")
    if tflite is not None:
        engine = str(tflite.results.get("engine", ""))
        if engine.startswith(_DEVICE_ENGINES):
            yield (
                "good",
                "The .tflite was evaluated with the rounding of TensorFlow Lite Micro, as the device computes.",
            )
        elif engine:
            yield (
                "warn",
                (
                    f"The .tflite was evaluated with {tflite.results.get('engine_description', engine)}, not with "
                    "TensorFlow Lite Micro. A device may compute other values."
                ),
            )
        else:
            yield "warn", "The archive does not say what computed the .tflite. A device may compute other values."
        for note in tflite.results.get("notes") or []:
            yield "", str(note)
    yield from _of_parity(facts)


def _of_parity(facts: ModelFacts) -> Iterator[Note]:
    for compared in ((facts.parity or {}).get("engines") or {}).get("comparisons") or []:
        is_host = compared.get("engine") == "litert-reference" and compared.get("reference") == "tflm"
        if is_host and compared["share"]:
            differ = percent(compared["share"], 2)
            yield (
                "",
                (
                    f"LiteRT's reference kernels differ from TensorFlow Lite Micro in {differ} of the output values: "
                    "figures that LiteRT computes are not those of the device."
                ),
            )


def _of_classes(facts: ModelFacts) -> Iterator[Note]:
    evaluation = facts.main_evaluation
    if evaluation is None or evaluation.results.get("model_type") != "classification":
        return
    results = evaluation.results
    classes, recalls, matrix = results["classes"], results["class_accuracies"], results["confusion_matrix"]
    totals = [sum(row) for row in matrix]
    known = [(recall, name) for recall, name in zip(recalls, classes, strict=True) if recall is not None]
    if known:
        recall, name = min(known)
        if recall < _LOW_RECALL:
            yield "warn", f"Only {percent(recall)} of the samples of {name!r} are recognized, the least of all classes."
    worst = _worst_confusion(matrix)
    if worst is not None and worst[0] >= max(_FEW_MISTAKES, _FEW_MISTAKES_SHARE * totals[worst[1]]):
        n, i, j = worst
        yield (
            "",
            f"The most frequent mistake: {n} of {totals[i]} samples of {classes[i]!r} are taken for {classes[j]!r}.",
        )
    few = [name for name, total in zip(classes, totals, strict=True) if total < _FEW_SAMPLES]
    if few:
        shown = ", ".join(map(repr, few[:5])) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        yield "warn", f"There are fewer than {_FEW_SAMPLES} samples of {shown}: the figures of these classes are rough."
    accuracy, share = results.get("overall_accuracy"), max(totals, default=0) / max(1, sum(totals))
    if share == 1:
        name = classes[totals.index(max(totals))]
        yield (
            "warn",
            f"All samples of the evaluation are of the class {name!r}: the accuracy says nothing about others.",
        )
    elif accuracy is not None and accuracy <= share:
        yield (
            "bad",
            (
                f"Always answering {classes[totals.index(max(totals))]!r} would be right for {percent(share)} of the "
                "samples: the model has learned nothing useful."
            ),
        )


def _of_anomalies(facts: ModelFacts) -> Iterator[Note]:
    evaluation = facts.main_evaluation
    if evaluation is None or evaluation.evidence is None or evaluation.evidence.get("kind") != "anomaly":
        return
    evidence, best = evaluation.evidence, evaluation.results.get("overall_best_threshold")
    if best is None:
        return
    above = [i for i, edge in enumerate(evidence["edges"][:-1]) if edge >= best]
    counts = evidence["positive"]
    normal, alarms = sum(counts[0]), sum(counts[0][i] for i in above)
    if normal:
        level = "warn" if alarms > _FALSE_ALARMS * normal else "good"
        yield (
            level,
            (
                f"At the threshold with the highest accuracy, {alarms:,} of {normal:,} normal samples "
                f"({percent(alarms / normal)}) are taken for abnormal."
            ),
        )
    for name, row in list(zip(evidence["classes"], counts, strict=True))[1:]:
        total, found = sum(row), sum(row[i] for i in above)
        if total and found < _LOW_RECALL * total:
            yield "warn", f"Only {percent(found / total)} of the samples of {name!r} are found at this threshold."


def _of_stream(facts: ModelFacts) -> Iterator[Note]:
    stream = facts.stream
    if stream is None:
        return
    accepts, rejects = stream["false_accepts_per_hour"], stream.get("false_reject_rate") or 0.0
    text = f"In {duration(float(stream['hours']))} of audio, the detector is wrong {_times(stream, accepts)}"
    if stream["n_keywords"]:
        text += f", and misses {percent(rejects)} of {count(stream['n_keywords'])} keywords"
    if accepts > _MANY_FALSE_ACCEPTS or rejects > 1 - _LOW_RECALL:
        yield "warn", f"{text}. This chooses other settings: mltk tune {facts.command}"
    else:
        yield ("good" if accepts <= 1 else ""), f"{text}."


def _times(stream: Any, accepts: float) -> str:
    n = stream.get("false_accepts")
    an_hour = f"{rate(accepts)} times an hour"
    return an_hour if n is None or stream["hours"] == 1 else f"{count(n)} times, which is {an_hour}"


def _worst_confusion(matrix: Any) -> tuple[int, int, int] | None:
    wrong = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n]
    return max(wrong, key=lambda item: item[0]) if wrong else None


def _of_training(facts: ModelFacts) -> Iterator[Note]:
    epoch = facts.weights.get("epoch")
    for name in ("accuracy", "binary_accuracy"):
        seen, held_out = facts.history.get(name), facts.history.get(f"val_{name}")
        if not seen or not held_out or not isinstance(epoch, int) or not 0 < epoch <= min(len(seen), len(held_out)):
            continue
        own, other = seen[epoch - 1], held_out[epoch - 1]
        if own is not None and other is not None and own - other > _GAP:
            yield (
                "warn",
                (
                    f"The accuracy on training data is {percent(own)}, on validation data {percent(other)}: the model "
                    "has learned samples by heart. More data, augmentation or regularization help."
                ),
            )
    losses = facts.history.get("val_loss") or []
    numbers = [v for v in losses if v is not None and math.isfinite(v)]
    if len(numbers) < len(losses):
        yield "bad", "The validation loss was not finite in some epochs: the training diverged."
    elif len(numbers) > 4 and min(numbers) == numbers[-1]:
        yield "", f"The last epoch has the lowest validation loss ({figure(numbers[-1])}): more epochs may still help."


def _of_data(facts: ModelFacts) -> Iterator[Note]:
    for evaluation in facts.evaluations:
        if evaluation.is_own_data:
            yield "", _own_data(evaluation)


def _own_data(evaluation: EvaluationFacts) -> str:
    results = evaluation.results
    accuracy, n = results.get("overall_accuracy"), evaluation.n_samples
    text = f"{evaluation.title}: {n:,} samples"
    return f"{text}, {percent(accuracy)} classified correctly." if accuracy is not None else f"{text}."
