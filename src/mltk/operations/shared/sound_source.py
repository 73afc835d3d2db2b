"""Where sound comes from: a file, standard input, or a microphone, as blocks of int16 samples."""

from __future__ import annotations

import queue
import sys
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from mltk.audio.files import read_audio_int16, resample, to_int16
from mltk.errors import MissingDependencyError, MltkError

Samples = npt.NDArray[np.int16]
_WAV_PCM, _WAV_EXTENSIBLE = 1, 0xFFFE
_SILENT_SECONDS = 2


def file_blocks(path: str, rate: int) -> Iterator[Samples]:
    """Read a file as blocks of a second.

    Args:
        path: Audio file.
        rate: Sample rate of the blocks in Hz.

    Raises:
        AudioFileError: The file can't be read.
    """
    samples, _ = read_audio_int16(path, rate)
    for start in range(0, len(samples), rate):
        yield samples[start : start + rate]


def stream_blocks(stream: BinaryIO, rate: int, block: int = 0) -> Iterator[Samples]:
    """Read a WAV file, or int16 samples without a header, as they arrive.

    Args:
        stream: For example ``sys.stdin.buffer``.
        rate: Sample rate of the blocks in Hz, and of samples without a header.
        block: Samples of a block; 0 is a tenth of a second.

    Raises:
        MltkError: A WAV file is not one of 16 bits with the wanted rate.
    """
    head = _read(stream, 12)
    channels, rest = 1, head
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        channels = _skip_header(stream, rate)
        rest = b""
    size = 2 * channels * (block or max(1, rate // 10))
    while True:
        data = rest + _read(stream, size - len(rest))
        rest = b""
        usable = len(data) - len(data) % (2 * channels)
        if usable:
            yield np.frombuffer(data[:usable], "<i2").astype(np.int16).reshape(-1, channels)[:, 0]
        if len(data) < size:
            return


def _skip_header(stream: BinaryIO, rate: int) -> int:
    """Read the header of a WAV file up to its samples, and return the number of channels."""
    channels = 0
    while True:
        chunk = _read(stream, 8)
        if len(chunk) < 8:
            raise MltkError("Standard input is a WAV file without samples.")
        name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"data" and channels:
            return channels
        content = _read(stream, size + size % 2)
        if name == b"fmt ":
            kind, channels = int.from_bytes(content[:2], "little"), int.from_bytes(content[2:4], "little")
            found, bits = int.from_bytes(content[4:8], "little"), int.from_bytes(content[14:16], "little")
            if kind not in (_WAV_PCM, _WAV_EXTENSIBLE) or bits != 16 or channels < 1:
                raise MltkError(
                    f"Standard input is a WAV file of {bits} bits, kind {kind}; it must have 16-bit samples."
                )
            if found != rate:
                raise MltkError(
                    f"Standard input has {found} Hz; the model hears {rate} Hz.",
                    hint=f"Record with {rate} Hz, or give the file with --file, which changes the rate.",
                )


def _read(stream: BinaryIO, n: int) -> bytes:
    """Read n bytes, or fewer at the end of the stream."""
    parts = []
    while n > 0:
        part = stream.read(n)
        if not part:
            break
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def microphone_blocks(rate: int, name: str | None = None) -> Generator[Samples, None, None]:
    """Listen to a microphone until the caller stops.

    Args:
        rate: Sample rate in Hz.
        name: Part of the microphone's name, or its number; None is the system's choice.

    Raises:
        MissingDependencyError: sounddevice is not installed.
        MltkError: The microphone can't be opened.
    """
    sounddevice = sounddevice_module()
    heard: queue.Queue[Samples] = queue.Queue()
    device: str | int | None = int(name) if name is not None and name.isdigit() else name
    found = _rate_of(sounddevice, device, rate)

    def take(data: Any, n: int, time: Any, status: Any) -> None:
        heard.put(data[:, 0].copy())

    try:
        with sounddevice.InputStream(
            samplerate=found, blocksize=found // 10, channels=1, dtype="int16", device=device, callback=take
        ):
            while True:
                block = heard.get()
                yield block if found == rate else to_int16(resample(block, found, rate))
    except (sounddevice.PortAudioError, ValueError) as error:
        raise MltkError(f"The microphone can't be opened: {error}.", hint=_choices(sounddevice)) from error


def _rate_of(sounddevice: Any, device: str | int | None, rate: int) -> int:
    """Return the wanted rate if the microphone has it; otherwise its own."""
    try:
        sounddevice.check_input_settings(device=device, channels=1, dtype="int16", samplerate=rate)
        return rate
    except (sounddevice.PortAudioError, ValueError):
        pass
    try:
        return int(sounddevice.query_devices(device, "input")["default_samplerate"])
    except (sounddevice.PortAudioError, ValueError) as error:
        what = "There is no microphone" if device is None else f"There is no microphone {device!r}"
        raise MltkError(f"{what}: {error}.", hint=_choices(sounddevice)) from error


def _choices(sounddevice: Any) -> str:
    names = [f"{d['index']}: {d['name']}" for d in sounddevice.query_devices() if d["max_input_channels"] > 0]
    if not names:
        return "Plug a microphone in, or classify a recording with --file."
    return "Choose one with --microphone:\n" + "\n".join(names)


def sounddevice_module() -> Any:
    """Import sounddevice.

    Raises:
        MissingDependencyError: sounddevice is not installed.
        MltkError: Its library is missing.
    """
    try:
        import sounddevice
    except ImportError:
        raise MissingDependencyError("sounddevice, which reads a microphone,", "microphone") from None
    except OSError as error:
        raise MltkError(
            f"sounddevice can't use this machine's sound: {error}.",
            hint="Install PortAudio (on Debian and Ubuntu: apt install libportaudio2), listen in the browser without "
            "--terminal, or classify a recording with --file.",
        ) from error
    return sounddevice


def noticing_silence(blocks: Iterator[Samples], rate: int) -> Iterator[Samples]:
    """Pass blocks on, and say once if only zeros arrive."""
    zeros = 0
    for block in blocks:
        silent_before = zeros >= _SILENT_SECONDS * rate
        zeros = zeros + len(block) if not block.any() else 0
        if zeros >= _SILENT_SECONDS * rate and not silent_before:
            print(
                f"The microphone delivers only zeros for {_SILENT_SECONDS} s. It is muted, or it is the wrong one.",
                file=sys.stderr,
            )
        yield block
