"""Helpers of MLTK 0.20 for text, archives, ports, signals and processes."""

from __future__ import annotations

import importlib
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import MltkError
from mltk.utils import (
    archive,
    bin2header,
    gpu,
    hexdump,
    network,
    signal_handler,
    string_formatting,
    system,
    test_helper,
)
from mltk.utils.process_pool_manager import ProcessPoolManager


@pytest.mark.parametrize(
    ("value", "text", "memory"),
    [  # as MLTK 0.20 prints them
        (0, "0", "0"),
        (1, "1.000", "1.000"),
        (999, "999.000", "999.000"),
        (1000, "1.000 k", "1000.000"),
        (12345, "12.345 k", "12.056 k"),
        (1234567, "1.235 M", "1.177 M"),
        (1.5e9, "1.500 G", "1.397 G"),
        (2.5e12, "2.500 T", "2.274 T"),
        (0.5, "500.000 m", "0.500"),
        (0.00123, "1.230 m", "0.001"),
        (1.2e-7, "120.000 n", "0.000"),
        (-1500, "-1.500 k", "-1.465 k"),
        (1024, "1.024 k", "1.000 k"),
    ],
)
def test_numbers_with_prefixes(value: float, text: str, memory: str) -> None:
    assert string_formatting.format_units(value) == text
    assert string_formatting.format_units(value, memory_units=True) == memory


def test_numbers_in_columns() -> None:
    assert string_formatting.format_units(1234, precision=1, add_space=False) == "1.2k"
    assert string_formatting.format_units(1, rjust=8) == "   1.000"
    assert string_formatting.format_units(1, ljust=8) == "1.000   "


def test_formatted_numbers() -> None:
    number = string_formatting.FormattedInt(12345)
    assert (str(number), f"{number}", f"{number:>8}", repr(number), number + 1) == (
        "12.345 k", "12.345 k", "   12345", "12345", 12346,
    )  # fmt: skip
    assert str(string_formatting.FormattedFloat(0.0123)) == "12.300 m"
    assert repr(string_formatting.FormattedFloat(0.5)) == "0.5"


def test_sizes_in_bytes() -> None:
    texts = ["1k", "10", "1.5M", "2G", "1 k", "5K", "1m", "1kB"]
    expected = [1024, 10, 1572864, 2147483648, 1024, 5120, 1048576, 1024]
    assert [string_formatting.convert_units(t) for t in texts] == expected
    for text in ("12.5", "abc", "", "-1k"):
        with pytest.raises(ValueError, match="is not a whole number"):
            string_formatting.convert_units(text)


def test_times() -> None:
    assert len(string_formatting.iso_time_str()) == len("2026-11-26T10:50:51.845Z")
    assert string_formatting.iso_time_str().endswith("Z")
    assert ":" not in string_formatting.iso_time_filename_str()
    assert len(string_formatting.pretty_time_str()) == len("2026-11-26 10:50:51")


def test_a_hexdump_is_restored() -> None:
    data = bytes(range(20, 60))
    text = hexdump.hexdump(data, result="return")
    assert text.splitlines()[1:] == [
        "00000010: 24 25 26 27 28 29 2A 2B  2C 2D 2E 2F 30 31 32 33  $%&'()*+,-./0123",
        "00000020: 34 35 36 37 38 39 3A 3B                           456789:;",
    ]
    assert hexdump.restore(text) == data
    assert hexdump.restore(hexdump.hexdump(b"\x01 61", result="return")) == b"\x01 61"


def test_forms_of_a_hexdump(capsys: pytest.CaptureFixture[str]) -> None:
    hexdump.hexdump(io.BytesIO(b"ab"))
    line = "00000000: 61 62                                             ab"
    assert capsys.readouterr().out == line + "\n"
    assert list(hexdump.hexdump(b"ab", result="generator")) == [line]
    assert hexdump.dump(b"\x01\xab") == "01 AB"
    assert hexdump.dehex("01 AB") == b"\x01\xab"
    with pytest.raises(ValueError, match="'file' is not a kind of result"):
        hexdump.hexdump(b"", result="file")


def test_a_c_header_of_bytes() -> None:
    text = bin2header.bin2header(bytes(range(40, 60)), var_name="MODEL", length_var_name="MODEL_LENGTH")
    assert text.startswith("#pragma once\n")
    assert "const unsigned int MODEL_LENGTH = 20;\nconst unsigned char MODEL[20] =\n{\n0x28,0x29," in text
    assert text.count("*/") == 2  # '*/' in the data does not end a comment


def test_a_c_header_compiles_and_has_the_data(work: Path) -> None:
    data = bytes(range(256)) + b"*/ \\"
    Path("in.bin").write_bytes(data)
    bin2header.bin2header("in.bin", output_path=True)
    bin2header.bin2header(
        [1.5, -2.25], "numbers.h", "NUMBERS", "N", "const float", "__attribute__((aligned(4)))", ["// ours"], "{:.3f}f"
    )
    Path("main.c").write_text(
        '#include <stdio.h>\n#include "in.bin.h"\n#include "numbers.h"\n'
        'int main(void) { fwrite(DATA, 1, DATA_LENGTH, stdout); printf("%u %.2f", N, (double)NUMBERS[1]); return 0; }\n'
    )
    subprocess.run(["cc", "-Werror", "-Wall", "main.c", "-o", "main"], check=True)
    assert subprocess.run(["./main"], check=True, capture_output=True).stdout == data + b"2 -2.25"


