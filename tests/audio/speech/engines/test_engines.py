from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mltk.audio.speech.accents import FOREIGN_LANGUAGES, with_accent
from mltk.audio.speech.engines import SpeechError, Utterance, installed_engines, make_engine
from mltk.audio.speech.engines.espeak import NATURAL_VARIANTS, EspeakEngine
from mltk.audio.speech.engines.festival import FestivalEngine
from mltk.audio.speech.engines.flite import FliteEngine
from mltk.audio.speech.phonetics import IsForbidden, altered, is_almost, nearest_words, phonetic_distance
from mltk.audio.speech.timbres import timbre_lines
from mltk.audio.speech.words import common_words
from mltk.errors import MissingDependencyError

needs_espeak = pytest.mark.skipif(not EspeakEngine.is_installed(), reason="espeakng-loader is not installed")


@pytest.fixture(scope="module")
def espeak() -> Iterator[EspeakEngine]:
    if not EspeakEngine.is_installed():
        pytest.skip("espeakng-loader is not installed")
    with EspeakEngine() as engine:
        yield engine


def test_espeak_speaks(espeak: EspeakEngine) -> None:
    slow = espeak.synthesize(Utterance("seven", "en-us+m3", rate_wpm=100))
    fast = espeak.synthesize(Utterance("seven", "en-us+m3", rate_wpm=220))
    assert slow.sample_rate_hz == 22050
    assert slow.samples.dtype == np.int16
    assert 0.3 < len(fast.samples) / 22050 < len(slow.samples) / 22050 < 1.5
    assert np.abs(fast.samples.astype(int)).max() > 3000


def test_the_same_utterance_gives_the_same_samples(espeak: EspeakEngine) -> None:
    utterances = [Utterance("seven", f"en-us+{v}", pitch=60) for v in [*NATURAL_VARIANTS, "timbre1", "timbre77"]]
    with EspeakEngine() as other:
        for utterance in reversed(utterances):
            other.synthesize(Utterance("history", utterance.voice))
            a, b = other.synthesize(utterance).samples, espeak.synthesize(utterance).samples
            np.testing.assert_array_equal(a, b, err_msg=utterance.voice)


def test_pronunciation(espeak: EspeakEngine) -> None:
    assert espeak.phonemes("seven", "en-us") == ["s", "'E", "v", "@", "n"]
    assert " " in espeak.phonemes("turn on", "en-us")
    said = espeak.synthesize(Utterance("", "en-us+m3", phonemes="s_'E_v_@_n")).samples
    assert len(said) == pytest.approx(len(espeak.synthesize(Utterance("seven", "en-us+m3")).samples), rel=0.05)


@pytest.mark.parametrize("language", FOREIGN_LANGUAGES)
def test_no_language_drops_a_sound_of_its_accent(espeak: EspeakEngine, language: str) -> None:
    """eSpeak NG leaves out a sound that the voice's language lacks; then the word comes out far too short."""
    for word in ("down", "up", "three", "stop", "right", "zero", "four", "bird"):
        spoken = with_accent(espeak.phonemes(word, "en-us"), language)
        foreign = espeak.synthesize(Utterance(word, f"{language}+m3", phonemes="_".join(spoken)))
        native = espeak.synthesize(Utterance(word, "en-us+m3"))
        assert len(foreign.samples) > 0.5 * len(native.samples), (word, spoken)


def test_accents() -> None:
    assert with_accent(["T", "r", "'i:"], "de") == ["s", "r", "'i:"]
    assert with_accent(["'A@", "t"], "it") == ["'a", "r", "t"]
    assert with_accent(["h", "'aU", "s"], "fr-fr") == ["'a", "u", "s"]
    assert with_accent(["b", "'E", "d", " ", "d"], "de") == ["b", "'E", "t", " ", "t"]
    assert with_accent(["T"], "en-us") == ["T"]


def test_an_unknown_voice_is_an_error_and_the_process_lives_on(espeak: EspeakEngine) -> None:
    for voice in ("xx", "en-us+nobody", "en-us+timbreX", "../etc/passwd"):
        with pytest.raises(SpeechError, match="eSpeak NG has no"):
            espeak.synthesize(Utterance("yes", voice))
    assert len(espeak.synthesize(Utterance("yes", "en-us")).samples)


@needs_espeak
def test_the_library_is_not_loaded_into_this_process(espeak: EspeakEngine) -> None:
    espeak.synthesize(Utterance("yes", "en-us"))
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    assert "libespeak" not in maps.read_text()


@needs_espeak
def test_a_crash_is_an_error() -> None:
    engine = EspeakEngine()
    engine.synthesize(Utterance("yes", "en-us"))
    engine._child.kill()
    with pytest.raises(SpeechError, match=r"eSpeak NG crashed while saying 'yes' with voice 'en-us' \(signal 9\)"):
        engine.synthesize(Utterance("yes", "en-us"))
    engine.close()
    with pytest.raises(SpeechError, match="was stopped before"):
        engine.synthesize(Utterance("yes", "en-us"))


@needs_espeak
def test_a_hang_is_an_error() -> None:
    with EspeakEngine(timeout_s=0.0) as engine, pytest.raises(SpeechError, match="did not answer within 0 s"):
        engine.synthesize(Utterance("yes", "en-us"))


