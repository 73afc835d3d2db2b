"""Training batches from arrays in memory, in an order that depends on nothing but the seed and the epoch.

Keras shuffles arrays with a stateful generator, so a training that is resumed would see another order than
the one that was not interrupted. Here pass ``k`` over the data is the permutation drawn by a counter-based
generator from ``(seed, k)`` (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011, which
TensorFlow's stateless operators implement), so that it can start anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mltk.data.iterate import as_arrays, count_samples
from mltk.data.pipeline.epochs import EpochBatches

PREFETCHED = 4
"""Batches of arrays in memory that are gathered ahead."""
MOST_TOGETHER = 8
BYTES_TOGETHER = 1 << 22
"""Small batches go from Python to TensorFlow so many, or so many bytes, at a time."""
CACHED_BYTES = 1 << 28
"""Made batches to validate with are kept in memory up to this."""


def batch_stream(
    arrays: tuple[Any, ...], batch_size: int, *, shuffle: bool, seed: int, first_batch: int = 0
) -> tf.data.Dataset:
    """An endless stream of batches, pass after pass.

    Args:
        arrays: ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``; each an array ``[samples, …]`` or a tuple,
            list or dict of such.
        batch_size: samples in a batch; the last batch of a pass has what is left.
        shuffle: draw a new order for each pass.
        seed: which orders are drawn.
        first_batch: number of batches of the stream to leave out.
    """
    tensors = keras.tree.map_structure(_tensor, tuple(as_arrays(a) for a in arrays))
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
    """One pass over arrays, in their order."""
    tensors = keras.tree.map_structure(_tensor, tuple(as_arrays(a) for a in arrays))
    batches = tf.data.Dataset.from_tensor_slices(tensors).batch(batch_size).prefetch(1)
    return batches.with_options(_options(tf.data.experimental.AutoShardPolicy.DATA))


def made_stream(batches: EpochBatches, first_batch: int = 0) -> tf.data.Dataset:
    """An endless stream of batches that are made ahead, from number ``first_batch`` on."""
    return _from_batches(batches, lambda: batches.stream(first_batch))


def one_epoch(batches: EpochBatches) -> tf.data.Dataset:
    """The batches of the first epoch, over and over the same; kept in memory from the first time on if they are few."""
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
    made = made.prefetch(1).unbatch().prefetch(1)  # the next ones are put together while these are trained with
    return made.with_options(_options(tf.data.experimental.AutoShardPolicy.OFF))


def _stacked(batches: Iterator[Any], at_most: int) -> Iterator[Any]:
    """Batches that follow one another and are of one size, as ``[batches, samples, …]``: first one, then more.

    What TensorFlow takes from Python costs it 1 ms, however little it is.
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


def _stack(*arrays: Any) -> np.ndarray:
    return np.stack(arrays)


def _options(auto_shard_policy: tf.data.experimental.AutoShardPolicy) -> tf.data.Options:
    """Without autotuning, which has nothing to tune here, and whose thread is not always woken when an iterator ends.

    Then TensorFlow 2.21 waits for its next look at the pipeline: 10 ms, 20 ms, … 10.24 s, …, each time twice as long,
    so that a training or validation of 6 s took 10.2 s.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = auto_shard_policy
    return options


def batches_per_pass(samples: int, batch_size: int) -> int:
    """Batches of one pass over the data, the last of which may be smaller."""
    return -(-samples // batch_size)


def _tensor(array: Any) -> tf.Tensor:
    values = np.asarray(array)
    if values.dtype == np.float64:
        values = values.astype(keras.config.floatx())
    return tf.convert_to_tensor(values)
