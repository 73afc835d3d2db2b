"""Stand-ins for the datasets of published specifications: noise in files of the same names, formats and shapes.

:func:`write_mirror` writes them into a folder for ``MLTK_DATASET_MIRROR``. The functions that download a dataset then
copy, unpack and read these files as they read the real ones. Only the checksums differ, so that
``benchmarks/compatibility.py`` turns their check off in its own processes.
"""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import wave
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

Member = tuple[str, bytes]
COMMANDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
OTHER_WORDS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "backward", "bed", "bird", "cat"),
    *("dog", "follow", "forward", "happy", "house", "learn", "marvin", "sheila", "tree", "visual", "wow"),
]
MIXKIT = [
    *("very-crowded-pub-or-party-loop-360", "big-crowd-talking-loop-364", "restaurant-crowd-talking-ambience-444"),
    *("keyboard-typing-1386", "office-ambience-447", "hotel-lobby-with-dining-area-ambience-453"),
]


def wav(draw: np.random.Generator, seconds: float = 1.0, rate_hz: int = 16000) -> bytes:
    """Return a wav file: a tone with overtones in a quarter of the time, and noise."""
    n = int(seconds * rate_hz)
    t = np.arange(n) / rate_hz
    burst = np.exp(-(((t / seconds - draw.uniform(0.35, 0.65)) / 0.15) ** 2))
    tone = sum(np.sin(2 * np.pi * k * draw.uniform(120, 400) * t) / k for k in (1, 2, 3))
    samples = 6000 * burst * tone + draw.normal(0, 200, n)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())
    return content.getvalue()


