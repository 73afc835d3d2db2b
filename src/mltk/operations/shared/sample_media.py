"""Show a sample of a dataset as a page can: a picture, a spectrogram, a sound, or curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.batches import SampleBatches
from mltk.report.media import png, to_pixels, wav

_MOST_CHANNELS, _MOST_POINTS, _MOST_PIXELS = 16, 600, 512
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Source:
    """Where a sample comes from.

    Attributes:
        name: Path of its file below the dataset's folder; None if it has no file.
        sound: int16 ``[samples]`` as decoded; None if it is not a sound.
        sample_rate_hz: Sample rate of the sound in Hz.
    """

    name: str | None = None
    sound: Array | None = None
    sample_rate_hz: int = 0


class Sources:
    """The files behind the samples that a specification has loaded.

    Args:
        model: The specification.
    """

    def __init__(self, model: Any) -> None:
        loaded = [model.x, *(getattr(model, "datagen_context", None) or ())]
        self._batches = next((b for b in loaded if isinstance(b, SampleBatches)), None)

    def of(self, position: int) -> Source:
        """Return the source of the sample at a position of the first pass over the dataset."""
        batches = self._batches
        if batches is None or position >= batches.samples:
            return Source()
        index = int(batches.order(0)[position])
        name = batches.name_in_bank(index)
        rate = int(getattr(batches.bank, "sample_rate_hz", 0))
        if not rate or not batches.bank.ensure(np.array([index]))[0]:
            return Source(name)
        return Source(name, np.asarray(batches.bank.sample(index)), rate)


def media_of(sample: Array, source: Source, *, spectrogram: bool) -> dict[str, Any]:
    """Return what a page shows of a sample: ``picture``, ``sound`` or ``curves``, as plain data.

    Args:
        sample: One input of the model, without the batch dimension.
        source: Where the sample comes from.
        spectrogram: Whether an array with two dimensions is a spectrogram ``[time, frequency]``.
    """
    media: dict[str, Any] = {}
    if source.sound is not None and source.sound.ndim == 1 and len(source.sound):
        media["sound"] = wav(source.sound, source.sample_rate_hz)
    return {**media, **picture_or_curves(sample, spectrogram=spectrogram)}


def picture_or_curves(sample: Array, *, spectrogram: bool, limits: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return a sample as ``{"picture": PNG, "spectrogram": bool}`` or ``{"curves": [[…], …]}``; empty if it is neither.

    Args:
        sample: One input of the model, without the batch dimension.
        spectrogram: Whether an array with two dimensions is a spectrogram ``[time, frequency]``.
        limits: The values that are black and white in a picture; by default the lowest and the highest value.
    """
    values = np.asarray(sample)
    low, high = limits or (None, None)
    if values.dtype.kind not in "iufb" or not values.size:
        return {}
    if values.ndim == 3 and values.shape[-1] == 3 and not spectrogram:
        return {"picture": png(to_pixels(_smaller(values), low, high)), "spectrogram": False}
    flat = values.reshape([n for n in values.shape if n != 1] or [1])
    if flat.ndim == 2 and spectrogram:
        return {"picture": png(to_pixels(_smaller(flat).T[::-1], low, high), heat=True), "spectrogram": True}
    if flat.ndim == 2 and (values.ndim == 3 or min(flat.shape) > _MOST_CHANNELS):
        return {"picture": png(to_pixels(_smaller(flat), low, high)), "spectrogram": False}
    if flat.ndim in (1, 2):
        return {"curves": _curves(flat)}
    return {}


def _smaller(image: Array) -> Array:
    step = max(1, -(-max(image.shape[:2]) // _MOST_PIXELS))
    return image[::step, ::step]


def _curves(values: Array) -> list[list[float]]:
    """Return the channels ``[channels][points]`` of a signal ``[time]`` or ``[time, channels]``."""
    channels = values[None] if values.ndim == 1 else values.T
    step = max(1, -(-channels.shape[1] // _MOST_POINTS))
    finite = np.nan_to_num(channels[:_MOST_CHANNELS, ::step].astype(np.float64), posinf=0, neginf=0)
    return [[float(f"{v:.4g}") for v in channel] for channel in finite]
