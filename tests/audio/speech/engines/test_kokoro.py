"""Kokoro's engine. The model here is a real ONNX graph, but says nothing: it gives back what it is asked to say.

With the files of Kokoro in ``MLTK_KOKORO``, the last test speaks with them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.audio.speech import SpeechDataset
from mltk.audio.speech.engines import SpeechError, Utterance, installed_engines, make_engine
from mltk.audio.speech.engines.base import Engine
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.engines.kokoro import KokoroEngine
from mltk.errors import MissingDependencyError, SettingError

pytest.importorskip("onnxruntime")
needs_espeak = pytest.mark.skipif(not EspeakEngine.is_installed(), reason="espeakng-loader is not installed")
FLOAT, INT32, INT64 = 1, 6, 7
SEVEN = "0 61 156 86 64 83 56 4 0"  # s ˈ ɛ v ə n . between the marks of beginning and end
VOICES = {"af_one": 0.25, "bm_two": 0.75, "ff_three": 0.5, "jf_four": 0.125}


def field(number: int, value: int | str | bytes) -> bytes:
    """A field of a protobuf message."""
    if isinstance(value, int):
        return bytes([number << 3, value]) if number < 16 else bytes([(number & 15) << 3 | 128, number >> 4, value])
    data = value.encode() if isinstance(value, str) else value
    assert len(data) < 1 << 14
    return bytes([number << 3 | 2, len(data) & 127 | 128, len(data) >> 7]) + data


def node(operator: str, inputs: list[str], output: str, attribute: str, value: int) -> bytes:
    known = field(1, attribute) + field(3, value) + field(20, 2)
    names = b"".join(field(1, name) for name in inputs)
    return field(1, names + field(2, output) + field(4, operator) + field(5, known))


def tensor(number: int, name: str, kind: int, *sizes: int | str) -> bytes:
    dims = b"".join(field(1, field(1, s) if isinstance(s, int) else field(2, s)) for s in sizes)
    return field(number, field(1, name) + field(2, field(1, field(1, kind) + field(2, dims))))


def echo_model(tokens: str, speed: int) -> bytes:
    """An ONNX model: ``[tokens, first number of the style, 8 * speed]`` as a waveform."""
    graph = b"".join(
        [
            node("Cast", [tokens], "said", "to", FLOAT),
            node("Cast", ["speed"], "pace", "to", FLOAT),
            node("Flatten", ["pace"], "row", "axis", 0),
            node("Concat", ["said", "style", "row"], "waveform", "axis", 1),
            field(2, "echo"),
            tensor(11, tokens, INT64, 1, "n"),
            tensor(11, "style", FLOAT, 1, "styles"),
            tensor(11, "speed", speed, 1),
            tensor(12, "waveform", FLOAT, 1, "samples"),
        ]
    )
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLTK_KOKORO", str(tmp_path))
    (tmp_path / "kokoro-v1.0.onnx").write_bytes(echo_model("tokens", FLOAT))
    (tmp_path / "voices").mkdir()
    for name, value in VOICES.items():
        rows = np.arange(20)[:, None] / 100 + np.full((20, 256), value)
        rows.astype("<f4").tofile(tmp_path / "voices" / f"{name}.bin")
    return tmp_path


def said(engine: Engine, *, largest: int = 156, **utterance: Any) -> tuple[str, float, float]:
    """Tokens, style and speed that the model was asked for; ``largest`` is the token that becomes full scale."""
    speech = engine.synthesize(Utterance(**utterance))
    assert speech.sample_rate_hz == 24000
    assert speech.samples.dtype == np.int16
    values = speech.samples / 32767.0 * largest
    return " ".join(f"{v:.0f}" for v in values[:-257]), float(values[-257]), float(values[-1])


@needs_espeak
@pytest.mark.parametrize("tokens", ["tokens", "input_ids"])
def test_what_the_model_is_asked(folder: Path, tokens: str) -> None:
    (folder / "kokoro-v1.0.onnx").write_bytes(echo_model(tokens, FLOAT))
    assert "kokoro" in installed_engines()
    with make_engine("kokoro") as engine:
        assert engine.version == "kokoro-v1.0"
        what, style, speed = said(engine, text="seven", voice="af_one", rate_wpm=180)
        assert what == SEVEN
        assert style == pytest.approx(0.25 + 0.06, abs=0.01)  # of the seventh row: seven sounds
        assert speed == pytest.approx(1.2, abs=0.01)
        assert said(engine, text="", voice="af_one", phonemes="s_'E_v_@_n")[0] == SEVEN
        assert said(engine, text="seven", voice="af_one", rate_wpm=450)[2] == pytest.approx(2.0, abs=0.01)
        assert said(engine, text="four", voice="af_one")[0] == "0 48 156 76 123 4 0"
        assert said(engine, largest=158, text="four", voice="bm_two")[0] == "0 48 156 76 158 4 0"


@needs_espeak
def test_speed_as_an_integer(folder: Path) -> None:
    """Some exports of the model want it so."""
    (folder / "kokoro-v1.0.onnx").write_bytes(echo_model("input_ids", INT32))
    with make_engine("kokoro") as engine:
        assert said(engine, text="seven", voice="af_one", rate_wpm=300)[2] == pytest.approx(2, abs=0.01)


def test_voices_and_blends(folder: Path) -> None:
    with make_engine("kokoro") as engine:
        names = engine.voices()
        assert names[:4] == ["af_one", "bm_two", "ff_three", "jf_four"]
        assert len(names) == len(set(names)) == 4 + 6  # and each pair
        assert names == engine.voices()
        style = said(engine, text="", phonemes="s_'E", voice="af_one*0.20+bm_two")[1]
        assert style == pytest.approx(0.2 * 0.25 + 0.8 * 0.75 + 0.03, abs=0.01)
        assert [engine.language_of(v) for v in names[:4]] == ["en-us", "en-gb", "fr-fr", ""]
        for wrong in ("nobody", "af_one*0.2+nobody", "af_one*2+bm_two", ""):
            with pytest.raises(SpeechError, match=r"no Kokoro voice(.|\n)*af_one, bm_two"):
                engine.synthesize(Utterance("", wrong, phonemes="s"))
        with pytest.raises(SpeechError, match=r"'long' has 31 sounds, too many for Kokoro; 20 are possible"):
            engine.synthesize(Utterance("long", "af_one", phonemes="_".join(["s"] * 30)))
        with pytest.raises(SpeechError, match='no symbol for the sound "\'Y:"'):
            engine.synthesize(Utterance("", "af_one", phonemes="'Y:"))


def test_voices_of_an_archive(folder: Path) -> None:
    with open(folder / "voices-v1.0.bin", "wb") as file:
        np.savez(file, am_five=np.zeros((30, 1, 256), np.float32))
    with make_engine("kokoro") as engine:
        assert "am_five" in engine.voices()
    (folder / "voices-v1.0.bin").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(SpeechError, match=r"voices of Kokoro in .* can't be read"):
        make_engine("kokoro")
    (folder / "voices-v1.0.bin").unlink()
    (folder / "voices" / "af_one.bin").write_bytes(bytes(1000))
    with pytest.raises(SpeechError, match="can't be read"):
        make_engine("kokoro")
    for path in (folder / "voices").iterdir():
        path.unlink()
    with pytest.raises(SpeechError, match=r"has no voices of Kokoro \(voices\*\.bin, or voices/\*\.bin\)"):
        make_engine("kokoro")


def test_files_that_are_missing_or_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "kokoro-v1.0.onnx").write_bytes(b"no model")
    with pytest.raises(SpeechError, match=r"ONNX Runtime can't load the model .*kokoro-v1\.0\.onnx"):
        make_engine("kokoro")
    (folder / "kokoro-v1.0.onnx").unlink()
    assert "kokoro" not in installed_engines()
    with pytest.raises(SpeechError, match=r"no model of Kokoro(.|\n)*MLTK_KOKORO"):
        make_engine("kokoro")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'openmltk\[kokoro\]'"):
        make_engine("kokoro")


@needs_espeak
def test_a_dataset_with_accents_and_near_misses(folder: Path) -> None:
    dataset = SpeechDataset(["three"], samples_per_keyword=20, samples_unknown=20, engines="kokoro")
    clips = dataset.plan()
    french = [c for c in clips if c.utterance.voice.startswith("f") and c.utterance.text == "three"]
    assert {c.utterance.phonemes for c in french} == {"s_r_'i:"}
    assert all(not c.utterance.phonemes for c in clips if c.utterance.voice[0] in "abj" and c.class_name == "three")
    assert any(c.utterance.text == "~three" for c in clips)


def test_it_speaks_english_only() -> None:
    with pytest.raises(SettingError, match="language is 'de', but the engine 'kokoro' can only speak English"):
        SpeechDataset(["ja"], language="de", engines=["espeak", "kokoro"])


@needs_espeak
@pytest.mark.skipif(not KokoroEngine.is_installed(), reason="the files of Kokoro are not installed")
def test_it_speaks() -> None:
    with make_engine("kokoro") as engine:
        voice = engine.voices()[-1]
        slow = engine.synthesize(Utterance("seven", voice, rate_wpm=100)).samples
        fast = engine.synthesize(Utterance("seven", voice, rate_wpm=220)).samples
        assert 0.2 < len(fast) / 24000 < len(slow) / 24000 < 2.5
        assert np.abs(fast.astype(int)).max() > 3000
        np.testing.assert_array_equal(fast, engine.synthesize(Utterance("seven", voice, rate_wpm=220)).samples)
