"""Each dataset module against a server on this machine with a small stand-in of the published archive."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import json
import pickle
import subprocess
import sys
import tarfile
import wave
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from helpers.file_server import FileServer
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.errors import DatasetError, DownloadError

pytestmark = pytest.mark.usefixtures("dataset_dir")


def wav_bytes(samples: np.ndarray, rate_hz: int = 16000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def tone(seconds: float, rate_hz: int = 16000, amplitude: float = 8000) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.int16)


def make_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def make_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.fixture
def point(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``point("image.mnist", "mnist.npz")`` gives the module, its address pointing to that file of the server."""

    def do(name: str, file_name: str) -> ModuleType:
        module = importlib.import_module(f"mltk.datasets.{name}")
        monkeypatch.setattr(module, "DOWNLOAD_URL", f"{server.url}/{file_name}")
        digest = hashlib.sha1((server.folder / file_name).read_bytes()).hexdigest()
        monkeypatch.setattr(module, "VERIFY_SHA1", digest)
        return module

    return do


@pytest.fixture
def speech_commands(server: FileServer, point: Any) -> ModuleType:
    files = {
        f"./{word}/spk{i:02d}_nohash_{k}.wav": wav_bytes(tone(0.6))
        for word in ("yes", "no")
        for i in range(20)
        for k in (0, 1)
    }
    files["./yes/quiet_nohash_0.wav"] = wav_bytes(tone(0.6, amplitude=5))
    files["./yes/short_nohash_0.wav"] = wav_bytes(tone(0.1))
    files["./_background_noise_/pink.wav"] = wav_bytes(tone(0.1))
    make_tar(server.folder / "speech_commands.tar.gz", files)
    return point("audio.speech_commands.speech_commands_v2", "speech_commands.tar.gz")


def test_speech_commands(speech_commands: ModuleType, server: FileServer, dataset_dir: Path) -> None:
    folder = Path(speech_commands.load_data())
    assert folder == dataset_dir / "speech_commands/v2"
    assert speech_commands.load_data() == str(folder)
    assert len(list((folder / "yes").iterdir())) == 42
    clean = Path(speech_commands.load_clean_data())
    assert len(list((clean / "yes").iterdir())) == 40
    assert (clean / "_background_noise_/pink.wav").exists()
    assert speech_commands.load_clean_data() == str(clean)
    other = Path(speech_commands.load_clean_data(clean_in_place=False, dest_subdir="datasets/other"))
    assert len(list((other / "yes").iterdir())) == 40
    assert len(server.requests) == 1


def test_speech_commands_keeps_a_speaker_on_one_side(speech_commands: ModuleType) -> None:
    folder = speech_commands.load_data()
    listed = {
        (word, part): set(
            speech_commands.list_valid_filenames_in_directory(folder, word, ["wav"], split, False, None)[1]
        )
        for word in ("Yes", "no")
        for part, split in (("validation", (0.0, 0.3)), ("training", (0.3, 1.0)), ("all", None))
    }
    assert len(listed["Yes", "all"]) == 42
    speakers: dict[str, set[str]] = {"validation": set(), "training": set()}
    for (word, part), paths in listed.items():
        if part != "all":
            speakers[part] |= {p.rpartition("/")[2].partition("_nohash_")[0] for p in paths}
            assert paths < listed[word, "all"]
    assert not speakers["validation"] & speakers["training"]
    assert len(speakers["validation"]) in range(2, 12)


def test_a_changed_archive_is_refused(server: FileServer, point: Any) -> None:
    (server.folder / "mnist.npz").write_bytes(b"x")
    mnist = point("image.mnist", "mnist.npz")
    (server.folder / "mnist.npz").write_bytes(b"y")
    with pytest.raises(DownloadError, match="not the file that was wanted"):
        mnist.load_data()


def test_mnist(server: FileServer, point: Any, dataset_dir: Path) -> None:
    images = np.arange(30 * 28 * 28, dtype=np.uint8).reshape(30, 28, 28)
    labels = np.arange(30) % 10
    np.savez(
        server.folder / "mnist.npz", x_train=images[:20], y_train=labels[:20], x_test=images[20:], y_test=labels[20:]
    )
    mnist = point("image.mnist", "mnist.npz")
    (x, y), (x_test, y_test) = mnist.load_data()
    assert (x.shape, y.shape, x_test.shape, y_test.shape) == ((20, 28, 28), (20,), (10, 28, 28), (10,))
    folder = Path(mnist.load_data_directory())
    assert sorted(p.name for p in folder.iterdir()) == mnist.CLASSES
    assert sorted(p.name for p in (folder / "3").iterdir()) == ["0.png", "1.png", "2.png"]
    from PIL import Image

    np.testing.assert_array_equal(np.asarray(Image.open(folder / "3" / "2.png")), images[23])


