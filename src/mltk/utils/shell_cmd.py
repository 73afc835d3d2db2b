"""Import path of MLTK 0.20 for `mltk.utils.python`."""

from mltk.utils.python import run_shell_cmd

__all__ = ["run_shell_cmd"]
