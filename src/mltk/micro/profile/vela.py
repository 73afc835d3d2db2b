"""Run Arm's Vela, the compiler for Ethos-U, in a child process, and read what it says about the cost.

Vela: https://gitlab.arm.com/artificial-intelligence/ethos-u/ethos-u-vela
"""

from __future__ import annotations

import csv
import importlib.util
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mltk.errors import MissingDependencyError, RuntimeFailure

_TIMEOUT_S = 300.0
_RUN = "import sys; from ethosu.vela.vela import main; sys.exit(main())"


@dataclass(frozen=True)
class VelaResult:
    """What Vela reports.

    Attributes:
        npu_cycles: Name of a tensor → cycles of the operators that compute it.
        on_cpu: Names of the tensors whose operators stay on the CPU.
        cpu_operators: Vela's name of an operator that stays on the CPU → number of such operators.
        total_cycles: Cycles of the NPU and its memories.
        clock_hz: Clock rate of the NPU in Hz.
        memory_bytes: Name of a memory → bytes that are used of it.
        version: Version of Vela.
        flatbuffer: The bytes of the compiled ``.tflite``.
    """

    npu_cycles: dict[str, float]
    on_cpu: frozenset[str]
    cpu_operators: dict[str, int]
    total_cycles: float
    clock_hz: float
    memory_bytes: dict[str, int] = field(default_factory=dict)
    version: str = ""
    flatbuffer: bytes = field(default=b"", repr=False)


def compile_with_vela(model: bytes, settings: Mapping[str, str], *, timeout_s: float = _TIMEOUT_S) -> VelaResult:
    """Compile a model.

    Args:
        model: The bytes of a ``.tflite``.
        settings: Vela's options, from an Ethos-U target.
        timeout_s: Longest time in seconds that Vela may take.

    Raises:
        MissingDependencyError: ``ethos-u-vela`` is not installed.
        RuntimeFailure: Vela refuses the model, crashes or takes too long.
    """
    if importlib.util.find_spec("ethosu") is None:
        raise MissingDependencyError("Arm's Vela (ethos-u-vela)", "npu")
    with tempfile.TemporaryDirectory(prefix="mltk-vela-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        arguments = [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
        arguments += [f"--output-dir={folder}", "--verbose-performance", str(path)]
        command = [sys.executable, "-P", "-c", _RUN, *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=timeout_s, cwd=folder, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeFailure(f"Vela did not finish within {timeout_s:g} s and was stopped.") from None
        except OSError as e:
            raise RuntimeFailure(f"Vela can't be started: {e}") from e
        per_layer = sorted(Path(folder).glob("*_per-layer.csv"))
        summaries = sorted(Path(folder).glob("*_summary_*.csv"))
        if done.returncode or not per_layer or not summaries:
            raise _failure(model, done)
        compiled = sorted(Path(folder).glob("*_vela.tflite"))
        return replace(_read(per_layer[0], summaries[0]), flatbuffer=compiled[0].read_bytes() if compiled else b"")


def _failure(model: bytes, done: subprocess.CompletedProcess[str]) -> RuntimeFailure:
    """Return the error that says how Vela ended, what it said last, and which types of weights may be the reason."""
    from mltk.tflite.graph import graph_of

    ended = f"it ended with exit code {done.returncode}"
    if done.returncode < 0:
        try:
            name = signal.Signals(-done.returncode).name
        except ValueError:
            name = "unknown"
        ended = f"it crashed with signal {-done.returncode} ({name})"
    elif not done.returncode:
        ended = "it ended without a report"
    tensors = [t for g in graph_of(model).subgraphs for t in g.tensors]
    packed = sorted({t.dtype_str for t in tensors if t.dtype_str in ("int4", "uint4", "int2")})
    said = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-6:])
    hints = []
    if packed:
        hints.append(f"The model has weights of type {', '.join(packed)}. Quantize the weights to int8.")
    if said:
        hints.append(f"It said:\n{said}")
    return RuntimeFailure(f"Vela can't compile this model: {ended}.", hint="\n".join(hints) or None)


def _read(per_layer: Path, summary: Path) -> VelaResult:
    cycles: dict[str, float] = {}
    on_cpu: set[str] = set()
    with_npu: set[str] = set()
    operators: dict[str, int] = {}
    with per_layer.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            name = row["Name"]
            cycles[name] = cycles.get(name, 0.0) + float(row["Op Cycles"] or 0)
            if row["Target"].strip() == "CPU":
                on_cpu.add(name)
                operators[row["Original Operator"]] = operators.get(row["Original Operator"], 0) + 1
            else:
                with_npu.add(name)
    with summary.open(newline="", encoding="utf-8") as stream:
        total = next(csv.DictReader(stream))
    memories = ("sram", "dram", "on_chip_flash", "off_chip_flash")
    used = {m: round(float(total[f"{m}_memory_used"]) * 1024) for m in memories if float(total[f"{m}_memory_used"])}
    return VelaResult(
        cycles,
        frozenset(on_cpu - with_npu),
        operators,
        float(total["cycles_total"]),
        float(total["core_clock"]),
        used,
        _version(),
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ethos-u-vela")
    except PackageNotFoundError:
        return ""


def attribute(result: VelaResult, tensors: set[str]) -> tuple[dict[str, float], set[str]]:
    """Attribute what Vela reports to the tensors of the original model.

    Vela splits operators. It names the parts after the tensor that the whole operator computes (``NAME_softmax_3``).

    Args:
        result: What Vela reports.
        tensors: Names of the tensors that the model's operators compute.

    Returns:
        Name of a tensor → NPU cycles, for the tensors that Vela lists. And the names of the tensors that the CPU
        computes.
    """
    by_length = sorted((name for name in tensors if name), key=len, reverse=True)

    def owner(name: str) -> str | None:
        return name if name in tensors else next((t for t in by_length if name.startswith(t)), None)

    cycles: dict[str, float] = {}
    for name, value in result.npu_cycles.items():
        made = owner(name)
        if made is not None:
            cycles[made] = cycles.get(made, 0.0) + value
    return cycles, {made for made in map(owner, result.on_cpu) if made is not None}