def test_fashion_mnist(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from mltk.datasets.image import fashion_mnist

    digests = {}
    for part, n in (("train", 4), ("t10k", 2)):
        for kind, shape in (("images-idx3", (n, 28, 28)), ("labels-idx1", (n,))):
            header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
            data = gzip.compress(header + np.arange(np.prod(shape), dtype=np.uint8).tobytes())
            name = f"{part}-{kind}-ubyte.gz"
            (server.folder / name).write_bytes(data)
            digests[name] = hashlib.sha1(data).hexdigest()
    monkeypatch.setattr(fashion_mnist, "_BASE", f"{server.url}/")
    monkeypatch.setattr(fashion_mnist, "_FILES", {name: digests[name] for name in fashion_mnist._FILES})
    (x, y), (x_test, _) = fashion_mnist.load_data()
    assert (x.shape, x_test.shape) == ((4, 28, 28), (2, 28, 28))
    assert y.tolist() == [0, 1, 2, 3]
    assert x[1, 0, 0] == 784 % 256
    folder = Path(fashion_mnist.load_data_directory())
    assert len(list((folder / "tshirt").iterdir())) == 2
    (server.folder / "bad.gz").write_bytes(gzip.compress(b"\0\0\x09\x01"))
    with pytest.raises(DatasetError, match="not a gzipped IDX file"):
        fashion_mnist.read_idx(server.folder / "bad.gz")


def test_cifar10(server: FileServer, point: Any, tmp_path: Path) -> None:
    pixels = np.arange(10 * 3072, dtype=np.uint8).reshape(10, 3072)
    batch = pickle.dumps({b"data": pixels, b"labels": list(range(10))}, protocol=2)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    make_tar(server.folder / "cifar.tar.gz", {f"cifar-10-batches-py/{name}": batch for name in names})
    cifar = point("image.cifar10", "cifar.tar.gz")
    (x, y), (x_test, y_test) = cifar.load_data()
    assert (x.shape, y.shape, x_test.shape, y_test.shape) == ((50, 32, 32, 3), (50, 1), (10, 32, 32, 3), (10, 1))
    assert x[1, 0, 1].tolist() == [pixels[1, 1], pixels[1, 1025], pixels[1, 2049]]
    assert len(list(Path(cifar.load_data_directory(), "frog").iterdir())) == 6
    (tmp_path / "evil").write_bytes(pickle.dumps(print))
    with pytest.raises(DatasetError, match=r"it asks for builtins\.print"):
        cifar.read_batch(tmp_path / "evil")


def test_rock_paper_scissors(server: FileServer, point: Any) -> None:
    for version, file_name in (("v1", "rps.zip"), ("v2", "rps2.zip")):
        make_zip(server.folder / file_name, {"top/rock/0.jpg": b"r", "top/paper/0.jpg": b"p"})
        module = point(f"image.rock_paper_scissors_{version}", file_name)
        folder = Path(module.load_data())
        assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == ["paper", "rock"]
        assert folder.name == version


def test_impulse_responses(server: FileServer, point: Any) -> None:
    ir = np.zeros(320)
    ir[0], ir[160] = 20000, 10000
    make_zip(server.folder / "Audio.zip", {"Audio/h001.wav": wav_bytes(ir, 32000), "__MACOSX/._x": b"junk"})
    survey = point("audio.mit_ir_survey", "Audio.zip")
    folder = survey.download(sample_rate_hz=16000)
    (response,) = survey.load_dataset(folder)
    assert response.dtype == np.float32
    assert len(response) == 160
    audio = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    heard = survey.apply_ir(audio, response)
    assert heard.dtype == np.float32
    np.testing.assert_allclose(heard, np.convolve(audio, response), atol=1e-4)
    np.testing.assert_array_equal(survey.apply_random_ir(audio, [response]), heard)
    assert survey.apply_ir(audio.astype(np.int16), response).dtype == np.float64
    with pytest.raises(DatasetError, match="no impulse response"):
        survey.load_dataset(server.folder)


def test_noise(server: FileServer, point: Any, tmp_path: Path) -> None:
    make_zip(server.folder / "esc.zip", {"ESC-50-x/audio/1-a.wav": wav_bytes(tone(0.2, 44100), 44100)})
    esc50 = point("audio.background_noise.esc50", "esc.zip")
    (path,) = Path(esc50.download()).glob("*.wav")
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnframes()) == (16000, pytest.approx(3200, abs=2))
    make_zip(server.folder / "brd.zip", {"noise.wav": wav_bytes(tone(0.2))})
    brd2601 = point("audio.background_noise.brd2601", "brd.zip")
    assert Path(brd2601.download(str(tmp_path / "noise")), "noise.wav").exists()
    from mltk.datasets.audio.background_noise import ambient

    (server.folder / "crowd.wav").write_bytes(wav_bytes(tone(0.2, 48000), 48000))
    assert len(ambient.DOWNLOAD_URLS) == 6
    for _ in range(2):
        (found,) = ambient.download(str(tmp_path / "ambient"), urls=f"{server.url}/crowd.wav")
    with wave.open(found) as file:
        assert file.getframerate() == 16000


