"""Models side by side."""

from __future__ import annotations

import re

from helpers.made_facts import classifier_facts, made_facts
from mltk.report.comparison import comparison, labels_of
from mltk.report.facts import EvaluationFacts, ModelFacts


def facts(name: str, accuracy: float, n: int = 300, **changes: object) -> ModelFacts:
    found = classifier_facts()
    evaluation = EvaluationFacts(
        "tflite", {**found.results, "overall_accuracy": accuracy, "n_samples": n}, found.evidence
    )
    return made_facts(name, evaluations=(evaluation,), **{"tflite_bytes": 1000, **changes})


def row(page: str, title: str) -> list[str]:
    found = re.search(rf"<tr><th[^>]*>{re.escape(title)}</th>(.*?)</tr>", page)
    assert found is not None, title
    return re.findall(r"<td[^>]*>(.*?)</td>", found[1])


def test_the_best_figure_of_each_row_is_marked() -> None:
    page = comparison([facts("a", 0.9, tflite_bytes=2000), facts("b", 0.6, tflite_bytes=1500)])
    assert row(page, "Accuracy, .tflite") == ["★ 90.0 %", "60.0 %"]
    assert row(page, "Flash, .tflite") == ["2 kB", "★ 1.5 kB"]
    assert row(page, "Samples of the evaluation") == ["300", "300"]
    assert "a has the highest accuracy: 90.0 %, then b: 60.0 %." in page


def test_a_difference_that_may_be_chance_is_said() -> None:
    assert "this difference may be chance" in comparison([facts("a", 0.91), facts("b", 0.9)])
    assert "may be chance" not in comparison([facts("a", 0.91, 100_000), facts("b", 0.9, 100_000)])


def test_figures_that_cannot_be_compared_are_said() -> None:
    page = comparison([facts("a", 0.9), facts("b", 0.6, 20), ModelFacts("c", "c")])
    assert "different numbers of samples" in page
    assert "c is not evaluated. Run: mltk evaluate c" in page


def test_only_settings_that_differ_are_listed() -> None:
    manifest = {"settings": {"epochs": 3, "batch_size": 32}}
    page = comparison(
        [facts("a", 0.9, manifest=manifest), facts("b", 0.9, manifest={"settings": {"epochs": 9, "batch_size": 32}})]
    )
    assert row(page, "epochs") == ["3", "9"]
    assert "batch_size" not in page


def test_models_of_one_name_get_different_labels() -> None:
    same = [ModelFacts("a", "x/a.mltk.zip"), ModelFacts("a", "y/a.mltk.zip")]
    assert labels_of(same) == ["x/a.mltk.zip", "y/a.mltk.zip"]
    assert labels_of([same[0], same[0]]) == ["a (1)", "a (2)"]
