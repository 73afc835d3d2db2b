"""From ``my_model.dataset`` to the ``x``, ``y`` and ``validation_data`` of training.

A dataset can be of many kinds. :func:`load_from_source` finds the function for the kind, which returns a
:class:`LoadedDataset`. The loaded dataset assigns the samples to the settings, and later restores what was assigned
there before.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from mltk.errors import DatasetError
from mltk.specification.own_dataset import MltkDataset

SUBSETS = ("training", "validation", "evaluation")
_KERAS_INPUTS = {"DatasetV2", "PyDataset", "Sequence", "DataLoader", "DirectoryIterator", "Iterator"}


class HasSamples(Protocol):
    """What this module uses of a specification with ``DatasetMixin``."""

    _values: dict[str, Any]
    _loaded: LoadedDataset | None
    dataset: Any
    x: Any
    y: Any
    validation_data: Any
    validation_split: float
    class_counts: dict[str, dict[str, int]]
    loaded_subset: str | None


class LoadedDataset:
    """Samples that a dataset returned: values of the settings ``x``, ``y`` and perhaps ``validation_data``.

    Args:
        x: Samples.
        y: Labels; None if ``x`` holds them.
        more: ``validation_data``, if the dataset returned it.
    """

    def __init__(self, x: Any, y: Any = None, **more: Any) -> None:
        self._samples = {"x": x, "y": y, **more}
        self._before: dict[str, Any] = {}

    def assign(self, model: HasSamples) -> None:
        """Assign the samples to the settings, and keep the values that the user had assigned to them."""
        release(model)
        self._before = {name: model._values[name] for name in self._samples if name in model._values}
        model._loaded = self
        for name, value in self._samples.items():
            setattr(model, name, value)

    def restore(self, model: HasSamples) -> None:
        """Remove the samples from the settings, and assign the user's values again."""
        for name in self._samples:
            model._values.pop(name, None)
        model._values.update(self._before)
        model._loaded = None


def release(model: HasSamples) -> None:
    """Release the samples that the dataset returned, if there are any."""
    if model._loaded is not None:
        model._loaded.restore(model)


class Request(NamedTuple):
    """What to load.

    Args:
        model: The specification.
        subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
        test: Whether this is a dry run.
        kwargs: More arguments for a dataset that takes them.
    """

    model: HasSamples
    subset: str
    test: bool = False
    kwargs: Mapping[str, Any] = types.MappingProxyType({})


Loader = Callable[[Any, Request], LoadedDataset | None]


def load_from_source(model: HasSamples, subset: str, *, test: bool = False, **kwargs: Any) -> None:
    """Load a subset of ``model.dataset`` into ``model.x``, ``model.y`` and ``model.validation_data``.

    Args:
        model: The specification.
        subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
        test: Whether this is a dry run.
        kwargs: More arguments for a dataset that takes them.

    Raises:
        DatasetError: The dataset is of an unknown kind, or it returned something else than samples.
    """
    if subset not in SUBSETS:
        raise DatasetError(f"{subset!r} is not a subset.", hint=f"Subsets are {', '.join(SUBSETS)}.")
    release(model)
    load = _loader_of(model.dataset)
    loaded = load(model.dataset, Request(model, subset, test, kwargs))
    if loaded is not None:
        loaded.assign(model)


def assign_samples(model: HasSamples, samples: Any, subset: str) -> None:
    """Assign what a dataset returned for a subset: ``x``, ``(x, y)`` or ``(x, y, validation_data)``."""
    loaded = _samples_of(samples, subset)
    if loaded is not None:
        loaded.assign(model)


def function_of(source: Any) -> Callable[..., Any] | None:
    """Return the function that a dataset is, or ``load_data`` of its module or object; None if there is none."""
    if isinstance(source, types.ModuleType):
        return getattr(source, "load_data", None)
    if isinstance(source, (type, MltkDataset)) or is_samples(source):
        return None
    if not callable(source):
        return None if hasattr(source, "load_dataset") else getattr(source, "load_data", None)
    return source  # type: ignore[no-any-return]  # callable


def call_function(function: Callable[..., Any], request: Request) -> Any:
    """Call a dataset's function with the arguments that it takes, and return what it returns."""
    model, subset, test, kwargs = request
    if isinstance(model.dataset, types.ModuleType):
        return function()
    return _call(function, model=model, mltk_model=model, subset=subset, test=test, **kwargs)


