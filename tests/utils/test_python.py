"""Helpers for values, exceptions, modules and processes."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import MltkError
from mltk.utils import python as u


def test_as_list() -> None:
    assert [u.as_list(v) for v in (None, "a,b", ["a"], ("a",), 3, {"a": 1})] == [[], ["a,b"], ["a"], ["a"], [3], ["a"]]
    assert u.as_list("a, b", split=",") == ["a", "b"]
    assert u.as_list("", split=",") == [""]


def test_lists() -> None:
    assert u.flatten_list([1, [2, [3, (4, 5)]], "ab"]) == [1, 2, 3, 4, 5, "ab"]
    assert u.list_rindex([1, 2, 1, 3], 1) == 2
    with pytest.raises(ValueError, match="9 is not in list"):
        u.list_rindex([1], 9)
    assert u.contains_class_type([1, "a"], str)
    assert not u.contains_class_type([1, str], str)
    assert u.get_case_insensitive("FOO", ["a", "foo"]) == "foo"
    assert u.get_case_insensitive("FOO", ["a"]) is None


def test_dicts() -> None:
    found = u.DefaultDict({"a": 1}, b=2)
    assert (found["a"], found["b"], found["c"]) == (1, 2, None)
    item = u.DictObject(a=1)
    item.b = 2
    assert item == {"a": 1, "b": 2}
    assert item.a == 1
    del item.a
    with pytest.raises(AttributeError):
        _ = item.a
    one = {"a": {"b": 1}, "l": [1]}
    assert u.merge_dict(one, {"a": {"c": 2}, "l": [2]}, copy_destination=True) == {"a": {"b": 1, "c": 2}, "l": [2]}
    assert one == {"a": {"b": 1}, "l": [1]}
    assert u.merge_dict(one, {"a": {"c": 2}}) is one
    assert one["a"] == {"b": 1, "c": 2}


@pytest.mark.parametrize("value", ["true", "1", "yes", "on", "True", 1, True])
def test_true(value: Any) -> None:
    assert u.is_true(value)
    assert not u.is_false(value)


@pytest.mark.parametrize("value", ["false", "0", "no", "off", "False", 0, False])
def test_false(value: Any) -> None:
    assert u.is_false(value)
    assert not u.is_true(value)


def test_neither() -> None:
    for value in ("x", "y", "", 7):
        assert not u.is_true(value)
        assert not u.is_false(value)
    with pytest.raises(ValueError, match="None is neither true nor false"):
        u.is_true(None)


class Numbers:
    A = 1
    B = 2


@pytest.mark.parametrize("obj", [Numbers, {"A": 1, "B": 2}])
def test_looking_into_objects(obj: Any) -> None:
    assert u.find_object_key_with_value(obj, 2) == "b"
    assert u.find_object_key_with_value(obj, 99) is None
    assert u.find_object_value_with_key(obj, "B") == 2
    assert u.find_object_value_with_key(obj, "b") is None
    assert u.find_object_value_with_key(obj, "b", ignore_case=True) == 2
    assert u.find_object_value_with_key_or_value(obj, "A") == 1
    assert u.find_object_value_with_key_or_value(obj, 2) == 2
    assert u.find_object_value_with_key_or_value(obj, "zz") is None
    for find in (
        u.find_object_key_with_value,
        u.find_object_value_with_key,
        u.find_object_value_with_key_or_value,
    ):
        with pytest.raises(ValueError, match="zz not found in"):
            find(obj, "zz", throw_exception=True)


def test_forwarded_arguments() -> None:
    assert u.forward_method_kwargs(self=1, a=2, kwargs={"b": 3}, __class__=3) == {"a": 2, "b": 3}


def test_json_with_comments(work: Path) -> None:
    (work / "a.json").write_text('{"a": 1, // one\n "url": "http://x/*y*/", /* two\n */ "b": "\\"//"}')
    assert u.load_json_safe("a.json") == {"a": 1, "url": "http://x/*y*/", "b": '"//'}


@pytest.mark.parametrize(
    ("error", "appended", "prepended"),
    [
        (ValueError("orig"), "orig, more", "more, orig"),
        (ValueError(), "more", "more"),
        (OSError(2, "gone"), "[Errno 2] gone, more", "[Errno 2] more, gone"),
        (MltkError("orig", hint="do"), "orig, more\ndo", "more, orig\ndo"),
    ],
)
def test_messages(error: Exception, appended: str, prepended: str) -> None:
    import copy

    other = copy.copy(error)
    assert u.append_exception_msg(error, "more") is error
    assert str(error) == appended
    assert str(u.prepend_exception_msg(other, "more")) == prepended


def test_loggers_as_files() -> None:
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    logger = logging.Logger("x")
    logger.addHandler(Keep())
    u.make_filelike(logger)
    print("one\ntwo", file=logger)  # type: ignore[call-overload]
    print("half", end="", file=logger)  # type: ignore[call-overload]
    assert records == ["one", "two"]
    logger.flush()  # type: ignore[attr-defined]
    assert records == ["one", "two", "half"]
    dummy = u.DummyLogger()
    dummy.info("x", 1)
    dummy.write("x")
    dummy.flush()


def test_quiet() -> None:
    @u.disable_warnings
    def noisy(value: int) -> int:
        """Doc."""
        warnings.warn("loud", stacklevel=1)
        return value

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert noisy(3) == 3
    assert noisy.__doc__ == "Doc."
    u.set_absl_log_level("error")
    assert logging.getLogger("absl").level == logging.ERROR


def test_timing(capsys: pytest.CaptureFixture[str]) -> None:
    @u.timeit
    def work() -> int:
        return 3

    assert work() == 3
    assert capsys.readouterr().out.startswith("work 0.")


def test_modules(work: Path) -> None:
    (work / "mine_of_test.py").write_text("value = 1\n")
    try:
        module = u.import_module_at_path("mine_of_test.py")
        assert module.value == 1
        (work / "mine_of_test.py").write_text("value = 22222\n")
        assert u.import_module_at_path("mine_of_test") is module
        assert u.import_module_at_path("mine_of_test", reload=True).value == 22222
        (work / "mine_of_test.py").write_text("1 / 0\n")
        with pytest.raises(ZeroDivisionError):
            u.import_module_at_path("mine_of_test", reload=True)
        assert sys.modules["mine_of_test"].value == 22222
        (work / "package_of_test").mkdir()
        (work / "package_of_test" / "__init__.py").write_text("value = 3\n")
        assert u.import_module_at_path("package_of_test").__name__ == "package_of_test"
    finally:
        sys.modules.pop("mine_of_test", None)
        sys.modules.pop("package_of_test", None)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        u.import_module_at_path("nothing")


def test_commands(work: Path) -> None:
    assert u.run_shell_cmd("echo hi; echo there >&2; exit 3") == (3, "hi\nthere\n")
    assert u.run_shell_cmd(
        [sys.executable, "-c", "import os; print(os.getcwd(), os.environ['A'])"], env={"A": "1"}
    ) == (
        0,
        f"{work} 1\n",
    )
    out = io.StringIO()
    code, text = u.run_shell_cmd(
        ["printf", "a\nb\n"], outfile=out, line_processor=lambda line: line.upper() if line[0] == "a" else ""
    )
    assert (code, text, out.getvalue()) == (0, "A\n", "A\n")


def test_installing_what_is_there_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(u, "run_shell_cmd", lambda *args, **kwargs: pytest.fail("pip was run"))
    u.install_pip_package("pytest>=1")
    monkeypatch.setattr(u, "run_shell_cmd", lambda *args, **kwargs: (1, "no such package"))
    with pytest.raises(RuntimeError, match="Installing nothing-such failed:\nno such package"):
        u.install_pip_package("nothing-such")


def test_environment() -> None:
    assert f"{sys.version_info.major}.{sys.version_info.minor}" == u.SHORT_VERSION
    assert isinstance(u.debugger_is_active(), bool)
    assert u.notebook_is_active() is ("ipykernel" in sys.modules)
