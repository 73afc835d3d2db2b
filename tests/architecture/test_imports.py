"""Import rules that import-linter cannot check: strings, package ``__init__`` files and the public names.

``pyproject.toml`` holds the layers and the ban on circles among sibling modules; ``lint-imports`` checks both. It reads
import statements only. The tests here read the source for the other ways in which one module can reach another.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
MODULE_NAME = re.compile(r"mltk(\.\w+)+\.?")
COMPATIBILITY = ("core", "utils")
"""The packages that hold the import paths of MLTK 0.20. Nothing else imports them."""
LIKE_A_USER = ("models", *COMPATIBILITY)
"""Packages that may use ``mltk.name``: specifications, which look like a user's own, and the compatibility layers."""


def module_of(path: Path, source: Path) -> str:
    """Dotted name of a source file; a package's ``__init__.py`` has the name of the package."""
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_modules(source: Path = SOURCE) -> dict[str, ast.Module]:
    """Every module of ``mltk``, parsed."""
    return {module_of(p, source): ast.parse(p.read_text(encoding="utf-8")) for p in sorted(source.rglob("*.py"))}


def read_layers() -> list[set[str]]:
    """The layers of the contract in ``pyproject.toml``, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    return [{name.strip() for name in re.split(r"[|:]", layer)} for layer in layers]


def package_of(module: str) -> str:
    """``"tflite"`` for ``"mltk.tflite.layers.base"``."""
    return module.split(".")[1] if "." in module else ""


def imported_by(node: ast.stmt, modules: dict[str, ast.Module]) -> Iterator[str]:
    """Modules of ``mltk`` that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in modules)
    elif isinstance(node, ast.ImportFrom) and node.module in modules:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in modules else node.module


def is_type_checking(node: ast.stmt) -> bool:
    """Whether this is a block ``if TYPE_CHECKING:``, which does not run."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def statements_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when a module is imported, those in ``if``, ``try``, ``with`` and classes included."""
    for node in body:
        if is_type_checking(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from statements_at_import(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from statements_at_import(handler.body)


def imports_at_import(modules: dict[str, ast.Module]) -> dict[str, set[str]]:
    """For every module, the modules that it imports as it is imported itself."""
    return {
        name: {target for node in statements_at_import(tree.body) for target in imported_by(node, modules)} - {name}
        for name, tree in modules.items()
    }


def find_circle(imports: dict[str, set[str]]) -> list[str]:
    """One circle, as the modules on it; empty if there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(imports[module]):
            circle = visit(target, [*path, module])
            if circle:
                return circle
        done.add(module)
        return []

    return next((circle for module in sorted(imports) if (circle := visit(module, []))), [])


def docstrings(tree: ast.Module) -> set[int]:
    """Identities of the constants that are statements of their own, which documents and does nothing."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def named_in_strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name wherever a string (``"mltk.core"``, ``f"mltk.core.{name}"``) is the name of a module."""
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in skipped:
            continue
        if isinstance(node.value, str) and MODULE_NAME.fullmatch(node.value):
            yield node.lineno, node.value.rstrip(".")


def reaches_by_string(modules: dict[str, ast.Module], layers: list[set[str]]) -> list[str]:
    """Strings that name a module of a higher layer, as ``module:line names target``."""
    level = {package: number for number, layer in enumerate(layers) for package in layer}
    return [
        f"{name}:{line} names {target}"
        for name, tree in modules.items()
        for line, target in named_in_strings(tree)
        if package_of(name) in level and level.get(package_of(target), len(layers)) < level[package_of(name)]
    ]


def reaches_through_the_front(modules: dict[str, ast.Module]) -> list[str]:
    """Uses of public names through ``import mltk``, which import-linter takes for an import of nothing."""
    found = []
    for name, tree in modules.items():
        if name == "mltk" or package_of(name) in LIKE_A_USER:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "mltk":
                names = [a.name for a in node.names if f"mltk.{a.name}" not in modules and not a.name.startswith("__")]
                found += [f"{name}:{node.lineno} imports {n} from mltk" for n in names]
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "mltk":
                if f"mltk.{node.attr}" in modules or node.attr.startswith("__"):
                    continue
                found.append(f"{name}:{node.lineno} uses mltk.{node.attr}")
    return found


def relative_imports(modules: dict[str, ast.Module]) -> list[str]:
    """Imports that begin with a dot."""
    return [
        f"{name}:{node.lineno}"
        for name, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def parse(**sources: str) -> dict[str, ast.Module]:
    """Modules from their source: ``parse(mltk__a="import mltk.b", ...)``."""
    return {name.replace("__", "."): ast.parse(text) for name, text in sources.items()}


def test_no_modules_import_each_other_in_a_circle() -> None:
    circle = find_circle(imports_at_import(read_modules()))
    assert not circle, " → ".join(circle)


def test_no_string_names_a_module_of_a_higher_layer() -> None:
    assert reaches_by_string(read_modules(), read_layers()) == []


def test_only_specifications_and_compatibility_modules_use_the_public_names() -> None:
    assert reaches_through_the_front(read_modules()) == []


def test_imports_are_absolute() -> None:
    assert relative_imports(read_modules()) == []


def test_a_circle_is_found() -> None:
    modules = parse(
        mltk="", mltk__a="from mltk import b", mltk__b="try:\n  import mltk.c\nfinally: pass", mltk__c="import mltk.a"
    )
    assert find_circle(imports_at_import(modules)) == ["mltk.a", "mltk.b", "mltk.c", "mltk.a"]


def test_a_circle_through_a_package_is_found() -> None:
    modules = parse(mltk="", mltk__a="from mltk.a.x import f", mltk__a__x="from mltk.a import g")
    assert find_circle(imports_at_import(modules)) == ["mltk.a", "mltk.a.x", "mltk.a"]


def test_imports_that_do_not_run_make_no_circle() -> None:
    modules = parse(
        mltk="",
        mltk__a="def f():\n  import mltk.b",
        mltk__b="import typing\nif typing.TYPE_CHECKING:\n  import mltk.c\nimport mltk.a",
        mltk__c="import mltk.b",
    )
    assert find_circle(imports_at_import(modules)) == []


def test_strings_that_reach_up_are_found() -> None:
    modules = parse(
        mltk__data__x='f("mltk.core")\nf(f"mltk.cli.{name}_command")\nf("mltk.tflite")',
        mltk__errors='"""mltk.core"""\nf(hint="import mltk.core")',
    )
    found = reaches_by_string(modules, read_layers())
    assert found == ["mltk.data.x:1 names mltk.core", "mltk.data.x:2 names mltk.cli"]


def test_reaches_through_the_front_are_found() -> None:
    modules = parse(
        mltk__data__x="import mltk\nmltk.train_model(1)\nmltk.__version__",
        mltk__data__y="from mltk import data, MltkModel, __version__",
        mltk__data="",
        mltk__models__z="import mltk\nmltk.MltkModel",
    )
    found = reaches_through_the_front(modules)
    assert found == ["mltk.data.x:2 uses mltk.train_model", "mltk.data.y:1 imports MltkModel from mltk"]
