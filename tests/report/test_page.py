"""The page: one file, in which nothing that a user named is read as HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from mltk.report.page import Section, render


class Outline(HTMLParser):
    """The elements of a page, the text outside scripts, and the text of each script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        self._in.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._in[-1:] == ["script"]:
            self.scripts[-1] += data
        elif self._in[-1:] != ["style"]:
            self.text += data


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def test_text_of_users_is_never_html() -> None:
    data = {"classes": [HOSTILE, "a & b \u2028"]}
    page = render(HOSTILE, [Section("one", HOSTILE, "<p>ok</p>", "ui.x = 1;", data)], subtitle=HOSTILE, footer=HOSTILE)
    found = Outline(page)
    assert [tag for tag, _ in found.elements].count("script") == 4  # uPlot, the page, the data, the section
    assert not [tag for tag, _ in found.elements if tag == "img"]
    assert found.text.count(HOSTILE) >= 4
    assert json.loads(found.scripts[2]) == data


def test_a_page_refers_to_nothing_outside() -> None:
    found = Outline(render("name", [Section("one", "One", "<p>1</p>")]))
    for tag, attributes in found.elements:
        for name in ("src", "href", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    policy = next(a["content"] for _, a in found.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|'self'|\*", policy)


def test_a_page_has_the_license_of_what_it_contains() -> None:
    page = render("name", [Section("one", "One", "<p>1</p>")])
    assert "The MIT License" in page
    assert "Copyright (c) 2022 Leon Sorokin" in page


def test_sections_stand_in_the_navigation_and_in_order() -> None:
    found = Outline(render("name", [Section("b", "Second", "", short="2nd"), Section("a", "First", "")]))
    assert [a["href"] for tag, a in found.elements if tag == "a"] == ["#content", "#b", "#a"]
    assert [a["id"] for tag, a in found.elements if tag == "section"] == ["b", "a"]
    assert "2nd" in found.text


@pytest.mark.parametrize("identifier", ["", "A", "1a", "a b", 'a"'])
def test_an_id_that_is_not_a_simple_word_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters"):
        Section(identifier, "title", "")


def test_a_script_that_would_end_early_is_refused() -> None:
    with pytest.raises(ValueError, match="</SCRIPT"):
        Section("a", "title", "", "x = '</SCRIPT>'")


def test_two_sections_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="the same id"):
        render("name", [Section("a", "1", ""), Section("a", "2", "")])


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        render("name", [Section("a", "1", "", "x()", {"loss": float("nan")})])
