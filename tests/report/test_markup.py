"""HTML from Python, escaped by default."""

from __future__ import annotations

import json

from markupsafe import Markup

from mltk.report.markup import element, join, json_for_script


def test_text_and_attributes_are_escaped() -> None:
    made = element("td", "a < b & c", class_='x" onclick="y', data_value=1.5)
    assert made == '<td class="x&#34; onclick=&#34;y" data-value="1.5">a &lt; b &amp; c</td>'


def test_markup_is_not_escaped_again() -> None:
    assert element("p", element("b", "<"), " ", 3) == "<p><b>&lt;</b> 3</p>"
    assert join([element("i", "1"), None], "&") == Markup("<i>1</i>&amp;")


def test_attributes_that_are_false_or_none_are_left_out() -> None:
    assert element("button", disabled=True, hidden=False, title=None) == "<button disabled></button>"


def test_an_element_without_content_has_no_end() -> None:
    assert element("img", alt="a") == '<img alt="a">'


def test_json_cannot_end_a_script() -> None:
    value = {"name": "</script><!--", "line": "\u2028\u2029&"}
    text = json_for_script(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value
