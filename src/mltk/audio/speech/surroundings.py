"""Where a clip is recorded: a simulated room, and a microphone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.augment import microphone, room

ECHO_MS = 150  # of the echoes after the last word, this much is kept


def record(
    samples: npt.NDArray[np.int16], sample_rate_hz: int, seed: str, longest: int | None
) -> tuple[npt.NDArray[np.int16], dict[str, Any]]:
    """Record a clip in a room and with a microphone that the seed determines.

    Args:
        samples: int16 ``[n]``.
        sample_rate_hz: Sample rate in Hz.
        seed: Seed of the room and the microphone.
        longest: Echoes may make the clip as long as this, in samples; None is no limit.

    Returns:
        int16 ``[n or more]``, and what the manifest tells about the recording: ``room`` and ``microphone``.
    """
    rng = np.random.default_rng(list(seed.encode()))
    here, recorder = room.draw(rng), microphone.draw(rng)
    sound: npt.NDArray[np.float32] = (samples / 32768).astype(np.float32)
    if here is not None:
        echo = sample_rate_hz * ECHO_MS // 1000
        kept = echo if longest is None else min(echo, max(0, longest - len(sound)))
        sound = np.concatenate([sound, np.zeros(kept, np.float32)])
    sound = microphone.apply(room.apply(sound, here, sample_rate_hz), recorder, sample_rate_hz)
    about = {
        "room": here and here._asdict(),
        "microphone": recorder and recorder._asdict(),
    }
    return np.rint(np.clip(sound * 32768, -32768, 32767)).astype(np.int16), about
