"""The section of a report that runs the model in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mltk.browser.try_it import try_it
from mltk.image.image_format import INTERPOLATIONS
from mltk.report.blocks import empty
from mltk.report.page import Section

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_LARGEST_MODEL = 1_500_000
"""Bytes of the largest ``.tflite`` in a report, which stays below 3 MB."""


def try_sections(tflite: TfliteModel | None, name: str, manifest: Mapping[str, Any]) -> list[Section]:
    """Return the section in which a model hears, sees or reads a signal.

    Args:
        tflite: The model; None if it was not quantized.
        name: Name of the model.
        manifest: Manifest of the archive; it has the filter that resizes pictures.

    Returns:
        The section. If the page can't run the model, the section says why. Nothing if there is no model.
    """
    if tflite is None:
        return []
    if len(tflite.graph.data) > _LARGEST_MODEL:
        text = (
            f"The model has {len(tflite.graph.data):,} bytes, too many for a report. 'mltk classify_audio' and "
            "'mltk classify_image' run it in a page of its own."
        )
        return [Section("try-it", "Try it", empty(text))]
    part = try_it(tflite, name=name, interpolation=interpolation_of(manifest))
    return [Section("try-it", "Try it", part.html, part.script, part.data)]


def interpolation_of(manifest: Mapping[str, Any]) -> str:
    """Return the filter of a specification that resizes pictures; bilinear, the default, if it is not known.

    Args:
        manifest: Manifest of the archive. It can come from anywhere.
    """
    settings = manifest.get("settings")
    found = settings.get("interpolation") if isinstance(settings, Mapping) else None
    return found if isinstance(found, str) and found in INTERPOLATIONS else "bilinear"
