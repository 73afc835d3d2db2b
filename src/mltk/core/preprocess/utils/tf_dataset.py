"""MLTK 0.20's functions that load audio and images as ``tf.data`` datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mltk.audio.files import SILENCE_CLASS, read_audio
from mltk.core.preprocess.utils.audio import read_audio_file
from mltk.core.preprocess.utils.directory import list_dataset_directory
from mltk.core.preprocess.utils.image import read_image_file
from mltk.data.listing import UNKNOWN_CLASS
from mltk.data.splitting import Split
from mltk.errors import MissingDependencyError
from mltk.image.files import IMAGE_FORMATS
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
    "load_image_directory",
    "parallel_process",
    "read_audio_file",
    "read_image_file",
]


def _tensorflow() -> Any:
    try:
        import tensorflow
    except ImportError:
        raise MissingDependencyError("TensorFlow", "train") from None
    return tensorflow


def enable_numpy_behavior() -> bool:
    """Let tensors behave like arrays (``tensor.astype``, …). Returns whether TensorFlow can do this."""
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
    """Load a folder of class folders as two ``tf.data.Dataset``: samples and labels, in the same order.

    Args:
        directory: Folder of class folders.
        classes: Names of the classes. The files of ``_unknown_`` are those of the other class folders. The samples of
            ``_silence_`` have no file.
        unknown_class_percentage: Size of ``_unknown_``, as a share of the mean class's size; None is no such class.
        silence_class_percentage: Size of ``_silence_``, as a share of the mean class's size; None is no such class.
        class_counts: Filled with the number of samples of each class.
        onehot_encode: Labels are int32 ``[classes]``; else they are int32 indices.
        shuffle: Whether to shuffle the samples.
        seed: Seed of the order; None draws a seed.
        split: ``(start, stop)``, shares of the files, 0 to 1; None is all files.
        max_samples_per_class: Largest number of samples of each class; -1 is all.
        sample_rate_hz: Sample rate in Hz to which the audio is resampled; None keeps the rate of each file.
        return_audio_data: Samples are float32 ``[samples]`` from -1 to 1; else they are paths, empty for silence.
        return_audio_sample_rate: Samples are ``(audio, rate in Hz)``.
        white_list_formats: File name extensions; None is wav only, as in MLTK 0.20.
        follow_links: Whether to enter folders that are links.
        shuffle_index_directory: If given, files are chosen in the order of their hashes.
        list_valid_filenames_in_directory_function: Your own function that lists the files of a class.
        process_samples_function: Your own function that changes the list of files.

    Returns:
        The dataset of the samples, and the dataset of the labels.

    Raises:
        DatasetError: The folder is missing or empty, or a class has no samples.
        MissingDependencyError: TensorFlow is not installed.
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
    return samples, tf.data.Dataset.from_tensor_slices(_label_array(labels, len(classes), onehot_encode))


def load_image_directory(
    directory: str,
    classes: list[str],
    unknown_class_percentage: float | None = 1.0,
    class_counts: dict[str, int] | None = None,
    onehot_encode: bool = False,
    shuffle: bool = False,
    seed: int | None = None,
    split: Split | None = None,
    max_samples_per_class: int = -1,
    return_image_data: bool = False,
    white_list_formats: list[str] | None = None,
    follow_links: bool = False,
    shuffle_index_directory: str | None = None,
    list_valid_filenames_in_directory_function: Callable[..., Any] | None = None,
    process_samples_function: Callable[..., Any] | None = None,
) -> tuple[Any, Any]:
    """Load a folder of class folders as two ``tf.data.Dataset``: images and labels, in the same order.

    Args:
        directory: Folder of class folders.
        classes: Names of the classes. The files of ``_unknown_`` are those of the other class folders.
        unknown_class_percentage: Size of ``_unknown_``, as a share of the mean class's size; None is no such class.
        class_counts: Filled with the number of samples of each class.
        onehot_encode: Labels are int32 ``[classes]``; else they are int32 indices.
        shuffle: Whether to shuffle the samples.
        seed: Seed of the order; None draws a seed.
        split: ``(start, stop)``, shares of the files, 0 to 1; None is all files.
        max_samples_per_class: Largest number of samples of each class; -1 is all.
        return_image_data: Images are uint8 ``[height, width, channels]``; else they are paths.
        white_list_formats: File name extensions; None is those of images.
        follow_links: Whether to enter folders that are links.
        shuffle_index_directory: If given, files are chosen in the order of their hashes.
        list_valid_filenames_in_directory_function: Your own function that lists the files of a class.
        process_samples_function: Your own function that changes the list of files.

    Returns:
        The dataset of the images, and the dataset of the labels.

    Raises:
        DatasetError: The folder is missing or empty, or a class has no samples.
        MissingDependencyError: TensorFlow is not installed.
    """
    tf = _tensorflow()
    paths, labels = list_dataset_directory(
        directory,
        classes,
        unknown_class_percentage=unknown_class_percentage,
        unknown_class_label=None if unknown_class_percentage is None else UNKNOWN_CLASS,
        empty_class_percentage=None,
        empty_class_label=None,
        class_counts=class_counts,
        shuffle=shuffle,
        seed=seed,
        split=split,
        max_samples_per_class=max_samples_per_class,
        white_list_formats=white_list_formats or list(IMAGE_FORMATS),
        follow_links=follow_links,
        shuffle_index_directory=shuffle_index_directory,
        return_absolute_paths=True,
        list_valid_filenames_in_directory_function=list_valid_filenames_in_directory_function,
        process_samples_function=process_samples_function,
    )
    images = tf.data.Dataset.from_tensor_slices(paths)
    if return_image_data:
        images = images.map(read_image_file, num_parallel_calls=tf.data.AUTOTUNE)
    return images, tf.data.Dataset.from_tensor_slices(_label_array(labels, len(classes), onehot_encode))


def _label_array(labels: list[int], n_classes: int, onehot_encode: bool) -> np.ndarray:
    ids = np.array(labels, np.int32)
    return np.eye(n_classes, dtype=np.int32)[ids] if onehot_encode else ids


def _read_in_graph(tf: Any, path: Any, sample_rate_hz: int | None, with_rate: bool) -> Any:
    def read(name: bytes) -> tuple[np.ndarray, np.int32]:
        if not name:  # a second of silence
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
    """Call a function for each element of a dataset, in worker processes; the order of the elements stays.

    Args:
        dataset: A ``tf.data.Dataset``.
        callback: Function at the top level of a module or script. It gets the parts of an element as arrays.
        dtype: Dtype of the array that the function returns; a sequence of dtypes for several arrays.
        n_jobs: Number of processes, or their share of the cores.
        job_batch_size: Number of simultaneous calls; None is one for each process.
        pool: Pool of processes to use. Then the function of the pool is called, not ``callback``.
        name: Name of the pool, for messages.
        env: More environment variables for the processes.
        disable_gpu_in_subprocesses: Whether to hide GPUs from the processes.

    Returns:
        The dataset of the results, and the pool. Shut down the pool when the dataset is no longer used.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
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
