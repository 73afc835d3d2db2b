"""The seconds of a recording that were heard wrongly, as clips in class folders to train with."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mltk.audio.files import write_audio
from mltk.audio.streams.recordings import Recording


@dataclass(frozen=True)
class WantedClip:
    """A part of a recording.

    Attributes:
        end_s: Where it ends, in seconds. Its length is that of the model's clips.
        folder: Class folder.
        name: Beginning of the file name: what went wrong.
    """

    end_s: float
    folder: str
    name: str


def folder_of_other_sounds(classes: Sequence[str]) -> str:
    """Return the class folder for sounds in which no keyword was said.

    Args:
        classes: Classes of the model.
    """
    others = [name for name in classes if name.startswith("_")]
    unknown = [name for name in others if "silence" not in name.lower()]
    return next(iter([*unknown, *others]), "_unknown_")


def write_clips(
    recording: Recording, wanted: Sequence[WantedClip], folder: str, sample_rate_hz: int, length: int
) -> list[str]:
    """Read a recording once more, and write parts of it.

    Args:
        recording: The recording.
        wanted: The parts.
        folder: Folder of the class folders.
        sample_rate_hz: Sample rate of the clips in Hz.
        length: Samples of a clip.

    Returns:
        The paths of the files: ``FOLDER/CLASS/WHAT-RECORDING-SECONDS.wav``.

    Raises:
        OutputError: A file cannot be written.
    """
    waiting = sorted(wanted, key=lambda clip: clip.end_s)
    written = []
    kept, start = np.empty(0, np.int16), 0
    for block in recording.blocks(sample_rate_hz):
        kept = np.concatenate([kept, block])
        while waiting and _end(waiting[0], sample_rate_hz, length) <= start + len(kept):
            clip = waiting.pop(0)
            end = _end(clip, sample_rate_hz, length) - start
            written.append(_write(recording, clip, folder, kept[end - length : end], sample_rate_hz))
        drop = max(0, len(kept) - length)
        kept, start = kept[drop:], start + drop
    for clip in waiting:  # they end past the last sample
        written.append(_write(recording, clip, folder, kept[-length:], sample_rate_hz))
    return written


def _end(clip: WantedClip, sample_rate_hz: int, length: int) -> int:
    return max(length, round(clip.end_s * sample_rate_hz))


def _write(
    recording: Recording, clip: WantedClip, folder: str, samples: npt.NDArray[np.int16], sample_rate_hz: int
) -> str:
    stem = re.sub(r"[^\w.-]+", "_", os.path.splitext(recording.name)[0])
    path = os.path.join(folder, clip.folder, f"{clip.name}-{stem}-{clip.end_s:010.3f}.wav")
    return write_audio(path, samples, sample_rate_hz)
