"""C code that listens: the scores and detections of the whole path in Python."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from helpers.listening_models import CLASSES, listening_model, settings, sounds, streaming_model
from mltk.audio.detector import Detection
from mltk.audio.listen_plan import listen_plan
from mltk.audio.listening import Listening
from mltk.codegen.host import WARNINGS, build_library
from mltk.codegen.lowering.lower import lower
from mltk.codegen.write_c import kernel_sources, write_model
from mltk.codegen.write_listen import listen_files
from mltk.micro.engines.run import run_batch
from mltk.operations.compile import compile_to_c
from mltk.tflite.model import TfliteModel

DYNAMIC = settings(quantize_dynamic_scale_enable=True, dc_notch_filter_enable=True)
UINT16 = {"scale": 2.7, "zero_point": -128}
NARROW = {"scale": 0.97, "zero_point": 4}  # the calibration samples did not reach 127
MODELS: dict[str, dict[str, Any]] = {
    "int8": {},
    "louder, and with one row after another": {"volume_gain": 2.5, "latency_ms": 1, "minimum_count": 0},
    "dynamic scale": {"frontend": DYNAMIC, "detection_threshold_list": [80, 120, 255]},
    "another input scale": {**NARROW},
    "dynamic scale, another input scale": {"frontend": DYNAMIC, **NARROW},
    "uint16 features": {**UINT16, "minimum_count": 1},
    "float input and output": {"float_input": True, "output": "float32"},
    "float input, dynamic scale": {"float_input": True, "frontend": DYNAMIC, **NARROW},
    "float input, uint16 features": {"float_input": True, **UINT16},
    "inferences further apart than a clip": {"latency_ms": 500, "average_window_duration_ms": 1100},
    "steps that are not whole milliseconds": {
        "frontend": settings(sample_rate_hz=11025, filterbank_upper_band_limit=5000.0, window_step_ms=17)
    },
}
SANITIZERS = ["-fsanitize=undefined", "-fno-sanitize-recover=all", "-fsanitize-undefined-trap-on-error"]


def files_of(model: bytes) -> tuple[dict[str, str], int]:
    """Return the ``.c`` and ``.h`` files of the listener ``ear``, and the RAM beside that of the network."""
    tflite = TfliteModel(model)
    program = lower(tflite.graph)
    code = write_model(program, "ear")
    plan = listen_plan(Listening.of(tflite))
    network = {**kernel_sources(program), "ear.c": code.source, "ear.h": code.header}
    return {**network, **listen_files(plan, "ear")}, plan.ram_bytes


class CDetection(ctypes.Structure):
    """``NAME_detection``."""

    _fields_ = [
        ("class_index", ctypes.c_int32),
        ("class_name", ctypes.c_char_p),
        ("score", ctypes.c_int32),
        ("time_ms", ctypes.c_uint32),
    ]


class CListener:
    """The C code of a model that listens, compiled for this machine."""

    def __init__(self, model: bytes, folder: Path) -> None:
        flags = [*WARNINGS, "-Werror", "-O1", *SANITIZERS, "-ffp-contract=off", "-Wl,--no-as-needed", "-lm"]
        self._library = ctypes.CDLL(str(build_library(folder, files_of(model)[0], flags=flags)))
        self._library.ear_listen.restype = ctypes.c_size_t
        self._library.ear_listen_scores.restype = ctypes.POINTER(ctypes.c_uint8 * len(CLASSES))

    def reset(self) -> None:
        assert self._library.ear_listen_reset() == 0

    def listen(
        self, samples: npt.NDArray[np.int16], chunks: npt.NDArray[np.int64]
    ) -> tuple[list[Detection], npt.NDArray[np.uint8]]:
        """Return the detections, and the scores after each chunk with a new inference."""
        found, scores, seen = [], [], 0
        detection, count = CDetection(), ctypes.c_uint32()
        for chunk in np.split(samples, np.cumsum(chunks)):
            left = np.ascontiguousarray(chunk)
            while left.size:
                address = ctypes.c_void_p(left.ctypes.data)
                taken = self._library.ear_listen(address, ctypes.c_size_t(left.size), ctypes.byref(detection))
                assert 0 < taken <= left.size
                left = np.ascontiguousarray(left[taken:])
                latest = self._library.ear_listen_scores(ctypes.byref(count))
                if count.value != seen:
                    scores.append(list(latest.contents))
                    seen = count.value
                if detection.class_index >= 0:
                    name = detection.class_name.decode()
                    found.append(Detection(detection.class_index, name, detection.score, detection.time_ms))
                else:
                    assert not left.size
                    assert detection.class_name is None
        return found, np.array(scores, np.uint8)


def in_python(model: bytes, samples: npt.NDArray[np.int16]) -> tuple[list[Detection], npt.NDArray[np.uint8]]:
    """Return the detections and the score rows of TensorFlow Lite Micro."""
    tflite = TfliteModel(model)
    listening = Listening.of(tflite)
    detector = listening.make_detector()
    found, scores = [], []
    for inputs, times in listening.batches(samples, size=50):
        outputs = run_batch(tflite, inputs, engine="tflm", reset_between_samples=not listening.keeps_state).outputs
        rows = listening.scores(outputs[0])
        found += detector.feed(rows, times)
        scores.append(rows)
    return found, np.concatenate(scores)


STREAMING: dict[str, dict[str, Any]] = {
    "three rows at a time": {},
    "one row at a time, louder": {"rows": 1, "volume_gain": 2.5, "minimum_count": 0, "suppression_ms": 60},
    "bytes that stand for 0 to 26": {"scale": 26 / 255, "zero_point": -128},
    "uint16 features": {"scale": 2.7, "zero_point": -128},
}


@pytest.mark.parametrize("kind", [*MODELS, *STREAMING])
def test_c_hears_what_python_hears(needs_tflm: None, kind: str, tmp_path: Path) -> None:
    model = listening_model(**MODELS[kind]) if kind in MODELS else streaming_model(**STREAMING[kind])
    rate = Listening.of(TfliteModel(model)).frontend.sample_rate_hz
    samples = sounds(rate=rate)
    expected, expected_scores = in_python(model, samples)
    assert len(expected) >= 3, "the sounds must have detections, or the test shows nothing"
    assert len(np.unique(expected_scores)) >= 5
    listener = CListener(model, tmp_path)
    rng = np.random.default_rng(1)
    small = rng.integers(1, rate * 15 // 1000, 2 * samples.size // (rate * 15 // 1000))  # at most one row in a chunk
    found, scores = listener.listen(samples, small)
    np.testing.assert_array_equal(scores, expected_scores)
    assert found == expected
    listener.reset()
    assert listener.listen(samples, rng.integers(0, 8000, 8))[0] == expected


def test_the_first_inference_gets_the_features_of_training() -> None:
    from mltk.audio.frontend import AudioFeatureGenerator

    model = TfliteModel(listening_model(frontend=DYNAMIC, volume_gain=0))
    listening = Listening.of(model)
    samples = sounds()
    inputs, times = next(listening.batches(samples))
    trained = AudioFeatureGenerator(DYNAMIC).process_sample(samples[: DYNAMIC.sample_length], np.int8)
    np.testing.assert_array_equal(inputs[0, :, :, 0], trained)
    assert times[:2].tolist() == [390, 430]  # 19 rows: 30 ms, and 18 steps of 20 ms


def test_published_settings_have_two_classes_that_are_heard(needs_tflm: None) -> None:
    found, _ = in_python(listening_model(), sounds(20.0))
    assert {d.class_name for d in found} == {"yes", "no"}


COMPILERS = [
    command for command in (["clang"], ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"]) if shutil.which(command[0])
]


@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda command: command[0])
def test_the_code_compiles_without_warnings_and_has_the_ram_that_is_said(compiler: list[str], tmp_path: Path) -> None:
    for kind in MODELS:
        files, ram_bytes = files_of(listening_model(**MODELS[kind]))
        for name in ("ear_listen.c", "ear_listen.h", "ear.h", "audio_frontend.h", "detector.h"):
            (tmp_path / name).write_text(files[name])
        command = [*compiler, "-std=c99", *WARNINGS, "-Werror", "-Os", "-c", "ear_listen.c", "-o", "ear.o"]
        subprocess.run(command, cwd=tmp_path, check=True)
        if compiler[0].startswith("arm"):
            sized = subprocess.run(
                ["arm-none-eabi-size", "ear.o"], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            _, data, bss, *_ = sized.stdout.splitlines()[1].split()
            assert ram_bytes - 64 <= int(data) + int(bss) <= ram_bytes


# Runs the self-test of the generated code on an emulated board, and prints the number of values that differ.
BOARD = """
#include <stdint.h>
#include <string.h>

