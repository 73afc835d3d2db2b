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
    assert "a has the highest accuracy: 90.0\u00a0%, then b: 60.0\u00a0%." in page


def test_a_difference_that_may_be_chance_is_said() -> None:
    assert "this difference may be chance" in comparison([facts("a", 0.91), facts("b", 0.9)])
    assert "may be chance" not in comparison([facts("a", 0.91, 100_000), facts("b", 0.9, 100_000)])


def test_figures_that_cannot_be_compared_are_said() -> None:
    page = comparison([facts("a", 0.9), facts("b", 0.6, 20), ModelFacts("c", "c")])
    assert "different numbers of samples" in page
    assert "c is not evaluated. Run: mltk evaluate c" in page


def test_accuracies_of_different_classes_have_no_best_one() -> None:
    other = {"settings": {"classes": ["x", "y"]}}
    page = comparison([facts("a", 0.9, tflite_bytes=2000), facts("b", 0.6, manifest=other)])
    assert "different classes, so that their accuracies can&#39;t be compared" in page
    assert "highest accuracy" not in page
    assert row(page, "Accuracy, .tflite") == ["90.0 %", "60.0 %"]
    assert row(page, "Flash, .tflite") == ["2 kB", "★ 1 kB"]


def test_spotters_are_compared_on_their_streams() -> None:
    curve = {"false_accepts_per_hour": [9.0, 3.0], "false_reject_rate": [0.1, 0.2]}
    one = {"hours": 1.0, "recordings": ["r"], "n_keywords": 10, "false_accepts_per_hour": 3.0, "false_reject_rate": 0.2,
           "curve": curve}  # fmt: skip
    two = {**one, "hours": 2.0, "false_accepts_per_hour": 1.5}
    page = comparison([facts("a", 0.9, stream=one), facts("b", 0.9, stream=two), facts("c", 0.9)])
    assert row(page, "False accepts an hour") == ["3", "1.5", "–"]
    assert "The streams differ" in page
    same = comparison([facts("a", 0.9, stream=one), facts("b", 0.9, stream={**one, "false_accepts_per_hour": 1.5})])
    assert row(same, "False accepts an hour") == ["3", "★ 1.5"]
    assert "The streams differ" not in same
    assert '<section id="curves"' in page


def test_a_setting_that_is_none_is_not_called_unknown() -> None:
    manifests = [{"settings": {"seed": seed}} for seed in (None, 3)]
    page = comparison([facts(name, 0.9, manifest=m) for name, m in zip("ab", manifests, strict=True)])
    assert row(page, "seed") == ["none", "3"]


def test_only_settings_that_differ_are_listed() -> None:
    manifest = {"settings": {"epochs": 3, "batch_size": 32}}
    page = comparison(
        [facts("a", 0.9, manifest=manifest), facts("b", 0.9, manifest={"settings": {"epochs": 9, "batch_size": 32}})]
    )
    assert row(page, "epochs") == ["3", "9"]
    assert "batch_size" not in page


def test_models_of_one_name_get_different_labels() -> None:
    same = [ModelFacts("a", "x/a.mltk.zip"), ModelFacts("a", "y/a.mltk.zip")]
    assert labels_of(same) == ["x/a", "y/a"]
    assert labels_of([same[0], same[0]]) == ["a (1)", "a (2)"]
