from __future__ import annotations

import hashlib
import json
import logging
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.audio.speech import SpeechDataset, SpeechError
from mltk.audio.speech.engines import ENGINES, Speech, Utterance
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.phonetics import is_almost
from mltk.errors import DatasetError, OutputError, SettingError

needs_espeak = pytest.mark.skipif(not EspeakEngine.is_installed(), reason="espeakng-loader is not installed")
SMALL: dict[str, Any] = {"samples_per_keyword": 6, "samples_unknown": 6, "voices": 12, "workers": 2}


def make(*args: Any, **kwargs: Any) -> SpeechDataset:
    return SpeechDataset(*(args or (["yes", "no"],)), **{**SMALL, **kwargs})


def contents(folder: Path) -> dict[str, str]:
    """Path → SHA-256 of all wav files."""
    files = sorted(folder.rglob("*.wav"))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(autouse=True)
def dataset_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLTK_DATASET_DIR", str(tmp_path / "datasets"))
    return tmp_path / "datasets"


@needs_espeak
def test_a_dataset_is_a_folder_of_class_folders_with_a_manifest(dataset_dir: Path) -> None:
    dataset = make()
    folder = Path(dataset.load_data())
    assert folder.parent == dataset_dir / "speech"
    assert sorted(p.name for p in folder.iterdir()) == ["_unknown_", "manifest.json", "no", "yes"]
    assert dataset.classes == ["yes", "no", "_unknown_"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["classes"] == {"yes": 6, "no": 6, "_unknown_": 6}
    assert manifest["engines"]["espeak"].startswith("1.")
    assert manifest["settings"] == dataset.settings
    assert {c["file"]: c["sha256"] for c in manifest["clips"]} == contents(folder)
    for clip in manifest["clips"]:
        with wave.open(str(folder / clip["file"])) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert clip["duration_ms"] == round(len(samples) / 16)
        assert 60 < clip["duration_ms"] <= 1000
        peak_dbfs = 20 * np.log10(np.abs(samples.astype(float)).max() / 32767)
        assert peak_dbfs == pytest.approx(clip["peak_dbfs"], abs=0.2)
        assert clip["rate_wpm"] >= 100
        speaker = Path(clip["file"]).name.partition("_nohash_")[0]
        assert speaker == f"espeak-{clip['voice'].replace('+', '-')}"


@needs_espeak
def test_workers_and_order_change_nothing(tmp_path: Path) -> None:
    one, three = make(workers=1).create(tmp_path / "1"), make(workers=3).create(tmp_path / "3")
    assert contents(one) == contents(three)
    assert contents(make(seed=7).create(tmp_path / "7")) != contents(one)
    only_yes = contents(make(["yes"]).create(tmp_path / "yes"))
    assert {k: v for k, v in contents(one).items() if k.startswith("yes/")}.items() <= only_yes.items()


@needs_espeak
def test_an_interrupted_dataset_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = contents(make().create(tmp_path / "whole"))
    spoken: list[str] = []
    synthesize = EspeakEngine.synthesize

    def interrupted(self: EspeakEngine, utterance: Utterance) -> Speech:
        if len(spoken) == 7:
            raise KeyboardInterrupt
        spoken.append(utterance.text)
        return synthesize(self, utterance)

    monkeypatch.setattr(EspeakEngine, "synthesize", interrupted)
    monkeypatch.setattr("mltk.audio.speech.synthesis.CLIPS_PER_TASK", 2)
    folder = tmp_path / "part"
    with pytest.raises(KeyboardInterrupt):
        make(workers=1).create(folder)
    assert not (folder / "manifest.json").exists()
    with open(folder / "clips.jsonl", "a") as journal:
        journal.write('{"file": "yes/torn')
    monkeypatch.setattr(EspeakEngine, "synthesize", synthesize)
    assert make().create(folder) == folder
    assert contents(folder) == expected
    assert len(json.loads((folder / "manifest.json").read_text())["clips"]) == 18
    assert sorted(p.name for p in folder.iterdir()) == ["_unknown_", "manifest.json", "no", "yes"]


@needs_espeak
def test_what_is_there_is_not_said_again_and_what_is_gone_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make().create(tmp_path / "d")
    expected = contents(folder)
    lost = folder / next(iter(expected))
    lost.unlink()
    make().create(folder)
    assert contents(folder) == expected
    monkeypatch.setattr(EspeakEngine, "__init__", lambda self: pytest.fail("an engine was started"))
    assert make(folder=folder).load_data() == str(folder)


@needs_espeak
def test_another_dataset_is_not_overwritten(tmp_path: Path) -> None:
    folder = make().create(tmp_path / "d")
    (folder / "yes" / "mine.wav").write_bytes(b"mine")
    with pytest.raises(DatasetError, match="made with other settings"):
        make(seed=1).create(folder)
    make(seed=1).create(folder, clean=True)
    assert (folder / "yes" / "mine.wav").read_bytes() == b"mine"
    assert len(list(folder.rglob("*.wav"))) == 19
    other = tmp_path / "photos"
    other.mkdir()
    (other / "a.jpg").write_bytes(b"a")
    with pytest.raises(DatasetError, match="files that do not belong to a speech dataset"):
        make().create(other)
    for clean in (False, True):
        make().create(other, beside_others=True, clean=clean)
        assert (other / "a.jpg").read_bytes() == b"a"


@needs_espeak
def test_the_settings_say_what_is_said(tmp_path: Path) -> None:
    dataset = make(
        {"light_on": ["light on", "switch on the light"], "stop": "stop"},
        unknown_words=["banana", "Stop"],
        near_misses=False,
        voices=["en-us+m3", "en-gb+f4"],
        rates_wpm=(150, 150),
        pitches=(40, 40),
    )
    plan = dataset.plan()
    said = {c.class_name: {x.utterance.text for x in plan if x.class_name == c.class_name} for c in plan}
    assert said == {"light_on": {"light on", "switch on the light"}, "stop": {"stop"}, "_unknown_": {"banana"}}
    assert {c.utterance.voice for c in plan} == {"en-us+m3", "en-gb+f4"}
    assert {(c.utterance.rate_wpm, c.utterance.pitch) for c in plan} == {(150, 40)}
    assert make(samples_unknown=0).classes == ["yes", "no"]


@needs_espeak
def test_half_of_unknown_are_near_misses_and_no_keyword_is_among_them() -> None:
    plan = make(["three", "tree house"], samples_unknown=40).plan()
    unknown = [c for c in plan if c.class_name == "_unknown_"]
    assert len(unknown) == 40
    assert len({c.file_name for c in unknown}) == 40
    near, common = unknown[:20], unknown[20:]
    assert any(c.utterance.text == "~three" for c in near)
    assert not any(c.utterance.text.startswith("~") for c in common)
    assert not {"three", "tree"} & {c.utterance.text for c in near}


@needs_espeak
@pytest.mark.parametrize(("share", "n_near"), [(0.25, 10), (1, 40), (0.0, 0), (True, 20), (False, 0)])
def test_the_share_of_near_misses(share: bool | float, n_near: int) -> None:
    plan = make(["three"], samples_unknown=40, near_misses=share, unknown_words=["table", "window"]).plan()
    unknown = [c for c in plan if c.class_name == "_unknown_"]
    assert len({c.file_name for c in unknown}) == len(unknown) == 40
    assert sum(c.utterance.text not in ("table", "window") for c in unknown) == n_near


@needs_espeak
def test_no_speaker_says_a_word_of_unknown_like_a_keyword() -> None:
    plan = make(["yes", "no", "up", "down"], samples_per_keyword=400, samples_unknown=1600, voices=120).plan()
    with EspeakEngine() as engine:
        texts = sorted({c.utterance.text for c in plan if not c.utterance.phonemes})
        known = dict(zip(texts, engine.phonemes_of(texts, "en-us"), strict=True))

    def spoken(class_name: str) -> set[tuple[str, ...]]:
        said = [c.utterance for c in plan if (c.class_name == "_unknown_") == (class_name == "_unknown_")]
        return {tuple(u.phonemes.split("_") if u.phonemes else known[u.text]) for u in said}

    keywords, others = spoken("keywords"), spoken("_unknown_")
    assert len(keywords) > 5
    assert len(others) > 600
    assert not [(a, b) for a in others for b in keywords if is_almost(a, b)]
    assert "know" not in {c.utterance.text for c in plan}


@needs_espeak
def test_own_words_that_sound_like_a_keyword_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="mltk"):
        plan = make(["no"], unknown_words=["know", "table"], near_misses=False).plan()
    assert {c.utterance.text for c in plan if c.class_name == "_unknown_"} == {"table"}
    assert "because they sound like a keyword: know" in caplog.text


