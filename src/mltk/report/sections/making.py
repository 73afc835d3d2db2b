"""How the model was made: settings, data, environment, and the commands that make it again."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from mltk.report.blocks import Cell, code, empty, table
from mltk.report.facts import ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import figure
from mltk.report.page import Section

_LONGEST = 400


def making(facts: ModelFacts) -> Section | None:
    """Return the settings, the dataset, the environment and the commands; None for a ``.tflite`` alone."""
    if not facts.has_archive:
        return None
    manifest = facts.manifest
    if not manifest:
        text = "The archive has no manifest: a version of MLTK without one wrote it."
        return Section("making", "How it was made", empty(text), short="How it was made")
    html = join(
        element("h3", "Make it again"),
        code(_commands(facts), wrap=True),
        element("h3", "Dataset"),
        _pairs(_dataset(manifest), "Dataset"),
        element("h3", "Environment"),
        _pairs({**(manifest.get("versions") or {}), "platform": manifest.get("platform")}, "Environment"),
        element(
            "details", element("summary", "All settings"), _pairs(manifest.get("settings") or {}, "Settings", tall=True)
        ),
        element("details", element("summary", "The specification"), code(facts.source)) if facts.source else None,
    )
    return Section("making", "How it was made", html, short="How it was made")


def _commands(facts: ModelFacts) -> str:
    seed = facts.manifest.get("seed")
    lines = [f"mltk train {facts.command}"]
    if seed is not None and (facts.manifest.get("settings") or {}).get("seed") is None:
        lines.insert(0, f"# my_model.seed = {seed}    in the specification, for the same random numbers")
    lines += [f"mltk evaluate {facts.command} --tflite", f"mltk report {facts.command}"]
    return "\n".join(lines)


def _dataset(manifest: Plain) -> dict[str, Any]:
    facts = dict(manifest.get("dataset") or {})
    settings = manifest.get("settings") or {}
    classes = settings.get("classes")
    counts = facts.get("class_counts")
    if isinstance(counts, list) and isinstance(classes, list) and len(counts) == len(classes):
        facts["class_counts"] = {str(name): n for name, n in zip(classes, counts, strict=True)}
    for subset, numbers in (settings.get("class_counts") or {}).items():
        if numbers:
            facts[f"{subset} samples"] = numbers
    facts.setdefault("dataset", settings.get("dataset"))
    return {name: value for name, value in facts.items() if value is not None}


def _pairs(values: Plain, label: str, *, tall: bool = False) -> Markup:
    if not values:
        return empty("Nothing is recorded.")
    rows = [[Cell(str(name)), Cell(_text(value), long=True)] for name, value in values.items()]
    return table(["name", "value"], rows, label=label, tall=tall, sortable=tall)


def _plain(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "none" if value is None else figure(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) > 9999 else str(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(value: object) -> str:
    if isinstance(value, dict) and all(not isinstance(v, dict | list) for v in value.values()):
        text = ", ".join(f"{k}: {_text(v)}" for k, v in value.items())
    else:
        text = _plain(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