def picture(draw: np.random.Generator, shape: tuple[int, ...], kind: str = "PNG") -> bytes:
    """Return an image file of smooth noise; ``shape`` is ``(height, width)`` or ``(height, width, 3)``."""
    from PIL import Image

    coarse = draw.integers(0, 256, (4, 4, *shape[2:]), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


def clips(draw: np.random.Generator, folder: str, n: int, seconds: float = 1.0) -> Iterable[Member]:
    """Yield wav files of different speakers, named as in Speech Commands."""
    for i in range(n):
        yield f"{folder}/{draw.integers(16**8):08x}_nohash_{i % 3}.wav", wav(draw, seconds)


def pictures(draw: np.random.Generator, folder: str, n: int, shape: tuple[int, ...]) -> Iterable[Member]:
    """Yield image files of one class."""
    for i in range(n):
        yield f"{folder}/{i:04d}.jpg", picture(draw, shape, "JPEG")


def write_archive(path: Path, members: Iterable[Member]) -> None:
    """Write a zip, tar.gz or 7z file, according to the ending of its name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members:
                archive.writestr(name, content)
    elif path.suffix == ".7z":
        import py7zr

        # Copied, not compressed: noise does not get smaller.
        with py7zr.SevenZipFile(path, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
            for name, content in members:
                archive.writestr(content, name)
    else:
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


def _speech_commands(draw: np.random.Generator) -> Iterable[Member]:
    for word in COMMANDS:
        # Specifications with few classes validate with 15 %, in full batches of 100.
        yield from clips(draw, word, 320 if word in ("on", "off") else 120)
    for word in OTHER_WORDS:
        yield from clips(draw, word, 20)
    for i in range(3):
        yield f"_background_noise_/noise_{i}.wav", wav(draw, 5.0)


def _esc50(draw: np.random.Generator) -> Iterable[Member]:
    for i in range(12):
        yield f"ESC-50-a5e0c74/audio/1-{100000 + i}-A-{i}.wav", wav(draw, 5.0, 44100)


def _words(*classes: str, n: int = 12) -> Callable[[np.random.Generator], Iterable[Member]]:
    def members(draw: np.random.Generator) -> Iterable[Member]:
        for name in classes:
            yield from clips(draw, name, n)

    return members


def _noises(folder: str, n: int = 4) -> Callable[[np.random.Generator], Iterable[Member]]:
    def members(draw: np.random.Generator) -> Iterable[Member]:
        for i in range(n):
            yield f"{folder}/noise_{i}.wav", wav(draw, 5.0)

    return members


def _board_noise(draw: np.random.Generator) -> Iterable[Member]:
    yield "brd2601_background_audio.wav", wav(draw, 20.0)


def _game_play(draw: np.random.Generator) -> Iterable[Member]:
    yield "recorded_pacman_game_play.wav", wav(draw, 20.0)


def _images(
    root: str, classes: Iterable[str], shape: tuple[int, ...], n: int = 60
) -> Callable[[np.random.Generator], Iterable[Member]]:
    def members(draw: np.random.Generator) -> Iterable[Member]:
        for name in classes:
            yield from pictures(draw, f"{root}{name}", n, shape)

    return members


def _ekg(draw: np.random.Generator) -> Iterable[Member]:
    for name in ("1 NSR", "2 APB", "4 AFIB", "7 PVC"):
        for i in range(30):
            yield f"ekg_waveforms/{name}/{i}.wav", wav(draw, 10.0, 360)


def _cifar10(draw: np.random.Generator) -> Iterable[Member]:
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        labels = [int(i) for i in draw.permutation(200) % 10]
        content = {b"data": draw.integers(0, 256, (200, 3072), dtype=np.uint8), b"labels": labels}
        yield f"cifar-10-batches-py/{name}", pickle.dumps(content, 2)


def _magic_wand(draw: np.random.Generator) -> Iterable[Member]:
    people = ["hyw", "shiyun", "tangsy", "dengyl", "zhangxy", "pengxl", "liucx", "jiangyh", "xunkai", "lsj"]
    named = [(gesture, person) for gesture in ("wing", "ring", "slope") for person in people]
    for gesture, person in [*named, *(("negative", str(i)) for i in range(1, 9))]:
        # The part for testing gets 192 sequences, three batches: the published script cannot read a part of a batch.
        n = 4 if person == "1" else 5
        movements = (np.cumsum(draw.normal(0, 50, (110, 3)), axis=0) for _ in range(n))
        text = "".join("-,-,-\n" + "".join(f"{x:.1f},{y:.1f},{z:.1f}\n" for x, y, z in m) for m in movements)
        folder = f"{gesture}/" if gesture != "negative" else "negative/"
        yield f"{folder}output_{gesture}_{person}.txt", text.encode()


ARCHIVES: dict[str, Callable[[np.random.Generator], Iterable[Member]]] = {
    "speech_commands_v0.02.tar.gz": _speech_commands,
    "esc-50.zip": _esc50,
    "brd2601_background_audio.7z": _board_noise,
    "recorded_pacman_game_play.7z": _game_play,
    "mit_ir_survey.zip": _noises("Audio"),
    "mlcommons_keywords_subset_part1.7z": _words("apple", "banana"),
    "mlcommons_keywords_subset_part2.7z": _words("cherry", "grape"),
    "common_voice_subset.7z": _words("clips", n=24),
    "synthetic_on_off_v1.7z": _words("on", "off"),
    "synthetic_on_off_unknown_v1.7z": _words("unknown", n=24),
    "sl_synthetic_alexa.7z": _words("alexa", n=420),  # a tenth of them is for validation, in full batches of 100
    "sl_synthetic_alexa_unknown.7z": _words("unknown", n=1000),
    "sl_synthetic_generic_unknown.7z": _words("unknown", n=48),
    "ekg_waveforms.zip": _ekg,
    "cifar-10-python.tar.gz": _cifar10,
    "vw_coco2014_96.tar.gz": _images("vw_coco2014_96/", ("person", "non_person"), (96, 96, 3)),
    "features_toy_car_all.7z": _images("toy_car/", ("normal", "abnormal"), (300, 128)),
    "speech_dataset_spec.7z": _images("spec/", (*COMMANDS, "unknown", "_background_noise_"), (50, 10), 30),
    "rock_paper_scissors.7z": _images("rps/", ("rock", "paper", "scissor"), (96, 96)),
    "rock_paper_scissors_v2.7z": _images("rps/", ("rock", "paper", "scissor", "_unknown_"), (84, 84)),
    "data.tar.gz": _magic_wand,
}


def write_mirror(folder: Path, log: Callable[[str], object] = print) -> None:
    """Write all stand-ins into a folder, unless they exist there.

    Args:
        folder: The folder.
        log: Called with the name of each file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for i, (name, members) in enumerate(ARCHIVES.items()):
        if not (folder / name).exists():
            log(name)
            unfinished = folder / f"unfinished-{name}"
            write_archive(unfinished, members(np.random.default_rng(i)))
            unfinished.replace(folder / name)
    draw = np.random.default_rng(100)
    _write_digits(folder, draw)
    for name in MIXKIT:
        (folder / f"mixkit-{name}.wav").write_bytes(wav(draw, 5.0, 44100))
    (folder / "crowd-talking-1.wav").write_bytes(wav(draw, 5.0, 44100))
    beats = np.cumsum(draw.normal(0, 0.2, (600, 140)), axis=1)
    rows = np.column_stack([beats, draw.permutation(600) % 2])
    np.savetxt(folder / "ecg.csv", rows, delimiter=",", fmt="%.5f")
    (folder / "ecg500.csv").write_bytes((folder / "ecg.csv").read_bytes())


def _write_digits(folder: Path, draw: np.random.Generator) -> None:
    """Write MNIST of the original size, and a small Fashion-MNIST: random images, and labels of ten classes."""
    if not (folder / "mnist.npz").exists():
        arrays = {}
        for name, n in {"train": 60_000, "test": 10_000}.items():
            arrays[f"x_{name}"] = draw.integers(0, 256, (n, 28, 28), dtype=np.uint8)
            arrays[f"y_{name}"] = (np.arange(n) % 10).astype(np.uint8)
        np.savez(folder / "mnist.npz", **arrays)
    parts = {"train": 1000, "t10k": 300}
    images = {name: draw.integers(0, 256, (n, 28, 28), dtype=np.uint8) for name, n in parts.items()}
    labels = {name: (draw.permutation(n) % 10).astype(np.uint8) for name, n in parts.items()}
    for name, n in parts.items():
        header = b"\0\0\x08\x03" + np.array([n, 28, 28], ">u4").tobytes()
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images[name].tobytes(), 1))
        header = b"\0\0\x08\x01" + np.array([n], ">u4").tobytes()
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + labels[name].tobytes(), 1))


def write_fingerprints(folder: Path) -> None:
    """Write 16 fingers of four pictures: circles around a place that differs between fingers, with noise.

    A tenth of the fingers is for validation, and must be two of them for pairs that do not match.
    """
    from PIL import Image

    y, x = np.mgrid[0:192, 0:192]
    for finger in range(16):
        (folder / f"finger{finger}").mkdir(parents=True, exist_ok=True)
        for take in range(4):
            draw = np.random.default_rng([finger, take])
            waves = np.sin(np.hypot(x - 50 - 4 * finger - take, y - 90 + take) / 3)
            values = np.clip(128 + 60 * waves + draw.normal(0, 8, x.shape), 0, 255).astype(np.uint8)
            Image.fromarray(values).save(folder / f"finger{finger}" / f"{take}.png")
