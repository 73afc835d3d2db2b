"""Predict the samples of the loaded dataset, each exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.data.iterate import Batch, iter_batches, regroup
from mltk.data.labels import (
    ONE_CLASS_EACH,
    class_indices,
    describe_labels,
    label_kind,
    name_samples,
    not_finite,
)
from mltk.data.nested import join, leaves, take
from mltk.data.samples import samples_of
from mltk.errors import DatasetError, EvaluationError

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import EvaluableModel
    from mltk.operations.shared.predictors import Predictor

logger = logging.getLogger("mltk")


@dataclass(frozen=True)
class Predicted:
    """Predictions with their labels."""

    outputs: list[npt.NDArray[Any]]
    """One array ``[samples, …]`` for each output of the Keras model."""
    y: Any
    """Labels, a nested array."""
    weight: Any
    """Sample weights, or None."""

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.outputs[0])


class Predictions:
    """Predicts the evaluation data of a model.

    Args:
        model: The specification.
        predictor: Computes the outputs.
        limit: Largest number of samples of each class; -1 is all.
        tflite: Whether the predictor runs a ``.tflite``.
    """

    def __init__(self, model: EvaluableModel, predictor: Predictor, *, limit: int, tflite: bool) -> None:
        self.model = model
        self.predictor = predictor
        self.limit = limit
        self.tflite = tflite
        self.steps: int | None = model.eval_steps_per_epoch
        """Largest number of the specification's batches; None is all."""
        self.watch: Callable[[Batch, list[npt.NDArray[Any]], npt.NDArray[np.intp]], None] | None = None
        """Called with each batch, its outputs, and the positions of its samples in the dataset."""

    def predict_all(self) -> Predicted:
        """Predict the evaluation data. Samples whose inputs, labels or outputs are not finite are left out."""
        labels, weights, inputs_bad = [], [], []
        outputs: list[list[npt.NDArray[Any]]] = []
        n = 0
        for batch, positions in self._labelled_batches():
            outputs.append(self.predictor.predict(batch.x))
            if self.watch is not None:
                self.watch(batch, outputs[-1], positions)
            labels.append(batch.y)
            weights.append(batch.weight)
            inputs_bad += [n + i for array in leaves(batch.x) for i in not_finite(array)]
            n += batch.size
        if not labels:
            raise DatasetError(f"{self.model.name}: the evaluation dataset is empty.")
        joined = [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
        y = join(labels)
        weight = None if weights[0] is None else join(weights)
        self._check_lengths(joined, n)
        scores_bad = [i for array in joined for i in not_finite(array)]
        labels_bad = [i for array in leaves(y) for i in not_finite(array)]
        why = "scores"
        if inputs_bad:
            why = "inputs" if self.tflite else "scores, because of their inputs,"
        elif labels_bad:
            why = "labels"
        keep = self.leave_out(np.unique([*inputs_bad, *scores_bad, *labels_bad]).astype(int), n, why)
        return Predicted([o[keep] for o in joined], take(y, keep), None if weight is None else take(weight, keep))

    def _check_lengths(self, outputs: list[npt.NDArray[Any]], n: int) -> None:
        for output in outputs:
            if len(output) != n:
                raise EvaluationError(
                    f"{self.model.name} returned {len(output)} predictions for {n} samples.",
                    hint="The model's outputs need the batch as their first dimension.",
                )

    def leave_out(self, bad: npt.NDArray[np.intp], n: int, what: str) -> npt.NDArray[np.intp]:
        """Return the numbers of the samples that count, and say which do not."""
        keep = np.setdiff1d(np.arange(n), bad)
        if not len(bad):
            return keep
        text = f"The {what} of {len(bad)} of {n} samples are NaN or infinite ({name_samples(bad)})"
        if not len(keep):
            raise EvaluationError(
                f"{self.model.name}: {text[0].lower()}{text[1:]}.",
                hint="Look for empty cells or divisions by zero in the dataset, or for a training that diverged.",
            )
        self.predictor.note(f"{text}. The figures are of the other {len(keep)}.")
        logger.warning("%s: %s. The figures are of the other %d.", self.model.name, text, len(keep))
        return keep

    def _labelled_batches(self) -> Iterator[tuple[Batch, npt.NDArray[np.intp]]]:
        """Batches of the evaluation data, with at most the wanted number of samples of each class.

        Yields:
            A batch, and the positions of its samples in the dataset.
        """
        model = self.model
        size = 2048 if self.tflite else 256
        steps = self.steps
        samples = samples_of(model)
        places: npt.NDArray[np.intp] | None = None
        if samples is None:
            batches = iter_batches(model.x, model.y, size, steps)
        else:
            if getattr(model, "eval_shuffle", False) and self.limit > 0:
                places = np.random.default_rng(model.seed or 0).permutation(len(samples))
                samples = samples.take(places)
            if steps is not None:  # a step is one of the specification's batches
                samples = samples.take(slice(steps * model.batch_size))
            batches = iter_batches(samples.x, samples.y, size, weight=samples.weight)
        chosen = SampleLimit(self.limit)
        n = 0
        for batch in regroup(batches, size):
            if batch.y is None:
                raise DatasetError(
                    f"{model.name}: the evaluation dataset has no labels.", hint="Set my_model.y in load_dataset()."
                )
            keep = chosen.choose(batch)
            positions = np.arange(n, n + batch.size) if places is None else places[n : n + batch.size]
            n += batch.size
            if len(keep) == batch.size:
                yield batch, positions
            elif keep:
                weight = None if batch.weight is None else take(batch.weight, keep)
                yield Batch(take(batch.x, keep), take(batch.y, keep), weight), positions[keep]
            if chosen.done:
                break


class SampleLimit:
    """Chooses at most ``limit`` samples of each class; of samples without one class, ``limit`` in all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: dict[int, int] = {}
        self.done = False
        """Whether no later sample can be chosen."""

    def choose(self, batch: Batch) -> list[int]:
        """Return the numbers of the batch's samples to use."""
        if self._limit <= 0:
            return list(range(batch.size))
        labels = leaves(batch.y)
        counted = len(labels) == 1 and label_kind(labels[0]) in ONE_CLASS_EACH
        classes = class_indices(labels[0]).tolist() if counted else [-1] * batch.size
        keep = []
        for i, label in enumerate(classes):
            self._seen[label] = self._seen.get(label, 0) + 1
            if self._seen[label] <= self._limit:
                keep.append(i)
        self.done = not counted and self._seen[-1] >= self._limit
        return keep


def not_one_class_each(found: Predicted) -> str:
    """Return why the labels are not one class for each sample, or ``""``."""
    labels = leaves(found.y)
    if len(found.outputs) > 1 or len(labels) > 1:
        return f"The model has {len(found.outputs)} outputs and {len(labels)} arrays of labels"
    if found.outputs[0].ndim > 2 and labels[0].shape[1:2] == found.outputs[0].shape[1:2] and labels[0].shape[1] > 1:
        return "The model has outputs and labels for each position of a sample"
    if label_kind(labels[0]) not in ONE_CLASS_EACH:
        return f"The labels are not one class for each sample ({describe_labels(labels[0])})"
    return ""
