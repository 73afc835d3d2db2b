"""``tf.data`` pipelines whose order depends only on the seed and the epoch.

Keras shuffles arrays with a stateful generator. A resumed run would then see another order than a run that was not
interrupted. Here, a counter-based generator draws the order of pass ``k`` over the data from ``(seed, k)``, so that a
stream can start at any batch. The generator is that of TensorFlow's stateless operators (Salmon et al., "Parallel
random numbers: as easy as 1, 2, 3", 2011).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mltk.data.nested import count_samples, map_leaves
from mltk.data.pipeline.epochs import EpochBatches

PREFETCHED = 4
"""Number of batches from arrays in memory that are prepared in advance."""
MOST_TOGETHER = 8
BYTES_TOGETHER = 1 << 22
"""Largest number of bytes, and :data:`MOST_TOGETHER` of batches, that go from Python to TensorFlow in one step."""
CACHED_BYTES = 1 << 28
"""Validation batches are kept in memory if they have fewer bytes than this."""


def batch_stream(
    arrays: tuple[Any, ...], batch_size: int, *, shuffle: bool, seed: int, first_batch: int = 0
) -> tf.data.Dataset:
    """An endless stream of batches that passes over the data again and again.

    Args:
        arrays: ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``. Each is an array ``[samples, …]`` or a tuple, list
            or dictionary of arrays.
        batch_size: Number of samples of a batch. The last batch of a pass may be smaller.
        shuffle: Whether to draw a new order for each pass.
        seed: Seed of the orders.
        first_batch: Number of batches to skip at the beginning.

    Returns:
        A dataset of tuples like ``arrays``.
    """
    tensors = map_leaves(_tensor, arrays)
    n = count_samples(arrays)
    per_pass = batches_per_pass(n, batch_size)

    def order(k: tf.Tensor) -> tf.Tensor:
        index = tf.range(n, dtype=tf.int64)
        if shuffle:
            index = tf.random.experimental.stateless_shuffle(index, seed=tf.stack([tf.cast(seed, tf.int64), k]))
        return index

    def batches(index: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(index).batch(batch_size)

    def gather(index: tf.Tensor) -> Any:
        return tf.nest.map_structure(lambda t: tf.gather(t, index), tensors)

    passes = tf.data.Dataset.counter(first_batch // per_pass, dtype=tf.int64).map(order).prefetch(1)
    stream = passes.flat_map(batches).skip(first_batch % per_pass)
    stream = stream.map(gather).prefetch(PREFETCHED)
    return stream.with_options(_options(tf.data.experimental.AutoShardPolicy.DATA))


def in_order(arrays: tuple[Any, ...], batch_size: int) -> tf.data.Dataset:
    """One pass over ``arrays`` in their order, in batches of ``batch_size`` samples."""
    tensors = map_leaves(_tensor, arrays)
    batches = tf.data.Dataset.from_tensor_slices(tensors).batch(batch_size).prefetch(1)
    return batches.with_options(_options(tf.data.experimental.AutoShardPolicy.DATA))


def made_stream(batches: EpochBatches, first_batch: int = 0) -> tf.data.Dataset:
    """An endless stream of the batches that ``batches`` makes, beginning with number ``first_batch``."""
    return _from_batches(batches, lambda: batches.stream(first_batch))


def one_epoch(batches: EpochBatches) -> tf.data.Dataset:
    """The batches of the first epoch, the same in each pass. Small datasets are kept in memory after the first pass."""
    made = _from_batches(batches, lambda: batches.stream(0, len(batches)))
    size = sum(np.asarray(part).nbytes for part in keras.tree.flatten(batches.batch(0, 0))) * len(batches)
    made = made.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return made.cache().prefetch(1) if size < CACHED_BYTES else made


def _from_batches(batches: EpochBatches, stream: Callable[[], Iterator[Any]]) -> tf.data.Dataset:
    first = keras.tree.map_structure(np.asarray, batches.batch(0, 0))
    spec = keras.tree.map_structure(lambda a: tf.TensorSpec((None, None, *a.shape[1:]), a.dtype), first)
    size = sum(array.nbytes for array in keras.tree.flatten(first))
    together = max(1, min(MOST_TOGETHER, BYTES_TOGETHER // max(1, size)))
    made = tf.data.Dataset.from_generator(lambda: _stacked(stream(), together), output_signature=spec)
    made = made.prefetch(1).unbatch().prefetch(1)  # a thread stacks the next batches during the training step
    return made.with_options(_options(tf.data.experimental.AutoShardPolicy.OFF))


def _stacked(batches: Iterator[Any], at_most: int) -> Iterator[Any]:
    """Stack consecutive batches of the same size to ``[batches, samples, …]``: first one batch, then two, four, ….

    Each step from Python to TensorFlow takes 1 ms, also for small batches. The first step has one batch, so that
    training starts early.
    """
    waiting: list[Any] = []
    wanted = 1
    for batch in batches:
        if waiting and len(keras.tree.flatten(batch)[0]) != len(keras.tree.flatten(waiting[0])[0]):
            yield keras.tree.map_structure(_stack, *waiting)
            waiting = []
        waiting.append(batch)
        if len(waiting) == wanted:
            yield keras.tree.map_structure(_stack, *waiting)
            waiting, wanted = [], min(2 * wanted, at_most)
    if waiting:
        yield keras.tree.map_structure(_stack, *waiting)


def _stack(*arrays: Any) -> npt.NDArray[Any]:
    return np.stack(arrays)


def _options(auto_shard_policy: tf.data.experimental.AutoShardPolicy) -> tf.data.Options:
    """Options that disable autotuning.

    These pipelines have nothing to tune, and TensorFlow 2.21 does not always wake the tuning thread when an iterator
    ends. TensorFlow then waits until the thread looks at the pipeline again: after 10 ms, 20 ms, … 10.24 s, …, each
    time twice as long. A training or validation of 6 s took 10.2 s.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = auto_shard_policy
    return options


def batches_per_pass(samples: int, batch_size: int) -> int:
    """Number of batches of one pass over the data. The last batch may be smaller."""
    return -(-samples // batch_size)


def _tensor(array: Any) -> tf.Tensor:
    values = np.asarray(array)
    if values.dtype == np.float64:
        values = values.astype(keras.config.floatx())
    return tf.convert_to_tensor(values)