def test_archives_in_one_folder(server: FileServer, tmp_path: Path) -> None:
    from mltk.datasets.audio import utils

    urls = []
    for name in "ab":
        make_zip(server.folder / f"{name}.zip", {f"{name}/x.txt": b"x", f"{name}.txt": name.encode()})
        content = (server.folder / f"{name}.zip").read_bytes()
        urls.append((f"{server.url}/{name}.zip", hashlib.sha1(content).hexdigest()))
    folder = tmp_path / "all"
    assert utils.download_and_extract(str(folder), urls) == [str(folder)] * 2
    files = {"a.txt", "b.txt", "a/x.txt", "b/x.txt"}
    assert {str(p.relative_to(folder)) for p in folder.rglob("*.txt")} == files
    (folder / "a.txt").write_text("own")
    utils.download_and_extract(str(folder), urls)
    assert (folder / "a.txt").read_text() == "own"  # nothing is unpacked again
    utils.download_and_extract(str(folder), urls[0], clean_dest_dir=True)
    assert {p.name for p in folder.rglob("*.txt")} == {"a.txt", "x.txt"}
    assert utils.download_and_extract(str(tmp_path / "one"), f"{server.url}/a.zip") == [str(tmp_path / "one")]
    with pytest.raises(DownloadError, match=r"SHA|sha"):
        utils.download_and_extract(str(tmp_path / "bad"), (urls[1][0], "0" * 40))
    assert not (tmp_path / "bad").exists()


