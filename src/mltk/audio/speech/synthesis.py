"""Say the clips of a plan on all cores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from mltk.audio.speech.clips import finish, trim_silence, write_wav
from mltk.audio.speech.engines import Engine, SpeechError, make_engine
from mltk.audio.speech.plan import Clip
from mltk.audio.speech.surroundings import record

CLIPS_PER_TASK = 16
FASTEST_WPM = 400
LENGTH_ATTEMPTS = 4


class Speakers:
    """The synthesizers of each thread: started on first use, closed together.

    Attributes:
        versions: Name of a synthesizer → its version.
    """

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all: list[Engine] = []
        self.versions: dict[str, str] = {}

    def get(self, name: str) -> Engine:
        """Return this thread's synthesizer of that name.

        Raises:
            SpeechError: The synthesizer can't be started.
        """
        mine: dict[str, Engine] = self._local.__dict__.setdefault("engines", {})
        if name not in mine:
            engine = mine[name] = make_engine(name)
            with self._lock:
                self._all.append(engine)
            self.versions.setdefault(name, engine.version)
        return mine[name]

    def drop(self, name: str) -> None:
        """Close this thread's synthesizer of that name. The next :meth:`get` starts another."""
        engine = self._local.__dict__.get("engines", {}).pop(name, None)
        if engine is not None:
            engine.close()

    def close(self) -> None:
        """Close all synthesizers."""
        with self._lock:
            for engine in self._all:
                engine.close()
            self._all.clear()


def say(clip: Clip, speakers: Speakers, folder: Path, sample_rate_hz: int, max_length_ms: int | None) -> dict[str, Any]:
    """Say one clip and write it.

    Args:
        clip: The clip.
        speakers: Provides the synthesizer.
        folder: Folder of the class folders.
        sample_rate_hz: Sample rate of the file in Hz.
        max_length_ms: A longer clip is said again, faster, up to ``FASTEST_WPM``. None is no limit.

    Returns:
        The clip's entry of the manifest.

    Raises:
        SpeechError: The synthesizer failed twice, or returned silence.
        OutputError: The file can't be written.
    """
    utterance = clip.utterance
    for _ in range(LENGTH_ATTEMPTS):
        try:
            speech = speakers.get(clip.engine).synthesize(utterance)
        except SpeechError:  # an earlier utterance may have ended the process: try once with a new one
            speakers.drop(clip.engine)
            speech = speakers.get(clip.engine).synthesize(utterance)
        spoken = trim_silence(speech.samples, speech.sample_rate_hz)
        if not len(spoken):
            raise SpeechError(f"{clip.engine} returned silence for {utterance.text!r} with voice {utterance.voice!r}.")
        length_ms = 1000 * len(spoken) / speech.sample_rate_hz
        if max_length_ms is None or length_ms <= max_length_ms or utterance.rate_wpm >= FASTEST_WPM:
            break
        faster = int(utterance.rate_wpm * length_ms / max_length_ms * 1.05) + 1
        utterance = replace(utterance, rate_wpm=min(faster, FASTEST_WPM))
    samples = finish(spoken, speech.sample_rate_hz, sample_rate_hz, clip.peak_dbfs)
    where: dict[str, Any] = {}
    if clip.surroundings:
        longest = None if max_length_ms is None else sample_rate_hz * max_length_ms // 1000
        samples, where = record(samples, sample_rate_hz, clip.surroundings, longest)
    path = folder / clip.class_name / clip.file_name
    digest = write_wav(path, samples, sample_rate_hz)
    return {
        "file": f"{clip.class_name}/{clip.file_name}",
        "text": utterance.text,
        "phonemes": utterance.phonemes,
        "engine": clip.engine,
        "voice": utterance.voice,
        "rate_wpm": utterance.rate_wpm,
        "pitch": utterance.pitch,
        "pitch_range": utterance.pitch_range,
        "word_gap_ms": utterance.word_gap_ms,
        "peak_dbfs": clip.peak_dbfs,
        "duration_ms": round(1000 * len(samples) / sample_rate_hz),
        "sample_rate_hz": sample_rate_hz,
        "sha256": digest,
        **where,
    }


def say_all(
    clips: Sequence[Clip],
    say_one: Callable[[Clip], dict[str, Any]],
    workers: int,
) -> Iterator[list[dict[str, Any]]]:
    """Say clips in several threads.

    Args:
        clips: The clips.
        say_one: Says one clip and returns its entry of the manifest.
        workers: Number of threads.

    Yields:
        The entries, a few at a time, in any order. The first error is raised when the clips in progress are finished.
    """

    def task(part: Sequence[Clip]) -> list[dict[str, Any]]:
        return [say_one(clip) for clip in part]

    parts = iter([clips[i : i + CLIPS_PER_TASK] for i in range(0, len(clips), CLIPS_PER_TASK)])
    with ThreadPoolExecutor(workers, thread_name_prefix="mltk-speech") as pool:
        pending: set[Future[list[dict[str, Any]]]] = {pool.submit(task, part) for part in islice(parts, 2 * workers)}
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                pending |= {pool.submit(task, part) for part in islice(parts, len(done))}
        finally:
            for future in pending:
                future.cancel()
