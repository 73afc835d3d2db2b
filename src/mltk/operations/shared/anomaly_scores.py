"""Score normal and abnormal samples by how badly an autoencoder reconstructs them.

A dataset tells the classes apart in one of two ways. It takes the argument ``classes``, and returns the samples of one
class when asked. Or it returns all samples with labels, which are names or indices of ``my_model.eval_classes``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.data.iterate import Batch, iter_batches
from mltk.data.labels import LabelKind, class_indices, indices_of_names, label_kind
from mltk.data.nested import is_in_memory, leaves, take
from mltk.data.samples import align
from mltk.errors import DatasetError, EvaluationError, SpecificationError, did_you_mean
from mltk.operations.shared.explain import explained
from mltk.operations.shared.mistakes import Reconstructed, keep_extremes

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import EvaluableAutoEncoder
    from mltk.operations.shared.predictors import Predictor

Array = npt.NDArray[Any]
_UNLABELED = -1
_DUMPED = 32
"""Reconstructions of each class that are kept for ``--dump``."""


@dataclass
class Scored:
    """Scores of samples, with their classes."""

    classes: list[int] = field(default_factory=list)
    """Index of the class of each sample in the evaluated classes; 0 is normal."""
    scores: list[float] = field(default_factory=list)
    """Score of each sample; higher is more abnormal."""
    dumps: dict[int, list[tuple[Array, Array]]] = field(default_factory=dict)
    """Class → the first originals with their reconstructions."""
    extremes: dict[int, list[Reconstructed]] = field(default_factory=dict)
    """Class → the samples with its lowest and highest scores, ascending by score."""

    def add(self, loaded: _Loaded, positions: Array) -> None:
        """Add the samples of one loading, of the classes ``positions``; -1 is a class that is not evaluated."""
        for label, position in set(zip(loaded.labels, positions.tolist(), strict=True)):
            if position >= 0:
                self.dumps.setdefault(position, []).extend(loaded.dumps[label])
                self.extremes[position] = loaded.extremes.get(label, [])
        self.classes += positions[positions >= 0].tolist()
        self.scores += np.array(loaded.scores)[positions >= 0].tolist()


@dataclass
class _Loaded:
    """Scores of the samples that are loaded."""

    labels: list[int] = field(default_factory=list)
    """Label of each sample; without labels, the same number for all."""
    scores: list[float] = field(default_factory=list)
    dumps: dict[int, list[tuple[Array, Array]]] = field(default_factory=dict)
    extremes: dict[int, list[Reconstructed]] = field(default_factory=dict)
    digest: bytes = b""
    """Digest of the samples."""


class AnomalyScores:
    """Scores the evaluation data of an autoencoder.

    Args:
        model: The specification.
        predictor: Computes the reconstructions.
        load: Loads the evaluation data, and returns whether there are any. It takes the arguments of the
            specification's ``load_dataset``.
        limit: Largest number of samples of each class; -1 is all.
        batch_size: Samples to predict at once.
        steps: Batches of each loading, of the specification's batch size; None is all.
    """

    def __init__(
        self,
        model: EvaluableAutoEncoder,
        predictor: Predictor,
        load: Callable[..., bool],
        *,
        limit: int,
        batch_size: int,
        steps: int | None = None,
    ) -> None:
        self.model = model
        self.predictor = predictor
        self.load = load
        self.limit = limit
        self.batch_size = batch_size
        self.steps = steps
        self.score = model.get_scoring_function()

    def of_classes(self, classes: list[str]) -> Scored:
        """Score the samples of these classes, the normal class first.

        Raises:
            DatasetError: There are no normal samples, or no abnormal samples, or a label is not a class. Or the dataset
                returns the same samples for different classes.
            EvaluationError: There is only one class, or a class is not in ``eval_classes``.
            SpecificationError: The scoring function failed, or the model does not return reconstructions.
        """
        if len(classes) < 2:
            raise EvaluationError(
                f"{self.model.name}: the evaluation of an autoencoder needs a normal class and at least one abnormal "
                f"class, but there is only {classes}.",
                hint='For example: my_model.eval_classes = ["normal", "abnormal"]',
            )
        scored = Scored()
        names: dict[bytes, str] = {}
        for index, name in enumerate(classes):
            if not self.load("evaluation", classes=[name], max_samples_per_class=self.limit):
                continue
            loaded = self._score_loaded()
            self.model.unload_dataset()
            if len(set(loaded.labels)) > 1:
                scored = Scored()
                scored.add(loaded, self._positions(np.array(loaded.labels), classes))
                break
            if loaded.labels and loaded.digest in names:
                raise DatasetError(
                    f"{self.model.name}: the evaluation dataset returned the same samples for the classes "
                    f"{names[loaded.digest]!r} and {name!r}.",
                    hint="Return labels too: the index of each sample's class in my_model.eval_classes. Or let the "
                    "dataset take the argument 'classes', and return the samples of these classes only.",
                )
            names[loaded.digest] = name
            scored.add(loaded, np.full(len(loaded.labels), index))
        self._check_counts(scored, classes)
        return scored

    def _check_counts(self, scored: Scored, classes: list[str]) -> None:
        counts = np.bincount(np.array(scored.classes, int), minlength=len(classes))
        if not counts.sum():
            raise DatasetError(f"{self.model.name}: the evaluation dataset is empty.")
        numbered = ", ".join(f"{i} is {name!r}" for i, name in enumerate(self.model.eval_classes))
        hint = f"Labels are names or indices of my_model.eval_classes: {numbered}."
        if not counts[0]:
            raise DatasetError(
                f"{self.model.name}: the evaluation dataset has {counts.sum()} samples, but none of the normal class "
                f"{classes[0]!r}.",
                hint=hint,
            )
        if not counts[1:].sum():
            raise DatasetError(
                f"{self.model.name}: the evaluation dataset has {counts[0]} samples of the normal class "
                f"{classes[0]!r}, but none of an abnormal class, so that there is nothing to tell apart.",
                hint=hint,
            )
        missing = [name for name, n in zip(classes, counts, strict=True) if not n]
        if missing:
            self.predictor.note(f"There are no samples of {', '.join(map(repr, missing))}.")

    def _score_loaded(self) -> _Loaded:
        """Score the loaded samples, at most the wanted number of each label."""
        loaded = _Loaded()
        counts: Counter[int] = Counter()
        digest = hashlib.sha256()
        for batch in self._batches():
            labels = self._labels(batch)
            keep = []
            for i, label in enumerate(labels):
                counts[label] += 1
                if self.limit <= 0 or counts[label] <= self.limit:
                    keep.append(i)
            if keep:
                x = take(batch.x, keep)
                digest.update(np.ascontiguousarray(leaves(x)[0]).tobytes())
                self._score_batch(loaded, x, [labels[i] for i in keep])
            elif set(labels) == {_UNLABELED}:
                break  # the limit is reached, and no later sample can be of another class
        loaded.digest = digest.digest()
        return loaded

    def _batches(self) -> Iterator[Batch]:
        model, steps = self.model, self.steps
        samples = None if model.x is None or not is_in_memory(model.x) else align(model.x, model.y)
        if samples is None:
            yield from iter_batches(model.x, model.y, self.batch_size, steps)
            return
        if steps is not None:  # a step is one of the specification's batches
            samples = samples.take(slice(steps * model.batch_size))
        yield from iter_batches(samples.x, samples.y, self.batch_size)

    def _labels(self, batch: Batch) -> list[int]:
        """Return the label of each sample. Without labels, as where ``y`` is the sample itself, all are the same."""
        found = leaves(batch.y)
        if len(found) == 1 and found[0] is not None and np.shape(found[0]) != np.shape(leaves(batch.x)[0]):
            kind = label_kind(found[0])
            if kind is LabelKind.TEXT:
                names = np.reshape(found[0], -1)
                indices = indices_of_names(names, self.model.eval_classes, "my_model.eval_classes")
                return [int(i) for i in indices]
            if kind in (LabelKind.INDEX, LabelKind.ONE_HOT):
                return [int(i) for i in class_indices(found[0])]
        return [_UNLABELED] * batch.size

    def _positions(self, labels: Array, classes: list[str]) -> Array:
        """Return the position of each label in the evaluated classes; -1 for samples of other classes.

        Raises:
            DatasetError: A label is not an index of ``eval_classes``.
            EvaluationError: One of the classes is not in ``eval_classes``.
        """
        known = list(self.model.eval_classes)
        unknown = [name for name in classes if name not in known]
        if unknown:
            raise EvaluationError(
                f"{self.model.name}: {unknown[0]!r} is not in my_model.eval_classes ({', '.join(known)}).",
                hint=did_you_mean(unknown[0], known),
            )
        if labels.min() < 0 or labels.max() >= len(known):
            raise DatasetError(
                f"{self.model.name}: labels go from {labels.min():g} to {labels.max():g}, but there are {len(known)} "
                f"eval_classes ({', '.join(known)}).",
                hint="Labels are indices from 0, in the order of my_model.eval_classes; 0 is the normal class.",
            )
        table = np.array([classes.index(name) if name in classes else -1 for name in known])
        positions: Array = table[labels]
        return positions

    def _score_batch(self, loaded: _Loaded, x: Any, labels: list[int]) -> None:
        name = self.model.name
        originals = np.asarray(leaves(x)[0], np.float32)
        decoded = self.predictor.predict(x)[0]
        if decoded.size != originals.size:
            raise SpecificationError(
                f"{name} returned an output of shape {list(decoded.shape[1:])} for a sample of shape "
                f"{list(originals.shape[1:])}.",
                hint="The output of an autoencoder has the shape of its input.",
            )
        decoded = decoded.reshape(originals.shape)
        with explained(f"{name}: scoring_function failed"):
            scores = [float(self.score(a, b)) for a, b in zip(originals, decoded, strict=True)]
        loaded.scores += scores
        loaded.labels += labels
        for a, b, label, score in zip(originals, decoded, labels, scores, strict=True):
            if np.isfinite(score):
                keep_extremes(loaded.extremes.setdefault(label, []), Reconstructed(score, a, b))
            kept = loaded.dumps.setdefault(label, [])
            if len(kept) < _DUMPED:
                kept.append((a, b))
