"""The page of a training that still runs: it asks its server for the state each second, and draws it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from mltk.report.markup import element
from mltk.report.page import Section, render


def live_page(name: str, sections: Sequence[Section] = ()) -> str:
    """Return the page as HTML. It reads ``state.json`` beside it, and loads itself again when the training is done.

    Args:
        name: Name of the model.
        sections: What is known about the model before the training, below the curves.
    """
    content = [
        element("p", "Preparing the training …", class_="stage", role="status"),
        element("progress", max=1, value=0, aria_label="Progress of the training"),
        element("div", class_="curves"),
    ]
    script = (resources.files("mltk.report") / "assets" / "live.js").read_text("utf-8")
    training = Section("training", "Training", "".join(content), script, data={"name": name})
    return render(name, [training, *sections], subtitle="This page grows while the training runs.", asks_server=True)
