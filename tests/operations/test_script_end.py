"""No operation runs in a worker process that loads a script for its functions."""

# mypy: disable-error-code="attr-defined"
# The names are made when they are first used; the type checker does not see them all.
from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest

import mltk
import mltk.core
import mltk.operations
from mltk.workers.script_loading import ScriptEnd, loading_script

HELPERS = {
    "archived_parity": {"affordable_samples", "parity_of"},
    "c_code": {"renewed_members", "write_c_code"},
    "evaluate": {"dump_reconstructions"},
    "evaluate_stream": {"stream_results"},
    "parity": {"compare_on_samples"},
    "profile": {"write_profile"},
    "quantize": {"add_parameters", "build_date", "quantize_keras_model", "write_quantization_report"},
    "tensorboard": {"tensorboard_folder"},
    "update_params": {"parse_params", "read_params_file"},
    "view": {"model_file", "netron_folder"},
}
"""Public functions of the operations' modules that are parts of an operation, and do nothing by themselves."""


def functions_of(module_name: str) -> Iterator[tuple[str, Callable[..., object]]]:
    module = importlib.import_module(module_name)
    for name, function in vars(module).items():
        if inspect.isfunction(function) and function.__module__ == module_name and not name.startswith("_"):
            yield name, function


def operations() -> dict[str, Callable[..., object]]:
    found = {}
    for module in pkgutil.iter_modules(mltk.operations.__path__, "mltk.operations."):
        short = module.name.rpartition(".")[2]
        for name, function in functions_of(module.name) if not module.ispkg else ():
            if name not in HELPERS.get(short, ()):
                found[name] = function
    return found


def call(function: Callable[..., object]) -> None:
    """Call it with None for all that it asks for."""
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    function(*[None for p in needed if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)])


@pytest.mark.parametrize("name", operations())
def test_an_operation_ends_the_script(name: str) -> None:
    function, came_back = operations()[name], False
    with loading_script():
        with pytest.raises(ScriptEnd):
            call(function)
        came_back = True
    assert came_back


def test_all_operations_are_tested() -> None:
    assert set(operations()) >= {"train_model", "evaluate_model", "check_parity", "run_tensorboard", "view_model"}
    of_operations = {
        name
        for name in mltk.__all__
        if name[0].islower() and getattr(getattr(mltk, name), "__module__", "").startswith("mltk.operations")
    }
    assert of_operations <= set(operations())


@pytest.mark.parametrize("name", sorted(set(operations()) & set(mltk.__all__)))
def test_it_is_the_same_operation_by_every_name(name: str) -> None:
    assert getattr(mltk, name) is getattr(mltk.core, name) is operations()[name]
