"""QUANTIZE and DEQUANTIZE in C: the bits of IEEE 754 arithmetic, also where kernels have only integers."""

from __future__ import annotations

import ctypes
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from helpers.random_models import MODELS
from mltk.codegen.host import build_library
from mltk.codegen.lowering.lower import lower
from mltk.errors import UnsupportedModelError
from mltk.tflite.graph import graph_of

KERNELS = resources.files("mltk") / "device" / "kernels"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")


@pytest.fixture(scope="module", params=["-DNDEBUG", "-DMLTK_PORTABLE"], ids=["host", "integers only"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    found = [file for file in KERNELS.iterdir() if file.name.endswith(".h") or file.name == "mltk_convert.c"]
    files = {file.name: file.read_text(encoding="utf-8") for file in found}
    folder: Path = tmp_path_factory.mktemp("convert")
    return ctypes.CDLL(str(build_library(folder, files, flags=[*STRICT, request.param])))


def quantized(library: ctypes.CDLL, x: np.ndarray, scale: np.float32, zero_point: int) -> np.ndarray:
    out = np.zeros(len(x), np.int8)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, out)]
    library.mltk_quantize_f32(ctypes.c_float(float(scale)), ctypes.c_int32(zero_point), *pointers, len(x))
    return out


def expected(x: np.ndarray, scale: np.float32, zero_point: int) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = np.clip(np.nan_to_num(x / scale, nan=-1024.0, posinf=1024.0, neginf=-1024.0), -1024, 1024)
    assert quotient.dtype == np.float32
    wide = quotient.astype(np.float64)
    whole = np.trunc(wide) + np.sign(wide) * (np.abs(wide - np.trunc(wide)) >= 0.5)  # halves away from zero
    return np.clip(whole + zero_point, -128, 127).astype(np.int8)


def near_halves(rng: np.random.Generator, scale: np.float32) -> np.ndarray:
    """Return the floats around all multiples of half a scale, where rounding twice matters."""
    halves = (np.arange(-600, 601) / 2 * np.float64(scale)).astype(np.float32)
    bits = halves.view(np.int32)[:, None] + np.arange(-6, 7)
    return np.concatenate([bits.astype(np.int32).ravel().view(np.float32), halves * rng.uniform(0.999, 1.001)]).astype(
        np.float32
    )


def test_quantize_rounds_as_floats_do(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(4)
    for i in range(200):
        scale = np.float32(2.0 ** rng.uniform(-30, 10)) if i else np.float32(0.0078125)
        zero_point = int(rng.integers(-128, 128))
        anything = rng.integers(0, 1 << 32, 2001, dtype=np.uint32).view(np.float32)
        x = np.concatenate([near_halves(rng, scale), anything])
        assert np.array_equal(quantized(library, x, scale, zero_point), expected(x, scale, zero_point)), scale


def test_values_that_are_not_finite_become_the_ends_of_the_range(library: ctypes.CDLL) -> None:
    x = np.array([np.inf, -np.inf, np.nan, -np.nan, 3e38, -3e38, 0.0, -0.0, 1e-45], np.float32)
    assert quantized(library, x, np.float32(0.5), 3).tolist() == [127, -128, -128, -128, 127, -128, 3, 3, 3]


def test_dequantize_rounds_once(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(5)
    x = np.arange(-128, 128).astype(np.int8)
    for _ in range(300):
        scale, zero_point = np.float32(2.0 ** rng.uniform(-30, 10)), int(rng.integers(-128, 128))
        out = np.zeros(256, np.float32)
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, out)]
        library.mltk_dequantize_f32(ctypes.c_float(float(scale)), ctypes.c_int32(zero_point), *pointers, 256)
        exact = np.float64(scale) * (x.astype(np.int64) - zero_point)
        assert np.array_equal(out.view(np.int32), exact.astype(np.float32).view(np.int32))


def test_a_scale_at_the_end_of_floats_is_refused() -> None:
    model = MODELS["DEQUANTIZE"](np.random.default_rng(0))
    graph = graph_of(model)
    op = next(o for o in graph.main.operators if o.name == "DEQUANTIZE")
    tensor = graph.main.tensors[op.inputs[0]]
    assert lower(graph)
    object.__setattr__(tensor, "scale", np.array([1e-40], np.float32))
    with pytest.raises(UnsupportedModelError, match="the scale"):
        lower(graph)
