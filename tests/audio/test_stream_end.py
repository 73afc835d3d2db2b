"""Ogg and MP3 files that were cut, and whole files of all kinds, of which nothing is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from helpers.audio_folder import RATE, tone
from mltk.audio.files import read_audio_int16
from mltk.audio.findings import Findings, Kind
from mltk.audio.stream_end import find_cut

SOUND = tone(440, 5.0) + np.random.default_rng(0).normal(0, 0.05, 5 * RATE)
FORMS = [("ogg", "VORBIS"), ("ogg", "OPUS"), ("mp3", "CONSTANT"), ("mp3", "AVERAGE"), ("mp3", "VARIABLE")]


def write(path: Path, kind: str, rate: int = RATE, channels: int = 1) -> bytes:
    """Write a file and return its content."""
    samples = np.stack([SOUND] * channels, 1) if channels > 1 else SOUND
    if path.suffix == ".mp3":
        soundfile.write(path, samples, rate, bitrate_mode=kind, compression_level=0.5)
    else:
        soundfile.write(path, samples, rate, subtype=kind)
    return path.read_bytes()


@pytest.mark.parametrize(("form", "kind"), FORMS)
@pytest.mark.parametrize("share", [0.97, 0.6, 0.3])
def test_a_cut_file_is_reported_and_used(tmp_path: Path, form: str, kind: str, share: float) -> None:
    path = tmp_path / f"a.{form}"
    content = write(path, kind)
    assert find_cut(str(path)) == []
    n = int(share * len(content)) - 11
    path.write_bytes(content[:n])
    ((finding, detail),) = find_cut(str(path))
    assert finding is Kind.CUT
    assert detail.startswith(("its last page ", "its last frame ", "its header says "))
    findings = Findings()
    samples, _ = read_audio_int16(str(path), RATE, findings)
    assert 0 < len(samples) < len(SOUND)
    assert findings.take() == {Kind.CUT: {str(path): detail}}


@pytest.mark.parametrize(("form", "kind"), FORMS)
@pytest.mark.parametrize("rate", [8000, 24000, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_nothing_is_found_in_a_whole_file(tmp_path: Path, form: str, kind: str, rate: int, channels: int) -> None:
    write(tmp_path / f"a.{form}", kind, rate, channels)
    assert find_cut(str(tmp_path / f"a.{form}")) == []


@pytest.mark.parametrize("kind", ["CONSTANT", "VARIABLE"])
def test_the_tags_of_an_mp3_file_are_no_sound(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.mp3"
    content = write(path, kind)
    before = b"ID3\x04\x00\x00\x00\x00\x01\x00" + b"\xff" * 128
    path.write_bytes(before + content + b"TAG" + bytes(125))
    assert find_cut(str(path)) == []
    path.write_bytes(before + content[:-20] + b"TAG" + bytes(125))
    assert [kind for kind, _ in find_cut(str(path))] == [Kind.CUT]


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.wav"])
@pytest.mark.parametrize("content", [b"", b"x", b"OggS", b"\xff\xfb", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", bytes(5000)])
def test_another_file_is_not_called_cut(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert find_cut(str(tmp_path / name).encode()) == [] or (name, content[:4]) == ("a.ogg", b"OggS")