LEFT_BEHIND = """
import os, sys
from mltk.audio.speech.engines import Utterance, make_engine
engine = make_engine("espeak")
engine.synthesize(Utterance("yes", "en-us+timbre3"))
print(engine._child.pid, flush=True)
sys.stdin.read()
"""


@needs_espeak
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the voice is a file on disk")
@pytest.mark.parametrize("killed", ["parent", "child"])
def test_nothing_is_left_behind_when_a_process_is_killed(tmp_path: Path, killed: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LEFT_BEHIND],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        child_pid = int(parent.stdout.readline())
        os.kill(parent.pid if killed == "parent" else child_pid, signal.SIGKILL)
        if killed == "child":
            parent.stdin.close()
        parent.wait(30)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child_pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{child_pid}").exists()  # it ended with its parent
    assert list(tmp_path.iterdir()) == []


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'openmltk\[speech\]'"):
        make_engine("espeak")


def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for name, package in (("flite", "flite"), ("festival", "festvox"), ("piper", "piper-tts")):
        with pytest.raises(SpeechError, match=f"is not on PATH(.|\n)*{package}"):
            make_engine(name)
    assert set(installed_engines()) <= {"espeak", "hibari", "kokoro"}
    with pytest.raises(SpeechError, match="no speech engine 'espeek'"):
        make_engine("espeek")


@pytest.mark.parametrize("engine_class", [FliteEngine, FestivalEngine])
def test_installed_programs_speak(engine_class: type[FliteEngine | FestivalEngine]) -> None:
    if not engine_class.is_installed():
        pytest.skip(f"{engine_class.name} is not installed")
    with engine_class() as engine:
        assert engine.version[0].isdigit()
        voice = engine.voices()[-1]
        slow = engine.synthesize(Utterance("seven", voice, rate_wpm=100))
        fast = engine.synthesize(Utterance("seven", voice, rate_wpm=200))
        assert len(slow.samples) > 1.4 * len(fast.samples) > 0
        with pytest.raises(SpeechError, match="has no voice 'nobody'"):
            engine.synthesize(Utterance("seven", "nobody"))


PIPER = """#!{python}
import sys, wave
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if sys.argv[1] == "--version":
    print("1.2.3")
    sys.exit()
text = sys.stdin.read().strip()
if text == "fail":
    print("out of words", file=sys.stderr)
    sys.exit(3)
with wave.open(arguments["--output_file"], "wb") as f:
    f.setnchannels(1); f.setsampwidth(2); f.setframerate(22050)
    n = int(len(text) * 1000 * float(arguments["--length_scale"])) + int(arguments.get("--speaker", 0))
    f.writeframes(bytes(2 * n))
"""


def test_piper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "piper"
    program.write_text(PIPER.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    voices = tmp_path / "voices"
    voices.mkdir()
    for name, speakers in (("one", 1), ("many", 3)):
        (voices / f"{name}.onnx").touch()
        (voices / f"{name}.onnx.json").write_text(f'{{"num_speakers": {speakers}}}')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MLTK_PIPER_VOICES", str(voices))
    assert "piper" in installed_engines()
    with make_engine("piper") as engine:
        assert engine.version == "1.2.3"
        assert engine.voices() == ["many#0", "many#1", "many#2", "one"]
        assert len(engine.synthesize(Utterance("abc", "many#2", rate_wpm=300)).samples) == 1502
        with pytest.raises(SpeechError, match=r"failed \(exit code 3\)(.|\n)*out of words"):
            engine.synthesize(Utterance("fail", "one"))
        with pytest.raises(SpeechError, match="no Piper voice 'two'"):
            engine.synthesize(Utterance("abc", "two"))


def test_phonetic_distance_orders_words_as_ears_do() -> None:
    three = ["T", "r", "'i:"]
    near = [
        phonetic_distance(three, other) for other in (three, ["f", "r", "'i:"], ["t", "r", "'i:"], ["b", "'0", "k"])
    ]
    assert near[0] == 0
    assert near[1] < near[3]
    assert near[2] < near[3]
    assert phonetic_distance(three, ["T", "r", "i:"]) == 0
    assert phonetic_distance(["s", "n", "'oU"], ["n", "'oU"]) == pytest.approx(0.7)


def test_near_misses_keep_away_from_what_is_forbidden() -> None:
    words = [("tree", ["t", "r", "'i:"]), ("free", ["f", "r", "'i:"]), ("book", ["b", "'U", "k"])]
    three = ["T", "r", "'i:"]

    def like(*keywords: list[str]) -> IsForbidden:
        return lambda phonemes: any(is_almost(phonemes, keyword) for keyword in keywords)

    assert nearest_words(three, words, like(three), 5) == ["tree"]  # "free" is too close, "book" too far
    assert nearest_words(three, words, like(three, ["t", "r", "'i:"]), 5) == []
    pseudo = altered(three, like(three), 8, "seed")
    assert len(pseudo) == len({tuple(p) for p in pseudo}) == 8
    assert pseudo == altered(three, like(three), 8, "seed")
    assert all(phonetic_distance(p, three) >= 0.3 for p in pseudo)


def test_timbres_and_words() -> None:
    assert timbre_lines(5) == timbre_lines(5) != timbre_lines(6)
    assert any(line.startswith("pitch ") for line in timbre_lines(5))
    assert len(common_words()) > 800
    assert len(common_words()) == len(set(common_words()))
