"""The tensor arena over time: which tensor is where, and how long."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from mltk.report.blocks import Cell, empty, number, table
from mltk.report.facts import ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import count, n_bytes
from mltk.report.page import Section

_LEFT, _TOP, _BOTTOM, _RIGHT, _HEIGHT = 66, 22, 40, 8, 294
_WIDEST, _USUAL, _NARROWEST = 90, 30, 6
"""Pixels of a step."""
_NARROW, _WIDE = 640, 1240
"""Pixels of all steps, unless each would be too wide or too narrow."""
_MOST_STEPS_NAMED = 40


def memory(facts: ModelFacts) -> Section:
    """Return the plan as a drawing and as a table."""
    plan = facts.memory
    if plan is None or not plan["buffers"]:
        text = "The model has no .tflite, so that its memory plan is not known."
        return Section("memory", "Memory over time", empty(text, f"mltk quantize {facts.command}"), short="Memory")
    fullest = max(range(len(plan["bytes_per_step"])), key=lambda i: plan["bytes_per_step"][i])
    text = (
        f"The activations take {n_bytes(plan['size'])}. Step {fullest} ({_step_of(plan, fullest)}) is the fullest. "
        f"No plan for this order of layers needs less than {n_bytes(plan['lower_bound'])}."
    )
    if facts.arena_bytes:
        text += (
            f" The tensor arena takes {count(facts.arena_bytes)} bytes in all, with the structures of the interpreter "
            f"({facts.arena_source.replace('stored', 'recorded')})."
        )
    html = join(
        element("p", text),
        element("div", _drawing(plan), class_="scroll memory", tabindex=0, role="region", aria_label="Memory plan"),
        element("details", element("summary", "Buffers as a table"), _table(plan)),
    )
    return Section("memory", "Memory over time", html, short="Memory")


def _step_name(plan: Plain, step: int) -> str:
    names = plan["steps"]
    return str(names[step]).lower() if step < len(names) else ""


def _step_of(plan: Plain, step: int) -> str:
    name = _step_name(plan, step)
    is_one_graph = all(not buffer.get("subgraph") for buffer in plan["buffers"])
    return f"layer {step - 1}, {name}" if step and is_one_graph else name.strip("()")


def _drawing(plan: Plain) -> Markup:
    steps = len(plan["bytes_per_step"])
    width = min(steps * _WIDEST, max(_NARROW, min(steps * _USUAL, _WIDE), steps * _NARROWEST))
    across, down = width / max(1, steps), (_HEIGHT - _TOP - _BOTTOM) / max(1, plan["size"])
    floor = _HEIGHT - _BOTTOM
    parts: list[Markup] = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = floor - share * plan["size"] * down
        parts.append(element("line", x1=_LEFT, x2=_LEFT + width, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        label = count(round(plan["size"] * share))
        parts.append(element("text", label, x=_LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    every = max(1, -(-steps // _MOST_STEPS_NAMED))
    for step in range(0, steps, every):
        parts.append(
            element("text", step, x=f"{_LEFT + (step + 0.5) * across:.1f}", y=floor + 16, text_anchor="middle")
        )
    middle = f"{_LEFT + width / 2:.0f}"
    parts.append(element("text", "bytes", x=_LEFT - 6, y=12, text_anchor="end"))
    axis = "step: 0 fills the inputs, 1 runs layer 0"
    parts.append(element("text", axis, x=middle, y=_HEIGHT - 6, text_anchor="middle"))
    for i, buffer in enumerate(plan["buffers"]):
        parts.append(_box(buffer, i, across, down, floor))
    box: dict[str, Any] = {"viewBox": f"0 0 {width + _LEFT + _RIGHT} {_HEIGHT}", "role": "img"}
    whole = width + _LEFT + _RIGHT
    style = f"min-width: {whole}px; max-width: {whole * 1.15:.0f}px"
    return element(
        "svg", parts, aria_label="Bytes of the arena over the steps; the table has the numbers", style=style, **box
    )


def _box(buffer: Plain, i: int, across: float, down: float, floor: float) -> Markup:
    top = floor - (buffer["offset"] + buffer["size"]) * down
    name = buffer.get("name") or "scratch buffer of a kernel"
    place = f"{count(buffer['size'])} bytes at {count(buffer['offset'])}"
    title = f"{name}: {place}, steps {buffer['first']} to {buffer['last']}"
    return element(
        "rect", element("title", title), class_="tensor", style=f"fill: var(--s{i % 10 + 1})",
        x=f"{_LEFT + buffer['first'] * across:.1f}", y=f"{top:.1f}",
        width=f"{(buffer['last'] - buffer['first'] + 1) * across:.1f}", height=f"{max(1.0, buffer['size'] * down):.1f}",
    )  # fmt: skip


def _table(plan: Plain) -> Markup:
    rows = [
        [
            Cell(buffer.get("name") or "scratch buffer of a kernel", long=True),
            number(count(buffer["size"]), buffer["size"]),
            number(count(buffer["offset"]), buffer["offset"]),
            number(str(buffer["first"]), buffer["first"]),
            number(str(buffer["last"]), buffer["last"]),
            Cell(_step_name(plan, buffer["first"])),
        ]
        for buffer in plan["buffers"]
    ]
    return table(["tensor", "bytes", "at", "from step", "to step", "made by"], rows, tall=True)
