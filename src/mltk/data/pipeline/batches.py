"""Batches of samples from files; each batch depends only on the seed, the epoch and its index.

The pipeline of a batch, for every medium::

    draw → open → own function → augment → own effects → own function → features → own function → normalize → labels

This file knows neither audio nor images: what a medium does in a step is behind :class:`SampleMaker`.
"""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from mltk.data.functions.process import FunctionProcesses
from mltk.data.listing import UNKNOWN_CLASS, SampleList
from mltk.data.pipeline import hooks
from mltk.data.pipeline.bank import SampleBank
from mltk.data.pipeline.epochs import EpochBatches, number_of_workers
from mltk.data.pipeline.flow import FlowOptions
from mltk.data.pipeline.order import EpochOrder, batch_generator
from mltk.errors import DatasetError

logger = logging.getLogger("mltk")

BankT = TypeVar("BankT", bound=SampleBank)
"""The decoded samples of a medium."""
TransformsT = TypeVar("TransformsT")
"""What a medium draws for the samples of a batch."""
MOST_BATCHES_AHEAD = 16
"""Batches that a consumer, such as tf.data, keeps besides those that are made ahead here."""
Samples = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]
"""The samples of a batch: one array [n, ...] or a list of n arrays."""


class SampleMaker(Protocol[TransformsT, BankT]):
    """What batches need to know about a data generator: a few settings, and the steps that depend on the medium."""

    # -- settings; see ParallelDataGenerator

    @property
    def cores(self) -> float: ...
    @property
    def max_batches_pending(self) -> int: ...
    @property
    def debug(self) -> bool: ...
    @property
    def disable_gpu_in_subprocesses(self) -> bool: ...
    @property
    def validation_augmentation_enabled(self) -> bool: ...
    @property
    def functions(self) -> hooks.UserFunctions: ...

    # -- steps

    def open_bank(self, paths: Sequence[str | None], options: FlowOptions, augment: bool) -> BankT:
        """Return the bank that decodes these files.

        Args:
            paths: Path of each file; None for a sample without a file.
            options: Arguments of ``flow_from_directory``.
            augment: Whether the samples are going to be augmented.
        """

    def hold(self, samples: Sequence[npt.NDArray[Any]], transforms: TransformsT) -> BankT:
        """Return a bank of samples that a user's function returned.

        Args:
            samples: One array for each sample.
            transforms: What is going to be done to the samples.
        """

    def draw(self, rng: np.random.Generator, bank: BankT, indices: npt.NDArray[np.int64]) -> TransformsT:
        """Draw the random parameters of a batch.

        Args:
            rng: Generator to draw from.
            bank: The decoded samples, for a medium whose parameters depend on the shape of a sample.
            indices: int64 [n]: Samples of the bank.
        """

    def no_transforms(self, n: int) -> TransformsT:
        """Return parameters for ``n`` samples that change nothing."""

    @property
    def augmented_shape(self) -> tuple[int, ...]:
        """Shape of one augmented sample."""

    @property
    def augmented_dtype(self) -> npt.DTypeLike:
        """Data type of augmented samples."""

    def augment(
        self, bank: BankT, indices: npt.NDArray[np.int64], transforms: TransformsT, out: npt.NDArray[Any]
    ) -> Samples:
        """Augment samples and bring them to the same shape.

        Args:
            bank: The decoded samples.
            indices: int64 [n]: Samples of the bank.
            transforms: What to do to each sample.
            out: Memory for the result: [n or more, *augmented_shape], with the data type ``augmented_dtype``.

        Returns:
            [n, *augmented_shape]: The first samples of ``out``. Or a list of n arrays, which a user's function brings
            to the same shape.
        """

    def as_function_input(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Convert one sample, or an array of samples, decoded or augmented, to what a user's function expects."""

    def from_function(self, sample: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Convert one sample that a user's function returned to the data type ``augmented_dtype``."""

    @property
    def effect_facts(self) -> tuple[Any, ...]:
        """Arguments of a user's own effect after the sample and the drawn value."""

    def features(self, samples: Samples) -> npt.NDArray[Any]:
        """Return what the model is trained on, before normalization.

        Args:
            samples: What :meth:`augment` or a user's function returned.
        """

    def standardize_batch(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Normalize finished samples [n, ...], each separately."""

    def write(self, path: str, sample: npt.NDArray[Any]) -> None:
        """Write one augmented sample to a file."""

    def process_params(self, options: FlowOptions, class_indices: dict[str, int], directory: str) -> object:
        """Return the first argument of the user's functions.

        Args:
            options: Arguments of ``flow_from_directory``.
            class_indices: Class → label.
            directory: Folder of the dataset; may be empty.
        """


class SampleBatches(EpochBatches, Generic[TransformsT, BankT]):
    """Batches of the samples of a dataset, made ahead by threads.

    The attributes have the names of MLTK 0.20's iterator.

    Args:
        generator: Settings, and the steps that depend on the medium.
        options: Arguments of ``flow_from_directory``.
        listed: The samples.

    Attributes:
        n: Number of samples.
        filenames: Path of each sample; None for a sample without a file.
        classes: int32 [samples]: Label of each sample; also ``labels``.
        class_indices: Class → label.
        num_classes: Number of classes.
        seed: Seed of the order and the augmentation.
        augment: Whether the samples are augmented.
    """

    def __init__(self, generator: SampleMaker[TransformsT, BankT], options: FlowOptions, listed: SampleList) -> None:
        super().__init__(
            len(listed.names),
            options.batch_size,
            workers=number_of_workers(generator.cores),
            max_batches_pending=generator.max_batches_pending,
        )
        self.generator, self.options = generator, options
        self.seed = int(np.random.randint(2**31)) if options.seed is None else int(options.seed)
        self.class_mode, self.shuffle = options.class_mode, options.shuffle
        self.directory = listed.directory
        self.num_classes = len(options.classes)
        self.class_indices = {name: i for i, name in enumerate(options.classes)}
        self.filenames: list[str | None] = list(listed.names)
        self.labels = self.classes = np.array(listed.labels, np.int32)
        self.augment = self._augments()
        self._from_dataset = self.samples - listed.added
        self._add_pool(listed.pool if self.shuffle and self.augment else [])
        self._order = self._new_order(np.arange(self.samples))
        paths = [None if name is None else os.path.join(listed.directory, name) for name in self._names]
        self.bank = generator.open_bank(paths, options, self.augment)
        if options.class_counts is not None:
            options.class_counts.update(self.class_counts)
        self._params = generator.process_params(options, self.class_indices, self.directory)
        self._in_worker = False
        self._starting = threading.Lock()
        self._processes: FunctionProcesses | None = None
        self._memory: deque[npt.NDArray[Any]] = deque()
        self._made: dict[int, set[int]] = {}
        self._passes = 0
        self._reports = True

    def _augments(self) -> bool:
        if self.options.augment is not None:
            return self.options.augment
        return self.options.subset != "validation" or self.generator.validation_augmentation_enabled

    def _add_pool(self, pool: list[str]) -> None:
        """Give each sample of the bank a name and a label: the listed samples, then the rest of the pool."""
        own = {name: i for i, name in enumerate(self.filenames) if name is not None}
        extra = [name for name in pool if name not in own]
        own |= {name: self.samples + i for i, name in enumerate(extra)}
        self._names: list[str | None] = [*self.filenames, *extra]
        self._labels_of_bank = np.full(len(self._names), self.class_indices.get(UNKNOWN_CLASS, 0), np.int32)
        self._labels_of_bank[: len(self.labels)] = self.labels
        self._pool_indices = np.array([own[name] for name in pool], np.int64)

    @property
    def class_counts(self) -> dict[str, int]:
        """Class → number of samples."""
        counts = np.bincount(self.labels, minlength=self.num_classes)
        return {name: int(counts[i]) for name, i in self.class_indices.items()}

    def number_classes(self, classes: Sequence[str]) -> None:
        """Number the labels as another list of classes does, for batches that have only some of its classes.

        Args:
            classes: All classes, in the order of the labels.

        Raises:
            ValueError: A class of the batches is not in the list.
        """
        new = np.array([classes.index(name) for name in self.class_indices], np.int32)
        self.labels = self.classes = new[self.labels]
        self._labels_of_bank = new[self._labels_of_bank]
        self.num_classes = len(classes)
        self.class_indices = {name: i for i, name in enumerate(classes)}
        self._params = self.generator.process_params(self.options, self.class_indices, self.directory)

    def drop_unreadable(self, threads: int = 2) -> None:
        """Decode all files and leave out unreadable ones. For evaluation, where every sample must count once."""
        kept = np.flatnonzero(self.bank.ensure_all(threads)[: self.samples])
        self.bank.end_of_pass(last=False)
        if len(kept) == self.samples:
            return
        self.filenames = [self.filenames[i] for i in kept]
        self.labels = self.classes = self.labels[kept]
        self.n = self.samples = len(kept)
        self._made = {}
        self._order = self._new_order(kept)

    # -- which samples -----------------------------------------------------------------------------------------

    def _new_order(self, samples: npt.NDArray[np.int64]) -> EpochOrder:
        unknown = self.class_indices.get(UNKNOWN_CLASS, -1)
        places = np.flatnonzero(self.labels[: self._from_dataset] == unknown)
        return EpochOrder(self.seed, samples, self.shuffle, places, self._pool_indices)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return int64 [samples]: the index of each sample of an epoch in the bank, in the order of the epoch."""
        return self._order.of(epoch)

    def name_in_bank(self, index: int) -> str | None:
        """Return the path of a sample of the bank below the dataset's folder; None for a sample without a file."""
        return self._names[index]

    def _readable(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Decode samples; replace an unreadable sample by the next readable sample of its class."""
        good = self.bank.ensure(indices)
        if good.all():
            return indices
        indices = indices.copy()
        for i in np.flatnonzero(~good):
            label = self._labels_of_bank[indices[i]]
            same = np.flatnonzero(self._labels_of_bank == label)
            after = np.concatenate([same[same > indices[i]], same[same < indices[i]]])
            replacement = next((j for j in after if self.bank.ensure(np.array([j]))[0]), None)
            if replacement is None:
                name = list(self.class_indices)[label]
                raise DatasetError(f"No sample of class {name!r} is readable.")
            indices[i] = replacement
        return indices

    # -- worker processes --------------------------------------------------------------------------------------

    def batch(self, epoch: int, index: int) -> Any:
        """Return batch ``index`` of an epoch.

        A batch that needs a user's functions is made in a worker process, with the same result.

        Returns:
            ``(x, y)`` with x [samples, *sample_shape] and y one-hot [samples, classes] or [samples]; or x alone.
        """
        processes = self._worker_processes()
        if processes is None:
            made = self.make(epoch, index)
        else:
            made, news = processes(epoch, index)
            self.bank.add_news(news)
        self._count(epoch, index)
        return made

    def _make_with_news(self, epoch: int, index: int) -> tuple[Any, object]:
        """Make a batch in a worker process; return it, and what is to be reported in the main process."""
        return self.make(epoch, index), self.bank.take_news()

    def _count(self, epoch: int, index: int) -> None:
        """Tell the bank when all batches of an epoch were made. A copy in another process reports nothing by itself."""
        if not self._reports:
            return
        with self._starting:
            made = self._made.setdefault(epoch, set())
            made.add(index)
            if len(made) < len(self):
                return
            self._made.clear()
            self._passes += 1
            surely_used = self._passes * len(self) - MOST_BATCHES_AHEAD - self._pending - self._workers
        self.bank.end_of_pass(last=surely_used >= 2 * len(self))

    def _worker_processes(self) -> FunctionProcesses | None:
        if self._in_worker or self.generator.debug or not self.generator.functions:
            return None
        with self._starting:
            if self._processes is None:
                try:
                    self._processes = FunctionProcesses(
                        self._make_with_news, self._workers, disable_gpu=self.generator.disable_gpu_in_subprocesses
                    )
                except (pickle.PicklingError, AttributeError, TypeError) as error:
                    logger.warning(
                        "The data generator's own functions are called in this process, one at a time: %s.", error
                    )
                    self._in_worker = True
            return self._processes

    def shutdown(self) -> None:
        """Stop the threads and processes. They start again when a batch is requested."""
        super().shutdown()
        if self._reports:
            self.bank.end_of_pass(last=True)
        with self._starting:
            if self._processes is not None:
                self._processes.close()
                self._processes = None

    def __getstate__(self) -> dict[str, Any]:
        own: dict[str, Any] = {"_processes": None, "_starting": None, "_in_worker": True, "_memory": deque()}
        own["_reports"] = False
        return {**super().__getstate__(), **own}

    # -- making a batch ----------------------------------------------------------------------------------------

    def make(self, epoch: int, index: int) -> Any:
        """Make a batch in this process; see :meth:`batch`."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        indices = self._readable(self.order(epoch)[part])
        labels = self._labels_of_bank[indices]
        functions = self.generator.functions
        facts = hooks.BatchFacts(index, indices, labels, self._names)
        with hooks.seeded_globals([self.seed, epoch, index]) if functions else nullcontext():
            if functions.get_batch is not None:
                return hooks.call_get_batch(functions.get_batch, self._params, facts)
            with self._reused(len(indices)) as memory:
                x = self._finished(functions, indices, facts, epoch, memory)
        return self._with_labels(x, indices)

    def _finished(
        self,
        functions: hooks.UserFunctions,
        indices: npt.NDArray[np.int64],
        facts: hooks.BatchFacts,
        epoch: int,
        memory: npt.NDArray[Any],
    ) -> npt.NDArray[Any]:
        """Return the finished samples of a batch: all steps but the labels."""
        maker, bank = self.generator, self.bank
        rng = batch_generator(self.seed, epoch, facts.index)
        transforms = maker.draw(rng, bank, indices) if self.augment else maker.no_transforms(len(indices))
        if functions.before is not None:
            raw = [maker.as_function_input(bank.sample(int(i))) for i in indices]
            bank = maker.hold(hooks.call_each(functions.before, self._params, raw, facts), transforms)
            indices = np.arange(len(raw))
        samples = maker.augment(bank, indices, transforms, memory)
        for effect in functions.effects if self.augment else ():
            changed = [effect(x, rng, *maker.effect_facts) for x in self._as_function_input(samples)]
            single = [maker.from_function(x) for x in changed]
            samples = np.stack(single) if isinstance(samples, np.ndarray) else single
        if functions.between is not None:
            samples = hooks.call_each(functions.between, self._params, self._as_function_input(samples), facts)
        self._save(samples, facts, epoch)
        x = maker.features(samples)
        if functions.after is not None:
            x = np.stack(hooks.call_each(functions.after, self._params, x, facts))
        return maker.standardize_batch(x)

    def _as_function_input(self, samples: Samples) -> Samples:
        if isinstance(samples, np.ndarray):
            return self.generator.as_function_input(samples)
        return [self.generator.as_function_input(sample) for sample in samples]

    @contextmanager
    def _reused(self, n: int) -> Iterator[npt.NDArray[Any]]:
        """Lend memory for ``n`` augmented samples; nothing may refer to it after the ``with`` block.

        New memory of this size comes from the system page by page, which takes as long as an effect does.
        """
        shape = self.generator.augmented_shape
        memory = self._memory.pop() if self._memory else None
        if memory is None or len(memory) < n or memory.shape[1:] != shape:
            memory = np.empty((max(n, self.batch_size), *shape), self.generator.augmented_dtype)
        yield memory
        self._memory.append(memory)

    def _with_labels(self, x: npt.NDArray[Any], indices: npt.NDArray[np.int64]) -> Any:
        """Return a batch: finished samples, and the labels of these samples of the bank."""
        labels = self._labels_of_bank[indices]
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=np.float32)[labels]
        return x, labels.astype(np.float32)

    def _save(self, samples: Samples, facts: hooks.BatchFacts, epoch: int) -> None:
        """Write the augmented samples if asked to: ``<prefix><class>-<epoch>-<batch>-<number>.<format>``."""
        options = self.options
        if options.save_to_dir is None:
            return
        classes = list(self.class_indices)
        for i, (sample, label) in enumerate(zip(samples, facts.class_ids, strict=True)):
            name = f"{options.save_prefix}{classes[label]}-{epoch}-{facts.index}-{i}.{options.save_format}"
            self.generator.write(os.path.join(options.save_to_dir, name), sample)
