"""Do host and device compute the same? The engines side by side."""

from __future__ import annotations

from mltk.report.blocks import Cell, empty, number, table
from mltk.report.facts import ModelFacts
from mltk.report.markup import Child, element, join
from mltk.report.numbers import count, figure, percent
from mltk.report.page import Section

_NAMES = {
    "tflm": "TensorFlow Lite Micro",
    "litert-reference": "LiteRT, reference kernels",
    "litert-xnnpack": "LiteRT, default path (XNNPACK)",
    "float": "the float model",
}


def parity(facts: ModelFacts) -> Section:
    """Return the comparison of the engines."""
    if facts.parity is None:
        text = "The engines were not compared."
        return Section("parity", "Parity of the engines", empty(text, f"mltk report {facts.command}"), short="Parity")
    engines = facts.parity["engines"]
    reference = _NAMES.get(engines["reference"], engines["reference"])
    text = (
        f"The same {engines['n_samples']} samples ({facts.parity['samples']}) on each engine. "
        + (f"All engines compute what {reference} computes, value for value." if engines["all_equal"] else
           f"Engines that differ from {reference} do not compute what a device computes.")
    )  # fmt: skip
    rows: list[list[Cell | Child]] = [
        [
            _name(c["engine"]),
            _name(c["reference"]),
            number(percent(c["share"], 2), c["share"]),
            number(count(c["samples_differing"]), c["samples_differing"]),
            number(figure(float(c["largest"])), c["largest"]),
            number("–" if c["flips"] is None else count(c["flips"]), c["flips"]),
            Cell(_divergence(c.get("first_divergence")), long=True),
        ]
        for c in engines["comparisons"]
    ]
    head = ["engine", "compared with", "values that differ", "samples that differ", "largest difference, levels",
            "other answer",
            "first layer that differs"]  # fmt: skip
    ran = [element("li", f"{_name(name)}: {about}") for name, about in engines["engines"].items()]
    failed = [element("li", f"{_name(name)} did not run: {why}") for name, why in engines["failures"].items()]
    html = join(
        element("p", text),
        table(head, rows, caption="Engines compared"),
        element("details", element("summary", "Versions of the engines"), element("ul", ran, failed)),
    )
    return Section("parity", "Parity of the engines", html, short="Parity")


def _name(engine: str) -> str:
    return _NAMES.get(engine, str(engine))


def _divergence(layer: object) -> str:
    if not isinstance(layer, dict):
        return ""
    return f"{layer['index']} {layer['operator'].lower()}, in {percent(layer['share'], 2)} of its values"
