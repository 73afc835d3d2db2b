"""Names of MLTK 0.20 for its C++ sources. They raise an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="the C++ sources of MLTK 0.20",
    instead="Run CMake on your own project with mltk.utils.shell_cmd.run_shell_cmd.",
)

build_mltk_target = _replaced("build_mltk_target")
get_build_directory = _replaced("get_build_directory")
invoke_mltk_target = _replaced("invoke_mltk_target")
parse_variables = _replaced("parse_variables")
