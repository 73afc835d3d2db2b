"""Devices to estimate for. Each is a JSON file in ``mltk/micro/targets``: figures and their sources, no code.

The files are written by ``benchmarks/cycle_estimates.py``, which fits the coefficients to published measurements and
learns the error bars from what it left out of the fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from mltk.errors import MltkError, did_you_mean

DEFAULT_TARGET = "cortex-m4"
Coefficients = Mapping[str, Mapping[str, float]]  # operator → name of a count → cycles for each


@dataclass(frozen=True)
class Target:
    """A core with its clock, kernels and, where it has one, an accelerator.

    ``cpu_cycles``, ``accelerator_cycles``: by operator, cycles for each count that
    :func:`~mltk.micro.profile.features.layer_features` gives; ``"*"`` stands for the operators not listed.
    ``overlap``: by operator, the share of the shorter of both that the longer does not hide. ``rough``: operators
    whose coefficients no measurement stands behind.
    ``model_error``, ``layer_error``: error bars, as shares of the estimate; None where nothing was measured.
    ``vela``: settings of Arm's compiler, for an Ethos-U.
    """

    name: str
    title: str
    core: str
    clock_hz: float
    kernels: str
    accelerator: str | None = None
    aliases: tuple[str, ...] = ()
    cpu_cycles: Coefficients = field(default_factory=dict)
    accelerator_cycles: Coefficients = field(default_factory=dict)
    overlap: Mapping[str, float] = field(default_factory=dict)
    rough: tuple[str, ...] = ()
    float_factor: float = 1.0
    model_error: float | None = None
    layer_error: float | None = None
    error_basis: str = ""
    source: str = ""
    vela: Mapping[str, str] = field(default_factory=dict)
    coefficients_of: str = ""


@lru_cache(maxsize=1)
def _stored() -> dict[str, dict[str, Any]]:
    found = {}
    for entry in sorted(files("mltk.micro").joinpath("targets").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".json"):
            content = json.loads(entry.read_text(encoding="utf-8"))
            found[content["name"]] = content
    return found


def target_names() -> list[str]:
    """Names of all targets."""
    return list(_stored())


def load_target(name: str) -> Target:
    """The target of that name or alias.

    Raises:
        MltkError: there is none.
    """
    wanted = name.lower().replace("_", "-")
    stored = _stored()
    aliases = {alias: entry["name"] for entry in stored.values() for alias in entry.get("aliases", ())}
    entry = stored.get(aliases.get(wanted, wanted))
    if entry is None:
        near = did_you_mean(wanted, [*stored, *aliases])
        raise MltkError(f"There is no target {name!r}. {near}".rstrip(), hint=f"There are: {', '.join(stored)}.")
    entry = _resolved(stored, entry)
    known = {key: value for key, value in entry.items() if key in Target.__dataclass_fields__}
    return Target(**{**known, "aliases": tuple(entry.get("aliases", ())), "rough": tuple(entry.get("rough", ()))})


def _resolved(stored: dict[str, dict[str, Any]], entry: dict[str, Any]) -> dict[str, Any]:
    """``entry``, where it has the coefficients of another core with those, each times ``cycle_factor``."""
    like = entry.get("coefficients_of")
    if not like:
        return entry
    source, factor = _resolved(stored, stored[like]), entry["cycle_factor"]
    cycles = {op: {k: v * factor for k, v in row.items()} for op, row in source["cpu_cycles"].items()}
    return {"rough": source.get("rough", ()), **entry, "cpu_cycles": cycles}


def list_targets() -> list[Target]:
    """All targets, in the order of their names."""
    return [load_target(name) for name in target_names()]
