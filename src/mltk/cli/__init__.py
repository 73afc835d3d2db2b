"""The command line: one thin module per command, imported when the command runs.

The names below are only for scripts written for MLTK 0.20, which use them in their own commands. They are imported
when they are first used.
"""

from __future__ import annotations

from mltk._lazy import lazy_names

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


__getattr__, __dir__, __all__ = lazy_names(__name__, {"mltk.cli.scripting": _NAMES})
