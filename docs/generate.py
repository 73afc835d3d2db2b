"""Write the pages and the table that are made from the code; ``--check`` only checks that they are up to date.

These are ``docs/settings.md``, ``docs/cli.md``, ``docs/models.md``, ``docs/api/*.md`` and
``src/mltk/specification/setting_names.py``.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import click

import mltk
from mltk.cli.main import COMMANDS, cli
from mltk.specification.describe import setting_names_module, settings_page
from mltk.specification.settings import Spec

ROOT = Path(__file__).resolve().parent.parent
MIXINS: list[type[Spec]] = [
    mltk.MltkModel,
    mltk.TrainMixin,
    mltk.DatasetMixin,
    mltk.DataGeneratorDatasetMixin,
    mltk.EvaluateMixin,
    mltk.EvaluateClassifierMixin,
    mltk.EvaluateAutoEncoderMixin,
    mltk.AudioDatasetMixin,
    mltk.ImageDatasetMixin,
    mltk.SshMixin,
    mltk.WeightsAndBiasesMixin,
]
"""Every specification class, in the order of the page. tests/specification/test_describe.py checks that none lacks."""

API_PAGES = {
    "specification": ("Specification", ("mltk.specification",)),
    "operations": ("Operations", ("mltk.operations",)),
    "results": ("Results", ("mltk.operations.results",)),
    "audio": ("Audio", ("mltk.audio",)),
    "image": ("Images", ("mltk.image",)),
    "tflite": ("The .tflite file", ("mltk.tflite",)),
    "micro": ("The model on the device", ("mltk.micro",)),
    "training": ("Training", ("mltk.training",)),
    "errors": ("Errors", ("mltk.errors",)),
}
"""Page → title and packages. A public name is on the page with the longest package that fits."""


def api_page_of(module: str) -> str:
    """Return the name of the page for the public names of a module."""
    fitting = {
        package: page for page, (_, packages) in API_PAGES.items() for package in packages if module.startswith(package)
    }
    return fitting[max(fitting, key=len)]


def api_pages() -> dict[str, str]:
    """Return file → text: the public names of ``mltk``, with a directive that inserts the documentation of each."""
    names: dict[str, list[str]] = {page: [] for page in API_PAGES}
    for module, public in mltk._PUBLIC.items():
        names[api_page_of(module)] += public
    return {
        f"docs/api/{page}.md": "\n".join(
            [
                f"# {title}",
                "",
                *(f"::: mltk.{name}\n" for name in sorted(names[page], key=lambda n: (n != "MltkModel", n))),
            ]
        )
        for page, (title, _) in API_PAGES.items()
    }


def cli_page() -> str:
    """Return the help of every command, as ``--help`` prints it at 80 columns."""
    lines = [
        "# Command line",
        "",
        "What `mltk COMMAND --help` prints. Made from the code (`make docs`); don't edit.",
        "",
    ]
    for name in COMMANDS:
        context = click.Context(cli, info_name="mltk", max_content_width=80, terminal_width=80)
        command = cli.get_command(context, name)
        assert command is not None
        with click.Context(command, info_name=name, parent=context, max_content_width=80, terminal_width=80) as child:
            text = command.get_help(child).rstrip()
        lines += [f"## mltk {name}", "", "```text", text, "```", ""]
    return "\n".join(lines)


MODEL_FOLDERS = {
    "examples": "Examples",
    "tinyml": "Published models",
    "tflite_micro": "Examples of TensorFlow Lite Micro",
    "siliconlabs": "Models of Silicon Labs",
}
"""Folder of specifications in the package → heading."""
RESULTS = ROOT / "benchmarks" / "data" / "reference_models.json"
RESULT_IN_GUIDE = {"keyword_spotting_synthetic": "see [Speech without recordings](guides/speech.md)"}


def result_of(measured: dict[str, Any]) -> str:
    """Return the figures of a specification that was trained on real data."""
    if measured["figure"] == "accuracy":
        figures = f"{measured['int8']:.1%} (Keras {measured['keras']:.1%})".replace("%", " %")
    else:
        figures = f"{measured['int8']:.3f} (Keras {measured['keras']:.3f})"
    return f"{measured['figure']} {figures}: {measured['data']}"


def models_page() -> str:
    """Return the table of the specifications in the package, with what they reach."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    figures = stored["figures"]
    lines = [
        "# Models in the package",
        "",
        "Made from the code and from `benchmarks/data/reference_models.json` (`make docs`); don't edit.",
        "",
        "`mltk train NAME` trains a model, and `mltk evaluate NAME --tflite` evaluates it. The figures are those of",
        "the int8 model, as TensorFlow Lite Micro computes it, on data that was not in the training.",
        "`python benchmarks/reference_models.py` measures them again.",
        "",
        "*Stand-in*: the data of this model does not install offline, so it was trained for a few steps only, on",
        "noise of the same form (fingerprints: circles; the wake word: a few synthesized words). There is no result.",
        "The two commands show the accuracy with the real data.",
        "`python benchmarks/reference_models.py --stand-ins` makes these dry runs again.",
        "",
    ]
    for folder, heading in MODEL_FOLDERS.items():
        lines += [f"## {heading}", "", "| Model | What it is | Result |", "|---|---|---|"]
        for path in sorted((ROOT / "src" / "mltk" / "models" / folder).glob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "@mltk_model" not in text:
                continue
            name, first_line = path.stem, (ast.get_docstring(ast.parse(text)) or "").splitlines()[0].rstrip(".")
            first_line = first_line.replace("``", "`")
            untrained = "*stand-in*" if stored["dry_runs"].get(name) else "*fails on a stand-in*"
            result = result_of(figures[name]) if name in figures else RESULT_IN_GUIDE.get(name, untrained)
            lines.append(f"| `{name}` | {first_line} | {result} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write or check the files. Returns the exit code: 1 if a checked file is out of date."""
    check = "--check" in sys.argv[1:]
    stale = []
    files = {
        "docs/settings.md": settings_page(MIXINS),
        "docs/cli.md": cli_page(),
        "docs/models.md": models_page(),
        "src/mltk/specification/setting_names.py": setting_names_module(MIXINS),
        **api_pages(),
    }
    for name, text in files.items():
        path = ROOT / name
        text = text.rstrip() + "\n"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"Out of date: {', '.join(stale)}. Run: make docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
