"""Functions of the user's that take part in making samples, called with what MLTK 0.20 calls them with."""

from __future__ import annotations

import inspect
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.errors import DatasetError

_global_generators = threading.Lock()


class Augmentation(NamedTuple):
    """An effect of the user's own; see ``ParallelAudioDataGenerator.add_augmentation``."""

    apply: Callable
    draw: Callable | None
    name: str

    def __call__(self, x: npt.NDArray[np.float32], rng: np.random.Generator, rate_hz: int) -> npt.NDArray[Any]:
        value = rng if self.draw is None else self.draw(rng)
        return np.asarray(self.apply(x, value, rate_hz))


@dataclass
class ParallelProcessParams:
    """What a user's function may want to know, under the names of MLTK 0.20."""

    audio_data_generator: Any
    sample_rate: int
    sample_length_ms: int
    sample_shape: tuple[int, ...]
    save_to_dir: str | None
    save_prefix: str
    save_format: str
    subset: str | None
    class_indices: dict[str, int]
    dtype: Any
    frontend_dtype: Any
    directory: str
    class_mode: str | None
    get_batch_function: Callable | None
    noaug_preprocessing_function: Callable | None
    preprocessing_function: Callable | None
    postprocessing_function: Callable | None
    frontend_enabled: bool
    add_channel_dimension: bool


@dataclass(frozen=True)
class BatchFacts:
    """What a user's function is told about the batch besides its parameters."""

    index: int
    class_ids: list[int]
    filenames: list[str | None]


@cache
def _accepted(function: Callable) -> frozenset[str] | None:
    """Names of the arguments that a function takes; None if it takes all."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters)


def call(function: Callable, params: ParallelProcessParams, x: Any, i: int, facts: BatchFacts) -> npt.NDArray[Any]:
    """``function(params, x, …)`` for sample ``i`` of a batch, with those of the other arguments that it takes.

    Raises:
        DatasetError: it gave nothing.
    """
    more = {
        "class_id": facts.class_ids[i],
        "filename": facts.filenames[i],
        "batch_index": facts.index,
        "batch_class_ids": facts.class_ids,
        "batch_filenames": facts.filenames,
    }
    accepted = _accepted(function)
    given = function(params, x, **{k: v for k, v in more.items() if accepted is None or k in accepted})
    if given is None:
        raise DatasetError(f"{getattr(function, '__name__', function)}() gave nothing; it has to give the sample.")
    return np.asarray(given)


@contextmanager
def seeded_globals(seeds: Sequence[int]) -> Iterator[None]:
    """Python's and NumPy's global generators seeded, for functions that draw from them; one thread at a time.

    Afterwards they go on as if nothing had been drawn.
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
