"""The report of one model: all its sections on one page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mltk.report.blocks import empty
from mltk.report.facts import ModelFacts
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
    made = [section for build in _SECTIONS if (section := _built(build, facts)) is not None]
    manifest = facts.manifest
    parts = [manifest.get("description"), f"version {manifest['model_version']}" if "model_version" in manifest else ""]
    version = (manifest.get("versions") or {}).get("openmltk")
    footer = (
        f"Made with openmltk{f' {version}' if version else ''}. This file needs nothing else, and requests nothing."
    )
    subtitle = ", ".join(str(part) for part in parts if part)
    return render(facts.name, [*made[:1], *more, *made[1:]], subtitle=subtitle, footer=footer)


def _built(build: Callable[[ModelFacts], Section | None], facts: ModelFacts) -> Section | None:
    """Build a section. An archive can come from anywhere: damaged data cost their section, not the report."""
    try:
        return build(facts)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as e:
        name = build.__name__
        text = f"This section can't be shown, because its data in the archive are damaged ({type(e).__name__}: {e})."
        return Section(name, name.capitalize(), empty(text))
