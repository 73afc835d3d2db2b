"""A long recording with known words, joined from clips and background noise.

It is for those who have no long recording yet. It is not a recording of a room: nobody's radio plays in it. So the rate
of false accepts is that of the words and noise that were put in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mltk.audio.augment.noise_color import COLORS, TABLE_LEVEL, noise
from mltk.audio.augment.trim import trim_bounds
from mltk.audio.decoding import reason, soundfile_module
from mltk.audio.streams.labels import Label
from mltk.errors import DatasetError, OutputError
from mltk.files import make_folder, replacing, write_file

GAP_S = (0.5, 5.5)
"""Range of the pause between two words, in seconds."""

KEYWORD_SHARE = 0.5
"""Share of the words that are keywords, if there are other words."""

WORD_GAIN_DB = (-12.0, 0.0)
"""Range of the gain of a word."""

NOISE_DBFS = (-65.0, -35.0)
"""Range of the level of the background, in dB below full scale (root mean square)."""

NOISE_S = (5.0, 30.0)
"""Range of the length of a piece of background."""

_FADE_S = 0.5
_QUIET_DB = 30.0
_CHUNK_S = 30.0
_SILENT = 1.0  # root mean square of a background that is not scaled up


@dataclass(frozen=True)
class Clip:
    """A clip that is put into the recording.

    Attributes:
        samples: int16 [samples].
        label: Class of the clip.
    """

    samples: npt.NDArray[np.int16]
    label: str


@dataclass(frozen=True)
class _Placed:
    """Audio at its place."""

    start: int
    samples: npt.NDArray[np.float32]


class Joiner:
    """Joins clips to a recording. The same arguments make the same recording.

    Args:
        clips: The clips. A class whose name begins with ``_`` is not a keyword.
        backgrounds: Background recordings, int16 [samples] each; without them, noise of the colors white, brown, blue,
            pink and violet is used.
        sample_rate_hz: Sample rate of all of them in Hz.
        seed: Seed of places, levels and noise.

    Raises:
        DatasetError: A keyword has no clips.
    """

    def __init__(
        self, clips: Sequence[Clip], backgrounds: Sequence[npt.NDArray[np.int16]], sample_rate_hz: int, *, seed: int = 0
    ) -> None:
        self._rate = sample_rate_hz
        self._backgrounds = [b for b in backgrounds if len(b) > sample_rate_hz]
        self._seed = seed
        heard = [clip for clip in clips if len(clip.samples) and np.any(clip.samples)]
        self._keywords = _by_label([clip for clip in heard if not clip.label.startswith("_")])
        self._others = _by_label([clip for clip in heard if clip.label.startswith("_")])
        if not self._keywords:
            raise DatasetError("There are no clips of keywords to join to a recording.")

    def write(self, folder: str, hours: float, name: str = "joined") -> tuple[str, list[Label]]:
        """Write the recording as WAV, and its label track of Audacity. The memory does not grow with the length.

        Args:
            folder: Folder of both files.
            hours: Length.
            name: Name of both files without suffix.

        Returns:
            Path of the audio file, and the labels of the keywords.

        Raises:
            OutputError: A file cannot be written.
        """
        n = round(hours * 3600 * self._rate)
        labels: list[Label] = []
        path = os.path.join(make_folder(folder), f"{name}.wav")
        chunk = int(_CHUNK_S * self._rate)
        words, pieces = self._words(n, labels), self._pieces(n)
        soundfile = soundfile_module()
        wav = {"samplerate": self._rate, "channels": 1, "format": "WAV", "subtype": "PCM_16"}
        with replacing(path, durable=False) as temporary:
            try:
                with soundfile.SoundFile(temporary, "w", **wav) as file:
                    for audio in _mixed(n, chunk, (words, pieces)):
                        file.write(audio)
            except soundfile.LibsndfileError as error:
                raise OutputError(
                    f"Can't write {path}: {reason(error)}.",
                    hint=f"{hours:g} h of audio take {2 * n / 1e6:.0f} MB. Free some space, or take fewer hours.",
                ) from None
        track = "".join(f"{e.start_s:.3f}\t{e.end_s:.3f}\t{e.text}\n" for e in labels)
        write_file(os.path.join(folder, f"{name}.txt"), track)
        return path, labels

    def _words(self, n: int, labels: list[Label]) -> Iterator[_Placed]:
        """Yield the words in order, and add the labels of the keywords."""
        rng = np.random.default_rng([self._seed, 1])
        decks = {label: _Deck(clips, rng) for label, clips in {**self._keywords, **self._others}.items()}
        keywords, others = sorted(self._keywords), sorted(self._others)
        at = 0
        while True:
            at += int(rng.uniform(*GAP_S) * self._rate)
            names = keywords if not others or rng.random() < KEYWORD_SHARE else others
            clip = decks[names[int(rng.integers(len(names)))]].draw()
            gain = np.float32(10 ** (rng.uniform(*WORD_GAIN_DB) / 20))
            if at + len(clip.samples) > n:
                return
            if names is keywords:
                start, stop = trim_bounds(clip.samples, _QUIET_DB)
                times = ((at + start) / self._rate, (at + stop) / self._rate)
                labels.append(Label(round(times[0], 3), round(times[1], 3), clip.label, len(labels) + 1))
            yield _Placed(at, clip.samples.astype(np.float32) * gain)
            at += len(clip.samples)

    def _pieces(self, n: int) -> Iterator[_Placed]:
        """Yield pieces of background, each faded into the next."""
        rng = np.random.default_rng([self._seed, 2])
        fade = int(_FADE_S * self._rate)
        rise = np.linspace(0, 1, fade, dtype=np.float32)
        at = -fade
        while at < n:
            length = int(rng.uniform(*NOISE_S) * self._rate)
            piece = self._background(rng, length)
            level = float(np.sqrt(np.mean(np.square(piece))))
            wanted = 32768 * 10 ** (rng.uniform(*NOISE_DBFS) / 20)
            piece *= np.float32(wanted / level if level > _SILENT else 1.0)
            piece[:fade] *= rise
            piece[-fade:] *= rise[::-1]
            yield _Placed(at, piece)
            at += length - fade

    def _background(self, rng: np.random.Generator, length: int) -> npt.NDArray[np.float32]:
        if not self._backgrounds:
            table = noise(COLORS[int(rng.integers(len(COLORS)))])
            place = int(rng.integers(len(table)))
            table_part = np.take(table, np.arange(place, place + length), mode="wrap").astype(np.float32)
            return table_part / np.float32(TABLE_LEVEL)
        source = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
        place = int(rng.integers(max(1, len(source) - length)))
        return np.take(source, np.arange(place, place + length), mode="wrap").astype(np.float32)


class _Deck:
    """Draws clips in a random order; each is drawn once before one is drawn again."""

    def __init__(self, clips: Sequence[Clip], rng: np.random.Generator) -> None:
        self._clips, self._rng = clips, rng
        self._left: list[int] = []

    def draw(self) -> Clip:
        if not self._left:
            self._left = self._rng.permutation(len(self._clips)).tolist()
        return self._clips[self._left.pop()]


def _by_label(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    found: dict[str, list[Clip]] = {}
    for clip in clips:
        found.setdefault(clip.label, []).append(clip)
    return found


def _mixed(n: int, chunk: int, sources: Sequence[Iterator[_Placed]]) -> Iterator[npt.NDArray[np.int16]]:
    """Yield the sum of all sources, chunk by chunk."""
    waiting: list[list[_Placed]] = [[] for _ in sources]
    coming: list[_Placed | None] = [next(source, None) for source in sources]
    for start in range(0, n, chunk):
        stop = min(n, start + chunk)
        audio = np.zeros(stop - start, np.float32)
        for k, source in enumerate(sources):
            while (placed := coming[k]) is not None and placed.start < stop:
                waiting[k].append(placed)
                coming[k] = next(source, None)
            for placed in waiting[k]:
                first, last = max(start, placed.start), min(stop, placed.start + len(placed.samples))
                audio[first - start : last - start] += placed.samples[first - placed.start : last - placed.start]
            waiting[k] = [p for p in waiting[k] if p.start + len(p.samples) > stop]
        yield np.clip(np.rint(audio), -32768, 32767).astype(np.int16)
