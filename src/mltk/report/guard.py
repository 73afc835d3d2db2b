"""Build a section from data that can come from anywhere: damaged data cost their section, not the report."""

from __future__ import annotations

from collections.abc import Callable

from mltk.report.blocks import empty
from mltk.report.markup import json_for_script
from mltk.report.page import Section


def guarded(name: str, build: Callable[[], Section | None]) -> Section | None:
    """Return the section that ``build`` returns; if its data are damaged, a section that says so.

    Args:
        name: Id of the section that says so.
        build: Builds the section.
    """
    try:
        section = build()
        if section is not None:
            json_for_script(section.data)  # a number may be too large for JSON
        return section
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as e:
        text = f"This section can't be shown, because its data in the archive are damaged ({type(e).__name__}: {e})."
        return Section(name, name.capitalize(), empty(text))
