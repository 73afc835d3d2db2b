"""The fit as data files: ``src/mltk/micro/targets/*.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cycle_fit.cores import BOARDS, CONV, DENSE, DEPTHWISE, POOL, CoreFit
from cycle_fit.mvp import LeftOut, MvpFit

FOLDER = Path(__file__).resolve().parents[2] / "src" / "mltk" / "micro" / "targets"
Table = dict[str, dict[str, float]]

MLPERF = "MLPerf Tiny, published latencies of DS-CNN, MobileNetV1-0.25, ResNet-8 and the autoencoder on "
TITLES = {
    "cortex-m0plus": ("Cortex-M0+ (STM32G0B1, 64 MHz)", "Cortex-M0+", "the vendor's, without DSP instructions"),
    "cortex-m4-reference": ("Cortex-M4 (STM32L4R5, 120 MHz), reference kernels", "Cortex-M4", "TFLM reference kernels"),
    "cortex-m4": ("Cortex-M4 (STM32L4R5, 120 MHz), CMSIS-NN", "Cortex-M4", "CMSIS-NN class"),
    "cortex-m7": ("Cortex-M7 (STM32H7A3, 280 MHz), CMSIS-NN", "Cortex-M7", "CMSIS-NN class"),
    "cortex-m33": ("Cortex-M33 (STM32U575, 160 MHz), CMSIS-NN", "Cortex-M33", "CMSIS-NN class"),
    "cortex-m85": ("Cortex-M85 (RA8D1, 480 MHz), CMSIS-NN with Helium", "Cortex-M85", "CMSIS-NN class, Helium"),
}
# Cycles of plain code against a Cortex-M33's, which the xG24 measurements are of: instruction timing, not fitted.
PLAIN_CODE = {"Cortex-M0+": 2.0, "Cortex-M4": 1.1, "Cortex-M7": 0.65, "Cortex-M33": 1.0, "Cortex-M85": 0.6}
# An operator without measurements, and the measured one whose kernel does about as much for each element.
ALIKE = {
    "reshape": ("concatenation", "split", "split_v", "squeeze", "expand_dims", "read_variable", "assign_variable"),
    "pad": ("padv2", "transpose", "slice", "gather", "mirror_pad", "resize_nearest_neighbor", "space_to_depth"),
    "softmax": ("logistic", "tanh", "log_softmax", "exp", "hard_swish", "gelu"),
    "mean": ("sum", "reduce_max"),
    "quantize": ("relu", "relu6", "leaky_relu", "prelu", "minimum", "maximum"),
    "add": ("sub", "mul", "squared_difference"),
    "shape": ("var_handle", "call_once"),
    CONV: ("transpose_conv",),
    POOL: ("max_pool_2d",),
    DENSE: ("batch_matmul", "svdf", "unidirectional_sequence_lstm"),
}
MEASURED_ON_BOARDS = (CONV, DEPTHWISE, DENSE, POOL, "add", "softmax")
OTHERS = {"layer": 1500.0, "outputs": 40.0}
# target: (title, core, clock in Hz, kernels, whose coefficients, cycles against it, why)
SCALED: dict[str, tuple[str, str, float, str, str, float, str]] = {
    "cortex-m55": (
        "Cortex-M55 (400 MHz), CMSIS-NN with Helium", "Cortex-M55", 400e6, "CMSIS-NN class, Helium", "cortex-m85", 1.2,
        "Arm gives the Cortex-M85 about 20 % more machine-learning performance at the same clock",
    ),
    "cortex-m7-reference": (
        "Cortex-M7 (280 MHz), reference kernels", "Cortex-M7", 280e6, "TFLM reference kernels", "cortex-m4-reference",
        0.6, "the Cortex-M7 needs 0.6 of a Cortex-M4's cycles with CMSIS-NN class kernels",
    ),
    "cortex-m33-reference": (
        "Cortex-M33 (160 MHz), reference kernels", "Cortex-M33", 160e6, "TFLM reference kernels",
        "cortex-m4-reference", 0.9, "the Cortex-M33 needs 0.9 of a Cortex-M4's cycles with CMSIS-NN class kernels",
    ),
    "cortex-m55-reference": (
        "Cortex-M55 (400 MHz), reference kernels", "Cortex-M55", 400e6, "TFLM reference kernels",
        "cortex-m4-reference", 0.85, "scalar code on the Cortex-M55 is a little ahead of the Cortex-M33's",
    ),
    "cortex-m85-reference": (
        "Cortex-M85 (480 MHz), reference kernels", "Cortex-M85", 480e6, "TFLM reference kernels",
        "cortex-m4-reference", 0.55, "scalar code on the Cortex-M85 is a little ahead of the Cortex-M7's",
    ),
}  # fmt: skip
ALIASES = {
    "cortex-m4": ["m4", "cortex-m4-cmsis-nn", "cmsis"],
    "cortex-m7": ["m7", "cortex-m7-cmsis-nn"],
    "cortex-m33": ["m33", "cortex-m33-cmsis-nn"],
    "cortex-m55": ["m55", "cortex-m55-cmsis-nn"],
    "cortex-m85": ["m85", "cortex-m85-cmsis-nn"],
    "cortex-m0plus": ["m0", "m0plus", "cortex-m0+", "cortex-m0plus-reference"],
}
BOARD_BASIS = "largest error on the four MLPerf Tiny networks, each left out of the fit, and at least 25 %"
LEAST_ERROR, SCALED_ERROR = 0.25, 0.5
# Vela's accelerator configurations, with a system of Arm's vela.ini and the core beside it.
ETHOS = {
    "ethos-u55": ((32, 64, 128, 256), "Ethos_U55_High_End_Embedded", "Shared_Sram", 500e6, "cortex-m55"),
    "ethos-u65": ((256, 512), "Ethos_U65_High_End", "Dedicated_Sram", 1e9, "cortex-m55"),
    "ethos-u85": ((128, 256, 512, 1024, 2048), "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram_384KB", 1e9, "cortex-m85"),
}
ETHOS_DEFAULT = {"ethos-u55": 128, "ethos-u65": 256, "ethos-u85": 256}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return value


def _with_alike(table: Table) -> tuple[Table, list[str]]:
    """Return ``table`` with the operators that are estimated like another one, and their names."""
    added = {name: table[op] for op, names in ALIKE.items() if op in table for name in names if name not in table}
    return {**table, **added}, sorted(added)


def _board_table(coefficients: dict[tuple[str, str], float], plain: Table) -> tuple[Table, list[str]]:
    """Return coefficients by operator. ``plain`` has those of operators that MLPerf Tiny does not use."""
    overhead = coefficients["*", "layer"]
    table: Table = {}
    for (op, count), cycles in coefficients.items():
        if op != "*":
            table.setdefault(op, {"layer": overhead})[count] = cycles
    own = set(table)
    table = {**{op: row for op, row in plain.items() if op not in own}, **table}
    table, alike = _with_alike(table)
    table["*"] = {**OTHERS, "outputs": OTHERS["outputs"] * plain["quantize"]["outputs"] / 34}
    return table, sorted({*alike, *(set(plain) - set(MEASURED_ON_BOARDS))})


def _plain_code(mvp: MvpFit, core: str) -> Table:
    """Return the operators that ran as plain code on the xG24's Cortex-M33, in cycles of ``core``."""
    operators = [op for op in mvp.cpu if op not in mvp.accelerator]
    return {op: {k: v * PLAIN_CODE[core] for k, v in mvp.cpu[op].items()} for op in operators}


