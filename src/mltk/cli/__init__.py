"""The command line: one thin file a command, imported when it is run.

The names below are what 0.20 scripts import from here for commands of their own; they are imported when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = (
    "AdditionalArgumentParsingCommand",
    "VariableArgumentOptionParser",
    "VariableArgumentParsingCommand",
    "abort",
    "create_cli",
    "get_logger",
    "handle_exception",
    "is_command_active",
    "parse_accelerator_option",
    "print_did_you_mean_error",
    "print_error",
    "print_info",
    "print_warning",
)

__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'mltk.cli' has no attribute {name!r}")
    return getattr(importlib.import_module("mltk.cli.scripting"), name)
