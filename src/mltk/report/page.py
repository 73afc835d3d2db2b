"""One HTML page from sections: styles, scripts and data are inside, and the page requests nothing.

    html = render("yes_no", [Section("summary", "Summary", "<p>94.1 % accuracy</p>")])

A section may have a script and data. The script is the body of a JavaScript function with three arguments: ``root``
(the section's element), ``data`` (the data), and ``ui`` (the functions of ``assets/report.js``: plots, sortable tables,
number formats). The page forbids itself every request to the outside with a Content-Security-Policy.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from mltk.report.markup import element, join, json_for_script

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob: data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob: mediastream:; connect-src {}data: blob:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the page may load: nothing but what is inside it. WebAssembly, workers and media come from its own data."""
_ID = re.compile(r"[a-z][a-z0-9-]*")
_ENDS_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)
_THEMES = {"auto": "as the system", "light": "light", "dark": "dark"}


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        id: Name of the section's element, such as ``"confusion-matrix"``: lower-case letters, digits and hyphens.
        title: Heading of the section, as plain text.
        html: Content as HTML. Text of users in it must be escaped; see `mltk.report.markup.element`.
        script: Body of a JavaScript function of ``root``, ``data`` and ``ui``; empty for none.
        data: Plain data for the script.
        short: Shorter title for the navigation; by default the title.
    """

    id: str
    title: str
    html: str
    script: str = ""
    data: object = None
    short: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"The section's id {self.id!r} is not lower-case letters, digits and hyphens.")
        found = _ENDS_SCRIPT.search(self.script)
        if found:
            raise ValueError(f"The script of the section {self.id!r} has {found[0]!r}, which ends a script in HTML.")


def render(
    title: str, sections: Sequence[Section], *, subtitle: str = "", footer: str = "", asks_server: bool = False
) -> str:
    """Return a page as HTML.

    Args:
        title: Title of the page, as plain text.
        sections: The sections, in order. Their ids differ.
        subtitle: A line below the title, as plain text.
        footer: A line at the end of the page, as plain text.
        asks_server: Whether scripts of the page may request data from the server that the page is from.

    Returns:
        A complete HTML document. Write it as UTF-8.

    Raises:
        ValueError: Two sections have the same id, or the data of a section has NaN or infinity.
    """
    ids = [section.id for section in sections]
    if len(set(ids)) < len(ids):
        raise ValueError(f"Two sections have the same id: {', '.join(ids)}.")
    body = join(
        element("a", "Skip to the content", href="#content", class_="skip"),
        element(
            "header",
            element("div", element("h1", title), element("p", subtitle, class_="subtitle") if subtitle else None),
            _theme_switch(),
            class_="top",
        ),
        element("nav", element("ul", map(_link, sections)), aria_label="Sections") if len(sections) > 1 else None,
        element("main", map(_section, sections), id="content", tabindex=-1),
        element("footer", footer) if footer else None,
        _script(f"/*! uPlot\n{_asset('uPlot.LICENSE.txt')}*/\n{_asset('uPlot.iife.min.js')}"),
        _script(_asset("report.js")),
        [_section_script(section) for section in sections if section.script],
    )
    head = join(
        element("meta", charset="utf-8"),
        Markup('<meta http-equiv="Content-Security-Policy" content="{}">').format(
            _POLICY.format("'self' " if asks_server else "")
        ),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", Markup(_asset("uPlot.min.css") + _asset("report.css"))),
    )
    return f"<!doctype html>\n{element('html', element('head', head), element('body', body), lang='en')}\n"


def _link(section: Section) -> Markup:
    return element("li", element("a", section.short or section.title, href=f"#{section.id}"))


def _section(section: Section) -> Markup:
    heading = element("h2", section.title, id=f"{section.id}-heading")
    content = element("div", Markup(section.html), class_="content")
    return element("section", heading, content, id=section.id, aria_labelledby=f"{section.id}-heading")


def _section_script(section: Section) -> Markup:
    data = Markup(json_for_script(section.data))
    name = f"{section.id}-data"
    return join(
        element("script", data, type="application/json", id=name),
        _script(f"mltkReport.run({section.id!r}, function (root, data, ui) {{\n{section.script}\n}});"),
    )


def _script(text: str) -> Markup:
    return element("script", Markup(text))


def _theme_switch() -> Markup:
    options = [element("option", title, value=value) for value, title in _THEMES.items()]
    return element("label", element("span", "Colors"), element("select", options, id="theme"), class_="theme")


@functools.cache
def _asset(name: str) -> str:
    return (resources.files("mltk.report") / "assets" / name).read_text("utf-8")
