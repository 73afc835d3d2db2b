"""What quantization costs, layer by layer."""

from __future__ import annotations

from mltk.report.blocks import Cell, bar, empty, notes, number, table
from mltk.report.facts import ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import percent
from mltk.report.page import Section

_BEST_DB, _NOISY_DB, _EQUAL_DB = 60.0, 10.0, 120.0


def quantization(facts: ModelFacts) -> Section | None:
    """Return the layers of the quantized model, compared with those of the float model; None if there is none."""
    report = facts.quantization
    if report is None and not facts.has_archive:
        return None
    if report is None:
        text = "The layers of the .tflite were not compared with those of the float model."
        section = empty(text, f"mltk report {facts.command}")
        return Section("quantization", "Quantization, layer by layer", section, short="Quantization")
    layers = report["layers"]
    text = (
        f"The output of each layer, compared with that of the float model on {report['n_samples']} samples "
        f"({report['samples']}). SQNR is the ratio of signal to quantization noise. About 40 dB is good for 8 bits. "
        f"Less than {_NOISY_DB:g} dB is noisy."
    )
    head = ["layer", "SQNR", "dB", "lost here, dB", "cosine", "beyond the range", "range used", "dead channels"]
    advice = [("warn", f"{str(tip)[:1].upper()}{str(tip)[1:]}.") for tip in report.get("advice") or []]
    unmatched = report.get("unmatched") or []
    html = join(
        element("p", text),
        notes(advice),
        table(head, [_row(layer) for layer in layers], caption="Layers in the order of execution", tall=True),
        element("p", f"Without a counterpart in the float model: {', '.join(map(str, unmatched))}.", class_="muted")
        if unmatched
        else None,
    )
    return Section("quantization", "Quantization, layer by layer", html, short="Quantization")


def _row(layer: Plain) -> list[Cell]:
    sqnr, drop = layer["sqnr_db"], layer["drop_db"]
    dead = layer["dead_channels"]
    is_equal = sqnr >= _EQUAL_DB
    after_equal = drop > _EQUAL_DB - _BEST_DB  # the input had no noise, so that all of it appears here
    return [
        Cell(f"{layer['index']} {layer['operator'].lower()}", float(layer["index"])),
        Cell(bar(sqnr / _BEST_DB, level="bad" if sqnr < _NOISY_DB else ""), sqnr),
        number("equal" if is_equal else f"{sqnr:.1f}", sqnr),
        number(f"{drop:.1f}" if drop > 0.05 and not after_equal else "–", drop),
        number(f"{layer['cosine']:.4f}", layer["cosine"]),
        number(percent(layer["saturation"], 2), layer["saturation"]),
        number(percent(layer["range_use"], 0), layer["range_use"]),
        number(f"{dead} of {layer['n_channels']}" if dead else "–", dead),
    ]
