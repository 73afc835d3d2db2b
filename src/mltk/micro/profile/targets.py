"""Devices to estimate for. Each is a JSON file in ``mltk/micro/targets`` with figures and their sources, without code.

``benchmarks/cycle_estimates.py`` writes the files. It fits the coefficients to published measurements, and computes the
error bars from measurements that it left out of the fit.
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
    """A core with its clock, its kernels and, if it has one, an accelerator.

    Attributes:
        name: Name of the target, for example ``cortex-m4``.
        title: Name of the device.
        core: Name of the core.
        clock_hz: Clock rate in Hz.
        kernels: Library of kernels that the figures are for.
        accelerator: Name of the accelerator; None if there is none.
        aliases: Other names of the target.
        cpu_cycles: Operator → CPU cycles for each count of :func:`~mltk.micro.profile.features.layer_features`. ``"*"``
            is for operators that are not listed.
        accelerator_cycles: The same for the accelerator.
        overlap: Operator → share of the shorter of both times that the longer one does not hide.
        rough: Operators whose coefficients no measurement supports.
        float_factor: CPU cycles of a float layer, divided by those of an int8 layer.
        model_error: Error bar of a model's time, as a share; None if nothing was measured.
        layer_error: Error bar of a layer's time, as a share; None if nothing was measured.
        error_basis: Where the error bars come from.
        source: Where the coefficients come from.
        vela: Settings of Arm's compiler, for an Ethos-U.
        coefficients_of: Name of the target that the coefficients are scaled from.
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
    found: dict[str, dict[str, Any]] = {}
    for entry in sorted(files("mltk.micro").joinpath("targets").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".json"):
            content = json.loads(entry.read_text(encoding="utf-8"))
            found[content["name"]] = content
    return found


def target_names() -> list[str]:
    """Return the names of all targets."""
    return list(_stored())


def load_target(name: str) -> Target:
    """Return the target of a name or alias.

    Raises:
        MltkError: There is no such target.
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
    """Return ``entry``. If it uses another core's coefficients, they are added, each times ``cycle_factor``."""
    like = entry.get("coefficients_of")
    if not like:
        return entry
    source, factor = _resolved(stored, stored[like]), entry["cycle_factor"]
    cycles = {op: {k: v * factor for k, v in row.items()} for op, row in source["cpu_cycles"].items()}
    return {"rough": source.get("rough", ()), **entry, "cpu_cycles": cycles}


def list_targets() -> list[Target]:
    """Return all targets, in the order of their names."""
    return [load_target(name) for name in target_names()]
