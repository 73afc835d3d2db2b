"""What a reader is told first."""

from __future__ import annotations

import pytest

from helpers.made_facts import anomaly_facts, classifier_facts, made_facts
from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.report.verdict import headline, verdict


def with_results(evaluation: EvaluationFacts, **changes: object) -> EvaluationFacts:
    return EvaluationFacts(evaluation.key, {**evaluation.results, **changes}, evaluation.evidence)


def texts(facts: ModelFacts, level: str | None = None) -> str:
    return "\n".join(text for found, text in verdict(facts) if level in (None, found))


def test_the_headline_has_the_accuracy_and_its_certainty() -> None:
    facts = made_facts()
    accuracy = facts.evaluations[0].results["overall_accuracy"]
    assert f"The .tflite model classifies {accuracy:.1%}".replace("%", " %") in headline(facts)
    assert "With 95 % certainty" in headline(facts)


def test_a_model_that_is_not_evaluated_has_no_accuracy() -> None:
    trained = ModelFacts("a", "a", history={"loss": [1.0]})
    assert headline(trained) == "The model is trained, but not evaluated."
    assert headline(ModelFacts("a", "a", has_archive=False)).startswith("This is a .tflite without its archive")
    assert verdict(ModelFacts("a", "a")) == []


def test_results_of_mltk_020_have_the_samples_of_their_matrix() -> None:
    found = classifier_facts()
    kept = ("model_type", "classes", "overall_accuracy", "class_accuracies", "confusion_matrix")
    results = {k: found.results[k] for k in kept}
    facts = made_facts(evaluations=(EvaluationFacts("tflite", results),))
    assert "of 300 samples correctly" in headline(facts)
    assert "does not say what computed the .tflite" in texts(facts, "warn")
    del results["confusion_matrix"]
    assert "does not say how many" in headline(made_facts(evaluations=(EvaluationFacts("tflite", results),)))


@pytest.mark.parametrize(
    ("after", "level", "text"),
    [
        (0.9, "good", "costs no accuracy"),
        (0.895, "good", "costs 0.50 points of accuracy (2 of 300 samples)"),
        (0.91, "good", "gains 1.00 points"),
        (0.88, "warn", "costs 2.00 points"),
        (0.8, "bad", "costs 10.00 points"),
    ],
)
def test_the_cost_of_quantization_is_judged(after: float, level: str, text: str) -> None:
    keras = with_results(classifier_facts("keras"), overall_accuracy=0.9)
    tflite = with_results(classifier_facts("tflite"), overall_accuracy=after)
    assert text in texts(made_facts(evaluations=(tflite, keras)), level)


def test_an_engine_that_is_not_the_devices_is_said() -> None:
    tflite = with_results(classifier_facts(), engine="litert-reference", engine_description="LiteRT 2")
    assert "LiteRT 2, not with TensorFlow Lite Micro" in texts(made_facts(evaluations=(tflite,)), "warn")
    assert "as the device computes" in texts(made_facts(), "good")


def test_a_model_that_always_answers_the_same_is_a_problem() -> None:
    tflite = with_results(
        classifier_facts(classes=["a", "b"]), classes=["a", "b"], overall_accuracy=0.6, class_accuracies=[1.0, 0.0],
        confusion_matrix=[[60, 0], [40, 0]],
    )  # fmt: skip
    facts = made_facts(evaluations=(tflite,))
    assert "Always answering 'a' would be right for 60.0 %" in texts(facts, "bad")
    assert "Only 0.0 % of the samples of 'b' are recognized" in texts(facts, "warn")
    assert "40 of 40 samples of 'b' are taken for 'a'" in texts(facts)


def test_an_evaluation_of_one_class_proves_little() -> None:
    tflite = with_results(
        classifier_facts(classes=["a", "b"]), classes=["a", "b"], overall_accuracy=1.0, class_accuracies=[1.0, None],
        confusion_matrix=[[60, 0], [0, 0]],
    )  # fmt: skip
    facts = made_facts(evaluations=(tflite,))
    assert "All samples of the evaluation are of the class 'a'" in texts(facts, "warn")
    assert "learned nothing" not in texts(facts)


def test_few_samples_and_learning_by_heart_are_said() -> None:
    tflite = with_results(classifier_facts(), confusion_matrix=[[100, 0, 0], [0, 20, 0], [0, 0, 50]])
    assert "fewer than 30 samples of 'dog'" in texts(made_facts(evaluations=(tflite,)), "warn")
    history = {"accuracy": [0.5, 0.99], "val_accuracy": [0.5, 0.7]}
    assert "on training data is 99.0 %, on validation data 70.0 %" in texts(made_facts(history=history), "warn")


def test_a_training_that_diverged_is_a_problem() -> None:
    assert "was not finite" in texts(made_facts(history={"val_loss": [1.0, None]}), "bad")


def test_an_epoch_without_a_figure_is_not_compared() -> None:
    facts = made_facts(history={"accuracy": [0.5, None], "val_accuracy": [0.5, 0.7]})
    assert "learned samples by heart" not in texts(facts)


@pytest.mark.parametrize(("accepts", "rejects", "level"), [(0.5, 0.1, "good"), (4.0, 0.1, ""), (9.0, 0.1, "warn"),
                                                           (0.5, 0.4, "warn")])  # fmt: skip
def test_a_stream_is_judged(accepts: float, rejects: float, level: str) -> None:
    stream = {"false_accepts_per_hour": accepts, "false_reject_rate": rejects, "n_keywords": 10, "hours": 1.0}
    said = texts(made_facts(stream=stream), level)
    expected = (
        f"In 1 hour of audio, the detector is wrong {accepts:g} times an hour, and misses {rejects:.1%} of 10 keywords"
    )
    assert expected.replace("%", " %") in said
    assert ("mltk tune made" in said) == (level == "warn")


def test_errors_in_little_audio_are_counted() -> None:
    stream = {"hours": 0.00383, "false_accepts": 4, "false_accepts_per_hour": 1043.2, "n_keywords": 0}
    said = texts(made_facts(stream=stream), "warn")
    assert "In 13.8 seconds of audio, the detector is wrong 4 times, which is 1,043 times an hour. This" in said


def test_a_loss_that_still_falls_is_said() -> None:
    assert "more epochs may still help" in texts(made_facts(history={"val_loss": [5.0, 4.0, 3.0, 2.0, 1.0]}))
    assert "more epochs" not in texts(made_facts(history={"val_loss": [5.0, 4.0, 3.0, 1.0, 2.0]}))


def test_false_alarms_of_an_autoencoder_are_counted() -> None:
    evaluation = anomaly_facts()
    best = evaluation.results["overall_best_threshold"]
    evidence = evaluation.evidence or {}
    alarms = sum(n for n, edge in zip(evidence["positive"][0], evidence["edges"], strict=False) if edge >= best)
    facts = made_facts(evaluations=(evaluation,))
    assert f"{alarms} of 60 normal samples" in texts(facts)
    assert "separates normal from abnormal" in headline(facts)


def test_what_is_wrong_comes_first() -> None:
    facts = made_facts(missing=("train/training-history.json in the archive is damaged.",))
    order = [level for level, _ in verdict(facts)]
    assert order == sorted(order, key=["bad", "warn", "good", ""].index)
    assert "is damaged" in texts(facts, "warn")