int ear_selftest(void);
extern uint32_t stack_top, bss_start, bss_end;

static void semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void reset(void) {
    memset(&bss_start, 0, (size_t)((char *)&bss_end - (char *)&bss_start));
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: the floating-point unit */
    __asm__ volatile("dsb\\nisb");
    semihost(0x04, ear_selftest() == 0 ? "PASS" : "FAIL"); /* SYS_WRITE0 */
    semihost(0x18, (const void *)0x20026);                 /* SYS_EXIT, normal */
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {&stack_top, (const void *)reset};
"""


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.parametrize("is_damaged", [False, True])
def test_an_emulated_cortex_m4_hears_the_same(is_damaged: bool, tmp_path: Path) -> None:
    model = TfliteModel(listening_model(**MODELS["dynamic scale, another input scale"]))
    files = compile_to_c(model, name="ear", compare=False).files
    if is_damaged:
        assert ".dc_notch_filter_enable = 1" in files["ear_listen.c"]
        files["ear_listen.c"] = files["ear_listen.c"].replace(
            ".dc_notch_filter_enable = 1", ".dc_notch_filter_enable = 0"
        )
    sources = {name: text for name, text in files.items() if name.endswith((".c", ".h"))}
    for name, text in {**sources, "board.c": BOARD}.items():
        (tmp_path / name).write_text(text)
    script = Path(__file__).parents[1] / "device" / "cortex_m.ld"
    flags = ["-O2", "-std=gnu99", "-ffp-contract=off", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard"]
    flags += ["-mfpu=fpv4-sp-d16", "-DMLTK_NO_MAIN", "-nostartfiles", "--specs=nosys.specs"]
    flags += ["-Wl,--defsym=ram_start=0x00000000", f"-Wl,-T{script}"]
    names = [*(name for name in sources if name.endswith(".c")), "board.c"]
    subprocess.run(["arm-none-eabi-gcc", *flags, *names, "-lm", "-o", "image.elf"], cwd=tmp_path, check=True)
    board = ["-M", "mps2-an386", "-display", "none", "-serial", "none"]
    done = subprocess.run(
        ["qemu-system-arm", *board, "-semihosting-config", "enable=on,target=native", "-kernel", "image.elf"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout + done.stderr).strip() == ("FAIL" if is_damaged else "PASS")