@needs_espeak
def test_voices_are_of_many_accents_and_no_two_share_a_throat() -> None:
    from mltk.audio.speech.plan import default_voices

    voices = default_voices("en-us", 300, 1)
    throats = [v.partition("+")[2] for v in voices]
    assert len(set(throats)) == 300
    accents = [v.partition("+")[0] for v in voices]
    assert {"en-us", "en-gb-scotland", "en-029", "de", "fr-fr", "hi"} < set(accents)
    assert 80 < sum(not a.startswith("en") for a in accents) < 120
    assert {v.partition("+")[0] for v in default_voices("de", 20, 1)} == {"de"}


@needs_espeak
def test_rooms_and_microphones_record_the_same_words(tmp_path: Path) -> None:
    plain, recorded = make(samples_unknown=0), make(samples_unknown=0, surroundings=True)
    assert "surroundings" not in plain.settings  # the folders of existing datasets stay
    assert plain.folder != recorded.folder
    folders = [dataset.create(tmp_path / str(i)) for i, dataset in enumerate((plain, recorded))]
    before, after = (json.loads((folder / "manifest.json").read_text())["clips"] for folder in folders)
    assert [(c["file"], c["text"], c["voice"]) for c in before] == [(c["file"], c["text"], c["voice"]) for c in after]
    assert all(c["duration_ms"] <= 1000 for c in after)
    same = {c["file"] for c in after if not c["room"] and not c["microphone"]}
    sounds = [contents(folder) for folder in folders]
    assert {file for file in sounds[0] if sounds[0][file] == sounds[1][file]} == same
    assert len(same) < len(after) / 2
    assert contents(make(samples_unknown=0, surroundings=True, workers=1).create(tmp_path / "again")) == sounds[1]


