"""The finding about dilated convolutions whose border is wrong on the device."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np

from helpers.tflite_builder import ModelBuilder
from mltk.micro.border import wrong_borders
from mltk.micro.profile.profiler import profile_tflite
from mltk.operations.compile import compile_model
from mltk.operations.parity import check_parity
from mltk.tflite.model import TfliteModel


def dilated(begin: int, end: int, crop: int, zero_point: int = -7, size: int = 6) -> bytes:
    """A 1×3 convolution with the dilation 2 over (1, size, 1), as older converters write it."""
    b = ModelBuilder()
    q: dict[str, Any] = {"scale": 0.1, "zero_point": zero_point}
    small = (size + begin + end) // 2
    x, padded = b.tensor((1, size, 1), **q), b.tensor((2, small, 1), **q, name="net/conv1d/Conv1D/SpaceToBatchND")
    image, sums = b.tensor((2, 1, small, 1), **q), b.tensor((2, 1, small - 2, 1), **q)
    flat, y = b.tensor((2, small - 2, 1), **q), b.tensor((1, 2 * (small - 2) - crop, 1), **q)
    b.operator("SPACE_TO_BATCH_ND", [x, b.constant([2]), b.constant([[begin, end]])], [padded])
    b.operator("RESHAPE", [padded, b.constant([2, 1, small, 1])], [image], ("ReshapeOptions", {}))
    weights = b.constant(np.array([3, 5, 7]).reshape(1, 1, 3, 1), np.int8, scale=0.05)
    bias = b.constant([0], np.int32, scale=0.005)
    options = {"padding": 1, "strideH": 1, "strideW": 1}
    b.operator("CONV_2D", [image, weights, bias], [sums], ("Conv2DOptions", options), version=3)
    b.operator("RESHAPE", [sums, b.constant([2, small - 2, 1])], [flat], ("ReshapeOptions", {}))
    b.operator("BATCH_TO_SPACE_ND", [flat, b.constant([2]), b.constant([[0, crop]])], [y])
    return b.build([x], [y])


def test_tflm_fills_the_border_with_zeros_also_in_used_memory(needs_tflm: None) -> None:
    b = ModelBuilder()
    x, y = b.tensor((1, 2, 1), scale=0.1, zero_point=-7), b.tensor((2, 2, 1), scale=0.1, zero_point=-7)
    b.operator("SPACE_TO_BATCH_ND", [x, b.constant([2]), b.constant([[1, 1]])], [y])
    model = b.build([x], [y])
    # Free blocks of the heap that are larger than an arena, full of another number: malloc takes the arena from there.
    script = (
        "import ctypes, sys, numpy as np\n"
        "from mltk.micro.engines.runtimes import TflmRuntime\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.malloc.restype = ctypes.c_void_p\n"
        "libc.mallopt(-3, 1 << 30)\n"  # M_MMAP_THRESHOLD: large blocks come from the heap
        "libc.mallopt(-1, 1 << 30)\n"  # M_TRIM_THRESHOLD: keep them
        "block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(128 << 20)))\n"
        "ctypes.memset(block, 1, 128 << 20)\n"
        "libc.free(block)\n"
        "model = bytes.fromhex(sys.stdin.read())\n"
        "found = TflmRuntime(model).invoke([np.array([[[5], [6]]], np.int8)])[0]\n"
        "print(found.ravel().tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=model.hex(), capture_output=True, text=True, check=True)
    assert done.stdout == "[0, 6, 5, 0]\n"  # -7 stands for 0


def test_a_border_that_stays_is_found_with_layer_and_remedy() -> None:
    (found,) = wrong_borders(dilated(2, 2, 0))
    assert "'net/conv1d/Conv1D'" in found
    assert "operator 0, SPACE_TO_BATCH_ND" in found
    assert "zero point -7" in found
    assert "ZeroPadding1D" in found
    assert "padding='valid'" in found


def test_a_border_that_is_cut_off_does_no_harm() -> None:
    assert not wrong_borders(dilated(0, 1, 1, size=7))
    assert wrong_borders(dilated(0, 2, 1))


def test_a_zero_point_of_zero_is_right_in_an_arena_of_zeros() -> None:
    (found,) = wrong_borders(dilated(2, 2, 0, zero_point=0))
    assert "is right only in an arena that starts as zeros" in found
    assert not wrong_borders(dilated(0, 1, 1, size=7, zero_point=0))


def test_profile_parity_and_compile_say_it(tmp_path, needs_tflm: None) -> None:
    path = tmp_path / "dilated.tflite"
    path.write_bytes(dilated(2, 2, 0))
    notes = [
        profile_tflite(TfliteModel(path.read_bytes()), "cortex-m4").notes,
        check_parity(str(path)).notes,
        compile_model(str(path)).notes,
    ]
    for found in notes:
        assert any("The border of the dilated layer 'net/conv1d/Conv1D' is wrong" in note for note in found)
