"""Names of a package that are imported when they are first used."""

from __future__ import annotations

import sys
import types

import pytest

from mltk import _lazy
from mltk._lazy import lazy_names, names_of_0_20


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("some_package")
    monkeypatch.setitem(sys.modules, "some_package", module)
    module.__getattr__, module.__dir__, module.__all__ = lazy_names(  # type: ignore[method-assign,attr-defined]
        "some_package", {"json": ["dumps", "loads"], "math": ["pi"]}, left_out=["pi"]
    )
    return module


def test_a_name_is_imported_when_it_is_used_and_then_kept(package: types.ModuleType) -> None:
    import json

    assert "dumps" not in vars(package)
    assert package.dumps is json.dumps
    assert vars(package)["dumps"] is json.dumps


def test_all_names_are_listed_and_some_are_left_out_of_star_imports(package: types.ModuleType) -> None:
    assert package.__all__ == ["dumps", "loads"]
    assert {"dumps", "loads", "pi"} <= set(dir(package))


def test_a_name_that_the_package_does_not_have(package: types.ModuleType) -> None:
    with pytest.raises(AttributeError, match=r"module 'some_package' has no attribute 'dump'"):
        _ = package.dump


def test_names_of_0_20_need_the_table_that_the_root_package_names(monkeypatch: pytest.MonkeyPatch) -> None:
    get = names_of_0_20("mltk.datasets.audio.yes_no")
    assert get("fullpath").__module__ == "mltk.utils.path"
    monkeypatch.setattr(_lazy, "alias_table", "")
    with pytest.raises(AttributeError, match="has no attribute 'fullpath'"):
        get("fullpath")