@needs_espeak
def test_a_long_phrase_is_said_faster(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    long = make({"a": "good morning everybody"}, rates_wpm=(90, 90), samples_unknown=0, max_length_ms=900)
    manifest = json.loads((long.create(tmp_path / "d") / "manifest.json").read_text())
    assert all(c["duration_ms"] <= 901 and c["rate_wpm"] > 90 for c in manifest["clips"])
    endless = make({"a": "one two three four five six seven"}, samples_unknown=0, max_length_ms=300)
    with caplog.at_level(logging.WARNING, logger="mltk"):
        endless.create(tmp_path / "e")
    assert "6 clips are longer than 300 ms, although they are said fast" in caplog.text


@needs_espeak
def test_unknown_language_and_voice(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="doesn't speak 'en-uk'"):
        make(language="en-uk").plan()
    with pytest.raises(SpeechError, match="no voice variant 'm99'"):
        make(voices=["en-us+m99"]).create(tmp_path / "d")


@needs_espeak
def test_a_dry_run_is_small_and_apart() -> None:
    dataset = make(samples_per_keyword=30, samples_unknown=0)
    assert len(list(Path(dataset.load_dataset("training", test=True)).rglob("*.wav"))) == 40
    assert not dataset.folder.exists()


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match="more than max_disk_mb=1"):
        make(samples_per_keyword=1000, max_disk_mb=1).create(tmp_path / "d")


@needs_espeak
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltk.audio.speech.store.FREE_DISK_RESERVE_BYTES", 1 << 60)
    with pytest.raises(OutputError, match="MiB free"):
        make().create(tmp_path / "d")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keywords": "yes"}, "not the string 'yes'"),
        ({"keywords": []}, "keywords is empty"),
        ({"keywords": ["a", "a"]}, "'a' is given twice"),
        ({"keywords": {"a": ["!"]}}, "no words to say"),
        ({"keywords": ["../a"]}, "can't be the name of a class folder"),
        ({"keywords": ["_unknown_"]}, "can't be the name"),
        ({"samples_per_keyword": 0}, "samples_per_keyword must be an integer of at least 1"),
        ({"rates_wpm": (200, 100)}, r"rates_wpm must be \(lowest, highest\) from 80 to 450, got \(200, 100\)"),
        ({"pitches": 50}, "pitches must be"),
        ({"engines": "espeek"}, "no speech engine 'espeek'.*\n.*'espeak'"),
        ({"engines": ["flite"]}, "near_misses=True needs the engine 'espeak'"),
        ({"voices": 0}, "voices must be"),
        ({"near_misses": 1.5}, "near_misses must be True, False or a share from 0 to 1, got 1.5"),
        ({"near_misses": "half"}, "near_misses must be True, False or a share"),
    ],
)
def test_impossible_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        SpeechDataset(**{"keywords": ["yes"], **arguments})


class HumEngine(ENGINES["flite"]):  # type: ignore[misc, name-defined, valid-type]  # mypy takes "flite" for a name
    """Hums; what it hums depends on the text."""

    version = "1"

    def __init__(self) -> None:
        pass

    def voices(self) -> list[str]:
        return ["alto", "bass"]

    def synthesize(self, utterance: Utterance) -> Speech:
        t = np.arange(8000 * 150 // utterance.rate_wpm) / 8000
        pitch_hz = 100 + len(utterance.text)
        return Speech((8000 * np.sin(2 * np.pi * pitch_hz * t)).astype(np.int16), 8000)


def test_other_engines_get_equal_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "flite", HumEngine)
    monkeypatch.setitem(ENGINES, "festival", HumEngine)
    dataset = make(engines=["flite", "festival"], near_misses=False)
    folder = dataset.create(tmp_path / "d")
    names = [p.name for p in (folder / "yes").iterdir()]
    assert sum(n.startswith("flite-") for n in names) == 3
    assert sum(n.startswith("festival-") for n in names) == 3
    assert json.loads((folder / "manifest.json").read_text())["engines"] == {"festival": "1", "flite": "1"}


def test_an_engine_that_says_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute(HumEngine):
        def synthesize(self, utterance: Utterance) -> Speech:
            return Speech(np.zeros(8000, np.int16), 8000)

    monkeypatch.setitem(ENGINES, "flite", Mute)
    with pytest.raises(SpeechError, match="flite returned silence for 'yes' with voice"):
        make(["yes"], engines="flite", near_misses=False, samples_unknown=0).create(tmp_path / "d")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="can't be used"):
        make().create(tmp_path / "d")
