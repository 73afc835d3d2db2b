"""Recordings and their label files: what belongs together, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.listening_models import CLASSES, RATE, sounds
from helpers.streams import write_recording
from mltk.audio.decoding import AudioFileError, soundfile_module
from mltk.audio.files import resample
from mltk.audio.streams.labels import Event, LabelFileError
from mltk.audio.streams.recordings import Recordings, find_recordings
from mltk.errors import DatasetError


def find(path: Path) -> Recordings:
    return find_recordings(str(path), CLASSES, sample_rate_hz=RATE, shortest_s=0.4)


def test_each_recording_has_the_label_file_of_its_name(tmp_path: Path) -> None:
    write_recording(tmp_path, "b", labels=[(1, 2, "yes")])
    write_recording(tmp_path, "day1/a", labels=[])
    write_recording(tmp_path, "day1/c", labels=[(0, 1, "no"), (2, 3, "music")])
    found = find(tmp_path)
    assert [r.name for r in found.recordings] == ["b.wav", "day1/a.wav", "day1/c.wav"]
    assert [r.events for r in found.recordings] == [[Event(1, 2, 0)], [], [Event(0, 1, 1)]]
    assert all(r.is_labelled for r in found.recordings)
    assert found.hours == pytest.approx(12 / 3600)
    assert found.notes == ["Labels that are not keywords, so that nothing is expected there: music."]


def test_a_single_recording_may_have_no_label_file(tmp_path: Path) -> None:
    path = write_recording(tmp_path)
    (tmp_path / "other.txt").write_text("1\t2\tyes\n")
    assert find(path).recordings[0].events == []
    (note,) = find(path).notes
    assert "no label files: every detection counts as a false accept" in note
    write_recording(tmp_path, labels=[(1, 2, "no")])
    assert find(path).recordings[0].events == [Event(1, 2, 1)]


def test_one_csv_may_serve_all_recordings_of_a_folder(tmp_path: Path) -> None:
    write_recording(tmp_path, "a")
    write_recording(tmp_path, "b")
    (tmp_path / "labels.csv").write_text("file,start,end,label\nb.wav,1,2,yes\n")
    assert [r.events for r in find(tmp_path).recordings] == [[], [Event(1, 2, 0)]]
    (tmp_path / "labels.csv").write_text("file,start,end,label\nc.wav,1,2,yes\n")
    with pytest.raises(LabelFileError, match=r"labels, but no recording, for c.wav in .*labels.csv"):
        find(tmp_path)


def test_recordings_behind_a_link_have_their_label_files(tmp_path: Path) -> None:
    write_recording(tmp_path / "elsewhere", "a", labels=[(1, 2, "yes")])
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "linked").symlink_to(tmp_path / "elsewhere")
    assert [r.events for r in find(tmp_path / "audio").recordings] == [[Event(1, 2, 0)]]


def test_a_long_mp3_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile_module().write(tmp_path / "a.mp3", sounds(2.0, rate=16000), 16000)
    found = find(tmp_path)
    assert sum(len(block) for block in found.recordings[0].blocks(RATE)) == pytest.approx(2 * RATE, abs=RATE / 4)
    monkeypatch.setattr("mltk.audio.streams.recordings._MOST_VALUES_OF_MP3", 1000)
    with pytest.raises(AudioFileError, match=r"(?s)a.mp3 has 0.0 h of audio.*Convert the recording to wav or flac"):
        list(found.recordings[0].blocks(RATE))


def test_a_missing_partner_is_an_error(tmp_path: Path) -> None:
    write_recording(tmp_path, "kitchen", labels=[(1, 2, "yes")])
    write_recording(tmp_path, "hall")
    with pytest.raises(
        LabelFileError, match=r"no label file for hall.wav, but other.*\n.*empty label file: .*hall.txt"
    ):
        find(tmp_path)
    (tmp_path / "hall.txt").write_text("")
    assert len(find(tmp_path).recordings) == 2
    (tmp_path / "kitchn.txt").write_text("1\t2\tyes\n")
    with pytest.raises(LabelFileError, match=r"labels, but no recording, for .*kitchn.txt.*\nDid you mean 'kitchen'"):
        find(tmp_path)
    (tmp_path / "kitchn.txt").write_text("Recorded in May.\n")
    assert "kitchn.txt is not a label file. It is ignored." in find(tmp_path).notes


def test_two_label_files_of_one_recording_are_an_error(tmp_path: Path) -> None:
    path = write_recording(tmp_path, labels=[])
    path.with_suffix(".csv").write_text("start,end,label\n")
    with pytest.raises(LabelFileError, match=r"two label files for one recording: kitchen\.csv and kitchen\.txt"):
        find(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing", "There is no file or folder"), ("a.txt", r"a.txt is not an audio file.*\nName the recording")],
)
def test_what_is_not_audio_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "a.txt").write_text("1\t2\tyes\n")
    with pytest.raises(DatasetError, match=f"(?s){message}"):
        find(tmp_path / name)
    with pytest.raises(DatasetError, match="contains no audio files"):
        find(tmp_path)


def test_recordings_shorter_than_the_clip_of_the_model_are_left_out(tmp_path: Path) -> None:
    write_recording(tmp_path, "short", np.zeros(RATE // 5, np.int16))
    with pytest.raises(DatasetError, match=r"short.wav has 0.2 s, but the model needs 0.4 s"):
        find(tmp_path)
    write_recording(tmp_path, "long")
    found = find(tmp_path)
    assert [r.name for r in found.recordings] == ["long.wav"]
    assert "short.wav has 0.2 s" in found.notes[0]


def test_blocks_are_the_samples_of_the_file(tmp_path: Path) -> None:
    samples = sounds(3.3)
    (recording,) = find(write_recording(tmp_path, samples=samples)).recordings
    blocks = list(recording.blocks(RATE, block_s=0.5))
    assert len(blocks) == 7
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_a_file_that_was_cut_is_reported(tmp_path: Path) -> None:
    path = write_recording(tmp_path, samples=sounds(4.0), labels=[(0.5, 1.0, "yes")])
    path.write_bytes(path.read_bytes()[:30_000])
    found = find(path)
    assert found.recordings[0].duration_s == pytest.approx(15_000 / RATE, abs=0.01)
    assert "These recordings were cut, and end too early; what they contain is used: kitchen.wav." in found.notes
    path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"(?s)contains no audio files.*empty or missing.*kitchen.wav"):
        find(tmp_path)


def test_another_rate_is_resampled_and_reported(tmp_path: Path) -> None:
    samples = sounds(3.0, rate=16000)
    found = find(write_recording(tmp_path, samples=samples, rate=16000))
    assert "Resampled to the model's 8000 Hz: kitchen.wav (16000 Hz)." in found.notes
    audio = np.concatenate(list(found.recordings[0].blocks(RATE, block_s=0.3)))
    expected = resample(samples, 16000, RATE)
    assert len(audio) == len(expected)
    assert np.abs(audio.astype(int) - expected).max() <= 3  # dither of 16 bits
    low = find(write_recording(tmp_path, samples=sounds(3.0, rate=4000), rate=4000))
    assert "lower rate than the model's lack high frequencies" in low.notes[-1]


def test_the_first_of_several_channels_is_heard(tmp_path: Path) -> None:
    left, right = sounds(2.0, seed=1), sounds(2.0, seed=2)
    write_recording(tmp_path, samples=np.stack([left, right], axis=1))
    found = find(tmp_path)
    assert "Only the first channel is heard: kitchen.wav." in found.notes
    np.testing.assert_array_equal(np.concatenate(list(found.recordings[0].blocks(RATE))), left)
    write_recording(tmp_path, samples=np.stack([0 * left, right], axis=1))
    with pytest.raises(AudioFileError, match="the first is silent and channel 2 is not"):
        list(find(tmp_path).recordings[0].blocks(RATE))


def test_floats_that_are_no_audio_are_refused(tmp_path: Path) -> None:
    for value, message in ((np.nan, "NaN"), (30000.0, "values up to 3e\\+04")):
        audio = np.full(2 * RATE, 0.1, np.float32)
        audio[100] = value
        soundfile_module().write(tmp_path / "a.wav", audio, RATE, subtype="FLOAT")
        with pytest.raises(AudioFileError, match=message):
            list(find(tmp_path).recordings[0].blocks(RATE))


def test_an_impossible_rate_is_refused(tmp_path: Path) -> None:
    soundfile_module().write(tmp_path / "a.wav", np.zeros(1000, np.int16), 16)
    with pytest.raises(AudioFileError, match="sample rate of 16 Hz, which no recorder"):
        find(tmp_path)
