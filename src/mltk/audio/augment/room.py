"""Rooms: a clip as a microphone at some distance would record it, with the echoes of a simulated room.

The room is a box. Its impulse response is computed by the image source method (Allen and Berkley, "Image method for
efficiently simulating small-room acoustics", JASA 65, 1979): each echo is the direct sound of a mirror image of the
speaker, weaker by the distance and by each wall that reflected it. For the data generator::

    my_model.datagen.add_augmentation(room.apply, room.draw)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SPEED_OF_SOUND = 343.0  # m/s
LONGEST_S = 0.4
_REFLECTIONS = 12  # mirror images on each side, in each direction
_PER_AIR_S = 8.0  # how fast air and furniture dampen the echoes: exp(-8 t)


class Room(NamedTuple):
    """A room with a speaker and a microphone; lengths are in m.

    Attributes:
        size: Length, width and height.
        speaker: Place of the speaker.
        microphone: Place of the microphone.
        reflection: Share of the amplitude that a wall reflects, 0 to 1; 0 is a field without echoes.
    """

    size: tuple[float, float, float]
    speaker: tuple[float, float, float]
    microphone: tuple[float, float, float]
    reflection: float


def draw(rng: np.random.Generator) -> Room | None:
    """Draw a room: from a small kitchen to a hall, half of the time no room at all.

    Args:
        rng: Generator to draw from.

    Returns:
        The room; None is no echo.
    """
    if rng.random() < 0.5:
        return None
    size = rng.uniform((2.5, 2.2, 2.2), (9.0, 6.5, 3.5))
    microphone = rng.uniform(0.3, size - 0.3)
    away = rng.normal(size=3) * (1.0, 1.0, 0.3)
    distance = rng.uniform(0.2, 3.0)
    speaker = np.clip(microphone + distance * away / np.linalg.norm(away), 0.2, size - 0.2)
    where = ((float(x), float(y), float(z)) for x, y, z in (size, speaker, microphone))
    return Room(next(where), next(where), next(where), reflection=float(rng.uniform(0.4, 0.95)))


def impulse_response(room: Room, sample_rate_hz: int) -> npt.NDArray[np.float32]:
    """Compute what the microphone records of a click.

    Args:
        room: The room.
        sample_rate_hz: Sample rate in Hz.

    Returns:
        float32 ``[n]``: it begins with the direct sound, which is 1.
    """
    distances, bounces = np.zeros(1), np.zeros(1)
    for size, speaker, microphone in zip(room.size, room.speaker, room.microphone, strict=True):
        image = np.arange(-_REFLECTIONS, _REFLECTIONS + 1)
        # The image number n is mirrored if n is odd; |n| walls reflected its sound.
        place = image * size + np.where(image % 2 == 0, speaker, size - speaker)
        distances = (distances[:, None] + np.square(place - microphone)).ravel()
        bounces = (bounces[:, None] + np.abs(image)).ravel()
    distances = np.sqrt(distances)
    direct = distances[np.argmin(bounces)]
    delays = (distances - direct) / SPEED_OF_SOUND
    kept = (delays >= 0) & (delays < LONGEST_S)
    gains = room.reflection**bounces * max(direct, 0.1) / np.maximum(distances, 0.1) * np.exp(-_PER_AIR_S * delays)
    # Half of the echoes change their sign: otherwise their sum would be a constant.
    signs = np.where(bounces % 2 == 0, 1.0, -1.0)
    places = np.rint(delays[kept] * sample_rate_hz).astype(np.intp)
    response = np.bincount(places, (gains * signs)[kept], minlength=1).astype(np.float32)
    loud = np.flatnonzero(np.abs(response) > 1e-3)
    return response[: loud[-1] + 1]


def apply(clip: npt.NDArray[np.float32], room: Room | None, sample_rate_hz: int) -> npt.NDArray[np.float32]:
    """Record a clip in a room. The loudest sample stays as loud as it was.

    Args:
        clip: float ``[samples]``.
        room: The room; None changes nothing.
        sample_rate_hz: Sample rate of the clip in Hz.

    Returns:
        float32 ``[samples]``: echoes after the end of the clip are cut off.
    """
    clip = np.asarray(clip, np.float32)
    if room is None or not len(clip):
        return clip
    response = impulse_response(room, sample_rate_hz)
    n = 1 << (len(clip) + len(response) - 2).bit_length() if len(clip) + len(response) > 2 else 2
    wet = np.fft.irfft(np.fft.rfft(clip, n) * np.fft.rfft(response, n), n)[: len(clip)]
    peak = float(np.abs(wet).max())
    return (wet * (float(np.abs(clip).max()) / peak if peak else 1.0)).astype(np.float32)
