"""``mltk compile``: C files that compute what TensorFlow Lite Micro computes, in every layout."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from helpers.published_models import wake_words
from helpers.tflite_builder import ModelBuilder, float_model
from mltk.cli.main import main
from mltk.codegen.layouts import C_FLAGS, LAYOUTS
from mltk.codegen.write_c import c_identifier
from mltk.errors import MltkError, OutputError, RuntimeFailure, UnsupportedModelError
from mltk.operations.compile import compile_to_c
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import TfliteModelParameters


@pytest.fixture
def tflite(tmp_path: Path, cnn: bytes) -> Path:
    """``my-model.tflite`` with labels and parameters."""
    parameters = TfliteModelParameters({"classes": ['say "hi"', "grün"], "threshold": 0.75, "count": -3, "on": True})
    path = tmp_path / "my-model.tflite"
    path.write_bytes(parameters.add_to_tflite_flatbuffer(cnn))
    return path


def run_command(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    return int(ended.value.code or 0)


def test_the_command_writes_files_whose_self_test_passes(needs_tflm, tflite, tmp_path, capsys):
    folder = tmp_path / "firmware" / "model"
    assert run_command("compile", tflite, "--output", folder) == 0
    assert "100 random samples on this machine: 0 values differ from TensorFlow Lite Micro" in capsys.readouterr().out
    done = subprocess.run(["make", "selftest"], cwd=folder, capture_output=True, text=True, check=True)
    assert "PASS: 4 samples, 0 values differ" in done.stdout
    assert not done.stderr, done.stderr  # no warning


def test_the_self_test_fails_if_a_weight_is_changed(tflite, tmp_path):
    compile_to_c(str(tflite), tmp_path / "c")
    source = tmp_path / "c" / "my_model.c"
    text = source.read_text()
    start = text.index("static const int32_t bias_")
    head, values = text[start:].split("{\n", 1)
    first, rest = values.split(",", 1)
    source.write_text(text[:start] + head + "{\n    " + str(int(first) + 4000) + "," + rest)
    done = subprocess.run(["make", "selftest"], cwd=tmp_path / "c", capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "FAIL" in done.stdout


def test_cmake_builds_the_library(tflite, tmp_path):
    if shutil.which("cmake") is None:
        cmake = (compile_to_c(str(tflite)).files)["CMakeLists.txt"]
        assert "add_library(my_model STATIC" in cmake
        return
    compile_to_c(str(tflite), tmp_path / "c")
    subprocess.run(["cmake", "-B", "build"], cwd=tmp_path / "c", check=True, capture_output=True)
    subprocess.run(
        ["cmake", "--build", "build", "--target", "selftest"], cwd=tmp_path / "c", check=True, capture_output=True
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_all_sources_and_they_compile(tflite, tmp_path, layout):
    results = compile_to_c(str(tflite), tmp_path / "c", layout=layout, compare=False)
    root = tmp_path / "c"
    assert {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()} == set(results.files)
    sources = [root / p for p in results.files if p.endswith(".c")]
    include = sources[0].parent if layout == "cmake" else root / "src"
    test = next(p for p in sources if p.name == "selftest.c")
    library = [p for p in sources if p != test]
    command = ["cc", *C_FLAGS.split(), "-Werror", "-I", str(include), *map(str, [test, *library]), "-o", "out"]
    if layout == "arduino":
        command = [*command[:-2], "-c"]
        for source in (test, *library):
            subprocess.run(
                ["cc", *C_FLAGS.split(), "-Werror", "-I", str(include), "-c", str(source), "-o", "x.o"],
                cwd=tmp_path,
                check=True,
            )
        return
    subprocess.run(command, cwd=tmp_path, check=True)
    assert "PASS" in subprocess.run([tmp_path / "out"], capture_output=True, text=True, check=True).stdout


def test_manifests_are_what_the_build_systems_read(tflite):
    files = compile_to_c(str(tflite), layout="platformio", compare=False).files
    assert json.loads(files["library.json"])["name"] == "my_model"
    properties = compile_to_c(str(tflite), layout="arduino", compare=False).files["library.properties"]
    assert dict(line.split("=", 1) for line in properties.splitlines())["name"] == "my_model"


@pytest.mark.parametrize(
    ("layout", "file", "text"),
    [
        ("cmake", "CMakeLists.txt", "if(NOT MSVC)\n  target_compile_options(my_model PRIVATE -Os)\nendif()"),
        ("cmake", "Makefile", "CFLAGS ?= -std=c99 -Os -Wall"),
        ("zephyr", "CMakeLists.txt", "zephyr_library_compile_options(-Os)"),
        ("esp-idf", "CMakeLists.txt", "target_compile_options(${COMPONENT_LIB} PRIVATE -Os)"),
        ("platformio", "library.json", '"-Os"'),
    ],
)
def test_build_files_ask_for_small_code_if_wanted(tflite, layout, file, text):
    assert text in compile_to_c(str(tflite), layout=layout, compare=False, optimize="size").files[file]
    files = compile_to_c(str(tflite), layout=layout, compare=False).files
    assert "-Os" not in "".join(files.values())


def test_small_code_that_cannot_be_asked_for_is_an_error(tflite, tmp_path):
    with pytest.raises(MltkError, match="An Arduino library can't choose how it is optimized"):
        compile_to_c(str(tflite), tmp_path / "c", layout="arduino", compare=False, optimize="size")
    with pytest.raises(MltkError, match="The compiler can't be asked for 'siez'") as caught:
        compile_to_c(str(tflite), tmp_path / "c", compare=False, optimize="siez")
    assert "size" in str(caught.value.hint)
    assert not (tmp_path / "c").exists()


def test_the_header_has_labels_and_parameters(tflite, tmp_path):
    header = compile_to_c(str(tflite), compare=False).files["my_model.h"]
    assert "#define MY_MODEL_N_CLASSES 2" in header
    assert "#define MY_MODEL_PARAM_COUNT (-3)" in header
    assert "#define MY_MODEL_PARAM_THRESHOLD 0.75f" in header
    compile_to_c(str(tflite), tmp_path / "c")
    program = tmp_path / "labels.c"
    program.write_text(
        '#include <stdio.h>\n#include "c/my_model.h"\n'
        "int main(void) { const char *labels[] = MY_MODEL_CLASSES; puts(labels[0]); puts(labels[1]); return 0; }\n"
    )
    subprocess.run(["cc", "-std=c99", "labels.c", "-o", "labels"], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "labels"], capture_output=True, check=True).stdout.decode() == 'say "hi"\ngrün\n'


def test_a_streaming_model_can_be_reset(needs_tflm, tmp_path):
    results = compile_to_c(str(wake_words()[0]), tmp_path / "c")
    name = results.name
    assert f"void {name}_reset(void);" in results.files[f"{name}.h"]
    assert results.n_compared == 100
    done = subprocess.run(["make", "selftest"], cwd=tmp_path / "c", capture_output=True, text=True, check=True)
    assert "PASS" in done.stdout


def test_the_ram_limit_names_the_fullest_step_and_writes_nothing(tflite, tmp_path, capsys):
    assert run_command("compile", tflite, "-o", tmp_path / "c", "--max-ram", "100") == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "more than the limit of 100" in shown
    assert "operator" in shown
    assert not (tmp_path / "c").exists()


def test_a_float_model_and_an_unsupported_operator_are_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "float.tflite"
    path.write_bytes(float_model())
    with pytest.raises(UnsupportedModelError, match="FLOAT32") as caught:
        compile_to_c(str(path), tmp_path / "c")
    assert "mltk quantize" in str(caught.value.hint)
    b = ModelBuilder()
    x, y = (b.tensor((1, 4), scale=0.1, zero_point=0) for _ in range(2))
    b.operator("FLOOR", [x], [y])
    path.write_bytes(b.build([x], [y]))
    with pytest.raises(UnsupportedModelError, match="FLOOR"):
        compile_to_c(str(path), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_without_a_compiler_the_files_are_written_and_it_says_so(tflite, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    results = compile_to_c(str(tflite), tmp_path / "c")
    assert results.n_compared == 0
    assert "no C compiler" in results.to_text()
    assert "not compared" in (tmp_path / "c" / "README.md").read_text()


def test_wrong_outputs_are_an_error_and_nothing_is_written(tflite, tmp_path, monkeypatch):
    from mltk.codegen.host import HostModel

    right = HostModel.run
    monkeypatch.setattr(HostModel, "run", lambda *a, **k: [y ^ 1 for y in right(*a, **k)])
    with pytest.raises(RuntimeFailure, match="differ from"):
        compile_to_c(str(tflite), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_other_files_in_the_folder_stay(tflite, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "main.c").write_text("int x;")
    compile_to_c(str(tflite), tmp_path / "c", compare=False)
    assert (tmp_path / "c" / "main.c").read_text() == "int x;"
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OutputError, match="a file of this name"):
        compile_to_c(str(tflite), file, compare=False)
    assert file.read_text() == ""


def test_names_become_identifiers():
    assert [c_identifier(n) for n in ("a-b", "1x", "grün", "")] == ["a_b", "model_1x", "gr_n", "model"]
    assert compile_to_c(TfliteModel(_two_inputs()), name="my net", compare=False).name == "my_net"


def test_an_unknown_layout_is_refused():
    with pytest.raises(MltkError, match="ardunio") as caught:
        compile_to_c(TfliteModel(_two_inputs()), layout="ardunio")
    assert "arduino" in str(caught.value.hint)


def test_two_inputs_and_an_output_that_is_given_twice(needs_tflm, tmp_path):
    compile_to_c(TfliteModel(_two_inputs()), tmp_path / "c")
    done = subprocess.run(["make", "selftest"], cwd=tmp_path / "c", capture_output=True, text=True, check=True)
    assert "PASS" in done.stdout


def _two_inputs() -> bytes:
    """(a + b, relu(a + b)), of which the first output is read by the second operator."""
    b = ModelBuilder()
    x, y, z, out = (b.tensor((1, 6), scale=0.1, zero_point=3) for _ in range(4))
    b.operator("ADD", [x, y], [z], ("AddOptions", {}), version=2)
    b.operator("RELU", [z], [out], version=2)
    return b.build([x, y], [z, out])


def test_random_samples_reach_many_outputs(tflite):
    results = compile_to_c(str(tflite), compare=False)
    recorded = results.files["selftest.c"].split("expected_0", 1)[1].split(";", 1)[0]
    values = {
        int(v)
        for v in recorded.replace("{", " ").replace("}", " ").replace(",", " ").split()
        if v.lstrip("-").isdigit()
    }
    assert len(values) > 3
    assert np.ptp(list(values)) > 3


def test_files_for_tflm_have_the_model_its_operators_and_arena(needs_tflm, tflite, tmp_path):
    from mltk.micro.memory.arena import measure_arena
    from mltk.operations.compile import export_for_tflm

    results = export_for_tflm(str(tflite), tmp_path / "tflm")
    assert results.ram_bytes == measure_arena(tflite.read_bytes()).total
    resolver = results.files["my_model_resolver.h"]
    assert "AddDepthwiseConv2D()" in resolver
    n = resolver.count("resolver.Add")
    assert f"MicroMutableOpResolver<{n}>" in resolver
    program = tmp_path / "size.cc"
    program.write_text(
        '#include <cstdio>\n#include "tflm/my_model_model.h"\n#include "tflm/my_model_test_vectors.h"\n'
        "int main() { std::fwrite(my_model_model, 1, my_model_model_size, stdout); return 0; }\n"
    )
    command = ["c++", "-std=c++17", "-Wall", "-Werror", "size.cc", "tflm/my_model_model.cc", "-o", "size"]
    subprocess.run(command, cwd=tmp_path, check=True)
    written = subprocess.run([tmp_path / "size"], capture_output=True, check=True).stdout
    assert written == tflite.read_bytes()


@pytest.mark.parametrize(
    ("operator", "method"),
    [
        ("MAX_POOL_2D", "AddMaxPool2D"),
        ("PADV2", "AddPadV2"),
        ("SPLIT_V", "AddSplitV"),
        ("RELU6", "AddRelu6"),
        ("BATCH_TO_SPACE_ND", "AddBatchToSpaceNd"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
    ],
)
def test_operators_have_the_method_names_of_the_resolver(operator, method):
    from mltk.codegen.tflm import resolver_methods
    from mltk.tflite.graph import graph_of

    b = ModelBuilder()
    x, y = (b.tensor((1, 4), scale=0.1, zero_point=0) for _ in range(2))
    b.operator(operator, [x], [y])
    assert resolver_methods(graph_of(b.build([x], [y]))) == [method]


def test_the_archive_gets_the_code_if_asked(trained):
    import mltk
    from mltk.specification.archive_file import ArchiveReader

    path = str(trained.parent / "toy_spec.mltk.zip")
    results = mltk.compile_model(path, update_archive=True)
    assert results.output is None
    with ArchiveReader(path) as archive:
        assert archive.read("c/toy_spec.h").decode() == results.files["toy_spec.h"]


def test_an_ethos_u_gets_a_tflite_and_says_what_stays_on_the_cpu(tflite, tmp_path, capsys):
    assert run_command("compile", tflite, "-a", "ethos-u55-128", "-o", tmp_path) == 0
    compiled = TfliteModel.load_flatbuffer_file(str(tmp_path / "my-model_vela.tflite"))
    assert any(op.name == "ethos-u" for op in compiled.graph.main.operators)
    assert "On the CPU" in capsys.readouterr().out


def test_an_accelerator_without_a_compiler_is_refused(tflite, tmp_path, capsys):
    assert run_command("compile", tflite, "-a", "mvp", "-o", tmp_path) == 1
    assert "ethos-u55-128" in capsys.readouterr().err
