"""Audio as ``tf.data`` datasets, in the terms of MLTK 0.20's helpers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mltk.audio.files import SILENCE_CLASS, read_audio
from mltk.core.preprocess.utils.audio import read_audio_file
from mltk.core.preprocess.utils.directory import list_dataset_directory
from mltk.data.listing import UNKNOWN_CLASS
from mltk.data.splitting import Split
from mltk.errors import MissingDependencyError
from mltk.specification.logs import get_mltk_logger
from mltk.utils.path import create_tempdir
from mltk.utils.process_pool import ProcessPool, calculate_n_jobs

__all__ = [
    "ProcessPool",
    "calculate_n_jobs",
    "create_tempdir",
    "enable_numpy_behavior",
    "get_mltk_logger",
    "list_dataset_directory",
    "load_audio_directory",
    "parallel_process",
    "read_audio_file",
]


def _tensorflow() -> Any:
    try:
        import tensorflow
    except ImportError:
        raise MissingDependencyError("TensorFlow", "train") from None
    return tensorflow


def enable_numpy_behavior() -> bool:
    """Let tensors behave like arrays (``tensor.astype``, …); whether TensorFlow can."""
    numpy_like = getattr(_tensorflow().experimental, "numpy", None)
    if numpy_like is None:
        return False
    numpy_like.experimental_enable_numpy_behavior()
    return True


def load_audio_directory(
    directory: str,
    classes: list[str],
    unknown_class_percentage: float | None = 1.0,
    silence_class_percentage: float | None = 1.0,
    class_counts: dict[str, int] | None = None,
    onehot_encode: bool = False,
    shuffle: bool = False,
    seed: int | None = None,
    split: Split | None = None,
    max_samples_per_class: int = -1,
    sample_rate_hz: int | None = None,
    return_audio_data: bool = False,
    return_audio_sample_rate: bool = False,
    white_list_formats: list[str] | None = None,
    follow_links: bool = False,
    shuffle_index_directory: str | None = None,
    list_valid_filenames_in_directory_function: Callable[..., Any] | None = None,
    process_samples_function: Callable[..., Any] | None = None,
) -> tuple[Any, Any]:
    """``(samples, labels)`` of a folder of class folders, as two ``tf.data.Dataset`` of the same order.

    Args:
        directory: of the dataset.
        classes: of the samples; ``_unknown_`` is drawn from the others, ``_silence_`` has no file.
        unknown_class_percentage, silence_class_percentage: their size, as a share of the mean class's; None is none.
        class_counts: filled with class → number of samples.
        onehot_encode: labels are int32 [classes], not int32 indices.
        shuffle: in an order drawn from ``seed``.
        seed: of the order; None draws one.
        split: ``(start, stop)``, shares of the files, 0 to 1; None is all.
        max_samples_per_class: at most so many; -1 is all.
        sample_rate_hz: that audio is resampled to; None keeps each file's.
        return_audio_data: samples are float32 [samples] from -1 to 1; else they are paths, empty for silence.
        return_audio_sample_rate: samples are ``(audio, rate in Hz)``.
        white_list_formats: extensions of the files; None is wav only, as in 0.20.
        follow_links: go into folders that are symbolic links.
        shuffle_index_directory: if given, files are chosen in an order that looks random.
        list_valid_filenames_in_directory_function, process_samples_function: list or change the files of a class.

    Raises:
        DatasetError: the folder is missing or empty, or a class has no samples.
    """
    tf = _tensorflow()
    paths, labels = list_dataset_directory(
        directory,
        classes,
        unknown_class_percentage=unknown_class_percentage,
        unknown_class_label=None if unknown_class_percentage is None else UNKNOWN_CLASS,
        empty_class_percentage=silence_class_percentage,
        empty_class_label=None if silence_class_percentage is None else SILENCE_CLASS,
        class_counts=class_counts,
        shuffle=shuffle,
        seed=seed,
        split=split,
        max_samples_per_class=max_samples_per_class,
        white_list_formats=white_list_formats or [".wav"],
        follow_links=follow_links,
        shuffle_index_directory=shuffle_index_directory,
        return_absolute_paths=True,
        list_valid_filenames_in_directory_function=list_valid_filenames_in_directory_function,
        process_samples_function=process_samples_function,
    )
    samples = tf.data.Dataset.from_tensor_slices([path or "" for path in paths])
    if return_audio_data:
        samples = samples.map(
            lambda path: _read_in_graph(tf, path, sample_rate_hz, return_audio_sample_rate),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    ids = np.array(labels, np.int32)
    if onehot_encode:
        ids = np.eye(len(classes), dtype=np.int32)[ids]
    return samples, tf.data.Dataset.from_tensor_slices(ids)


def _read_in_graph(tf: Any, path: Any, sample_rate_hz: int | None, with_rate: bool) -> Any:
    def read(name: bytes) -> tuple[np.ndarray, np.int32]:
        if not name:  # silence: a second of it
            rate = sample_rate_hz or 16000
            return np.zeros(rate, np.float32), np.int32(rate)
        samples, rate = read_audio(name.decode(), sample_rate_hz)
        return samples, np.int32(rate)

    samples, rate = tf.numpy_function(read, [path], [tf.float32, tf.int32])
    samples.set_shape([None])
    rate.set_shape([])
    return (samples, rate) if with_rate else samples


def parallel_process(
    dataset: Any,
    callback: Callable[..., Any],
    dtype: Any = np.float32,
    n_jobs: float = 4,
    job_batch_size: int | None = None,
    pool: ProcessPool | None = None,
    name: str = "ParallelProcess",
    env: Mapping[str, str] | None = None,
    disable_gpu_in_subprocesses: bool = True,
) -> tuple[Any, ProcessPool]:
    """A dataset whose elements are what ``callback`` makes of those of ``dataset``, in processes and in order.

    Args:
        dataset: ``tf.data.Dataset``.
        callback: a function at the top level of a module or script; given an element's parts as arrays.
        dtype: of the array that it gives; a sequence, if it gives several.
        n_jobs: processes: a number, or a share of the cores.
        job_batch_size: calls that are under way at once; None is one for each process.
        pool: that calls are made in; its own function is called then.
        name: for messages.
        env: more environment variables for the processes.
        disable_gpu_in_subprocesses: hide GPUs from them.

    Returns:
        ``(dataset, pool)``; shut the pool down when the dataset is no longer used.
    """
    tf = _tensorflow()
    n = calculate_n_jobs(n_jobs)
    if pool is None:
        pool = ProcessPool(callback, n, name=name, env=env, disable_gpu_in_subprocesses=disable_gpu_in_subprocesses)
    several = isinstance(dtype, Sequence) and not isinstance(dtype, str)
    dtypes = [tf.as_dtype(d) for d in dtype] if several else tf.as_dtype(dtype)

    def call(*parts: Any) -> Any:
        return tf.numpy_function(pool.process, list(parts), dtypes)

    made = dataset.map(call, num_parallel_calls=job_batch_size or pool.n_jobs, deterministic=True)
    return made, pool
