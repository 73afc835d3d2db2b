"""Scores of a model on long recordings, as the device computes them, in memory that does not grow with the length.

The state of the audio frontend carries on through a recording, so the frontend computes it in order. The inferences
are computed in batches, while the frontend already computes the next batch. They do not depend on each other, and may
use all processors, unless the model keeps state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mltk.audio.frontend import AudioFeatureStream
from mltk.audio.listening import Listening
from mltk.audio.streams.labels import LabelFileError
from mltk.audio.streams.recordings import Recording

Compute: TypeAlias = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""Returns the model's outputs [inferences, ...] of inputs [inferences, ...]."""

_BATCH_BYTES = 16 << 20
_CUT_S = 0.2


class InputStream:
    """Makes the model's inputs of a stream of samples, in blocks of any size.

    Args:
        listening: How the model listens.
    """

    def __init__(self, listening: Listening) -> None:
        self._listening = listening
        self._frontend = AudioFeatureStream(listening.frontend)
        self._rows = np.empty((0, listening.frontend.spectrogram_shape[1]), np.uint16)
        self._first_row = 0  # of the next inference, in the whole stream
        self._skip = 0  # rows that come before it, and are not computed yet

    def feed(self, samples: npt.NDArray[np.int16]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Take the next samples.

        Args:
            samples: int16 [any number of samples].

        Returns:
            The inputs of the inferences that are complete now [inferences, *input shape without the batch], and the
            time of each: int64 [inferences], the end of its audio in ms.
        """
        listening = self._listening
        new = self._frontend.feed(listening.amplify(samples))
        rows = np.concatenate([self._rows, new[self._skip :]])
        self._skip = max(0, self._skip - len(new))
        step = listening.rows_per_inference
        n = max(0, (len(rows) - listening.n_rows) // step + 1)
        inputs = listening.inputs(self._frontend, rows, n)
        last_rows = self._first_row + np.arange(n, dtype=np.int64) * step + listening.n_rows - 1
        times = (listening.frontend.window_size + last_rows * listening.frontend.window_step) * 1000
        self._first_row += n * step
        self._skip += max(0, n * step - len(rows))
        self._rows = rows[n * step :].copy()
        return inputs, times // listening.frontend.sample_rate_hz


@dataclass
class ScoredRecording:
    """The scores of a model on one recording.

    Attributes:
        recording: The recording.
        scores: uint8 [inferences, classes].
        times_ms: int64 [inferences]: The end of the audio of each inference.
        duration_s: Seconds of audio that were read.
    """

    recording: Recording
    scores: npt.NDArray[np.uint8]
    times_ms: npt.NDArray[np.int64]
    duration_s: float


def score_recording(
    recording: Recording, listening: Listening, compute: Compute, progress: Callable[[float], None] | None = None
) -> ScoredRecording:
    """Compute the scores of a recording.

    Args:
        recording: The recording.
        listening: How the model listens.
        compute: Computes the model.
        progress: Is called with the seconds of audio that were scored.

    Raises:
        AudioFileError: The file cannot be read.
        LabelFileError: The file is shorter than its header says, and a label lies past its end.
    """
    rate = listening.frontend.sample_rate_hz
    scores, times, n_samples = [], [], 0
    for n, inputs, batch_times in _ahead(_inputs(recording, listening)):
        n_samples += n
        if len(inputs):
            scores.append(listening.scores(compute(inputs)))
            times.append(batch_times)
        if progress is not None:
            progress(n / rate)
    duration_s = n_samples / rate
    late = [e for e in recording.events if e.start_s > duration_s + _CUT_S]
    if late:
        raise LabelFileError(
            f"{recording.path} ends after {duration_s:.1f} s, although its header says {recording.duration_s:.1f} s. "
            f"{len(late)} label{'s lie' if len(late) > 1 else ' lies'} past the end.",
            hint="The file was cut. Copy or record it again.",
        )
    all_scores = np.concatenate(scores) if scores else np.empty((0, len(listening.classes)), np.uint8)
    return ScoredRecording(recording, all_scores, np.concatenate(times) if times else np.empty(0, np.int64), duration_s)


def _inputs(
    recording: Recording, listening: Listening
) -> Iterator[tuple[int, npt.NDArray[Any], npt.NDArray[np.int64]]]:
    """Yield for each block of audio its number of samples, the inputs and their times."""
    stream = InputStream(listening)
    rate = listening.frontend.sample_rate_hz
    bytes_each = listening.input.size * np.dtype(listening.input.dtype).itemsize
    seconds = _BATCH_BYTES // max(1, bytes_each) * listening.samples_per_inference / rate
    for samples in recording.blocks(rate, block_s=float(np.clip(seconds, 1.0, 60.0))):
        yield len(samples), *stream.feed(samples)


def _ahead(
    items: Iterator[tuple[int, npt.NDArray[Any], npt.NDArray[np.int64]]],
) -> Iterator[tuple[int, npt.NDArray[Any], npt.NDArray[np.int64]]]:
    """Yield the items; a thread makes the next one meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
