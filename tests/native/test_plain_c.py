"""The effects in C99 without vectors, as for a compiler that is not known, return what the extension returns."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import mltk
from mltk.audio.augment._native import EFFECTS, Effects, neutral
from mltk.image.augment.color import change_colors, color_changes

NATIVE = Path(mltk.__file__).parent / "native"
SOURCES = ["effects.c", "effects_tables.c", "resample.c", "stretch.c", "formants.c"]
FLAGS = ["-O1", "-std=c99", "-ffp-contract=off", "-DMLTK_PLAIN_C", "-fPIC", "-shared"]


def compiled(folder: Path, sources: list[str]) -> ctypes.CDLL:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    path = str(folder / "plain.so")
    subprocess.run(["gcc", *FLAGS, *(str(NATIVE / name) for name in sources), "-o", path, "-lm"], check=True)
    return ctypes.CDLL(path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = compiled(tmp_path_factory.mktemp("plain"), SOURCES)
    pointer = ctypes.c_void_p
    library.mltk_effects_new.argtypes = [ctypes.c_int32, ctypes.c_int32]
    library.mltk_effects_new.restype = pointer
    library.mltk_effects_free.argtypes = [pointer]
    library.mltk_effects_apply.argtypes = [pointer, pointer, ctypes.c_size_t, ctypes.c_int32, pointer]
    return library


def random_effects(
    rng: np.random.Generator, clips: list[npt.NDArray[np.int16]], noise: npt.NDArray[np.int16]
) -> npt.NDArray[np.void]:
    effects = neutral(len(clips))
    for effect, clip in zip(effects, clips, strict=True):
        effect["clip"], effect["n_clip"] = clip.ctypes.data, len(clip)
        effect["noise"], effect["n_noise"] = noise.ctypes.data, len(noise)
        effect["noise_start"], effect["noise_gain"] = rng.integers(0, len(noise)), rng.choice([0, rng.uniform(0, 1)])
        for name in ("speed", "pitch", "vtlp"):
            effect[name] = rng.choice([1, rng.uniform(0.6, 1.7)])
        effect["offset"], effect["gain"] = rng.uniform(0, 1), rng.choice([1, rng.uniform(0, 2)])
    return effects


@pytest.mark.parametrize("sample_rate_hz", [8000, 16000, 44100])
def test_plain_c_computes_the_samples_of_the_extension(plain: ctypes.CDLL, sample_rate_hz: int) -> None:
    rng = np.random.default_rng(sample_rate_hz)
    lengths = rng.integers(1, 2 * sample_rate_hz, 25)
    clips = [rng.normal(0, rng.uniform(1, 20000), n).clip(-32768, 32767).astype(np.int16) for n in lengths]
    noise = rng.normal(0, 3000, sample_rate_hz // 3).astype(np.int16)
    effects = random_effects(rng, clips, noise)
    expected = Effects(sample_rate_hz).apply(effects, sample_rate_hz)

    assert effects.dtype == EFFECTS
    found = np.empty_like(expected)
    tables = plain.mltk_effects_new(sample_rate_hz, 16)
    status = plain.mltk_effects_apply(tables, effects.ctypes.data, len(effects), sample_rate_hz, found.ctypes.data)
    plain.mltk_effects_free(tables)
    assert status == 0
    np.testing.assert_array_equal(found, expected)


def test_plain_c_computes_the_images_of_the_extension(tmp_path: Path) -> None:
    library = compiled(tmp_path, ["images.c", "image_noise.c"])
    library.mltk_images_change_colors.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_float]
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 3), (7, 5, 1), (33, 31, 4), (96, 96, 3)):
        images = rng.uniform(-5, 300, (50, *shape)).astype(np.float32)
        images[::5] = np.rint(images[::5] / 50)  # few levels, so that there are small counts
        shift, bright, contrast = (np.where(rng.random(50) < 0.5, np.nan, rng.uniform(0.5, 2, 50)) for _ in range(3))
        kinds = [str(kind) for kind in rng.choice(["gauss", "poisson", "s&p", "speckle"], 50)]
        changes = color_changes(shift, bright, contrast, kinds, rng.integers(0, 2**31, 50).astype(np.uint32))
        expected = images.copy()
        change_colors(expected, changes, 255)

        changes["pixels"] = images.ctypes.data + images[0].nbytes * np.arange(50, dtype=np.uint64)
        changes["n_pixels"], changes["n_channels"] = shape[0] * shape[1], shape[2]
        assert library.mltk_images_change_colors(changes.ctypes.data, 50, 255) == 0
        np.testing.assert_array_equal(images, expected)
