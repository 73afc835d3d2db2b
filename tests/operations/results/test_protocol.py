"""Every operation's results look the same: as plain data, as text, as files."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mltk
from mltk.micro.parity import ParityReport
from mltk.operations.results.protocol import Results
from mltk.operations.results.quantization import QuantizationReport
from mltk.operations.shared.compare_layers import quantization_report
from mltk.operations.shared.load import resolve


def classification(trained: Path) -> Results:
    results = mltk.ClassifierEvaluationResults("m", ["a", "b"], notes=["said"])
    results.calculate(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    return results


def one_class_is_missing(trained: Path) -> Results:
    results = mltk.ClassifierEvaluationResults("m", ["a", "b", "c"])
    results.calculate(np.array([0, 1, 1]), np.eye(3)[[0, 1, 1]])
    return results


def anomalies(trained: Path) -> Results:
    results = mltk.AutoEncoderEvaluationResults("m", ["normal", "odd"])
    results.calculate(np.array([0, 0, 1, 1]), np.array([]), np.array([0.1, 0.2, 0.3, 0.9]))
    return results


def figures_of_its_own(trained: Path) -> Results:
    return mltk.EvaluationResults("m", "custom", error=np.float32(0.5), nothing=float("nan"), path=Path("a"))


def training(trained: Path) -> Results:
    history = {"loss": [1.0, float("nan")], "val_accuracy": [0.5, 0.75]}
    return mltk.TrainingResults(mltk.MltkModel(str(trained)), None, history, {"epochs": 2}, 3)


def summary_of_a_tflite(trained: Path) -> Results:
    return mltk.summarize_model(str(trained), tflite=True)


def summary_of_a_keras_model(trained: Path) -> Results:
    return mltk.summarize_model(str(trained))


def parity(trained: Path) -> Results:
    return mltk.check_parity(str(trained), n_samples=5)


def parity_without_a_float_model(trained: Path) -> Results:
    report = ParityReport(5, "tflm", {"tflm": "TFLM"}, {}, [])
    return mltk.ParityResults("m", "random", "", report, notes=["No float model."])


def profile(trained: Path) -> Results:
    return mltk.profile_model(str(trained))


def quantization(trained: Path) -> QuantizationReport:
    reference = resolve(str(trained))
    model, float_model = reference.tflite_model(), reference.float_tflite_model()
    assert float_model is not None
    return quantization_report(model, float_model, [np.zeros((4, 4), np.int8)])


ALL = [
    classification,
    one_class_is_missing,
    anomalies,
    figures_of_its_own,
    training,
    summary_of_a_tflite,
    summary_of_a_keras_model,
    parity,
    parity_without_a_float_model,
    profile,
    quantization,
]


def refuse(literal: str) -> Any:
    raise AssertionError(f"{literal} is not JSON")


@pytest.mark.parametrize("make", ALL)
def test_results_have_one_protocol(make: Callable[[Path], Results], trained: Path, tmp_path: Path) -> None:
    results = make(trained)
    assert isinstance(results, Results)
    content = json.loads(results.to_json(), parse_constant=refuse)
    assert set(content) == set(results.to_dict())
    assert results.to_json(indent=1).startswith("{\n ")
    assert str(results)
    assert results.to_text(80)
    folder = tmp_path / "a" / "folder"
    written = results.save(str(folder))
    assert sorted(written) == sorted(str(p) for p in folder.iterdir())
    extensions = {Path(p).suffix for p in written}
    assert {".json", ".txt"} <= extensions <= {".json", ".txt", ".png"}


@pytest.mark.parametrize("make", ALL)
def test_the_extension_chooses_the_format(make: Callable[[Path], Results], trained: Path, tmp_path: Path) -> None:
    results = make(trained)
    as_json, as_text = tmp_path / "some.json", tmp_path / "some.txt"
    assert results.save(str(as_json)) == [str(as_json)]
    assert results.save(str(as_text)) == [str(as_text)]
    assert json.loads(as_json.read_text(), parse_constant=refuse) == json.loads(results.to_json())
    assert as_text.read_text().strip()
    assert {p.name for p in tmp_path.glob("some*")} == {"some.json", "some.txt"}


def test_nan_is_null_and_arrays_are_lists(trained: Path) -> None:
    results = one_class_is_missing(trained).to_dict()
    assert results["class_accuracies"][2] is None
    assert results["confusion_matrix"] == [[1, 0, 0], [0, 2, 0], [0, 0, 0]]
    assert figures_of_its_own(trained).to_dict()["nothing"] is None


def test_running_text_is_wrapped() -> None:
    results = mltk.EvaluationResults("m", notes=["a note of many words " * 8])
    assert max(map(len, results.to_text(60).splitlines())) <= 60


def test_a_specification_may_override_what_0_20_has(tmp_path: Path) -> None:
    class Mine(mltk.EvaluationResults):
        def generate_summary(self, include_all: bool = True) -> str:
            return "mine"

    assert str(Mine("m")) == Mine("m").to_text() == "mine"
    Mine("m").save(str(tmp_path))
    assert (tmp_path / "summary.txt").read_text() == "mine\n"


def test_names_of_0_20_are_the_same_thing(trained: Path) -> None:
    results = training(trained)
    assert isinstance(results, mltk.TrainingResults)
    assert results.asdict() == results.to_dict()
    profiled = profile(trained)
    assert isinstance(profiled, mltk.ProfilingModelResults)
    assert profiled.to_string() == str(profiled)


def test_a_summary_is_a_str_with_facts(trained: Path) -> None:
    summary = mltk.summarize_model(str(trained), tflite=True)
    assert isinstance(summary, str)
    facts = summary.to_dict()
    assert facts["summary"] == summary
    assert facts["parameters"]["threshold"] == 190
    assert [layer["operator"] for layer in facts["layers"]] == ["fully_connected", "fully_connected", "softmax"]
    again = pickle.loads(pickle.dumps(summary))
    assert again == summary
    assert again.to_dict() == facts
    assert mltk.summarize_model(str(trained)).to_dict()["classes"] == ["red", "green", "blue"]
