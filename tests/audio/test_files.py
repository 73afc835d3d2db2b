"""Audio files in and out: what is read, what is refused, and that nothing half-written is left."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from helpers.audio_folder import RATE, tone
from mltk.audio.files import AudioFileError, audio_info, read_audio, read_audio_int16, resample, to_int16, write_audio
from mltk.errors import OutputError


@pytest.mark.parametrize(
    ("content", "message"), [(None, "There is no audio file"), (b"", "has no bytes"), (b"text", "can't be read")]
)
def test_an_unreadable_file_is_named(tmp_path, content, message) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioFileError, match=message) as error:
        read_audio(str(path))
    assert "a.wav" in str(error.value)
    with pytest.raises(AudioFileError, match=message):
        audio_info(str(path))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_a_name_that_is_not_utf8_is_read(tmp_path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/sch\xf6n.wav")
    os.rename(write_audio(str(tmp_path / "a.wav"), tone(440), RATE), path)
    assert len(read_audio(path)[0]) == read_audio_int16(path, RATE)[0].size == audio_info(path).frames == RATE // 2
    with pytest.raises(AudioFileError, match=r"sch\\xf6n.mp3"):
        read_audio(path.replace(".wav", ".mp3"))


def test_resample_keeps_pitch_and_dtype() -> None:
    for samples in (tone(440, 1.0, rate=8000), to_int16(tone(440, 1.0, rate=8000))):
        changed = resample(samples, 8000, RATE)
        assert changed.dtype == samples.dtype
        assert abs(len(changed) - RATE) <= 1
        assert np.abs(np.fft.rfft(changed)).argmax() == pytest.approx(440, abs=1)


def test_int16_is_clipped_not_wrapped() -> None:
    assert to_int16([1.5, -1.5, 0.5, 0.0]).tolist() == [32767, -32768, 16384, 0]
    assert to_int16(np.array([70000, 5])).tolist() == [32767, 5]


def test_a_new_file_replaces_the_old_one_whole(tmp_path) -> None:
    path = write_audio(str(tmp_path / "new" / "folder" / "a.wav"), tone(440), RATE)
    write_audio(path, tone(440, 0.1), RATE)
    assert len(read_audio(path)[0]) == RATE // 10
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["a.wav"]


@pytest.mark.parametrize(("name", "rate"), [("a.xyz", RATE), ("a.mp3", 12345)])
def test_what_cannot_be_written_says_so_and_leaves_nothing(tmp_path, name, rate) -> None:
    with pytest.raises(OutputError, match=rf"Can't write .*{name} as audio") as error:
        write_audio(str(tmp_path / name), tone(440), rate)
    assert ".wav" in str(error.value)
    assert not list(tmp_path.iterdir())
