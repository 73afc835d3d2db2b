"""A stream of audio that arrives in blocks: what `mltk.audio.listening` computes for a recording, block by block.

    ear = LiveListener(listening, run)
    for block in blocks:
        for heard in ear.feed(block): ...

The results do not depend on the size of the blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.detector import Detection
from mltk.audio.frontend import AudioFeatureStream
from mltk.audio.listening import Listening

Run = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""Computes the outputs of the model for inputs [inferences, ...]."""


@dataclass(frozen=True)
class Heard:
    """The result of one inference.

    Attributes:
        time_ms: End of its audio, in ms since the stream began.
        scores: uint8 [classes].
        features: Input of the model.
        detection: What was detected; None if nothing was.
    """

    time_ms: int
    scores: npt.NDArray[np.uint8]
    features: npt.NDArray[Any]
    detection: Detection | None


class LiveListener:
    """Listens to a stream.

    Args:
        listening: How the model listens.
        run: Computes the model.
    """

    def __init__(self, listening: Listening, run: Run) -> None:
        self._listening, self._run = listening, run
        self._stream = AudioFeatureStream(listening.frontend)
        self._detector = listening.make_detector()
        self._rows = np.empty((0, listening.frontend.spectrogram_shape[1]), np.uint16)
        self._first = 0  # number of the oldest row that is kept, since the stream began
        self._next = 0  # number of the first row of the next inference

    def feed(self, samples: npt.NDArray[np.int16]) -> list[Heard]:
        """Process the next samples.

        Args:
            samples: int16 [any number of samples].

        Returns:
            The results of the inferences that are complete now; there may be none.
        """
        listening = self._listening
        self._rows = np.concatenate([self._rows, self._stream.feed(listening.amplify(samples))])
        end = self._first + len(self._rows)
        first = np.arange(self._next, end - listening.n_rows + 1, listening.rows_per_inference)
        if not len(first):
            return []
        inputs = listening.inputs(self._stream, self._rows[self._next - self._first :], len(first))
        frontend = listening.frontend
        ends = frontend.window_size + (first + listening.n_rows - 1) * frontend.window_step
        times = ends * 1000 // frontend.sample_rate_hz
        scores = listening.scores(self._run(inputs))
        found = {d.time_ms: d for d in self._detector.feed(scores, times)}
        self._next = int(first[-1]) + listening.rows_per_inference
        dropped = min(self._next, end) - self._first
        self._rows, self._first = self._rows[dropped:], self._first + dropped
        times_ms = [int(t) for t in times]
        return [Heard(t, s, x, found.get(t)) for t, s, x in zip(times_ms, scores, inputs, strict=True)]
