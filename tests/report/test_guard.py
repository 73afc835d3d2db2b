"""Damaged data of any kind cost a section, and never the report."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from helpers.made_facts import anomaly_facts, classifier_facts, made_facts
from mltk.report.comparison import comparison
from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.report.guard import guarded
from mltk.report.model_report import model_report
from mltk.report.page import Section

WRONG: list[Any] = [None, -1, 1e999, "<script>", [], {}, [[1]], True, {"a": 1}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to all values inside JSON."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, child in list(inside)[:12]:
        found += places(child, (*path, key))
    return found


def damaged(value: Any, rng: random.Random) -> Any:
    """A copy with one to three values replaced by wrong ones, or removed."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        known = places(value)
        if not known:
            return value
        *path, last = rng.choice(known)
        parent = value
        for key in path:
            parent = parent[key]
        if rng.random() < 0.3:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(rng.choice(WRONG))
    return value


def damaged_facts(seed: int) -> ModelFacts:
    rng = random.Random(seed)
    whole = made_facts()
    evaluation = rng.choice([classifier_facts(), anomaly_facts()])
    broken = EvaluationFacts("tflite", damaged(evaluation.results, rng), damaged(evaluation.evidence, rng))
    return made_facts(
        manifest=damaged(whole.manifest, rng), history=damaged(whole.history, rng), weights=damaged(whole.weights, rng),
        evaluations=(broken,), parity=damaged({"engines": {"comparisons": []}, "samples": ""}, rng),
        quantization=damaged({"layers": [], "samples": "x", "n_samples": 1}, rng),
        stream=damaged({"curve": {}, "hours": 1.0}, rng), memory=damaged({"buffers": [{}], "size": 1}, rng),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_a_report_of_damaged_data_is_still_a_report(seed: int) -> None:
    page = model_report(damaged_facts(seed))
    assert page.endswith("</html>\n")
    assert 'id="making"' in page
    assert comparison([damaged_facts(seed), made_facts("b")]).endswith("</html>\n")


def test_a_section_says_what_is_damaged() -> None:
    def fail() -> Section:
        raise KeyError("edges")

    section = guarded("thresholds", fail)
    assert section is not None
    assert (section.id, section.title) == ("thresholds", "Thresholds")
    assert "KeyError: &#39;edges&#39;" in section.html


def test_numbers_that_json_does_not_have_are_damaged_data() -> None:
    section = guarded("a", lambda: Section("a", "A", "", "x();", {"loss": float("inf")}))
    assert section is not None
    assert "damaged" in section.html
