"""``mltk compile`` of audio models: the files that listen, in every layout, and notes where there are none."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from helpers.listening_models import listening_model
from mltk.audio.listening import Listening
from mltk.codegen.layouts import LAYOUTS
from mltk.errors import RuntimeFailure
from mltk.operations.compile import compile_to_c
from mltk.tflite.model import TfliteModel

PROGRAM = """
#include <stdio.h>
#include "ear_listen.h"

int main(void) {
    int16_t samples[4000];
    ear_detection found;
    uint32_t n_inferences;
    for (int i = 0; i < 4000; ++i) samples[i] = (int16_t)(i % 97 * 100);
    size_t taken = ear_listen(samples, 4000, &found);
    ear_listen_scores(&n_inferences);
    printf("%d taken, %d inferences, ", (int)taken, (int)n_inferences);
    printf("%s at %d ms\\n", found.class_name, (int)found.time_ms);
    return 0;
}
"""


def test_the_written_files_are_a_library_that_listens(tmp_path: Path) -> None:
    results = compile_to_c(TfliteModel(listening_model()), tmp_path / "c", name="ear")
    assert "ear_listen(): samples of a microphone in, detections out; at most" in results.to_text()
    assert f"at most {results.listen_ram_bytes:,} bytes" in results.files["ear_listen.h"]
    (tmp_path / "c" / "main.c").write_text(PROGRAM)
    done = subprocess.run(["make", "selftest"], cwd=tmp_path / "c", capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr  # no warning
    assert "PASS: 4 samples and sound, 0 values differ" in done.stdout
    assert results.n_listened == 8
    assert "8 inferences on generated sound: 0 scores differ" in results.to_text()
    command = ["cc", "-std=c99", "main.c", "-L.", "-lear", "-lm", "-o", "main"]
    subprocess.run(command, cwd=tmp_path / "c", check=True)
    shown = subprocess.run(["./main"], cwd=tmp_path / "c", capture_output=True, text=True, check=True).stdout
    # Inferences are at 390, 430 and 470 ms. At 8 kHz, 470 ms are 3760 samples.
    assert shown == "3760 taken, 3 inferences, yes at 470 ms\n"


def test_the_self_test_notices_other_features(tmp_path: Path) -> None:
    compile_to_c(TfliteModel(listening_model()), tmp_path, name="ear", compare=False)
    source = tmp_path / "ear_listen.c"
    text = source.read_text()
    assert "noise_reduction_enable = 1" in text
    source.write_text(text.replace("noise_reduction_enable = 1", "noise_reduction_enable = 0"))
    done = subprocess.run(["make", "selftest"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "FAIL: 4 samples and sound" in done.stdout


def test_wrong_scores_are_an_error_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listening, "amplify", lambda self, samples: samples // 2)
    with pytest.raises(RuntimeFailure, match="differs from Python: FAIL"):
        compile_to_c(TfliteModel(listening_model()), tmp_path / "c", name="ear")
    assert not (tmp_path / "c").exists()


def test_the_readme_says_what_is_detected() -> None:
    readme = compile_to_c(TfliteModel(listening_model()), name="ear", compare=False).files["README.md"]
    assert "runs the network each 40 ms" in readme
    assert "threshold: yes 90, no 90." in readme
    assert "averaged over 200 ms and at least 2 inferences" in readme
    assert "19 rows of 16 channels" in readme
    assert 'printf("%s, score %d of 255\\n"' in readme


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_builds_the_files_that_listen(layout: str) -> None:
    files = compile_to_c(TfliteModel(listening_model()), name="ear", compare=False, layout=layout).files
    folder = "" if layout == "cmake" else "src/"
    names = ("ear_listen.c", "ear_listen.h", "audio_frontend.c", "audio_frontend.h", "detector.c", "detector.h")
    assert {folder + name for name in names} <= set(files)
    build = {"cmake": "CMakeLists.txt", "zephyr": "CMakeLists.txt", "esp-idf": "CMakeLists.txt"}.get(layout)
    if build:
        assert "ear_listen.c" in files[build]
    if layout != "arduino":  # its libraries have no flags of their own
        assert "-ffp-contract=off" in files[build or "library.json"]


def test_cmake_links_the_mathematics_library_of_audio_models_only(cnn: bytes) -> None:
    audio = compile_to_c(TfliteModel(listening_model()), name="ear", compare=False).files
    other = compile_to_c(TfliteModel(cnn), name="net", compare=False)
    assert "target_link_libraries(ear PUBLIC m)" in audio["CMakeLists.txt"]
    assert "PUBLIC m" not in other.files["CMakeLists.txt"]
    assert "-lm" not in other.files["Makefile"]
    assert not [name for name in other.files if "listen" in name]
    assert other.notes == []


def test_what_cannot_listen_is_compiled_with_a_note() -> None:
    normalized: dict[str, Any] = {"samplewise_norm.mean_and_std": True}
    model = listening_model(**normalized)
    results = compile_to_c(TfliteModel(model), name="ear", compare=False)
    (note,) = results.notes
    assert note.startswith("No listening code was written (ear_listen). The features are normalized before")
    assert note.count("keras.layers.Rescaling") == 1
    assert "ear.c" in results.files
    assert "ear_listen.c" not in results.files
    assert "Listening" not in results.to_text()
    assert "Listening" not in results.files["README.md"]


def test_settings_that_never_detect_anything_are_a_note() -> None:
    results = compile_to_c(TfliteModel(listening_model(minimum_count=50)), name="ear", compare=False)
    assert "Nothing can be detected" in results.notes[0]
    assert "ear_listen.c" in results.files


def test_without_a_comparison_nothing_is_said_about_a_compiler() -> None:
    results = compile_to_c(TfliteModel(listening_model()), name="ear", compare=False)
    assert "Checked      not compared\n" in results.to_text()
    assert "compiler" not in results.to_text()
    assert results.n_listened == 0
    assert "The code was not compared with an interpreter." in results.files["README.md"]