def assign_returned(function: Callable[..., Any], result: Any, request: Request) -> bool:
    """Assign what a dataset's function returned: samples of the subset, or a split into training and test samples.

    Returns:
        Whether it is a split.
    """
    where = getattr(function, "__name__", "the dataset function")
    if isinstance(request.model.dataset, types.ModuleType):
        where = request.model.dataset.__name__
    release(request.model)
    for_subset = takes_subset(function)
    loaded = _split_or_samples(result, request, where, for_subset=for_subset)
    if loaded is not None:
        loaded.assign(request.model)
    return is_split(result, for_subset=for_subset)


def is_samples(value: Any) -> bool:
    """Whether a value is itself a source of samples: an array, ``tf.data.Dataset``, ``PyDataset`` or generator.

    The test is by the names of classes, so that neither TensorFlow nor Keras is imported for it.
    """
    if isinstance(value, Iterator) or hasattr(value, "__array__"):
        return True
    return not _KERAS_INPUTS.isdisjoint(c.__name__ for c in type(value).__mro__)


# -- kinds of sources ------------------------------------------------------------------------------------------------


def _loader_of(source: Any) -> Loader:
    """Find the function for the kind of a source. The order matters: an array can be callable, for instance."""
    kinds: list[tuple[bool, Loader]] = [
        (isinstance(source, type) and issubclass(source, MltkDataset), _refuse_class),
        (isinstance(source, MltkDataset), _load_own_dataset),
        (isinstance(source, types.ModuleType), _load_module),
        (isinstance(source, tuple) and len(source) == 2 and all(isinstance(s, tuple) for s in source), _load_split),
        (isinstance(source, (tuple, list)) or is_samples(source), _load_samples),
        (callable(source), _load_function),
        (hasattr(source, "load_dataset"), _load_object),
        (hasattr(source, "load_data"), lambda source, request: _load_function(source.load_data, request)),
    ]
    return next((loader for is_kind, loader in kinds if is_kind), _refuse)


def _refuse_class(source: Any, request: Request) -> None:
    raise DatasetError(
        f"my_model.dataset is the class {source.__name__}; it must be an instance.",
        hint=f"my_model.dataset = {source.__name__}()",
    )


def _refuse(source: Any, request: Request) -> None:
    raise DatasetError(
        f"my_model.dataset is of type {type(source).__name__}, which can't be loaded.",
        hint="It can be a module with load_data(), a function, an MltkDataset, a tf.data.Dataset, a "
        "keras.utils.PyDataset, a generator, or arrays (x, y).",
    )


def _load_own_dataset(source: MltkDataset, request: Request) -> LoadedDataset | None:
    """Load a user's own dataset, and copy its class counts."""
    loaded = _samples_of(source.load_dataset(request.subset, test=request.test, **request.kwargs), request.subset)
    counts = getattr(source, "class_counts", None)
    if counts:
        request.model.class_counts[request.subset] = dict(counts)
    return loaded


def _load_module(source: types.ModuleType, request: Request) -> LoadedDataset | None:
    """Load a module with ``load_data()``, such as those of ``keras.datasets``."""
    load_data = getattr(source, "load_data", None)
    if load_data is None:
        raise DatasetError(f"The dataset module {source.__name__} has no function load_data().")
    return _split_or_samples(load_data(), request, source.__name__)


def _load_split(source: Any, request: Request) -> LoadedDataset | None:
    """Load ``((x_train, y_train), (x_test, y_test))``."""
    return _split_or_samples(source, request, "my_model.dataset")


def _load_samples(source: Any, request: Request) -> LoadedDataset | None:
    """Load arrays, or an object that is itself a source of samples."""
    return _samples_of(source, request.subset)


def _load_function(source: Callable[..., Any], request: Request) -> LoadedDataset | None:
    """Call a function with the arguments that it takes."""
    model, subset, test, kwargs = request
    result = _call(source, model=model, mltk_model=model, subset=subset, test=test, **kwargs)
    where = getattr(source, "__name__", "the dataset function")
    return _split_or_samples(result, request, where, for_subset=takes_subset(source))


def _load_object(source: Any, request: Request) -> LoadedDataset | None:
    """Call the method ``load_dataset`` of an object of another class than :class:`MltkDataset`."""
    result = _call(source.load_dataset, subset=request.subset, test=request.test, **request.kwargs)
    return _samples_of(result, request.subset)


def _call(function: Callable[..., Any], **available: Any) -> Any:
    """Call a function with the available arguments that it has parameters for.

    If a required parameter has another name, the first of these parameters gets the model.
    """
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


