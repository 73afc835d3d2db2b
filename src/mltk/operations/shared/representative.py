"""Representative samples: the converter runs them to find the ranges of the activations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mltk.data.iterate import is_py_dataset, iter_batches
from mltk.data.nested import by_name, is_tf_dataset, take
from mltk.data.samples import samples_of
from mltk.errors import QuantizationError, SettingError
from mltk.operations.shared.check_dataset import load_dataset
from mltk.operations.shared.tensorflow_setup import import_tensorflow

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import BuildableModel, KerasModel, TrainableModel
    from mltk.specification.model import MltkModel

SampleFunction = Callable[[], Iterable[Any]]
"""Returns samples for the converter: a list of arrays, or a dict of arrays by input name."""

_MAX_SAMPLES = 1000
_RANDOM_SAMPLES = 10


def representative_dataset(
    model: BuildableModel, keras_model: KerasModel, settings: dict[str, Any], *, build: bool
) -> SampleFunction | None:
    """Return the function that supplies the converter's representative samples.

    Args:
        model: The specification.
        keras_model: The Keras model with a batch dimension of 1.
        settings: Settings as in ``my_model.tflite_converter``. ``representative_dataset`` is a function, or
            ``"generate"`` for up to ``representative_dataset_max_samples`` training samples, spread evenly.
        build: The model is not trained, so that random samples are used.

    Returns:
        The function; None if the settings want no representative samples.

    Raises:
        SettingError: ``representative_dataset`` has an unknown value.
        QuantizationError: The training dataset is empty; raised while the samples are used.
    """
    wanted = settings.get("representative_dataset")
    if wanted is None or wanted == "":
        return None
    if callable(wanted):
        _load_for_function(cast("TrainableModel", model))
        samples_of = (lambda: wanted(model)) if _takes_model(wanted) else wanted
        return lambda: _by_name(samples_of(), keras_model)
    if hasattr(wanted, "input_gen"):  # a tf.lite.RepresentativeDataset
        return cast("SampleFunction", wanted.input_gen)
    if wanted != "generate":
        raise SettingError(
            f"tflite_converter['representative_dataset']: {wanted!r} is unknown.",
            hint="Set it to 'generate', None or a function.",
        )
    limit = int(settings.get("representative_dataset_max_samples") or _MAX_SAMPLES)
    if build:
        return lambda: _by_name(_random_samples(keras_model, min(limit, _RANDOM_SAMPLES)), keras_model)
    trainable = cast("TrainableModel", model)
    if getattr(model, "x", None) is None:
        load_dataset(trainable, "training")
    return lambda: _generated_samples(trainable, keras_model, limit)


def _load_for_function(model: TrainableModel) -> None:
    """Load the training samples, which the specification's own function may read from ``my_model.x``."""
    if hasattr(model, "load_dataset") and getattr(model, "x", None) is None:
        load_dataset(model, "training")


def _takes_model(function: Callable[..., Any]) -> bool:
    return any(
        p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        for p in inspect.signature(function).parameters.values()
    )


def _generated_samples(model: TrainableModel, keras_model: KerasModel, limit: int) -> Iterator[Any]:
    names = [t.name for t in keras_model.inputs]
    dtypes = [str(t.dtype) for t in keras_model.inputs]
    count = 0
    for sample in iter_training_samples(model, limit):
        yield from _by_name([as_inputs(sample, names, dtypes)], keras_model)
        count += 1
    if not count:
        raise QuantizationError(f"{model.name}: the training dataset has no sample to quantize with.")


def iter_training_samples(model: TrainableModel, limit: int) -> Iterator[Any]:
    """Yield up to ``limit`` training samples, each with a batch dimension of 1.

    Samples of arrays are spread evenly over the dataset. Of any other dataset, they are the first ones.
    """
    samples = samples_of(model)
    if samples is not None:
        n = len(samples)
        for i in np.unique(np.linspace(0, n - 1, min(limit, n)).astype(int)):
            yield take(samples.x, slice(int(i), int(i) + 1))
        return
    count = 0
    for batch in iter_batches(model.x, model.y, model.batch_size, steps=limit):
        for i in range(batch.size):
            yield take(batch.x, slice(i, i + 1))
            count += 1
            if count >= limit:
                return


def input_example(model: MltkModel) -> Any:
    """Return some samples of the loaded training dataset, with a batch dimension.

    Args:
        model: The specification; its dataset may be missing.

    Returns:
        Arrays in the structure of the dataset's ``x``; zeros of the right shapes for a ``tf.data.Dataset``. None if
        there is no dataset, or if it is a generator, which would be used up.
    """
    x = getattr(model, "x", None)
    if x is None:
        return None
    if is_tf_dataset(x):
        nest = import_tensorflow().nest
        spec = x.element_spec
        spec = spec[0] if isinstance(spec, tuple) else spec
        if not all(s.shape.rank and s.shape[1:].is_fully_defined() for s in nest.flatten(spec)):
            return None
        return nest.map_structure(lambda s: np.zeros((1, *s.shape[1:]), s.dtype.as_numpy_dtype), spec)
    samples = samples_of(cast("TrainableModel", model))
    if samples is not None:
        return take(samples.x, slice(0, 1))
    if is_py_dataset(x) and len(x):
        batch = x[0]
        return batch[0] if isinstance(batch, tuple) else batch
    return None


def as_inputs(sample: Any, names: list[str], dtypes: list[str]) -> list[np.ndarray]:
    """Return a sample as one array for each input of the Keras model.

    Args:
        sample: An array, a tuple or list of arrays, or a dict by input name.
        names: Names of the inputs.
        dtypes: Data types of the inputs.
    """
    return [np.asarray(a, dtype=d) for a, d in zip(by_name(sample, names), dtypes, strict=True)]


def _by_name(samples: Iterable[Any], keras_model: KerasModel) -> Iterator[Any]:
    """Yield samples for a model of several inputs as dicts, because the converter changes the order of inputs."""
    names = [t.name for t in keras_model.inputs]
    for sample in (one for given in samples for one in _one_by_one(given, keras_model)):
        if len(names) > 1 and isinstance(sample, (list, tuple)) and len(sample) == len(names):
            yield dict(zip(names, sample, strict=True))
        else:
            yield sample


def _one_by_one(sample: Any, keras_model: KerasModel) -> Iterator[Any]:
    """Yield the samples of a batch one after another, because the converter gets a model with a batch of one."""
    is_dict = isinstance(sample, dict)
    arrays = list(sample.values()) if is_dict else sample
    if not isinstance(arrays, (list, tuple)) or len(arrays) != len(keras_model.inputs):
        yield sample
        return
    shapes = [np.shape(a) for a in arrays]
    ranks = [len(t.shape) for t in keras_model.inputs]
    n = shapes[0][0] if shapes[0] else 1
    if n < 2 or any(len(s) != r or s[0] != n for s, r in zip(shapes, ranks, strict=True)):
        yield sample
        return
    for i in range(n):
        parts = [a[i : i + 1] for a in arrays]
        yield dict(zip(sample, parts, strict=True)) if is_dict else parts


def _random_samples(keras_model: KerasModel, n: int) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield [rng.uniform(-1, 1, size=(1, *t.shape[1:])).astype(str(t.dtype)) for t in keras_model.inputs]