def test_recordings_of_mlcommons(server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mltk.datasets import audio

    for number, word in enumerate(("left", "right"), 1):
        make_zip(server.folder / f"part{number}.zip", {f"{word}/1.wav": wav_bytes(tone(0.1))})
        content = (server.folder / f"part{number}.zip").read_bytes()
        words = audio.mlcommons.ml_commons_keywords
        monkeypatch.setattr(words, f"DOWNLOAD_URL{number}", f"{server.url}/part{number}.zip")
        monkeypatch.setattr(words, f"VERIFY_URL{number}_SHA1", hashlib.sha1(content).hexdigest())
    folder = audio.mlcommons.ml_commons_keywords.download(str(tmp_path / "words"))
    assert sorted(p.parent.name for p in Path(folder).rglob("*.wav")) == ["left", "right"]
    voice = audio.mlcommons.ml_commons_voice
    monkeypatch.setattr(voice, "DOWNLOAD_URL", f"{server.url}/part1.zip")
    monkeypatch.setattr(voice, "VERIFY_SHA1", words.VERIFY_URL1_SHA1)
    assert Path(voice.download(str(tmp_path / "voice")), "left", "1.wav").exists()


def test_modules_by_attribute() -> None:
    code = (
        "from mltk.datasets import audio as a\n"
        "a.speech_commands_v2.load_clean_data, a.background_noise.esc50.download, a.utils.download\n"
        "a.direction_commands.load_data, a.background_noise.brd2601, a.mlcommons.ml_commons_voice\n"
        "import sys; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def magic_wand(server: FileServer, point: Any) -> ModuleType:
    files = {}
    for gesture in ("wing", "ring", "slope"):
        for person in ("hyw", "lsj", "liucx"):
            lines = ["-,-,-", *(f"{i},{2 * i},{-i}" for i in range(90)), " ", "-,-,-", *("1,2,3" for _ in range(200))]
            files[f"{gesture}/output_{gesture}_{person}.txt"] = "\n".join(lines).encode()
    files["negative/output_negative_1.txt"] = "\n".join(["-,-,-", *("5,5,5" for _ in range(300))]).encode()
    make_tar(server.folder / "data.tar.gz", files)
    return point("accelerometer.tflm_magic_wand", "data.tar.gz")


def test_magic_wand_recordings(magic_wand: ModuleType) -> None:
    training, validation, testing = magic_wand.data_split_person()
    people = [{r.person for r in part} for part in (training, validation, testing)]
    assert {"hyw", "negative6"} <= people[0]
    assert {"lsj", "negative7"} <= people[1]
    assert {"liucx", "negative1", "negative8"} <= people[2]
    wings = [r for r in training if r.gesture == "wing"]
    assert [r.samples.shape for r in wings] == [(90, 3), (200, 3)]
    assert [len(r.samples) for r in testing if r.person == "negative1"] == [120, 120, 60]


@pytest.mark.tf
def test_magic_wand_pipelines(magic_wand: ModuleType) -> None:
    loader = magic_wand.load_data(seq_length=128)
    assert loader.label2id == {"wing": 0, "ring": 1, "slope": 2, "negative": 3}
    before = loader.valid_len
    loader.format()
    assert loader.valid_len == 2 * before
    x, y = next(iter(loader.valid_data.batch(4)))
    assert x.shape == (4, 128, 3)
    assert y.numpy().tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(x[0, -90:, 0], np.arange(90))  # padded before
    np.testing.assert_allclose(x[1, :90, 1], 2 * np.arange(90))  # padded after
    assert loader.train_len == len(list(loader.train_data))


@pytest.mark.skipif(not EspeakEngine.is_installed(), reason="espeakng-loader is not installed")
@pytest.mark.parametrize(
    ("name", "classes"),
    [("on_off", 2), ("yes_no", 2), ("ten_digits", 10), ("direction_commands", 6)],
)
def test_spoken_words(name: str, classes: int, monkeypatch: pytest.MonkeyPatch, dataset_dir: Path) -> None:
    from mltk.datasets.audio import spoken_words

    monkeypatch.setattr(spoken_words, "SAMPLES_PER_KEYWORD", 2)
    monkeypatch.setattr(spoken_words, "SAMPLES_UNKNOWN", 2)
    module = importlib.import_module(f"mltk.datasets.audio.{name}")
    assert len(module.CLASSES) == classes
    folder = Path(module.load_data())
    assert folder == dataset_dir / name
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == sorted([*module.CLASSES, "_unknown_"])
    assert len(json.loads((folder / "manifest.json").read_text())["clips"]) == 2 * (classes + 1)


@pytest.mark.skipif(not EspeakEngine.is_installed(), reason="espeakng-loader is not installed")
def test_audio_dataset_generator(tmp_path: Path) -> None:
    from mltk.errors import SettingError
    from mltk.utils.audio_dataset_generator import AudioDatasetGenerator, Augmentation, Keyword, VoicePitch, VoiceRate

    manners = [Augmentation(rate=r, pitch=p) for r in VoiceRate for p in VoicePitch]
    paths: list[str] = []
    with AudioDatasetGenerator(str(tmp_path), n_jobs=2) as generator:
        assert generator.list_supported_backends() == ["espeak", "flite", "festival", "piper", "hibari", "kokoro"]
        with pytest.raises(SettingError, match=r"aws is a cloud service(.|\n)*on this machine: espeak"):
            generator.load_backend("aws")
        with pytest.raises(SettingError, match="'espeak' is not loaded"):
            generator.list_voices(backend="espeak")
        generator.load_backend("espeak")
        assert generator.is_backend_loaded("espeak")
        assert {"en-us", "de"} < set(generator.list_languages())
        voices = generator.list_voices("en")
        assert {v.language_code for v in voices} >= {"en-us", "en-gb-scotland"}
        keywords = [Keyword("on", max_count=5), Keyword("_unknown_", ["cat", "dog"], 4)]
        chosen = generator.list_configurations(keywords, manners, voices[:3], seed=42)
        assert [len(c) for c in chosen.values()] == [5, 4]
        assert [len(c) for c in generator.list_configurations(keywords, manners, voices, truncate=True).values()] == [
            4,
            4,
        ]
        assert generator.count_characters(chosen) == {keywords[0]: {"espeak": 10}, keywords[1]: {"espeak": 12}}
        summary = generator.get_summary(chosen, as_dict=True)
        assert isinstance(summary, dict)
        assert summary["on"]["clips"] == 5
        for configuration in [c for some in chosen.values() for c in some]:
            generator.generate(configuration, paths.append)
        assert generator.join(timeout=60)
        assert not generator.is_running
    assert sorted(map(str, tmp_path.glob("*/*.wav"))) == sorted(paths)
    assert len(list((tmp_path / "on").iterdir())) == 5
    assert len(list((tmp_path / "_unknown_").iterdir())) == 4
