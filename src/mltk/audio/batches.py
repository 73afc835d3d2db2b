"""Batches of audio samples; each a function of the seed, the epoch and its index, and of nothing else."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.audio.augment._native import effects_for_rate
from mltk.audio.augment.trim import trim_bounds
from mltk.audio.clip_bank import ClipBank
from mltk.audio.files import AUDIO_FORMATS, SILENCE_CLASS, to_float32, to_int16, write_audio
from mltk.audio.transforms import Transforms, fill_effects
from mltk.data.class_files import Source
from mltk.data.functions.process import FunctionProcesses
from mltk.data.listing import UNKNOWN_CLASS, ListingOptions, SampleList, list_samples
from mltk.data.pipeline import hooks
from mltk.data.pipeline.epochs import EpochBatches, number_of_workers
from mltk.data.splitting import Split
from mltk.errors import DatasetError, did_you_mean

if TYPE_CHECKING:
    from mltk.audio.generator import ParallelAudioDataGenerator

CLASS_MODES = ("categorical", "sparse", "binary", "input", None)
_ORDER, _UNKNOWN, _BATCH = range(3)
logger = logging.getLogger("mltk")


@dataclass
class FlowOptions:
    """The arguments of ``flow_from_directory``."""

    source: Source
    classes: list[str]
    class_mode: str | None = "categorical"
    batch_size: int = 32
    shuffle: bool = True
    shuffle_index_dir: str | None = None
    seed: int | None = None
    follow_links: bool = False
    subset: str | None = None
    max_samples_per_class: int = -1
    list_function: Callable | None = None
    class_counts: dict[str, int] | None = None
    save_to_dir: str | None = None
    save_prefix: str = ""
    save_format: str = "wav"
    augment: bool | None = None

    def check(self) -> None:
        """Raise DatasetError if something is impossible."""
        if self.class_mode not in CLASS_MODES:
            near = did_you_mean(str(self.class_mode), [m for m in CLASS_MODES if m])
            raise DatasetError(
                f"class_mode is {self.class_mode!r}. {near}".rstrip(), hint=f"It can be one of {CLASS_MODES}."
            )
        if self.subset not in ("training", "validation", None):
            raise DatasetError(f"subset is {self.subset!r}.", hint='It can be "training", "validation" or None.')
        if not self.classes:
            raise DatasetError("There are no classes.", hint='Set my_model.classes, for instance to ["yes", "no"].')
        if len(set(self.classes)) != len(self.classes):
            raise DatasetError(f"A class is named twice: {', '.join(self.classes)}.")

    def split(self, share: float) -> Split | None:
        """The part of the files that the subset is."""
        if self.subset is None or share == 0:
            return None
        return (0.0, share) if self.subset == "validation" else (share, 1.0)


def make_batches(generator: ParallelAudioDataGenerator, options: FlowOptions) -> AudioBatches:
    """List the samples and make what gives batches of them."""
    options.check()
    generator.check()
    if generator.bg_noise_dir is not None:
        generator.backgrounds()  # complain now
    if options.subset == "validation" and generator.validation_split == 0:
        raise DatasetError("There is no validation subset: validation_split is 0.")
    listed = list_samples(
        options.source,
        options.classes,
        ListingOptions(
            formats=AUDIO_FORMATS,
            unknown_share=generator.unknown_class_percentage,
            empty_share=generator.silence_class_percentage,
            empty_label=SILENCE_CLASS,
            split=options.split(generator.validation_split),
            group_by=generator.group_by,
            max_samples_per_class=options.max_samples_per_class,
            follow_links=options.follow_links,
            list_function=options.list_function,
            shuffle_files=options.shuffle_index_dir is not None,
            shuffle_index_directory=options.shuffle_index_dir,
        ),
    )
    return AudioBatches(generator, options, listed)


class AudioBatches(EpochBatches):
    """Batches of samples, made ahead by threads; see :class:`~mltk.data.pipeline.epochs.EpochBatches`.

    The attributes have the names of MLTK 0.20's iterator: ``n``, ``classes`` (the label of each sample),
    ``filenames``, ``class_indices``, ``num_classes``.
    """

    def __init__(self, generator: ParallelAudioDataGenerator, options: FlowOptions, listed: SampleList) -> None:
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
        pool = listed.pool if self.shuffle and self.augment else []
        own = {name: i for i, name in enumerate(listed.names) if name is not None}
        extra = [name for name in pool if name not in own]
        names = [*listed.names, *extra]
        own |= {name: len(listed.names) + i for i, name in enumerate(extra)}
        self._names = names
        self._labels_of_bank = np.full(len(names), self.class_indices.get(UNKNOWN_CLASS, 0), np.int32)
        self._labels_of_bank[: len(self.labels)] = self.labels
        self._pool_indices = np.array([own[name] for name in pool], np.int64)
        raw = generator.noaug_preprocessing_function is not None
        self.bank = ClipBank(
            [None if name is None else os.path.join(listed.directory, name) for name in names],
            generator.sample_rate_hz,
            trim_threshold_db=0 if raw else generator.trim_threshold_db,
            max_unreadable=generator.max_unreadable,
            memory_limit_bytes=generator.memory_limit_bytes,
            with_ends=self.augment and generator.trim_range_db is not None and not raw,
        )
        self._orders: dict[int, npt.NDArray[np.int64]] = {}
        if options.class_counts is not None:
            options.class_counts.update(self.class_counts)
        self._params = self._process_params()
        self._in_worker = False
        self._starting = threading.Lock()
        self._processes: FunctionProcesses | None = None
        self._memory: deque[npt.NDArray[np.int16]] = deque()

    def _augments(self) -> bool:
        if self.options.augment is not None:
            return self.options.augment
        validates = self.options.subset == "validation"
        return self.generator.validation_augmentation_enabled if validates else True

    @property
    def class_counts(self) -> dict[str, int]:
        """Class → number of samples."""
        counts = np.bincount(self.labels, minlength=self.num_classes)
        return {name: int(counts[i]) for name, i in self.class_indices.items()}

    def drop_unreadable(self, threads: int = 2) -> None:
        """Decode everything and leave out what can't be: for evaluation, where every sample counts once."""
        kept = np.flatnonzero(self.bank.ensure_all(threads)[: self.samples])
        if len(kept) == self.samples:
            return
        self.filenames = [self.filenames[i] for i in kept]
        self.labels = self.classes = self.labels[kept]
        self._kept = kept
        self.n = self.samples = len(kept)
        self._orders.clear()

    _kept: npt.NDArray[np.int64] | None = None

    # -- which samples -----------------------------------------------------------------------------------------

    def _rng(self, purpose: int, epoch: int, index: int = 0) -> np.random.Generator:
        """A generator that depends on nothing but these (Salmon et al., "Parallel random numbers", 2011)."""
        return np.random.Generator(np.random.Philox(key=[self.seed, purpose], counter=[0, 0, index, epoch]))

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Number of each sample of an epoch, in the order they come."""
        found = self._orders.get(epoch)
        if found is None:
            found = self._draw_order(epoch)
            self._orders = {k: v for k, v in self._orders.items() if abs(k - epoch) <= 1}
            self._orders[epoch] = found
        return found

    def _draw_order(self, epoch: int) -> npt.NDArray[np.int64]:
        chosen = np.arange(self.samples) if self._kept is None else self._kept.copy()
        if not self.shuffle:
            return chosen
        if len(self._pool_indices):  # other samples of the unknown class in each epoch
            slots = np.flatnonzero(self.labels == self.class_indices[UNKNOWN_CLASS])
            drawn = self._rng(_UNKNOWN, epoch).permutation(self._pool_indices)[: len(slots)]
            chosen[slots] = drawn
        return self._rng(_ORDER, epoch).permutation(chosen)

    def _readable(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The samples, decoded; in place of each that is unreadable the next readable one of its class."""
        good = self.bank.ensure(indices)
        if good.all():
            return indices
        indices = indices.copy()
        for i in np.flatnonzero(~good):
            same = np.flatnonzero(self._labels_of_bank == self._labels_of_bank[indices[i]])
            after = np.concatenate([same[same > indices[i]], same[same < indices[i]]])
            replacement = next((j for j in after if self.bank.ensure(np.array([j]))[0]), None)
            if replacement is None:
                raise DatasetError(f"No sample of class {self._class_name(indices[i])!r} is readable.")
            indices[i] = replacement
        return indices

    def _class_name(self, index: int) -> str:
        return self.options.classes[self._labels_of_bank[index]]

    # -- making a batch ----------------------------------------------------------------------------------------

    def batch(self, epoch: int, index: int) -> Any:
        """``(x, y)``: x [samples, *sample_shape], y one-hot [samples, classes] or [samples]; or x alone.

        If functions of the user's take part, it is made in another process, with the same result.
        """
        processes = self._worker_processes()
        return self.make(epoch, index) if processes is None else processes(epoch, index)

    def _worker_processes(self) -> FunctionProcesses | None:
        if self._in_worker or self.generator.debug or not self.generator.user_functions:
            return None
        with self._starting:
            if self._processes is None:
                try:
                    self._processes = FunctionProcesses(
                        self.make, self._workers, disable_gpu=self.generator.disable_gpu_in_subprocesses
                    )
                except (pickle.PicklingError, AttributeError, TypeError) as error:
                    logger.warning(
                        "The data generator's own functions are called in this process, one at a time: %s.", error
                    )
                    self._in_worker = True
            return self._processes

    def shutdown(self) -> None:
        """End the threads and processes; they are started again when a batch is asked for."""
        super().shutdown()
        with self._starting:
            if self._processes is not None:
                self._processes.close()
                self._processes = None

    def __getstate__(self) -> dict[str, Any]:
        own: dict[str, Any] = {"_processes": None, "_starting": None, "_in_worker": True, "_memory": deque()}
        return {**super().__getstate__(), **own}

    def make(self, epoch: int, index: int) -> Any:
        """:meth:`batch`, made here."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        indices = self._readable(self.order(epoch)[part])
        rng = self._rng(_BATCH, epoch, index)
        transforms = self._draw(rng, len(indices))
        labels = self._labels_of_bank[indices]
        if not self.generator.user_functions:
            with self._reused(len(indices)) as memory:
                x = self._features(self._clips(indices, transforms, memory), index, epoch)
        else:
            with hooks.seeded_globals([self.seed, epoch, index]):
                facts = hooks.BatchFacts(index, labels.tolist(), [self._names[i] for i in indices])
                if self.generator.get_batch_function is not None:
                    return self._own_batch(facts)
                x = self._through_functions(indices, transforms, facts, rng, epoch)
        return self._with_labels(x, labels)

    def _draw(self, rng: np.random.Generator, n: int) -> Transforms:
        return self.generator.draw(rng, n) if self.augment else Transforms.none(n)

    @contextmanager
    def _reused(self, n: int) -> Iterator[npt.NDArray[np.int16]]:
        """Memory for ``n`` clips, of which nothing is kept beyond the ``with``.

        New memory of this size comes from the system page by page, which takes as long as an effect does.
        """
        length = self.generator.sample_length
        memory = self._memory.pop() if self._memory else np.empty((0, 0), np.int16)
        if len(memory) < n or memory.shape[1] != length:
            memory = np.empty((max(n, self.batch_size), length), np.int16)
        yield memory
        self._memory.append(memory)

    def _clips(
        self, indices: npt.NDArray[np.int64], transforms: Transforms, memory: npt.NDArray[np.int16] | None = None
    ) -> npt.NDArray[np.int16]:
        bank, generator = self.bank, self.generator
        addresses, lengths = bank.cut(indices, transforms.start_db, transforms.stop_db)
        effects = fill_effects(transforms, addresses, lengths, bank.levels(indices), generator.backgrounds()[1])
        return effects_for_rate(generator.sample_rate_hz).apply(effects, generator.sample_length, memory)

    def _features(self, clips: npt.NDArray[np.int16], index: int, epoch: int) -> npt.NDArray[Any]:
        generator = self.generator
        self._dump(clips, index, epoch)
        if not generator.frontend_enabled:
            return generator.standardize_batch(to_float32(clips))
        features = generator.frontend.process_batch(clips, generator.feature_dtype)
        features = generator.standardize_batch(features)
        return features[..., np.newaxis] if generator.add_channel_dimension else features

    def _through_functions(
        self,
        indices: npt.NDArray[np.int64],
        transforms: Transforms,
        facts: hooks.BatchFacts,
        rng: np.random.Generator,
        epoch: int,
    ) -> npt.NDArray[Any]:
        """As :meth:`_clips` and :meth:`_features`, with the user's functions called in between."""
        generator, params = self.generator, self._params
        if generator.noaug_preprocessing_function is None:
            clips = self._clips(indices, transforms)
        else:
            clips = self._preprocessed_clips(indices, transforms, facts)
        for augmentation in generator.augmentations if self.augment else ():
            changed = [augmentation(x, rng, generator.sample_rate_hz) for x in to_float32(clips)]
            clips = np.stack([to_int16(x) for x in changed])
        if generator.preprocessing_function is not None:
            given = [
                hooks.call(generator.preprocessing_function, params, x, i, facts)
                for i, x in enumerate(to_float32(clips))
            ]
            clips = np.stack([to_int16(x) for x in given]) if generator.frontend_enabled else np.stack(given)
        self._dump(to_int16(clips), facts.index, epoch)
        if generator.frontend_enabled:
            samples = generator.frontend.process_batch(clips, generator.feature_dtype)
            samples = samples[..., np.newaxis] if generator.add_channel_dimension else samples
        else:
            samples = to_float32(clips)
        if generator.postprocessing_function is not None:
            samples = np.stack(
                [hooks.call(generator.postprocessing_function, params, x, i, facts) for i, x in enumerate(samples)]
            )
        return generator.standardize_batch(samples)

    def _preprocessed_clips(
        self, indices: npt.NDArray[np.int64], transforms: Transforms, facts: hooks.BatchFacts
    ) -> npt.NDArray[np.int16]:
        generator = self.generator
        clips = []
        for i, index in enumerate(indices):
            raw = to_float32(self.bank.clip(int(index)))
            clip = to_int16(hooks.call(generator.noaug_preprocessing_function, self._params, raw, i, facts))
            if generator.trim_threshold_db and len(clip):
                start, stop = trim_bounds(clip, generator.trim_threshold_db)
                clip = clip[start:stop]
            clips.append(clip)
        return generator.augment(clips, transforms)

    def _own_batch(self, facts: hooks.BatchFacts) -> Any:
        given = self.generator.get_batch_function(facts.index, facts.filenames, facts.class_ids, self._params)
        if not isinstance(given, tuple) or len(given) != 2:
            raise DatasetError("get_batch_function() has to give (batch_index, (x, y)).")
        return given[1]

    def _with_labels(self, x: npt.NDArray[Any], labels: npt.NDArray[np.int32]) -> Any:
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=np.float32)[labels]
        return x, labels.astype(np.float32)

    # -- for the user ------------------------------------------------------------------------------------------

    def _dump(self, clips: npt.NDArray[np.int16], index: int, epoch: int) -> None:
        """Write the augmented audio, if asked to: ``<prefix><class>-<epoch>-<batch>-<number>.<format>``."""
        folder = self.options.save_to_dir
        if folder is None:
            return
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        for i, (clip, sample) in enumerate(zip(clips, self.order(epoch)[part], strict=True)):
            name = (
                f"{self.options.save_prefix}{self._class_name(sample)}-{epoch}-{index}-{i}.{self.options.save_format}"
            )
            write_audio(os.path.join(folder, name), clip, self.generator.sample_rate_hz)

    def _process_params(self) -> hooks.ParallelProcessParams:
        generator, options = self.generator, self.options
        return hooks.ParallelProcessParams(
            audio_data_generator=generator,
            sample_rate=generator.sample_rate_hz,
            sample_length_ms=generator.sample_length_ms,
            sample_shape=generator.sample_shape,
            save_to_dir=options.save_to_dir,
            save_prefix=options.save_prefix,
            save_format=options.save_format,
            subset=options.subset,
            class_indices=self.class_indices,
            dtype=generator.dtype,
            frontend_dtype=generator.feature_dtype,
            directory=self.directory,
            class_mode=self.class_mode,
            get_batch_function=generator.get_batch_function,
            noaug_preprocessing_function=generator.noaug_preprocessing_function,
            preprocessing_function=generator.preprocessing_function,
            postprocessing_function=generator.postprocessing_function,
            frontend_enabled=generator.frontend_enabled,
            add_channel_dimension=generator.add_channel_dimension,
        )
