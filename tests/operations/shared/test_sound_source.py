"""Sound comes from files, standard input and microphones, and what is wrong with it is said."""

from __future__ import annotations

import io
import sys
import types
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.listening_models import sounds
from mltk.audio.files import write_audio
from mltk.errors import MissingDependencyError, MltkError
from mltk.operations.shared.sound_source import file_blocks, microphone_blocks, noticing_silence, stream_blocks


def wav(samples: np.ndarray, rate: int = 8000, channels: int = 1, width: int = 2) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return data.getvalue()


class Slow(io.BytesIO):
    """A pipe: it returns a few bytes at a time."""

    def read(self, n: int | None = -1) -> bytes:
        return super().read(min(7, n))


def test_a_stream_is_a_wav_file_or_samples_without_a_header(tmp_path: Path) -> None:
    samples = sounds(0.33)
    for stream in (io.BytesIO(samples.tobytes()), Slow(wav(samples)), io.BytesIO(wav(samples))):
        np.testing.assert_array_equal(np.concatenate(list(stream_blocks(stream, 8000))), samples)
    stereo = np.stack([samples, samples[::-1]], axis=1)
    found = np.concatenate(list(stream_blocks(io.BytesIO(wav(stereo, channels=2)), 8000)))
    np.testing.assert_array_equal(found, samples)
    assert list(stream_blocks(io.BytesIO(b""), 8000)) == []
    path = write_audio(str(tmp_path / "a.wav"), samples, 8000)
    np.testing.assert_array_equal(np.concatenate(list(file_blocks(path, 8000))), samples)


def test_a_stream_of_another_rate_or_width_is_an_error() -> None:
    with pytest.raises(MltkError, match="Standard input has 16000 Hz; the model hears 8000 Hz") as caught:
        list(stream_blocks(io.BytesIO(wav(sounds(0.1), 16000)), 8000))
    assert "--file" in caught.value.hint
    with pytest.raises(MltkError, match="WAV file of 8 bits"):
        list(stream_blocks(io.BytesIO(wav(np.zeros(80, np.uint8), width=1)), 8000))
    with pytest.raises(MltkError, match="without samples"):
        list(stream_blocks(io.BytesIO(wav(sounds(0.1))[:36]), 8000))


def test_silence_is_noticed_once(capsys: pytest.CaptureFixture[str]) -> None:
    silent, loud = np.zeros(800, np.int16), np.ones(800, np.int16)
    blocks = [loud, *[silent] * 19, loud, *[silent] * 30, loud]
    assert len(list(noticing_silence(iter(blocks), 8000))) == len(blocks)
    assert capsys.readouterr().err == (
        "The microphone delivers only zeros for 2 s. It is muted, or it is the wrong one.\n"
    )


class PortAudioError(Exception):
    """As in sounddevice."""


def fake_sounddevice(monkeypatch: pytest.MonkeyPatch, *, rates: tuple[int, ...], inputs: int = 1) -> list[Any]:
    """Put a module in the place of sounddevice: a microphone that delivers a tone, or none."""
    opened: list[Any] = []
    module = types.ModuleType("sounddevice")
    devices = [{"index": 0, "name": "Loud Mic", "max_input_channels": inputs, "default_samplerate": 48000.0}]

    def check_input_settings(device: Any = None, samplerate: int = 0, **_: Any) -> None:
        if samplerate not in rates or not inputs:
            raise PortAudioError("Invalid sample rate")

    def query_devices(device: Any = None, kind: str | None = None) -> Any:
        if kind and (not inputs or device not in (None, 0, "Loud")):
            raise ValueError(f"No input device matching {device!r}")
        return devices[0] if kind else devices

    class InputStream:
        def __init__(self, samplerate: int, blocksize: int, callback: Any, **_: Any) -> None:
            opened.append(samplerate)
            self._block = np.full((blocksize, 1), 1000, np.int16)
            self._callback = callback

        def __enter__(self) -> InputStream:
            for _ in range(3):
                self._callback(self._block, len(self._block), None, None)
            return self

        def __exit__(self, *_: object) -> None:
            opened.append("closed")

    names: dict[str, Any] = {
        "PortAudioError": PortAudioError,
        "check_input_settings": check_input_settings,
        "query_devices": query_devices,
        "InputStream": InputStream,
    }
    for name, value in names.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return opened


def test_a_microphone_has_the_rate_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = fake_sounddevice(monkeypatch, rates=(8000, 48000))
    blocks = microphone_blocks(8000, "Loud")
    assert next(blocks).tolist() == [1000] * 800
    blocks.close()
    assert opened == [8000, "closed"]
    opened = fake_sounddevice(monkeypatch, rates=(48000,))
    assert abs(len(next(microphone_blocks(8000))) - 800) < 3
    assert opened[0] == 48000


def test_a_missing_microphone_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_sounddevice(monkeypatch, rates=(8000,))
    with pytest.raises(MltkError, match="There is no microphone 'Nobody'") as caught:
        next(microphone_blocks(16000, "Nobody"))
    assert "0: Loud Mic" in caught.value.hint
    fake_sounddevice(monkeypatch, rates=(), inputs=0)
    with pytest.raises(MltkError, match="There is no microphone: ") as caught:
        next(microphone_blocks(8000))
    assert "Plug a microphone in, or classify a recording with --file" in caught.value.hint
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingDependencyError, match="sounddevice") as missing:
        next(microphone_blocks(8000))
    assert "openmltk[microphone]" in missing.value.hint
