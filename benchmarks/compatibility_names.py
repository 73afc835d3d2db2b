"""Which names of MLTK 0.20 its specifications, datasets, notebooks and guides use, and which of them exist here.

    pip download --no-deps silabs-mltk==0.20.0
    python benchmarks/compatibility_names.py silabs_mltk-0.20.0-….whl [MORE …]
    python benchmarks/compatibility_names.py … --write tests/core/data/used_names_0_20.txt

The first argument is the released wheel, or the folder ``mltk`` in which it is installed. MORE are files or folders
with scripts (``.py``), notebooks (``.ipynb``) and guides (``.md``). The files are parsed and not run.

Each name that they import from ``mltk``, or reach as an attribute of an imported name, is looked up in this package. So
is each setting and method of a model that they use. What a package of 0.20 imports from itself only, by a relative
import, is a part of its implementation and not counted. Exits with 1 if a name is missing. ``--write`` writes the names
to a file, for a test that needs no wheel.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDERS = ("models", "datasets", "examples", "tutorials")
NOT_USERS = ("models/shared/", "models/tests/", "cli/tests/")
"""Implementations of 0.20 and its own tests: what they import of each other is not what a user imports."""


def sources(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name in the package and the text of each script of 0.20."""
    if path.is_dir():
        folder = path if path.name == "mltk" else path / "mltk"
        files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.py"))}
    else:
        with zipfile.ZipFile(path) as wheel:
            names = [n for n in wheel.namelist() if n.startswith("mltk/") and n.endswith(".py")]
            files = {n.removeprefix("mltk/"): wheel.read(n) for n in sorted(names)}
    if not files:
        sys.exit(f"{path}: there is no package mltk in it.")
    for name, content in files.items():
        if name.startswith(FOLDERS) and not name.startswith(NOT_USERS):
            yield name, content.decode()


def more_sources(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the Python code of a script, notebook or guide, or of those in a folder."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if file.suffix == ".py":
            yield str(file), file.read_text()
        elif file.suffix == ".ipynb":
            cells = json.loads(file.read_text())["cells"]
            code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
            yield str(file), "\n".join(without_commands(c) for c in code)
        elif file.suffix == ".md":
            blocks = re.findall(r"^```\s*python\n(.*?)^```", file.read_text(), re.MULTILINE | re.DOTALL)
            for number, block in enumerate(blocks):
                yield f"{file}#{number}", without_commands(block)


def without_commands(code: str) -> str:
    """Replace the shell commands and magics of a notebook."""
    return re.sub(r"^(\s*)[!%].*$", r"\1pass", code, flags=re.MULTILINE)


class Names(ast.NodeVisitor):
    """Collects the dotted names of ``mltk`` that a script uses.

    Args:
        module: Name of the module of the script, for relative imports.
        is_package: Whether the script is the ``__init__`` of a package.
    """

    def __init__(self, module: str, is_package: bool) -> None:
        self.package = module.split(".") if is_package else module.split(".")[:-1]
        self.found: set[str] = set()
        self.own_parts: set[str] = set()
        self.of_models: set[str] = set()
        self.assigned: set[str] = set()
        self._bound: dict[str, str] = {}
        self._classes: dict[str, list[str]] = {}
        self._models: dict[str, list[str]] = {}

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.split(".")[0] == "mltk":
                self.found.add(alias.name)
                self._bound[alias.asname or "mltk"] = alias.name if alias.asname else "mltk"

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self.package[: len(self.package) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        if module.split(".")[0] != "mltk":
            return
        found = self.own_parts if node.level == 1 else self.found
        found.add(module)
        for alias in node.names:
            if alias.name != "*":
                found.add(f"{module}.{alias.name}")
                self._bound[alias.asname or alias.name] = f"{module}.{alias.name}"

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store):
            self.assigned.add(node.attr)
        words = [node.attr]
        value = node.value
        while isinstance(value, ast.Attribute):
            words.insert(0, value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            if value.id in self._bound:
                base = self._bound[value.id]
                self.found.update(".".join([base, *words[:n]]) for n in range(1, len(words) + 1))
            elif value.id in self._models:
                self.of_models.add(f"{' '.join(self._models[value.id])}.{words[0]}")
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = [name for b in node.bases for name in self._bases(b)]
        if bases:
            self._classes[node.name] = bases
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in self._classes:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self._models[target.id] = self._classes[call.func.id]
        self.generic_visit(node)

    def _bases(self, node: ast.expr) -> list[str]:
        name = ast.unparse(node)
        first, _, rest = name.partition(".")
        if name in self._classes:
            return self._classes[name]
        return [self._bound[first] + (f".{rest}" if rest else "")] if first in self._bound else []


def resolve(name: str) -> str | None:
    """Look up a dotted name in this package. Returns what is missing; None if it exists."""
    words = name.split(".")
    for n in range(len(words), 0, -1):  # the longest part that is a module, then attributes
        module = ".".join(words[:n])
        try:
            value: Any = importlib.import_module(module)
        except ModuleNotFoundError as e:
            if not (e.name and f"{module}.".startswith(f"{e.name}.")):
                raise  # an import in the module itself failed
            continue
        for m, word in enumerate(words[n:], n):
            if not hasattr(value, word):
                return f"{'.'.join(words[:m])} has no {word}"
            value = getattr(value, word)
        return None
    return f"there is no {words[0]}"


def resolve_of_model(name: str) -> str | None:
    """Look up a member of mixins, ``"MIXIN MIXIN.name"``. Returns what is missing; None if it exists."""
    bases, _, member = name.rpartition(".")
    missing = [resolve(f"{base}.{member}") for base in bases.split()]
    return None if None in missing else f"{bases.replace('mltk.core.', '')} have no {member}"


def main(arguments: list[str]) -> None:
    if not arguments:
        sys.exit(__doc__)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    target = None
    if "--write" in arguments:
        at = arguments.index("--write")
        target, arguments = Path(arguments[at + 1]), arguments[:at] + arguments[at + 2 :]
    wheel, *more = map(Path, arguments)
    users: dict[tuple[str, bool], set[str]] = defaultdict(set)
    own_parts: set[str] = set()
    n_files = 0
    for name, code in [*sources(wheel), *(s for path in more for s in more_sources(path))]:
        dotted = "mltk." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        names = Names(dotted, name.endswith("__init__.py"))
        try:
            names.visit(ast.parse(code))
        except SyntaxError as e:
            print(f"{name} is not valid Python: {e}")
            continue
        n_files += 1
        for used in names.found:
            users[used, False].add(name)
        for used in names.of_models:
            member = used.rpartition(".")[2]
            if not (member.startswith("_") and member in names.assigned):  # else it is the script's own
                users[used, True].add(name)
        own_parts |= names.own_parts
    missing = {}
    for (used, of_model), files in sorted(users.items()):
        problem = resolve_of_model(used) if of_model else resolve(used)
        if problem is not None:
            missing[used] = (problem, sorted(files))
    for used, (problem, files) in missing.items():
        print(f"missing: {used}: {problem}; used by {', '.join(files[:3])}{' …' if len(files) > 3 else ''}")
    if target is not None:
        target.write_text("".join(f"{used}\n" for used, _ in sorted(users)))
    own_parts -= {used for used, _ in users}
    print(f"{len(own_parts)} names that a package of 0.20 imports only from itself are not counted.")
    print(f"{len(users) - len(missing)} of {len(users)} names that {n_files} files use exist here.")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
