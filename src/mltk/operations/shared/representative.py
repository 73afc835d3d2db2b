"""Samples to calibrate a quantized model with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from mltk.data.iterate import iter_batches, take
from mltk.errors import QuantizationError, SettingError
from mltk.operations.shared.check_dataset import load_dataset


def representative_dataset(model: Any, keras_model: Any, settings: dict[str, Any], *, build: bool) -> Callable | None:
    """The function that gives the converter samples to find the ranges of activations with, or None.

    ``"generate"`` takes up to ``representative_dataset_max_samples`` of the training samples, spread evenly.
    """
    wanted = settings.get("representative_dataset")
    if wanted is None or wanted == "":
        return None
    if callable(wanted):
        takes_model = any(
            p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in inspect.signature(wanted).parameters.values()
        )
        give = (lambda: wanted(model)) if takes_model else wanted
        return lambda: _by_name(give(), keras_model)
    if hasattr(wanted, "input_gen"):  # tf.lite.RepresentativeDataset
        return wanted.input_gen
    if wanted != "generate":
        raise SettingError(
            f"tflite_converter['representative_dataset']: {wanted!r} is unknown.",
            hint="Give 'generate', None, or a function.",
        )
    limit = int(settings.get("representative_dataset_max_samples") or 1000)
    if build:
        return lambda: _by_name(_random_samples(keras_model, min(limit, 10)), keras_model)
    if getattr(model, "x", None) is None:
        load_dataset(model, "training")
    names = [t.name for t in keras_model.inputs]
    dtypes = [str(t.dtype) for t in keras_model.inputs]

    def samples() -> Iterator[Any]:
        count = 0
        for sample in iter_training_samples(model, limit):
            yield from _by_name([as_inputs(sample, names, dtypes)], keras_model)
            count += 1
        if not count:
            raise QuantizationError(f"{model.name}: the training dataset gave no sample to quantize with.")

    return samples


def iter_training_samples(model: Any, limit: int) -> Iterator[Any]:
    """Training samples, each with a batch dimension of 1."""
    from mltk.data.iterate import count_samples, is_arrays

    if is_arrays(model.x):
        n = count_samples(model.x)
        for i in np.unique(np.linspace(0, n - 1, min(limit, n)).astype(int)):
            yield take(model.x, slice(int(i), int(i) + 1))
        return
    given = 0
    for batch in iter_batches(model.x, model.y, model.batch_size, steps=-(-limit // 1)):
        first = (
            next(iter(batch.x.values()))
            if isinstance(batch.x, dict)
            else batch.x[0]
            if isinstance(batch.x, (tuple, list))
            else batch.x
        )
        for i in range(len(first)):
            yield take(batch.x, slice(i, i + 1))
            given += 1
            if given >= limit:
                return


def _by_name(samples: Iterable[Any], keras_model: Any) -> Iterator[Any]:
    """Samples for a model of several inputs by name, since the converter has an order of its own."""
    names = [t.name for t in keras_model.inputs]
    for sample in samples:
        if len(names) > 1 and isinstance(sample, (list, tuple)) and len(sample) == len(names):
            yield dict(zip(names, sample, strict=True))
        else:
            yield sample


def as_inputs(sample: Any, names: list[str], dtypes: list[str]) -> list[np.ndarray]:
    if isinstance(sample, dict):
        sample = [sample[n] for n in (names if all(n in sample for n in names) else sorted(sample))]
    arrays = list(sample) if isinstance(sample, (tuple, list)) else [sample]
    return [np.asarray(a, dtype=d) for a, d in zip(arrays, dtypes, strict=True)]


def _random_samples(keras_model: Any, n: int) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield [rng.uniform(-1, 1, size=(1, *t.shape[1:])).astype(str(t.dtype)) for t in keras_model.inputs]