def write_targets(
    mvp: MvpFit,
    one: LeftOut,
    family: LeftOut,
    cores: CoreFit,
    by_network: dict[tuple[str, str], float],
) -> list[Path]:
    """Write all targets. Return their paths."""
    del family  # its errors are printed only; the error bar is that of a model unlike all fitted models
    targets: dict[str, dict[str, Any]] = {}
    solved = cores.solve(set())
    for board, (_, mhz, _) in BOARDS.items():
        title, core, kernels = TITLES[board]
        table, rough = _board_table(solved[board], _plain_code(mvp, core))
        # Four networks are few, and the priors were chosen with knowledge of their latencies.
        worst = max(LEAST_ERROR, *(abs(e) for (b, _), e in by_network.items() if b == board))
        targets[board] = {
            "title": title, "core": core, "kernels": kernels, "clock_hz": mhz * 1e6, "cpu_cycles": table,
            "rough": rough, "float_factor": 6.0 if core == "Cortex-M0+" else 1.0, "model_error": worst,
            "error_basis": BOARD_BASIS,
            "source": MLPERF + title.split("(")[1].split(",")[0],
        }  # fmt: skip
    for name, (title, core, clock, kernels, like, factor, why) in SCALED.items():
        targets[name] = {
            "title": title, "core": core, "kernels": kernels, "clock_hz": clock, "coefficients_of": like,
            "cycle_factor": factor, "model_error": SCALED_ERROR,
            "error_basis": f"not measured: scaled from {like}, since {why}", "source": f"scaled from {like}",
        }  # fmt: skip
    targets["xg24-mvp"] = _mvp_target(mvp, one, solved["cortex-m4-reference"])
    targets.update(_ethos_targets())
    paths = []
    for name, content in targets.items():
        entry = {"name": name, "aliases": ALIASES.get(name, content.pop("aliases", [])), **content}
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(_rounded(entry), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _mvp_target(mvp: MvpFit, one: LeftOut, reference: dict[tuple[str, str], float]) -> dict[str, Any]:
    cpu, rough = _with_alike(mvp.cpu)
    accelerator, also_rough = _with_alike(mvp.accelerator)
    factor = SCALED["cortex-m33-reference"][5]
    fallback, _ = _board_table({k: v * factor for k, v in reference.items()}, {"quantize": {"outputs": 34.0}})
    cpu |= {f"{op}/reference": row for op, row in fallback.items() if op in accelerator}
    within = {
        "model_error": float(np.quantile(np.abs(list(one.models.values())), 0.9)),
        "layer_error": float(np.quantile(np.abs(one.layers["time, layers above 10 ticks of the timer"]), 0.9)),
    }
    return {
        "aliases": ["mvp", "xg24", "efr32xg24", "brd2601a"],
        "title": "EFR32xG24 (Cortex-M33, 78 MHz) with the MVP accelerator",
        "core": "Cortex-M33",
        "kernels": "Silicon Labs MVP kernels, TFLM reference kernels for the rest",
        "clock_hz": 78e6,
        "accelerator": "mvp",
        "cpu_cycles": {**cpu, "*": OTHERS},
        "accelerator_cycles": accelerator,
        "overlap": mvp.overlap,
        "rough": sorted({*rough, *also_rough}),
        **within,
        "error_basis": "nine in ten of 15 models, and of their layers, each left out of the fit, were nearer than that",
        "source": "per-layer profiles of 15 models measured on an EFR32xG24, published with MLTK 0.20",
    }


def _ethos_targets() -> dict[str, dict[str, Any]]:
    targets: dict[str, dict[str, Any]] = {}
    for family, (sizes, system, memory, clock, core) in ETHOS.items():
        for macs in sizes:
            targets[f"{family}-{macs}"] = {
                "aliases": [family] if ETHOS_DEFAULT[family] == macs else [],
                "title": f"Arm {family.title().replace('-u', '-U')} with {macs} MACs a cycle ({clock / 1e6:.0f} MHz)",
                "core": TITLES[core][1] if core in TITLES else SCALED[core][1],
                "kernels": f"Ethos-U driver; operators it lacks run on the core, as {core}",
                "clock_hz": clock,
                "accelerator": "ethos-u",
                "coefficients_of": core,
                "cycle_factor": 1.0,
                "vela": {
                    "accelerator_config": f"{family}-{macs}",
                    "config": "Arm/vela.ini",
                    "system_config": system,
                    "memory_mode": memory,
                },
                "error_basis": "Vela's own estimate, made without the device; Arm gives no error bar",
                "source": "Arm Vela (ethos-u-vela), compiled for this model",
            }
    return targets
