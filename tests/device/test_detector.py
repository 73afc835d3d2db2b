"""The device's detector: clean C99, and the same detections as in Python."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

import mltk
from mltk.audio.detector import Detection, Detector, DetectorSettings
from mltk.codegen.host import build_library

DEVICE = Path(mltk.__file__).parent / "device"
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Os"]
SANITIZERS = ["-fsanitize=undefined", "-fno-sanitize-recover=all", "-fsanitize-undefined-trap-on-error"]
LOOP = """
#include "detector.h"

static uint32_t memory[100000];

int32_t find(const mltk_detector_settings *settings, int32_t capacity, const uint8_t *scores, const uint32_t *times,
             int32_t n, int32_t *found, int32_t *levels);
int32_t find(const mltk_detector_settings *settings, int32_t capacity, const uint8_t *scores, const uint32_t *times,
             int32_t n, int32_t *found, int32_t *levels) {
    mltk_detector detector;
    int32_t i;
    if (MLTK_DETECTOR_WORDS(settings->n_classes, capacity) > 100000) return -1;
    memory[MLTK_DETECTOR_WORDS(settings->n_classes, capacity)] = 12345;
    if (mltk_detector_init(&detector, memory, capacity, settings) != MLTK_DETECTOR_OK) return -2;
    for (i = 0; i < n; ++i)
        found[i] = mltk_detector_feed(&detector, scores + i * settings->n_classes, times[i], &levels[i]);
    return memory[MLTK_DETECTOR_WORDS(settings->n_classes, capacity)] == 12345 ? 0 : -3;
}
"""


class Settings(ctypes.Structure):
    """``mltk_detector_settings``."""

    _fields_ = [
        ("n_classes", ctypes.c_int32),
        ("average_window_duration_ms", ctypes.c_int32),
        ("minimum_count", ctypes.c_int32),
        ("suppression_ms", ctypes.c_int32),
        ("thresholds", ctypes.c_void_p),
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    files = {name: (DEVICE / name).read_text() for name in ("detector.c", "detector.h")}
    folder = tmp_path_factory.mktemp("detector")
    return ctypes.CDLL(str(build_library(folder, {**files, "loop.c": LOOP}, flags=[*STRICT[1:], *SANITIZERS])))


def detections_of_c(
    library: ctypes.CDLL,
    settings: DetectorSettings,
    classes: list[str],
    scores: npt.NDArray[np.uint8],
    times: npt.NDArray[np.int64],
    *,
    capacity: int,
) -> list[Detection]:
    thresholds = settings.thresholds(classes)
    struct = Settings(
        len(classes),
        settings.average_window_duration_ms,
        settings.minimum_count,
        settings.suppression_ms,
        thresholds.ctypes.data,
    )
    wrapped = (times % (1 << 32)).astype(np.uint32)
    found, levels = np.empty(len(times), np.int32), np.empty(len(times), np.int32)
    addresses = [ctypes.c_void_p(a.ctypes.data) for a in (scores, wrapped)]
    results = [ctypes.c_void_p(a.ctypes.data) for a in (found, levels)]
    assert library.find(ctypes.byref(struct), capacity, *addresses, len(times), *results) == 0
    assert np.all((levels > 0) == (found >= 0))
    return [
        Detection(int(found[i]), classes[found[i]], int(levels[i]), int(times[i])) for i in np.flatnonzero(found >= 0)
    ]


@given(st.data())
@limits(max_examples=200, deadline=None)
def test_c_detects_what_python_detects(library: ctypes.CDLL, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n, n_classes = data.draw(st.integers(1, 120)), data.draw(st.integers(1, 6))
    classes = [f"_{i}" if rng.random() < 0.2 else f"c{i}" for i in range(n_classes)]
    settings = DetectorSettings(
        data.draw(st.integers(0, 2000)),
        data.draw(st.integers(0, 255)),
        tuple(rng.integers(0, 256, n_classes).tolist()) if data.draw(st.booleans()) else (),
        data.draw(st.integers(0, 1500)),
        data.draw(st.integers(0, 6)),
    )
    # A stream that stays with a class for a while; time may begin just before 32 bits overflow.
    kept = np.repeat(rng.integers(0, 256, (n // 8 + 1, n_classes)), 8, axis=0)[:n]
    scores = np.clip(kept + rng.integers(-30, 30, (n, n_classes)), 0, 255).astype(np.uint8)
    times = np.cumsum(rng.integers(0, 250, n)) + data.draw(st.sampled_from([0, (1 << 32) - 3000]))
    expected = Detector(settings, classes).feed(scores, times)
    assert detections_of_c(library, settings, classes, scores, times, capacity=n) == expected


def test_a_full_memory_drops_the_oldest_results(library: ctypes.CDLL) -> None:
    scores = np.array([[250, 0]] * 3 + [[0, 250]] * 5, np.uint8)
    times = np.arange(8) * 100
    settings = DetectorSettings(400, 200, (), 0, 3)
    found = detections_of_c(library, settings, ["a", "b"], scores, times, capacity=3)
    # With room for three results, the average after each result is that of the latest three.
    assert [(d.class_name, d.score, d.time_ms) for d in found] == [
        ("a", 250, 200),
        ("b", 250, 500),
        ("b", 250, 600),
        ("b", 250, 700),
    ]


def test_the_settings_and_the_memory_are_checked(library: ctypes.CDLL) -> None:
    for settings, capacity in ((Settings(0, 1, 1, 1), 5), (Settings(2, -1, 1, 1), 5), (Settings(2, 1, 1, 1), 0)):
        assert library.find(ctypes.byref(settings), capacity, None, None, 0, None, None) == -2


COMPILERS = [
    command
    for command in (["gcc"], ["clang"], ["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb"])
    if shutil.which(command[0])
]


@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda command: command[0])
def test_it_compiles_without_warnings_and_has_no_variables(compiler: list[str], tmp_path: Path) -> None:
    output = tmp_path / "detector.o"
    subprocess.run([*compiler, *STRICT, "-c", str(DEVICE / "detector.c"), "-o", str(output)], check=True)
    symbols = subprocess.run(["nm", str(output)], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in symbols if line.split()[-2] in "bBdDC"] == []
    if compiler[0].startswith("arm"):
        needed = {line.split()[-1] for line in symbols if line.split()[-2] == "U"}
        assert not [name for name in needed if name.startswith(("__aeabi_f", "__aeabi_d"))]
