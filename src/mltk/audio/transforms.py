"""What is done to each clip of a batch: drawn for all clips at once, then done in C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.audio.augment import background_noise, ends, loudness, noise_color, offset, pitch, speed, vtlp
from mltk.audio.augment._native import neutral
from mltk.audio.clip_bank import ClipBank
from mltk.data.pipeline.ranges import Range

NO_COLOR = "none"
SILENCE_LEVEL = 1000.0
"""Level of an empty clip that colored noise is relative to, in steps of int16; about the level of speech."""


class Ranges(NamedTuple):
    """The ranges that parameters are drawn from; None turns an effect off."""

    offset: Range | None = None
    loudness: Range | None = None
    noise_colors: tuple[str, ...] = ()
    noise_color: Range | None = None
    background: Range | None = None
    n_backgrounds: int = 0
    speed: Range | None = None
    pitch: Range | None = None
    vtlp: Range | None = None
    ends_db: Range | None = None


class Transforms(NamedTuple):
    """The parameters of ``n`` clips; each field is an array [n].

    Attributes:
        offset: Share of the padding before the clip, or of the excess that is cut off before it.
        loudness: Factor of the amplitude.
        speed: Factor of the speed.
        pitch: Change of the pitch in semitones.
        vtlp: Factor of the formants' frequencies.
        color: Index into :data:`noise_color.COLORS`, or -1.
        color_factor: Level of the noise, as a share of the clip's level.
        color_start: First sample of the noise.
        background: Index of the recording, or -1.
        background_factor: Factor of the recording's amplitude.
        background_start: Place in the recording to start at, as a share of its length.
        start_db: Level where the clip starts, in dB below its loudest part; 0 cuts nothing.
        stop_db: Level where the clip stops.
    """

    offset: npt.NDArray[Any]
    loudness: npt.NDArray[Any]
    speed: npt.NDArray[Any]
    pitch: npt.NDArray[Any]
    vtlp: npt.NDArray[Any]
    color: npt.NDArray[Any]
    color_factor: npt.NDArray[Any]
    color_start: npt.NDArray[Any]
    background: npt.NDArray[Any]
    background_factor: npt.NDArray[Any]
    background_start: npt.NDArray[Any]
    start_db: npt.NDArray[Any]
    stop_db: npt.NDArray[Any]

    @classmethod
    def none(cls, n: int) -> Transforms:
        """Return parameters for ``n`` clips that change nothing."""
        zero, one, no = np.zeros(n), np.ones(n), np.full(n, -1)
        return cls(zero, one, one, zero, one, no, zero, np.zeros(n, np.int64), no, zero, zero, zero, zero)

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int, ranges: Ranges) -> Transforms:
        """Draw the parameters of ``n`` clips.

        If there are noise colors and background recordings, each clip gets one or the other.

        Args:
            rng: Generator to draw from.
            n: Number of clips.
            ranges: Ranges of the parameters.
        """
        places = offset.draw(rng, n, ranges.offset)
        gains = loudness.draw(rng, n, ranges.loudness)
        speeds = speed.draw(rng, n, ranges.speed)
        pitches = pitch.draw(rng, n, ranges.pitch)
        lengths = vtlp.draw(rng, n, ranges.vtlp)
        colors, color_factors, color_starts = noise_color.draw(rng, n, ranges.noise_colors, ranges.noise_color)
        recordings, factors, starts = background_noise.draw(rng, n, ranges.n_backgrounds, ranges.background)
        recorded = rng.random(n) < (0.5 if ranges.noise_colors else 1.0)
        recorded &= ranges.n_backgrounds > 0
        start_db, stop_db = ends.draw(rng, n, ranges.ends_db)
        known = np.array([noise_color.COLORS.index(name) for name in ranges.noise_colors] or [-1])
        return cls(
            places,
            gains,
            speeds,
            pitches,
            lengths,
            np.where(recorded, -1, known[colors]),
            np.where(recorded, 0.0, color_factors),
            color_starts,
            np.where(recorded, recordings, -1),
            np.where(recorded, factors, 0.0),
            starts,
            start_db,
            stop_db,
        )

    def as_dict(self, i: int, recordings: list[str]) -> dict[str, Any]:
        """Return the parameters of one clip by their names in MLTK 0.20.

        Args:
            i: Index of the clip.
            recordings: Names of the background recordings.
        """
        color, background = int(self.color[i]), int(self.background[i])
        return {
            "offset_percentage": float(self.offset[i]),
            "loudness_factor": float(self.loudness[i]),
            "noise_color": noise_color.COLORS[color] if color >= 0 else NO_COLOR,
            "noise_color_factor": float(self.color_factor[i]),
            "noise_color_start": int(self.color_start[i]),
            "bg_noise": recordings[background] if background >= 0 else None,
            "bg_noise_factor": float(self.background_factor[i]),
            "bg_noise_start": float(self.background_start[i]),
            "speed_factor": float(self.speed[i]),
            "pitch_factor": float(self.pitch[i]),
            "vtlp_factor": float(self.vtlp[i]),
            "start_db": float(self.start_db[i]),
            "stop_db": float(self.stop_db[i]),
        }

    @classmethod
    def from_dict(cls, params: Mapping[str, Any], recordings: list[str]) -> Transforms:
        """Return the parameters of one clip from a dict; the reverse of :meth:`as_dict`.

        Args:
            params: Parameters by name; a missing parameter changes nothing.
            recordings: Names of the background recordings.
        """
        color, background = params.get("noise_color", NO_COLOR), params.get("bg_noise")
        values = (
            params.get("offset_percentage", 0.0),
            params.get("loudness_factor", 1.0),
            params.get("speed_factor", 1.0),
            params.get("pitch_factor", 0.0),
            params.get("vtlp_factor", 1.0) or 1.0,  # in MLTK 0.20, 0 is none
            noise_color.COLORS.index(color) if color in noise_color.COLORS else -1,
            params.get("noise_color_factor", 0.0),
            params.get("noise_color_start", 0),
            recordings.index(background) if background is not None else -1,
            params.get("bg_noise_factor", 0.0),
            params.get("bg_noise_start", 0.0),
            params.get("start_db", 0.0),
            params.get("stop_db", 0.0),
        )
        return cls(*(np.array([value]) for value in values))


def fill_effects(
    transforms: Transforms,
    addresses: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.int32],
    levels: npt.NDArray[np.float32],
    backgrounds: ClipBank | None,
) -> npt.NDArray[Any]:
    """Return the input of the C code.

    Args:
        transforms: Parameters of the clips.
        addresses: uint64 [n]: Address of each clip's int16 samples.
        lengths: int32 [n]: Number of samples of each clip.
        levels: float32 [n]: Root mean square of each clip, which colored noise is relative to.
        backgrounds: The recordings that ``transforms.background`` refers to.

    Returns:
        ``EFFECTS`` [n].
    """
    effects = neutral(len(addresses))
    effects["clip"], effects["n_clip"] = addresses, lengths
    effects["offset"] = np.clip(transforms.offset, 0, 1)
    effects["gain"] = transforms.loudness
    effects["speed"], effects["vtlp"] = transforms.speed, transforms.vtlp
    effects["pitch"] = pitch.ratio(transforms.pitch)
    colored = transforms.color_factor != 0
    for color in np.unique(transforms.color[colored]):
        table = noise_color.noise(noise_color.COLORS[color])
        chosen = colored & (transforms.color == color)
        effects["noise"][chosen], effects["n_noise"][chosen] = table.ctypes.data, len(table)
        effects["noise_start"][chosen] = transforms.color_start[chosen]
        relative = transforms.color_factor[chosen] * transforms.loudness[chosen]
        reference = np.where(levels[chosen] > 0, levels[chosen], SILENCE_LEVEL)
        effects["noise_gain"][chosen] = relative * reference / noise_color.TABLE_LEVEL
    recorded = np.flatnonzero((transforms.background >= 0) & (transforms.background_factor != 0))
    if len(recorded) and backgrounds is not None:
        numbers = transforms.background[recorded].astype(np.int64)
        readable = backgrounds.ensure(numbers)
        recorded, numbers = recorded[readable], numbers[readable]
        n = backgrounds.lengths(numbers)
        effects["noise"][recorded], effects["n_noise"][recorded] = backgrounds.addresses(numbers), n
        effects["noise_start"][recorded] = (transforms.background_start[recorded] * n).astype(np.int32)
        effects["noise_gain"][recorded] = transforms.background_factor[recorded]
    return effects
