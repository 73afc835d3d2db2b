"""The report of one model: all its sections on one page."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from mltk.report.facts import ModelFacts
from mltk.report.guard import guarded
from mltk.report.page import Section, render
from mltk.report.sections.confusion import confusion
from mltk.report.sections.cost import cost
from mltk.report.sections.making import making
from mltk.report.sections.memory import memory
from mltk.report.sections.parity import parity
from mltk.report.sections.quantization import quantization
from mltk.report.sections.samples import samples
from mltk.report.sections.streams import streams
from mltk.report.sections.summary import summary
from mltk.report.sections.thresholds import thresholds
from mltk.report.sections.training import training

_SECTIONS: tuple[Callable[[ModelFacts], Section | None], ...] = (
    summary,
    training,
    confusion,
    thresholds,
    streams,
    samples,
    cost,
    memory,
    quantization,
    parity,
    making,
)


def model_report(facts: ModelFacts, more: Sequence[Section] = ()) -> str:
    """Return the report of a model as HTML.

    Args:
        facts: What is known of the model.
        more: Further sections, which stand after the summary.
    """
    made = [guarded(build.__name__, functools.partial(build, facts)) for build in _SECTIONS]
    shown = [section for section in made if section is not None]
    manifest = facts.manifest
    parts = [manifest.get("description"), f"version {manifest['model_version']}" if "model_version" in manifest else ""]
    versions = manifest.get("versions")
    version = versions.get("openmltk") if isinstance(versions, dict) else None
    footer = (
        f"Made with openmltk{f' {version}' if version else ''}. This file needs nothing else, and requests nothing."
    )
    subtitle = ", ".join(str(part) for part in parts if part)
    return render(facts.name, [*shown[:1], *more, *shown[1:]], subtitle=subtitle, footer=footer)
