"""What the model costs on a device, layer by layer, for each chosen target."""

from __future__ import annotations

from markupsafe import Markup

from mltk.report.blocks import Cell, bar, command, empty, number, script, table
from mltk.report.facts import ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import count, seconds, short
from mltk.report.page import Section


def cost(facts: ModelFacts) -> Section:
    """Return the totals of all targets, and the layers of the chosen target."""
    if not facts.costs:
        text = "The model has no .tflite, so that its cost is not known."
        return Section("cost", "Cost on a device", empty(text, f"mltk quantize {facts.command}"), short="Cost")
    choice = [element("option", _title(c), value=i) for i, c in enumerate(facts.costs)]
    chooser = element("label", "Layers on", element("select", choice, class_="target"))
    html = join(
        _totals(facts.costs),
        element("p", "These are estimates from the shapes of the layers and published measurements. ",
                command(f"mltk profile {facts.command} --emulate cortex-m4"), " counts instead."),
        element("div", chooser, class_="controls no-print"),
        [_layers(c, hidden=i > 0) for i, c in enumerate(facts.costs)],
    )  # fmt: skip
    return Section("cost", "Cost on a device", html, script("cost"), None, short="Cost")


def _title(profile: Plain) -> str:
    return str(profile["summary"].get("target") or profile["details"].get("target") or "any device")


def _totals(profiles: tuple[Plain, ...]) -> Markup:
    rows = []
    for profile in profiles:
        total, details = profile["summary"], profile["details"]
        error = details.get("time_error")
        time = total.get("time")
        at_least = total.get("time_at_least")
        shown = seconds(time) if time else f"> {seconds(at_least)}" if at_least else seconds(None)
        rows.append(
            [
                Cell(_title(profile), long=True),
                number(shown, time or at_least),
                number("" if error is None else f"± {error * 100:.0f} %", error),
                number(short(total.get("inf_per_sec")), total.get("inf_per_sec")),
                number(short(total.get("cpu_cycles")), total.get("cpu_cycles")),
                number(count(_unsupported(total)), _unsupported(total)),
            ]
        )
    head = ["target", "time", "error", "inferences a second", "CPU cycles", "layers not supported"]
    return table(head, rows, caption="One inference on each target")


def _unsupported(total: Plain) -> int:
    return int(total.get("n_unsupported_layers") or 0)


def _layers(profile: Plain, *, hidden: bool) -> Markup:
    layers = profile["layers"]
    whole = sum(layer.get("time") or 0 for layer in layers) or 1.0
    rough = set(profile["details"].get("rough_layers") or [])
    rows = []
    for layer in layers:
        share = (layer.get("time") or 0) / whole
        name = f"{layer['index']} {layer['opcode']}{' ~' if layer['index'] in rough else ''}"
        rows.append(
            [
                Cell(name, float(layer["index"])),
                Cell(element("span", bar(share), f" {share * 100:.0f} %", class_="nowrap"), share),
                number(seconds(layer.get("time")), layer.get("time")),
                number(short(layer.get("macs")), layer.get("macs")),
                number(count(layer.get("flash")), layer.get("flash")),
                number(count(layer.get("ram")), layer.get("ram")),
                Cell(layer.get("output_shape", "")),
                Cell(element("span", layer.get("options", ""), class_="nowrap")),
            ]
        )
    head = ["layer", "share of the time", "time", "MACs", "flash, bytes", "RAM, bytes", "output", "options"]
    notes = [element("p", note, class_="muted") for note in profile["details"].get("notes") or []]
    made = table(head, rows, caption=f"Layers on {_title(profile)}", tall=True)
    return element("div", made, notes, class_="layers", hidden=hidden)
