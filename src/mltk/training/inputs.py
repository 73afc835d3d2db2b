"""Converts the dataset of a specification to the arguments of ``keras.Model.fit``.

The order of the samples depends only on the seed and the epoch, so that a resumed run continues in the same order.
"""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mltk.data.iterate import is_py_dataset
from mltk.data.labels import ONE_CLASS_EACH, class_indices, describe_labels, label_kind
from mltk.data.nested import describe, is_in_memory, is_tf_dataset, leaves
from mltk.data.pipeline.epochs import EpochBatches
from mltk.data.samples import Samples, align, samples_of
from mltk.errors import DatasetError, SettingError, did_you_mean
from mltk.training.batch_stream import batch_stream, batches_per_pass, in_order, made_stream, one_epoch
from mltk.training.protocols import FitSettings

logger = logging.getLogger("mltk")
_ENDLESS = -1


def fit_inputs(model: FitSettings, *, seed: int, first_epoch: int) -> dict[str, Any]:
    """The arguments of ``fit`` for the training and validation data.

    Args:
        model: Specification whose dataset is loaded.
        seed: Seed of this run.
        first_epoch: Number of epochs that earlier runs have finished. The data continues where these ended.

    Returns:
        Name of the argument → value.

    Raises:
        DatasetError: The dataset is empty, or its arrays have different lengths.
        SettingError: ``class_weights`` cannot be used.
    """
    x = model.x
    if x is None:
        raise DatasetError(
            f"{model.name} has no training data.", hint="Set my_model.dataset, or my_model.x in load_dataset()."
        )
    validation = model.validation_data
    kwargs: dict[str, Any] = {
        "validation_steps": model.validation_steps,
        "validation_batch_size": model.validation_batch_size,
        "validation_freq": model.validation_freq,
    }
    samples = samples_of(model)
    if samples is not None:
        if samples.y is None:
            raise DatasetError(
                f"{model.name} has samples, but no labels. The samples are {describe(x)}.",
                hint="Set my_model.y in load_dataset(). If the samples are a list of batches (x, y), give an iterator: "
                "my_model.x = iter(batches), and my_model.steps_per_epoch.",
            )
        samples, held_out = _split(samples, model.validation_split)
        validation = validation if validation is not None else held_out
        kwargs |= _array_inputs(model, samples, seed, first_epoch)
    elif isinstance(x, EpochBatches):
        _check_length(model, len(x))
        steps = model.steps_per_epoch or len(x)
        kwargs |= {"x": made_stream(x, first_epoch * steps), "steps_per_epoch": steps}
    elif is_tf_dataset(x):
        kwargs |= _tf_inputs(x, model.steps_per_epoch, first_epoch)
    elif is_py_dataset(x):
        _check_length(model, len(x))
        kwargs["x"] = RepeatablePyDataset(x, model.shuffle, seed, first_epoch, model.steps_per_epoch)
        kwargs["steps_per_epoch"] = None
    else:
        kwargs |= _generator_inputs(model, x, first_epoch)
    kwargs["validation_data"] = _validation(model, validation)
    if validation is None:
        kwargs["validation_freq"] = 1
    weights = class_weights(model, None if samples is None else samples.y)
    if weights:
        kwargs["class_weight"] = weights
    return kwargs


def _check_length(model: FitSettings, length: int) -> None:
    if length == 0:
        raise DatasetError(f"The training dataset of {model.name} is empty.")


def _array_inputs(model: FitSettings, samples: Samples, seed: int, first_epoch: int) -> dict[str, Any]:
    _check_length(model, len(samples))
    steps = model.steps_per_epoch or batches_per_pass(len(samples), model.batch_size)
    stream = batch_stream(
        samples.parts(), model.batch_size, shuffle=model.shuffle, seed=seed, first_batch=first_epoch * steps
    )
    return {"x": stream, "steps_per_epoch": steps}


def _split(samples: Samples, share: float) -> tuple[Samples, Samples | None]:
    """Use the last ``share`` of the samples for validation, as Keras does."""
    if not share:
        return samples, None
    n = len(samples)
    cut = int(n * (1 - share))
    if cut in (0, n):
        raise DatasetError(f"A validation_split of {share} leaves no samples on one side: the dataset has {n} samples.")
    return samples.take(slice(0, cut)), samples.take(slice(cut, n))


