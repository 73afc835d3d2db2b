"""The device's audio frontend: clean C99, and on an emulated Cortex-M the same features as on the host."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import mltk
from helpers.random_frontends import random_clip, random_settings
from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings
from mltk.audio.frontend._native import c_settings, load

HERE = Path(__file__).parent

DEVICE = Path(mltk.__file__).parent / "device"
ARM_GCC = shutil.which("arm-none-eabi-gcc")
QEMU = shutil.which("qemu-system-arm")
HOST_GCC = shutil.which("gcc")
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SOURCE = str(DEVICE / "audio_frontend.c")

# QEMU has boards for these processors; what is compiled for a Cortex-M0+ runs on the Cortex-M3 as it is.
BOARDS = {
    "cortex-m0plus": ("mps2-an385", "0x00000000", ["-mfloat-abi=soft"]),
    "cortex-m4": ("mps2-an386", "0x00000000", ["-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
    "cortex-m33": ("mps2-an505", "0x10000000", ["-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"]),
}

pytestmark = pytest.mark.filterwarnings("ignore:.*audio features are always 0")
needs_arm_gcc = pytest.mark.skipif(ARM_GCC is None, reason="arm-none-eabi-gcc is not installed")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.skipif(HOST_GCC is None, reason="gcc is not installed")
def test_it_compiles_without_warnings(tmp_path: Path) -> None:
    assert run("gcc", "-O2", *STRICT, "-c", SOURCE, "-o", str(tmp_path / "out.o")) == ""


@pytest.mark.skipif(HOST_GCC is None, reason="gcc is not installed")
def test_it_has_no_variables_of_its_own(tmp_path: Path) -> None:
    run("gcc", "-O2", "-std=c99", "-c", SOURCE, "-o", str(tmp_path / "out.o"))
    symbols = [line.split() for line in run("nm", str(tmp_path / "out.o")).splitlines()]
    assert [name for *_, kind, name in symbols if kind in "bBdDC" and not name.startswith(".")] == []
    exported = {name for *_, kind, name in symbols if kind == "T"}
    assert all(name.startswith("mltk_frontend_") for name in exported)
    needed = {name for *_, kind, name in symbols if kind == "U" and not name.startswith(("_GLOBAL", "__stack"))}
    assert needed <= {
        "cos",
        "sin",
        "sincos",
        "pow",
        "log",
        "log1p",
        "floor",
        "memcpy",
        "memmove",
        "memset",
        "__memcpy_chk",
    }


@needs_arm_gcc
@pytest.mark.parametrize("cpu", BOARDS)
def test_it_compiles_for_cortex_m_without_warnings(cpu: str, tmp_path: Path) -> None:
    _, _, flags = BOARDS[cpu]
    run("arm-none-eabi-gcc", "-Os", f"-mcpu={cpu}", "-mthumb", *flags, *STRICT, "-c", SOURCE, "-o", str(tmp_path / "o"))


@needs_arm_gcc
def test_only_init_uses_floating_point(tmp_path: Path) -> None:
    """Where there is no FPU every floating-point operation is a call: none is reached from what streams."""
    output = str(tmp_path / "out.o")
    run(
        "arm-none-eabi-gcc", "-O1", "-fno-inline", "-mcpu=cortex-m0plus", "-mthumb", *STRICT, "-c", SOURCE, "-o", output
    )
    calls: dict[str, set[str]] = {}
    function = ""
    for line in run("arm-none-eabi-objdump", "-dr", output).splitlines():
        if start := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            function = start[1]
            calls[function] = set()
        elif target := re.search(r"R_ARM_THM_(?:CALL|JUMP\d*)\s+(\w+)|\tbl\t[0-9a-f]+ <(\w+)>", line):
            calls[function].add(target[1] or target[2])

    def reached(name: str, seen: set[str]) -> set[str]:
        if name not in seen:
            seen.add(name)
            for other in calls.get(name, ()):
                reached(other, seen)
        return seen

    def floating_point(names: set[str]) -> list[str]:
        return [n for n in names if re.match(r"__aeabi_(c?[fd]|[uil]+2[fd])|(cos|sin|pow|log|log1p|floor)$", n)]

    assert floating_point(reached("mltk_frontend_init", set()))
    for name in ("feed", "reset", "process_clip", "quantize", "activity_detected", "row_count"):
        streaming = reached(f"mltk_frontend_{name}", set())
        assert floating_point(streaming) == []
    assert {"apply_window", "split_real", "square_root"} <= reached("mltk_frontend_feed", set())


def _cases() -> list[tuple[AudioFeatureGeneratorSettings, np.ndarray]]:
    """Every stage in some, and settings at random; clips of up to 3,000 samples."""
    rng = np.random.default_rng(5)
    every_stage = AudioFeatureGeneratorSettings(
        sample_length_ms=180,
        filterbank_n_channels=49,
        noise_reduction_enable=True,
        pcan_enable=True,
        dc_notch_filter_enable=True,
        activity_detection_enable=True,
        activity_detection_arm_threshold=1.1,
        quantize_dynamic_scale_enable=True,
    )
    settings = [AudioFeatureGeneratorSettings(sample_length_ms=150), every_stage]
    while len(settings) < 10:
        one = random_settings(rng)
        if one.sample_length <= 6000:
            settings.append(one)
    return [(one, random_clip(rng, one.sample_length)) for one in settings]


def _write_cases(path: Path, cases: list[tuple[AudioFeatureGeneratorSettings, np.ndarray]]) -> None:
    ffi, _ = load()
    lines, table = [], []
    for i, (settings, clip) in enumerate(cases):
        struct = c_settings(settings)
        values = []
        for name, field in ffi.typeof("mltk_frontend_settings").fields:
            value = getattr(struct, name)
            values.append(f"{float(value).hex()}f" if field.type.cname == "float" else str(value))
        lines.append(f"static const int16_t clip{i}[] = {{{', '.join(map(str, clip))}}};")
        table.append(f"{{{{{', '.join(values)}}}, clip{i}, {clip.size}}}")
    lines.append(f"static const test_case cases[] = {{{', '.join(table)}}};")
    path.write_text("\n".join(lines))


@needs_arm_gcc
@pytest.mark.skipif(QEMU is None, reason="qemu-system-arm is not installed")
@pytest.mark.parametrize("cpu", BOARDS)
def test_the_features_on_cortex_m_are_those_on_the_host(cpu: str, tmp_path: Path) -> None:
    board, ram_start, flags = BOARDS[cpu]
    cases = _cases()
    _write_cases(tmp_path / "cases.h", cases)
    image = str(tmp_path / "image.elf")
    options = ["-O2", "-std=gnu99", f"-mcpu={cpu}", "-mthumb", *flags, f"-I{DEVICE}", f"-I{tmp_path}"]
    linking = ["-nostartfiles", "--specs=nosys.specs", f"-Wl,--defsym=ram_start={ram_start}"]
    sources = [str(HERE / "cortex_m_main.c"), SOURCE]
    run("arm-none-eabi-gcc", *options, *linking, f"-Wl,-T{HERE / 'cortex_m.ld'}", *sources, "-lm", "-o", image)
    semihosting = ["-semihosting-config", "enable=on,target=native"]
    done = subprocess.run(
        ["qemu-system-arm", "-M", board, "-display", "none", "-serial", "none", *semihosting, "-kernel", image],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = iter((done.stdout + done.stderr).splitlines())
    for settings, clip in cases:
        generator = AudioFeatureGenerator(settings)
        for row in generator.process_sample(clip, np.uint16):
            np.testing.assert_array_equal(np.frombuffer(bytes.fromhex(next(lines)), "<u2"), row, err_msg=repr(settings))
        int8 = generator.process_sample(clip, np.int8)
        np.testing.assert_array_equal(np.frombuffer(bytes.fromhex(next(lines)), np.int8), int8.ravel())
        assert bytes.fromhex(next(lines)) == bytes([generator.activity_was_detected()])
    assert list(lines) == []
