"""xG24 with the MVP accelerator: 502 layers of 15 published models, measured on hardware.

Each operator has its own small model, a sum of counts with coefficients that can't be negative, fitted separately for
the cycles of the accelerator and of the CPU. Both work at the same time; how much of the shorter one shows is one more
number for each operator.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from mltk.micro.profile.features import LayerShape, layer_features

DATA = Path(__file__).resolve().parents[1] / "data" / "xg24_mvp_layers.json"
TICK_CYCLES = 2380  # times were taken with a 32,768 Hz clock
# The same network with another last layer or other words: leaving out only one of them proves little.
FAMILIES = (
    ("keyword_spotting_mobilenetv2", "keyword_spotting_with_transfer_learning"),
    ("keyword_spotting_on_off_v2", "keyword_spotting_pacman_v2"),
    ("keyword_spotting_on_off_v3", "keyword_spotting_pacman_v3"),
)
ACCELERATOR = {
    "conv_2d": ("layer", "macs", "macs_odd", "outputs", "positions", "taps"),
    "depthwise_conv_2d": ("macs", "wide_positions", "narrow_positions", "outputs"),
    "fully_connected": ("layer", "macs", "outputs"),
    "average_pool_2d": ("layer", "window", "outputs"),
    "max_pool_2d": ("layer", "window", "outputs"),
    "add": ("layer", "outputs"),
}
CPU = {
    "conv_2d": ("layer", "regions", "windowed"),
    "depthwise_conv_2d": ("layer", "wide_positions", "narrow_positions", "regions"),
    "fully_connected": ("layer", "inputs"),
    "average_pool_2d": ("layer", "positions", "windowed"),
    "max_pool_2d": ("layer", "channels"),
    "add": ("layer", "outputs"),
    "quantize": ("layer", "outputs"),
    "dequantize": ("layer", "outputs"),
    "softmax": ("layer", "outputs"),
    "mean": ("inputs", "outputs"),
    "pad": ("layer", "outputs"),
    "reshape": ("layer", "outputs"),
    "shape": ("layer",),
    "strided_slice": ("layer",),
    "pack": ("layer",),
}
# For operators outside the fit: about the cycles of a reference kernel that moves or maps elements.
UNSEEN = {"layer": 1000.0, "outputs": 25.0}


@dataclass(frozen=True)
class Row:
    """One measured layer; ``cycles`` is its time in clock cycles."""

    model: str
    shape: LayerShape
    counts: dict[str, float]
    accelerator: float
    cpu: float
    cycles: float


@dataclass
class MvpFit:
    """Coefficients by operator, and the share of the shorter one of CPU and accelerator time that is visible."""

    accelerator: dict[str, dict[str, float]]
    cpu: dict[str, dict[str, float]]
    overlap: dict[str, float]

    def predict(self, row: Row) -> tuple[float, float, float]:
        """Return accelerator cycles, CPU cycles and total cycles."""
        op = row.shape.operator
        accelerator = _sum(self.accelerator.get(op, {}), row.counts)
        cpu = _sum(self.cpu.get(op, UNSEEN), row.counts)
        both = max(accelerator, cpu) + self.overlap.get(op, 0.5) * min(accelerator, cpu)
        return accelerator, cpu, both


def _sum(coefficients: dict[str, float], counts: dict[str, float]) -> float:
    return sum(c * counts.get(name, 0.0) for name, c in coefficients.items())


def read() -> tuple[list[Row], dict[str, float]]:
    """Return the layers, and the published total of each model in cycles."""
    content = json.loads(DATA.read_text())
    clock = content["clock_hz"]
    rows, totals = [], {}
    for name, model in content["models"].items():
        totals[name] = model["time_us"] * 1e-6 * clock
        for op, given, made, kernel, stride, same, weights, accelerator, cpu, time_us in model["layers"]:
            shape = LayerShape(
                op,
                _dims(given),
                _dims(made),
                _pair(kernel),
                _pair(stride),
                same_padding=bool(same),
                weights=weights,
                macs=weights if op == "fully_connected" else 0,
            )
            rows.append(Row(name, shape, layer_features(shape), accelerator, cpu, time_us * 1e-6 * clock))
    return rows, totals


def _dims(text: str) -> tuple[int, ...]:
    return tuple(int(d) for d in text.split("x"))


def _pair(text: str) -> tuple[int, int]:
    height, width = _dims(text)
    return height, width


def _coefficients(rows: list[Row], names: tuple[str, ...], measured: Callable[[Row], float]) -> dict[str, float]:
    """Minimize the absolute relative error by reweighted non-negative least squares. Equal layers count once."""
    unique = {(r.shape.input, r.shape.output, r.shape.kernel, r.shape.stride): r for r in rows if measured(r) > 0}
    if not unique:
        return {}
    counts = np.array([[r.counts.get(n, 0.0) for n in names] for r in unique.values()])
    wanted = np.array([measured(r) for r in unique.values()])
    weight = 1 / wanted
    for _ in range(12):
        found, _ = nnls(counts * weight[:, None], wanted * weight)
        weight = 1 / wanted / np.sqrt(np.maximum(np.abs(counts @ found / wanted - 1), 0.02))
    return {n: float(c) for n, c in zip(names, found, strict=True) if c > 0}


def _overlap(rows: list[Row]) -> float | None:
    """Return the visible share of the shorter one, from layers that are long enough for the clock."""
    long = [r for r in rows if r.cycles > 10 * TICK_CYCLES and r.accelerator > 0]
    if not long:
        return None
    shares = np.linspace(0, 1, 41)
    errors = [
        np.median([abs((max(r.accelerator, r.cpu) + s * min(r.accelerator, r.cpu)) / r.cycles - 1) for r in long])
        for s in shares
    ]
    return float(shares[int(np.argmin(errors))])


def fit(rows: list[Row]) -> MvpFit:
    """Fit all operators to ``rows``."""
    by_operator: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_operator[row.shape.operator].append(row)
    result = MvpFit({}, {}, {})
    for op, own in by_operator.items():
        if op in ACCELERATOR and (found := _coefficients(own, ACCELERATOR[op], lambda r: r.accelerator)):
            result.accelerator[op] = found
        if op in CPU and (found := _coefficients(own, CPU[op], lambda r: r.cpu)):
            result.cpu[op] = found
        if (share := _overlap(own)) is not None:
            result.overlap[op] = share
    return result


@dataclass
class LeftOut:
    """Relative errors on the models that were left out."""

    layers: dict[str, list[float]]
    models: dict[str, float]


def leave_out(rows: list[Row], totals: dict[str, float], groups: Iterable[Iterable[str]]) -> LeftOut:
    """Fit without each group of models in turn, and predict that group."""
    errors: dict[str, list[float]] = defaultdict(list)
    models = {}
    for group in map(set, groups):
        fitted = fit([r for r in rows if r.model not in group])
        for name in group:
            total = 0.0
            for row in (r for r in rows if r.model == name):
                accelerator, cpu, cycles = fitted.predict(row)
                total += cycles
                if row.accelerator > 0:
                    errors["accelerator cycles"].append(accelerator / row.accelerator - 1)
                if row.cpu > 0:
                    errors["CPU cycles"].append(cpu / row.cpu - 1)
                if row.cycles > 0:
                    errors["time, all layers"].append(cycles / row.cycles - 1)
                if row.cycles > 10 * TICK_CYCLES:
                    errors["time, layers above 10 ticks of the timer"].append(cycles / row.cycles - 1)
            models[name] = total / totals[name] - 1
    return LeftOut(dict(errors), models)


def families(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the models in groups with the same network."""
    grouped = {name for family in FAMILIES for name in family}
    return [*FAMILIES, *((name,) for name in names if name not in grouped)]
