"""A user's own functions in the pipeline, called with the arguments of MLTK 0.20."""

from __future__ import annotations

import inspect
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.data.numpy1_array import as_numpy1
from mltk.errors import DatasetError

UserFunction = Callable[..., Any]
_global_generators = threading.Lock()


class Augmentation(NamedTuple):
    """A user's own effect; see ``ParallelDataGenerator.add_augmentation``."""

    apply: UserFunction
    draw: UserFunction | None
    name: str

    def __call__(self, x: npt.NDArray[Any], rng: np.random.Generator, *facts: Any) -> npt.NDArray[Any]:
        """Return the changed sample.

        Args:
            x: One sample.
            rng: Generator to draw from.
            facts: More arguments for ``apply``, for example the sample rate.
        """
        value = rng if self.draw is None else self.draw(rng)
        return np.asarray(self.apply(as_numpy1(x), value, *facts))


@dataclass(frozen=True)
class UserFunctions:
    """The functions that a user gave to a data generator. It is false if there are none.

    Attributes:
        get_batch: Makes whole batches; the other functions are not called then.
        before: Called for each sample before augmentation.
        effects: Called for each sample after the built-in effects.
        between: Called for each sample after augmentation.
        after: Called for the features of each sample.
    """

    get_batch: UserFunction | None
    before: UserFunction | None
    effects: tuple[Augmentation, ...]
    between: UserFunction | None
    after: UserFunction | None

    def __bool__(self) -> bool:
        single = (self.get_batch, self.before, self.between, self.after)
        return bool(self.effects) or any(function is not None for function in single)


class BatchFacts:
    """What a user's function can learn about the batch of a sample.

    The lists are made when they are first needed: most batches need neither.

    Args:
        index: Index of the batch in its epoch.
        indices: int64 [n]: Index of each sample in ``names``.
        labels: int32 [n]: Class index of each sample.
        names: Path of every sample of the dataset; None for a sample without a file.
    """

    def __init__(
        self,
        index: int,
        indices: npt.NDArray[np.int64],
        labels: npt.NDArray[np.int32],
        names: Sequence[str | None],
    ) -> None:
        self.index = index
        self._indices, self._labels, self._names = indices, labels, names

    @cached_property
    def class_ids(self) -> list[int]:
        """Class index of each sample."""
        return [int(label) for label in self._labels]

    @cached_property
    def filenames(self) -> list[str | None]:
        """Path of each sample; None for a sample without a file."""
        return [self._names[i] for i in self._indices]


@cache
def accepted_arguments(function: UserFunction) -> frozenset[str] | None:
    """Return the names of the arguments that a function accepts; None if it accepts every name.

    Args:
        function: Function of the user.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters)


def call(function: UserFunction, params: object, x: npt.NDArray[Any], i: int, facts: BatchFacts) -> npt.NDArray[Any]:
    """Call ``function(params, x, …)`` for one sample, with those of the other arguments that it accepts.

    Args:
        function: Function of the user.
        params: First argument of the function.
        x: The sample.
        i: Position of the sample in the batch.
        facts: Facts about the batch.

    Returns:
        The sample that the function returned.

    Raises:
        DatasetError: The function returned None.
    """
    more = {
        "class_id": facts.class_ids[i],
        "filename": facts.filenames[i],
        "batch_index": facts.index,
        "batch_class_ids": facts.class_ids,
        "batch_filenames": facts.filenames,
    }
    accepted = accepted_arguments(function)
    used = {k: v for k, v in more.items() if accepted is None or k in accepted}
    returned = function(params, as_numpy1(x), **used)
    if returned is None:
        name = getattr(function, "__name__", "function")
        raise DatasetError(f"{name}() returned None.", hint="It must return the sample.")
    return np.asarray(returned)


def call_each(
    function: UserFunction, params: object, samples: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], facts: BatchFacts
) -> list[npt.NDArray[Any]]:
    """Call a function for each sample of a batch; see :func:`call`."""
    return [call(function, params, x, i, facts) for i, x in enumerate(samples)]


def call_get_batch(function: UserFunction, params: object, facts: BatchFacts) -> Any:
    """Call ``get_batch_function`` and return the batch ``(x, y)``.

    Raises:
        DatasetError: The function returned something else than ``(batch_index, (x, y))``.
    """
    returned = function(facts.index, facts.filenames, facts.class_ids, params)
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise DatasetError("get_batch_function() must return (batch_index, (x, y)).")
    return returned[1]


@contextmanager
def seeded_globals(seeds: Sequence[int]) -> Iterator[None]:
    """Seed Python's and NumPy's global generators for functions that draw from them; one thread at a time.

    Afterwards the generators have the state from before.

    Args:
        seeds: Numbers that the seeds are derived from.
    """
    with _global_generators:
        states = random.getstate(), np.random.get_state()
        words = np.random.SeedSequence(list(seeds)).generate_state(2)
        random.seed(int(words[0]))
        np.random.seed(int(words[1]))
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
