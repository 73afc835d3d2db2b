"""The results in the first lines of the reference models are those that ``benchmarks/reference_models.py`` stored."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
STORED = json.loads((ROOT / "benchmarks" / "data" / "reference_models.json").read_text(encoding="utf-8"))
MODELS = {
    path.stem: " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split())
    for path in (ROOT / "src" / "mltk" / "models").glob("*/*.py")
    if "@mltk_model" in path.read_text(encoding="utf-8")
}
STAND_IN = "So far, this model was trained on a stand-in for its data only."


@pytest.mark.parametrize("name", STORED["figures"])
def test_a_model_says_what_was_measured(name: str) -> None:
    measured = STORED["figures"][name]
    share = measured["figure"] == "accuracy"
    figure = f"{measured['int8']:.1%}".replace("%", " %") if share else f"{measured['int8']:.3f}"
    assert "Result: " in MODELS[name]
    assert figure in MODELS[name].partition("Result: ")[2]
    assert STAND_IN not in MODELS[name]


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(STORED["figures"]) - {"keyword_spotting_synthetic"}))
def test_a_model_without_a_result_says_why(name: str) -> None:
    ran = STORED["dry_runs"].get(name, False)
    assert (STAND_IN in MODELS[name]) == ran
    assert "Result: " not in MODELS[name]
