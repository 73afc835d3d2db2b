"""The magic wand's sequences as ``tf.data`` pipelines of one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mltk.datasets.accelerometer.tflm_magic_wand.recordings import GESTURES, NEGATIVE, Recording

N_AXES = 3
PADDING_NOISE = 20.0
STRETCHES = (0.6, 0.75, 0.85, 0.95, 1.05, 1.2, 1.35, 1.6)
GAINS = (0.5, 0.7, 0.85, 1.2, 1.5, 2.0)
COPIES = 5  # of shifted and of noisy versions


class DataLoader:
    """Sequences for training (augmented), validation and testing.

    After :meth:`format`, each of ``train_data``, ``valid_data`` and ``test_data`` is a ``tf.data.Dataset`` of
    ``(sequence [seq_length, 3], class index)``. Their sizes are ``train_len``, ``valid_len`` and ``test_len``. Each
    recording becomes two sequences: one is padded before the recording, one is padded after it.

    Args:
        train_data_path: Recordings for training.
        valid_data_path: Recordings for validation.
        test_data_path: Recordings for testing.
        seq_length: Samples of a sequence.
    """

    def __init__(
        self,
        train_data_path: Sequence[Recording],
        valid_data_path: Sequence[Recording],
        test_data_path: Sequence[Recording],
        seq_length: int,
    ) -> None:
        self.dim = N_AXES
        self.seq_length = seq_length
        self.label2id = {name: i for i, name in enumerate((*GESTURES, NEGATIVE))}
        self._draw = np.random.default_rng(seq_length)
        self.train_data: Any
        self.valid_data: Any
        self.test_data: Any
        self.train_data, self.train_label, self.train_len = self.get_data_file(train_data_path, "train")
        self.valid_data, self.valid_label, self.valid_len = self.get_data_file(valid_data_path, "valid")
        self.test_data, self.test_label, self.test_len = self.get_data_file(test_data_path, "test")

    def get_data_file(self, data_path: Sequence[Recording], data_type: str) -> tuple[list[np.ndarray], list[str], int]:
        """Return sequences, their gestures, and their number.

        Args:
            data_path: Recordings.
            data_type: ``"train"`` adds 24 augmented versions of each recording.
        """
        data, labels = [r.samples for r in data_path], [r.gesture for r in data_path]
        if data_type == "train":
            versions = [self._augment(samples) for samples in data]
            labels = [label for label, some in zip(labels, versions, strict=True) for _ in some]
            data = [version for some in versions for version in some]
        return data, labels, len(data)

    def _augment(self, samples: np.ndarray) -> list[np.ndarray]:
        """Return the sequence, and versions of it: shifted, with noise, slower and faster, weaker and stronger."""
        versions = [samples]
        versions += [samples + self._draw.uniform(-100, 100, N_AXES) for _ in range(COPIES)]
        versions += [samples + self._draw.uniform(-5, 5, samples.shape) for _ in range(COPIES)]
        at = np.arange(len(samples))
        for stretch in STRETCHES:
            wanted = np.linspace(0, len(samples) - 1, max(2, round(len(samples) * stretch)))
            versions.append(np.stack([np.interp(wanted, at, samples[:, axis]) for axis in range(N_AXES)], axis=1))
        return versions + [samples * gain for gain in GAINS]

    def pad(self, data: Any, seq_length: int, dim: int) -> list[np.ndarray]:
        """Pad or cut a recording to the length of a sequence, in two ways.

        The padding is noise around the first or the last sample. A long recording is cut where it would be padded.

        Args:
            data: Recording ``[n, dim]``.
            seq_length: Samples of a sequence.
            dim: Number of axes.

        Returns:
            Two sequences, float32 ``[seq_length, dim]``: with ``data`` at the end, and with ``data`` at the beginning.
        """
        samples = np.asarray(data, np.float32)
        n = min(len(samples), seq_length)
        before, after = (
            self._draw.uniform(-PADDING_NOISE / 2, PADDING_NOISE / 2, (seq_length, dim)) + samples[i] for i in (0, -1)
        )
        before[seq_length - n :] = samples[len(samples) - n :]
        after[:n] = samples[:n]
        return [before.astype(np.float32), after.astype(np.float32)]

    def format_support_func(
        self, padded_num: int, length: int, data: Sequence[np.ndarray], label: Sequence[str]
    ) -> tuple[int, Any]:
        """Make a ``tf.data.Dataset`` of sequences.

        Args:
            padded_num: Number of padded sequences of each recording, 1 or 2.
            length: For compatibility with MLTK 0.20; ignored.
            data: Recordings, each ``[n, 3]``.
            label: Gesture of each recording.

        Returns:
            Number of sequences, and the dataset.
        """
        import tensorflow as tf

        features = np.concatenate([self.pad(samples, self.seq_length, self.dim)[:padded_num] for samples in data])
        labels = np.repeat([self.label2id[name] for name in label], padded_num)
        return len(features), tf.data.Dataset.from_tensor_slices((features, labels.astype(np.int32)))

    def format(self) -> None:
        """Turn each of the three parts into a ``tf.data.Dataset``."""
        self.train_len, self.train_data = self.format_support_func(2, self.train_len, self.train_data, self.train_label)
        self.valid_len, self.valid_data = self.format_support_func(2, self.valid_len, self.valid_data, self.valid_label)
        self.test_len, self.test_data = self.format_support_func(2, self.test_len, self.test_data, self.test_label)