def takes_subset(function: Callable[..., Any]) -> bool:
    """Return whether a dataset's function is asked for one subset."""
    try:
        return "subset" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


# -- results of sources ----------------------------------------------------------------------------------------------


def _samples_of(result: Any, subset: str) -> LoadedDataset | None:
    """Read ``x``, ``(x, y)``, ``(x, y, validation_data)`` or ``(x, y, sample_weight)``.

    Returns:
        The samples, or None if the dataset assigned them itself.
    """
    if result is None:
        return None
    if isinstance(result, list) and 2 <= len(result) <= 3:
        result = tuple(result)
    parts = result if isinstance(result, tuple) else (result,)
    if len(parts) > 3:
        raise DatasetError(
            f"The dataset returned {len(parts)} values for {subset!r}; "
            "it must return x, (x, y), (x, y, validation_data) or (x, y, sample_weight)."
        )
    if len(parts) < 3:
        return LoadedDataset(*parts)
    shape = getattr(parts[2], "shape", None)
    is_weight = shape is not None and len(shape) in (1, 2) and tuple(shape[:1]) == (_shape(parts[1]) or ())[:1]
    return LoadedDataset(*parts[:2], **{"sample_weight" if is_weight else "validation_data": parts[2]})


def _in_pairs(result: Any, *, for_subset: bool) -> Any:
    """Return ``x_train, y_train, x_test, y_test`` as two pairs; anything else as it is."""
    if for_subset or not isinstance(result, tuple) or len(result) != 4:
        return result
    if any(_shape(part) is None for part in result):
        return result
    return result[:2], result[2:]


def is_split(result: Any, *, for_subset: bool) -> bool:
    """Whether a result is ``((x_train, y_train), (x_test, y_test))``, which ``load_data()`` returns.

    Samples of several inputs with labels of several outputs, ``((a, b), (y, z))``, have the same form. Then the shapes
    decide: samples and labels have one length, and what is for testing has the shapes of what is for training.

    Args:
        result: What a source returned.
        for_subset: The source was asked for one subset, so that one length for all four parts means several arrays.
    """
    result = _in_pairs(result, for_subset=for_subset)
    if not (
        isinstance(result, tuple) and len(result) == 2 and all(isinstance(r, tuple) and len(r) == 2 for r in result)
    ):
        return False
    shapes = [_shape(part) for pair in result for part in pair]
    if any(shape is None for shape in shapes):
        return not for_subset
    x_train, y_train, x_test, y_test = (shape or () for shape in shapes)
    if len({shape[:1] for shape in (x_train, y_train, x_test, y_test)}) == 1:
        return not for_subset and (x_train[1:], y_train[1:]) == (x_test[1:], y_test[1:])
    return x_train[:1] == y_train[:1] and x_test[:1] == y_test[:1]


def _shape(part: Any) -> tuple[int, ...] | None:
    """The shape of an array, or of the first one of several; of a plain list only its length. None if unknown."""
    shape = getattr(part, "shape", None)
    if shape is not None:
        return tuple(int(n) for n in shape) or None
    if isinstance(part, Mapping):
        return _shape(next(iter(part.values()), None))
    if isinstance(part, (tuple, list)) and part:
        return _shape(part[0]) if len(getattr(part[0], "shape", ())) else (len(part),)
    return None


def _split_or_samples(result: Any, request: Request, where: str, *, for_subset: bool = False) -> LoadedDataset | None:
    """Read ``((x_train, y_train), (x_test, y_test))``, or what :func:`_samples_of` reads.

    The first part is for training. The second part is for evaluation, and for validation unless the specification has
    ``validation_data`` or ``validation_split``.

    Args:
        result: What the source returned.
        request: What to load.
        where: Name of the source, for the message.
        for_subset: The source was asked for one subset.
    """
    result = _in_pairs(result, for_subset=for_subset)
    if not is_split(result, for_subset=for_subset):
        return _samples_of(result, request.subset)
    train, held_out = result
    model, subset = request.model, request.subset
    x, y = train if subset == "training" else held_out
    if x is None:
        raise DatasetError(f"{where} returned no samples for {subset!r}.")
    validate = subset == "training" and model.validation_data is None and not model.validation_split
    return LoadedDataset(x, y, **({"validation_data": held_out} if validate else {}))


def summarize_source(model: HasSamples) -> str:
    """Return a few lines about the loaded samples."""
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