def _tf_inputs(x: Any, steps: int | None, first_epoch: int) -> dict[str, Any]:
    """Arguments for a user's ``tf.data`` pipeline, as one long stream.

    Its shuffling continues in the state after ``first_epoch`` epochs. With ``steps``, the batches of these epochs are
    made again and skipped, so that everything else that the pipeline draws continues too.
    """
    size = int(x.cardinality())
    if size == 0:
        raise DatasetError("The tf.data.Dataset for training is empty.")
    if steps:
        stream = x if size == _ENDLESS else x.repeat()
        return {"x": stream.skip(first_epoch * steps) if first_epoch else stream, "steps_per_epoch": steps}
    if size == _ENDLESS:
        raise DatasetError(
            "The tf.data.Dataset for training repeats without end.",
            hint="Set steps_per_epoch, or remove .repeat().",
        )
    for _ in range(first_epoch):  # each new iterator draws the seeds of the shuffling
        next(iter(x))
    if size > 0:
        # One long iteration: Keras would create one or two iterators per epoch, depending on the epoch.
        return {"x": x.repeat(), "steps_per_epoch": size}
    if first_epoch:
        logger.warning(
            "The tf.data.Dataset does not say how many batches it has. The order of the samples may differ from the "
            "order in a run that was not stopped. Set my_model.steps_per_epoch to avoid this."
        )
    return {"x": x, "steps_per_epoch": None}


def _generator_inputs(model: FitSettings, x: Any, first_epoch: int) -> dict[str, Any]:
    if callable(x) and not hasattr(x, "__next__"):
        x = x()
    if not hasattr(x, "__iter__"):
        raise DatasetError(
            f"Cannot train with an object of type {type(x).__name__}.",
            hint="Set my_model.x to arrays, a tf.data.Dataset, a PyDataset or a generator.",
        )
    steps = model.steps_per_epoch
    if steps is None and isinstance(x, Iterator):
        raise DatasetError(
            f"{model.name} trains with a generator, and the length of an epoch is unknown.",
            hint="Set my_model.steps_per_epoch.",
        )
    batches = iter(x)
    if first_epoch and steps:
        next(itertools.islice(batches, first_epoch * steps - 1, first_epoch * steps), None)
    first = next(batches, None)
    if first is None:
        raise DatasetError(f"The training generator of {model.name} is empty.")
    return {"x": _forward(itertools.chain([first], batches)), "steps_per_epoch": steps}


def _forward(batches: Iterator[Any]) -> Iterator[Any]:
    """A generator object, because Keras accepts only that kind of iterator. Lists become tuples."""
    for batch in batches:
        yield tuple(batch) if isinstance(batch, list) else batch


def _validation(model: FitSettings, data: Any) -> Any:
    """Validation data for ``fit``. Arrays become a pipeline with the same order in every epoch."""
    if isinstance(data, EpochBatches):
        return one_epoch(data)
    if isinstance(data, (tuple, list)) and len(data) in (2, 3) and is_in_memory(data[0]):
        data = align(*data).with_class_indices(model)
    if not isinstance(data, Samples):
        return data
    if len(data) == 0:
        raise DatasetError("The validation data is empty.")
    return in_order(data.parts(), model.validation_batch_size or model.batch_size)


