"""Settings as JSON, for the archive, and as a page, for the documentation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mltk.errors import MltkError
from mltk.specification.settings import Setting, Spec, iter_settings, own_settings
from mltk.specification.types import describe_type


def to_json_value(value: Any, depth: int = 0) -> Any:
    """Convert ``value`` to what JSON can hold: functions to their names, arrays and datasets to their shapes.

    Args:
        value: Anything that a user can assign to a setting.
        depth: Number of containers around the value.
    """
    if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0 and hasattr(value, "item"):
        value = value.item()  # a NumPy scalar
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth > 6:
        return "…"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, Mapping):
        return {str(k): to_json_value(v, depth + 1) for k, v in value.items()}
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{type(value).__name__} {tuple(value.shape)} {value.dtype}"
    if isinstance(value, (list, tuple)):
        if len(value) > 100:
            return f"{type(value).__name__} of {len(value)}"
        return [to_json_value(v, depth + 1) for v in value]
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}()"
    if hasattr(value, "name") and hasattr(value, "value") and isinstance(value.name, str):
        return value.name  # an enum's member, or a dtype
    if hasattr(value, "get_config"):
        try:
            config = value.get_config()
            return {"class": type(value).__name__, "config": json.loads(json.dumps(config, default=str))}
        except (TypeError, ValueError, NotImplementedError):
            return type(value).__name__
    return re.sub(r" at 0x[0-9a-f]+", "", str(value)) if not _is_plain_object(value) else type(value).__name__


def _is_plain_object(value: Any) -> bool:
    """Whether the text of ``value`` holds only its class and address."""
    kind: Any = type(value)
    return bool(kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__)


def settings_to_json(model: Spec) -> dict[str, Any]:
    """Return every setting of a specification that has a value, and its model parameters, as JSON values by name."""
    found: dict[str, Any] = {}
    for name, _ in iter_settings(type(model)):
        try:
            value = getattr(model, name)
        except MltkError:
            continue
        found[name] = to_json_value(value)
    parameters = getattr(model, "model_parameters", None)
    if parameters:
        found["model_parameters"] = to_json_value(parameters)
    return found


def settings_page(mixins: Sequence[type[Spec]]) -> str:
    """Return the text of ``docs/settings.md``: a table for each mixin, with the settings that the mixin declares.

    Args:
        mixins: Specification classes, in the order of the page.
    """
    lines = [
        "# Settings",
        "",
        "Assign these on the model in your specification: `my_model.epochs = 50`. This page is made from the code",
        "(`make docs`); don't edit it.",
        "",
    ]
    for mixin in mixins:
        summary = (mixin.__doc__ or "").strip().splitlines()[0]
        lines += [
            f"## {mixin.__name__}",
            "",
            summary,
            "",
            "| setting | type | default | meaning |",
            "|---|---|---|---|",
        ]
        lines += [_row(name, s) for name, s in own_settings(mixin)]
        lines.append("")
    return "\n".join(lines)


def setting_names_module(mixins: Sequence[type[Spec]]) -> str:
    """Return the source of ``specification/setting_names.py``: which mixins declare a setting.

    Args:
        mixins: Every specification class of this package.
    """
    found: dict[str, list[str]] = {}
    for mixin in mixins:
        for name, _ in own_settings(mixin):
            found.setdefault(name, []).append(mixin.__name__)
    lines = [
        '"""Which mixins declare a setting. Made from the code (`make docs`); don\'t edit.',
        "",
        "With this table, the error for a setting of a missing mixin does not depend on what was imported before.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "MIXINS_OF_SETTING: dict[str, tuple[str, ...]] = {",
    ]
    for name, owners in sorted(found.items()):
        names = ", ".join(f'"{owner}"' for owner in owners)
        lines.append(f'    "{name}": ({names}{"," if len(owners) == 1 else ""}),')
    return "\n".join([*lines, "}"])


def _row(name: str, s: Setting) -> str:
    text = s.default_text()
    if s.computed is None:
        text = f"`{text}`" if len(text) <= 60 or s.keys is None else _keys_text(s)
    meaning = s.doc + (f" Keys: {', '.join(f'`{k}`' for k in sorted(s.keys) if k[0] != '_')}." if s.keys else "")
    cells = (f"`{name}`", describe_type(s.hint), text, meaning)
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _keys_text(s: Setting) -> str:
    values = s.factory() if s.factory else {}
    return "<br>".join(f"`{k}={v!r}`" for k, v in values.items())
