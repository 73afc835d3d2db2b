"""The self-test that ``mltk compile`` writes, on emulated cores."""

from __future__ import annotations

import pytest

from helpers.listening_models import listening_model
from mltk.codegen.emulate.self_test import run_self_test
from mltk.operations.compile import compile_model
from mltk.tflite.model import TfliteModel


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, cnn: bytes) -> dict[str, str]:
    path = tmp_path_factory.mktemp("model") / "classifier.tflite"
    path.write_bytes(cnn)
    return compile_model(str(path), compare=False).files


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "riscv32"])
def test_it_passes(files: dict[str, str], core: str) -> None:
    assert run_self_test(files, core) == (True, "PASS: 4 samples, 0 values differ")


def test_it_fails_if_an_expected_value_is_changed(files: dict[str, str]) -> None:
    head, values = files["selftest.c"].split("expected_0", 1)
    start = values.index("{\n    {\n") + len("{\n    {\n")
    first, rest = values[start:].split(",", 1)
    changed = values[:start] + str(int(first) ^ 1) + "," + rest
    passed, text = run_self_test({**files, "selftest.c": f"{head}expected_0{changed}"})
    assert not passed
    assert text == "FAIL: 4 samples, 1 values differ"


def test_files_that_the_self_test_does_not_need_are_ignored(files: dict[str, str]) -> None:
    others = dict.fromkeys(("examples/other.c", "audio_frontend.c", "README.md"), "#error")
    assert run_self_test({**files, **others}, optimize="-Os")[0]


def test_the_network_of_an_audio_model_is_run() -> None:
    files = compile_model(TfliteModel(listening_model()), name="ear", compare=False).files
    assert "ear_listen.c" in files
    assert run_self_test(files) == (True, "PASS: 4 samples, 0 values differ")
