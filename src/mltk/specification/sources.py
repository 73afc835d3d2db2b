"""From what a user assigns to ``my_model.dataset`` to the ``x``, ``y`` and ``validation_data`` of training."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from mltk.errors import DatasetError
from mltk.specification.dataset_settings import MltkDataset

SUBSETS = ("training", "validation", "evaluation")


def load_from_source(model: Any, subset: str, *, test: bool = False, **kwargs: Any) -> None:
    """Load ``subset`` from ``model.dataset`` into ``model.x``, ``model.y`` and ``model.validation_data``.

    Raises:
        DatasetError: the dataset is of no kind that samples can be had from, or gave something else.
    """
    source = model.dataset
    if subset not in SUBSETS:
        raise DatasetError(f"{subset!r} is not a subset.", hint=f"Subsets are {', '.join(SUBSETS)}.")
    drop_source(model)
    if isinstance(source, type) and issubclass(source, MltkDataset):
        raise DatasetError(
            f"my_model.dataset is the class {source.__name__}; it must be an instance.",
            hint=f"my_model.dataset = {source.__name__}()",
        )
    if isinstance(source, MltkDataset):
        _assign(model, source.load_dataset(subset, test=test, **kwargs), subset)
        counts = getattr(source, "class_counts", None)
        if counts:
            model.class_counts[subset] = dict(counts)
    elif isinstance(source, types.ModuleType):
        load_data = getattr(source, "load_data", None)
        if load_data is None:
            raise DatasetError(f"The dataset module {source.__name__} has no function load_data().")
        _assign_split(model, load_data(), subset, source.__name__)
    elif isinstance(source, tuple) and len(source) == 2 and all(isinstance(s, tuple) for s in source):
        _assign_split(model, source, subset, "my_model.dataset")
    elif isinstance(source, (tuple, list)) or is_samples(source):
        _assign(model, source, subset)
    elif callable(source):
        result = _call(source, model=model, mltk_model=model, subset=subset, test=test, **kwargs)
        if _is_split(result):
            _assign_split(model, result, subset, getattr(source, "__name__", "the dataset function"))
        else:
            _assign(model, result, subset)
    elif hasattr(source, "load_dataset"):
        _assign(model, _call(source.load_dataset, subset=subset, test=test, **kwargs), subset)
    else:
        raise DatasetError(
            f"my_model.dataset is {type(source).__name__}, from which no samples can be had.",
            hint="It can be a module with load_data(), a function, an MltkDataset, a tf.data.Dataset, a "
            "keras.utils.PyDataset, a generator, or arrays (x, y).",
        )


def is_samples(value: Any) -> bool:
    """Whether ``value`` itself gives samples: an array, ``tf.data.Dataset``, ``PyDataset`` or generator.

    Looks at names of classes, so that neither TensorFlow nor Keras is imported for the question.
    """
    if isinstance(value, Iterator) or hasattr(value, "__array__"):
        return True
    names = {c.__name__ for c in type(value).__mro__}
    return bool(names & {"DatasetV2", "PyDataset", "Sequence", "DataLoader", "DirectoryIterator", "Iterator"})


def _is_split(result: Any) -> bool:
    """Whether a result looks like ``load_data()``'s ``((x_train, y_train), (x_test, y_test))``."""
    return isinstance(result, tuple) and len(result) == 2 and all(isinstance(r, tuple) and len(r) == 2 for r in result)


def _call(function: Callable, **available: Any) -> Any:
    """Call ``function`` with those of ``available`` that it has parameters for; a lone other one gets the model."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return function()
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        known = {p.name for p in parameters.values()}
        extra = {k: v for k, v in available.items() if k in known or k in ("subset", "test")}
        return function(**extra)
    kwargs = {name: available[name] for name in parameters if name in available}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    missing = [n for n, p in parameters.items() if n not in kwargs and p.default is p.empty and p.kind in named]
    if missing and "model" in available:
        kwargs[missing[0]] = available["model"]
    return function(**kwargs)


def _assign(model: Any, result: Any, subset: str) -> None:
    """Assign what a dataset gave: ``x``, ``(x, y)`` or ``(x, y, validation_data)``; None means it assigned itself."""
    if result is None:
        return
    if isinstance(result, list):
        result = tuple(result) if 2 <= len(result) <= 3 else result
    parts = result if isinstance(result, tuple) else (result,)
    if len(parts) > 3:
        raise DatasetError(
            f"The dataset gave {len(parts)} things for {subset!r}; wanted x, (x, y) or (x, y, validation_data)."
        )
    _put(model, "x", parts[0])
    _put(model, "y", parts[1] if len(parts) > 1 else None)
    if len(parts) > 2:
        _put(model, "validation_data", parts[2])


def _put(model: Any, name: str, value: Any) -> None:
    """Assign a setting until :func:`drop_source`, which gives back what the user had assigned."""
    replaced = model._values.setdefault("_from_source", {})
    replaced.setdefault(name, (model._values[name],) if name in model._values else ())
    setattr(model, name, value)


def drop_source(model: Any) -> None:
    """Let go of the samples that a dataset gave."""
    for name, before in model._values.pop("_from_source", {}).items():
        model._values.pop(name, None)
        if before:
            model._values[name] = before[0]


def _assign_split(model: Any, result: Any, subset: str, where: str) -> None:
    """Assign ``((x_train, y_train), (x_test, y_test))``.

    Training gets the first part; the second is for evaluation and, unless ``validation_split`` says otherwise,
    for validation.
    """
    if not _is_split(result):
        _assign(model, result, subset)
        return
    train, held_out = result
    x, y = train if subset == "training" else held_out
    _put(model, "x", x)
    _put(model, "y", y)
    if subset == "training" and model.validation_data is None and not model.validation_split:
        _put(model, "validation_data", held_out)
    if x is None:
        raise DatasetError(f"{where} gave no samples for {subset!r}.")


def summarize_source(model: Any) -> str:
    """What is loaded, in a few lines."""
    source = model.dataset
    if isinstance(source, MltkDataset):
        text = source.summarize_dataset()
        if text:
            return text
    lines = []
    for name, x in (("Samples", model.x), ("Validation samples", _first(model.validation_data))):
        shape = getattr(x, "shape", None)
        if shape is not None:
            lines.append(f"{name}: {shape[0]} of shape {tuple(shape[1:])}, {x.dtype}")
        elif x is not None:
            lines.append(f"{name}: from {type(x).__name__}")
    counts = model.class_counts.get(model.loaded_subset or "", {})
    if counts:
        lines.append(MltkDataset.summarize_class_counts(counts))
    return "\n".join(lines)


def _first(data: Any) -> Any:
    return data[0] if isinstance(data, (tuple, list)) and data else data