def test_a_c_header_to_a_stream() -> None:
    stream = io.StringIO()
    text = bin2header.bin2header([1, 2], stream, dtype="const int8_t", length_var_name=None, prepend_header=False)
    assert text == stream.getvalue() == "const int8_t DATA[2] =\n{\n1,2\n};\n"
    with pytest.raises(ValueError, match="needs the path of a file"):
        bin2header.bin2header(b"", output_path=True)


def test_files_are_packed_and_extracted(work: Path) -> None:
    (work / "d" / "e").mkdir(parents=True)
    Path("d/a.txt").write_text("a")
    Path("d/e/b.txt").write_text("b")
    assert archive.gzip_directory_files("d") == str(work / "d.tar.gz")
    archive.extract_archive("d.tar.gz", "out")
    assert sorted(p.name for p in Path("out").rglob("*.txt")) == ["a.txt", "b.txt"]
    with tarfile.open(archive.gzip_directory_files("d", "x.tar.gz", regex=r".*b\.txt")) as packed:
        assert packed.getnames() == ["e/b.txt"]
    assert archive.gzip_file("d/a.txt") == "d/a.txt.gz"
    assert subprocess.run(["gzip", "-dc", "d/a.txt.gz"], check=True, capture_output=True).stdout == b"a"


def test_a_port_that_is_in_use_is_not_returned() -> None:
    with socket.socket() as busy:
        busy.bind(("localhost", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            network.test_port("localhost", port, "tcp")
        with pytest.raises(RuntimeError, match=f"All ports from {port} to {port} of localhost are in use"):
            network.find_listening_port((port, port))
        assert network.find_listening_port(default_port=port) not in (0, port)
    assert network.test_port("localhost", port, socket.SOCK_STREAM) == port


def test_a_signal_in_a_block_is_noted() -> None:
    called = []
    with signal_handler.SignalHandler(callback=lambda: called.append(1)) as handler:
        system.raise_signal()
        system.send_signal()
    assert handler.interrupted
    assert called == [1, 1]
    with pytest.raises(KeyboardInterrupt):
        system.raise_signal(signal.SIGINT)


def test_a_signal_comes_again_after_the_block() -> None:
    handler = signal_handler.SignalHandler(resignal_on_exit=True)
    with pytest.raises(KeyboardInterrupt), handler:
        system.raise_signal()


def test_the_operating_system() -> None:
    names = [
        n
        for n, is_it in (("windows", system.is_windows()), ("linux", system.is_linux()), ("osx", system.is_osx()))
        if is_it
    ]
    assert names == [system.get_current_os()]
    assert system.has_admin() is (os.geteuid() == 0)


def test_a_file_that_everybody_who_reads_it_may_run(work: Path) -> None:
    path = work / "tool.sh"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o640)
    system.make_path_executable(str(path))
    assert path.stat().st_mode & 0o777 == 0o750


def test_gpus_are_hidden_before_tensorflow_is_imported() -> None:
    code = "import os, sys; from mltk.utils import gpu; gpu.disable()\n"
    code += "print(os.environ['CUDA_VISIBLE_DEVICES'], 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "-1 False\n"
    gpu.deinitialize()


def double(value: int) -> int:
    """A function that another process can find."""
    return 2 * value


def test_a_manager_of_processes() -> None:
    found: list[int] = []
    manager = ProcessPoolManager(callback=found.append, cores=2)
    try:
        for value in range(4):
            manager.process(double, value)
        assert manager.wait(timeout=60)
    finally:
        manager.close()
    assert sorted(found) == [0, 2, 4, 6]


def test_the_mltk_command_in_a_test() -> None:
    assert test_helper.run_mltk_command("--version").startswith("mltk ")
    with pytest.raises(RuntimeError, match=r"(?s)mltk profil failed with exit code 2:.*profile"):
        test_helper.run_mltk_command("profil")
    logger = test_helper.get_logger("own")
    assert logger.name == "own"
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


def test_the_audio_window_is_the_page_of_view_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    from mltk.operations import view_audio
    from mltk.utils.audio_visualizer import run_audio_visualizer_app

    shown = []
    monkeypatch.setattr(view_audio, "view_audio", shown.append)
    run_audio_visualizer_app()
    run_audio_visualizer_app("yes_no", logger=None)
    assert shown == [None, "yes_no"]


REPLACED = {
    "cmake": ["build_mltk_target", "invoke_mltk_target"],
    "commander": ["query_platform", "program_flash", "reset_device", "masserse_device", "DeviceInfo"],
    "dropbox_upload": ["upload_file"],
    "firmware_apps": ["program_image_with_model", "get_image"],
    "jlink": ["JLink"],
    "jlink_stream": ["JlinkStream", "JlinkStreamOptions", "JlinkCommandStream"],
    "serial_reader": ["SerialReader"],
    "ssh": ["SshClient", "run_mltk_command"],
    "uart_stream": ["UartStream"],
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in REPLACED.items() for n in names])
def test_a_name_that_needs_other_tools_says_in_a_line_what_to_use(module: str, name: str) -> None:
    found: Any = getattr(importlib.import_module(f"mltk.utils.{module}"), name)
    with pytest.raises(MltkError, match=rf"^{name} needs .*\. openmltk does not use it\.") as error:
        found("a", b=1)
    assert error.value.hint
    assert "\n" not in f"{error.value.message}{error.value.hint}"