class RepeatablePyDataset(keras.utils.PyDataset):
    """A user's ``PyDataset`` with an order of batches that depends only on the seed and the epoch.

    With one worker, the global generators of Python and NumPy are seeded with ``(seed, k, i)`` before batch ``i`` of
    epoch ``k`` is made. Several workers would disturb each other, so they are not seeded.

    Args:
        inner: The user's ``PyDataset``, or any object with ``__len__`` and ``__getitem__``.
        shuffle: Whether to draw a new order of the batches for each epoch.
        seed: Seed of this run.
        first_epoch: Number of epochs that earlier runs have finished.
        steps: Number of batches of an epoch; None uses all of them. Each epoch is a new random selection if shuffled,
            otherwise it has the next batches in order.
    """

    def __init__(self, inner: Any, shuffle: bool, seed: int, first_epoch: int, steps: int | None = None) -> None:
        self._inner = inner
        self._steps = steps
        self._shuffle = shuffle
        self._seed = seed
        self._epoch = 0
        workers = getattr(inner, "workers", 1)
        super().__init__(
            workers=workers,
            use_multiprocessing=getattr(inner, "use_multiprocessing", False),
            max_queue_size=getattr(inner, "max_queue_size", 10),
        )
        self._alone = workers <= 1
        self._order = self._draw_order()
        self._ends_ignored = 1  # Keras calls on_epoch_end once before the first epoch
        for _ in range(first_epoch):
            self._end_epoch()

    def __len__(self) -> int:
        return self._steps or self._available

    @property
    def num_batches(self) -> int | None:
        return len(self)

    @property
    def _available(self) -> int:
        return int(getattr(self._inner, "num_batches", None) or len(self._inner))

    def __getitem__(self, index: int) -> Any:
        if self._alone:
            self._reseed(index)
        return self._inner[int(self._order[index])]

    def _reseed(self, *what: int) -> None:
        state = np.random.SeedSequence([self._seed, self._epoch, *what]).generate_state(2)
        random.seed(int(state[0]))
        np.random.seed(int(state[1]))

    def _draw_order(self) -> npt.NDArray[np.int64]:
        order = np.arange(self._available)
        if self._shuffle:
            np.random.default_rng([self._seed, self._epoch]).shuffle(order)
        elif self._steps:
            order = np.roll(order, -self._epoch * self._steps)
        return np.resize(order, len(self))

    def on_epoch_begin(self) -> None:
        if hasattr(self._inner, "on_epoch_begin"):
            self._inner.on_epoch_begin()

    def on_epoch_end(self) -> None:
        if self._ends_ignored:
            self._ends_ignored -= 1
            return
        self._end_epoch()

    def _end_epoch(self) -> None:
        self._reseed()
        if hasattr(self._inner, "on_epoch_end"):
            self._inner.on_epoch_end()
        self._epoch += 1
        self._order = self._draw_order()


def class_weights(model: FitSettings, y: Any) -> dict[int, float] | None:
    """The setting ``class_weights`` in the form that Keras accepts.

    With ``"balanced"``, class ``c`` has the weight ``samples / (classes · samples of c)``, as in scikit-learn.

    Args:
        model: Specification.
        y: Training labels as arrays, or None to use ``class_counts``.

    Returns:
        Index of the class → weight, or None if the setting is empty.

    Raises:
        SettingError: The setting names a class that the model does not have, or the samples cannot be counted.
    """
    weights = model.class_weights
    if weights is None or len(weights) == 0 or (isinstance(weights, str) and weights.lower() == "none"):
        return None
    if isinstance(weights, str):
        if weights != "balanced":
            raise SettingError(
                f"class_weights: {weights!r} is unknown.", hint="Use 'balanced', a dictionary or a list."
            )
        return _balanced(model, y)
    if not isinstance(weights, Mapping):
        return {i: float(w) for i, w in enumerate(weights)}
    found: dict[int, float] = {}
    for key, weight in weights.items():
        if isinstance(key, str):
            if key not in model.classes:
                raise SettingError(f"class_weights: there is no class {key!r}.", hint=did_you_mean(key, model.classes))
            key = model.classes.index(key)
        found[int(key)] = float(weight)
    return found


def _balanced(model: FitSettings, y: Any) -> dict[int, float]:
    counts: npt.NDArray[np.int64]
    if y is not None:
        if len(leaves(y)) > 1 or label_kind(leaves(y)[0]) not in ONE_CLASS_EACH:
            what = "there are several outputs" if len(leaves(y)) > 1 else describe_labels(leaves(y)[0])
            raise SettingError(
                f"class_weights: 'balanced' needs labels that are one class for each sample; {what}.",
                hint="Use my_model.sample_weight.",
            )
        counts = np.bincount(class_indices(leaves(y)[0]), minlength=model.n_classes)
    else:
        by_name = model.class_counts.get("training", {})
        counts = np.array([by_name.get(c, by_name.get(i, 0)) for i, c in enumerate(model.classes)])
    if not counts.any():
        raise SettingError(
            "class_weights: 'balanced' needs the number of samples of each class, which is unknown.",
            hint="Set class_weights to a dictionary, or set my_model.class_counts in load_dataset().",
        )
    total = counts.sum()
    return {i: float(total / (len(counts) * n)) for i, n in enumerate(counts) if n}
