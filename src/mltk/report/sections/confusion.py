"""Which classes are taken for which: the confusion matrix, with a threshold to reject uncertain answers."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from mltk.report.blocks import Cell, number, script, table
from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.report.markup import element, join
from mltk.report.numbers import count, percent
from mltk.report.page import Section

_MOST_CLASSES, _MOST_CONFUSIONS = 40, 20


def confusion(facts: ModelFacts) -> Section | None:
    """Return the confusion matrices of all evaluations of classes; None without one."""
    shown = [e for e in facts.evaluations if e.results.get("confusion_matrix")]
    main = facts.main_evaluation
    if not shown:
        return None
    shown.sort(key=lambda e: e is not main)
    data = {"mostClasses": _MOST_CLASSES, "evaluations": [_data(e) for e in shown]}
    html = join(
        element("div", class_="matrix-view"),
        _classes(shown[0], f"Each class: {shown[0].title}"),
        [element("details", element("summary", f"Each class: {e.title}"), _classes(e, "")) for e in shown[1:]],
    )
    return Section("confusion", "Classes and confusions", html, script("confusion"), data, short="Classes")


def _data(evaluation: EvaluationFacts) -> dict[str, Any]:
    evidence = evaluation.evidence or {}
    results = evaluation.results
    return {
        "title": evaluation.title,
        "classes": results["classes"],
        "matrix": results["confusion_matrix"],
        "edges": evidence.get("edges"),
        "decisions": evidence.get("decisions"),
    }


def _classes(evaluation: EvaluationFacts, title: str) -> Markup:
    results = evaluation.results
    matrix, classes = results["confusion_matrix"], results["classes"]
    precisions = results.get("class_precisions") or [None] * len(classes)
    areas = results.get("roc_auc") or [None] * len(classes)
    rows = []
    for i, name in enumerate(classes):
        recall = results["class_accuracies"][i]
        total, right = sum(matrix[i]), matrix[i][i]
        row = [
            Cell(name, long=True),
            number(count(total), total),
            number(count(total - right), total - right),
            number(percent(recall), recall),
            number(percent(precisions[i]), precisions[i]),
            number(percent(areas[i], 2), areas[i]),
        ]
        rows.append(row)
    head = ["class", "samples", "mistakes", "recall", "precision", "ROC AUC"]
    return join(
        element("h3", title) if title else None,
        table(head, rows, caption="Recall: share of the class's samples that are recognized. Precision: share of the "
              "answers with this class that are right.", tall=True),
        _confusions(matrix, classes),
    )  # fmt: skip


def _confusions(matrix: Any, classes: Any) -> Markup:
    wrong = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n]
    wrong.sort(key=lambda item: -item[0])
    rows = [
        (classes[i], classes[j], number(count(n), n), number(percent(n / sum(matrix[i])), n / sum(matrix[i])))
        for n, i, j in wrong[:_MOST_CONFUSIONS]
    ]
    if not rows:
        return element("p", "There are no mistakes.")
    head = ["true class", "taken for", "samples", "share of the class"]
    return element("details", element("summary", "The most frequent mistakes"), table(head, rows))
