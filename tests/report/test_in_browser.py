"""The page in a real browser: no error, no request to the outside, plots, tables and colors that work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.browser import Browser, Page
from mltk.report.page import Section, render

PLOT = """
ui.plot(root.querySelector(".content"), {
  title: "Loss", label: "Loss of each epoch", x: {label: "epoch"}, y: {label: "loss"},
  series: [{label: "loss", x: data.x, y: data.y}, {label: "val_loss", x: data.x, y: data.z, dash: true}],
});
"""
TABLE = """<table class="sortable"><thead><tr><th scope="col">name</th><th scope="col" class="number">bytes</th></tr>
</thead><tbody><tr><td>b</td><td data-value="9">9</td></tr><tr><td>a</td><td data-value="1000">1,000</td></tr>
<tr><td>c</td><td data-value="20">20</td></tr></tbody></table>"""
HOSTILE = "</script><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Page:
    sections = [
        Section(
            "curves",
            f"Curves {HOSTILE}",
            "",
            PLOT,
            {"x": [1, 2, 3], "y": [3, 2, 1.5], "z": [3, 2.5, 2], "name": HOSTILE},
        ),
        Section("table", "Table", TABLE),
    ]
    path = tmp_path / "page.html"
    path.write_text(render("A page", sections), encoding="utf-8")
    browser.page.resize(1000)
    return browser.open(path.as_uri())


def first_column(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#table tbody td:first-child')].map(d => d.innerText)"
    )
    return found


def test_nothing_fails_and_nothing_is_requested(page: Page) -> None:
    assert page.errors == []
    assert page.outside == []
    assert page.evaluate("document.title") == "A page"
    assert page.evaluate("document.querySelectorAll('#curves canvas').length") == 1


def test_the_page_may_not_request_anything(page: Page) -> None:
    script = "fetch('http://127.0.0.1:9/x').then(() => 'sent', e => String(e))"
    assert "Failed to fetch" in page.evaluate(script)
    assert "Content Security Policy" in " ".join(page.errors)


def test_an_error_in_a_section_is_said_there(browser: Browser, tmp_path: Path) -> None:
    sections = [Section("one", "One", "", "throw new Error('so what');", None), Section("two", "Two", "", "root.id;")]
    (tmp_path / "page.html").write_text(render("A page", sections), encoding="utf-8")
    page = browser.open((tmp_path / "page.html").as_uri())
    assert "so what" in page.evaluate("document.querySelector('#one [role=alert]').innerText")
    assert len(page.errors) == 1


def test_a_table_is_sorted_by_its_numbers_and_says_so(page: Page) -> None:
    click = "document.querySelectorAll('#table thead button')[{}].click()"
    page.evaluate(click.format(1))
    assert first_column(page) == ["a", "c", "b"]  # the largest number first
    assert page.evaluate("document.querySelectorAll('#table th')[1].getAttribute('aria-sort')") == "descending"
    page.evaluate(click.format(0))
    assert first_column(page) == ["a", "b", "c"]


def test_the_keyboard_reads_a_plot(page: Page) -> None:
    page.evaluate("document.querySelector('#curves .canvas').focus()")
    page.press("ArrowRight")
    page.press("ArrowRight")
    readout = page.wait_for("document.querySelector('#curves .readout').innerText")
    assert readout == "epoch 2: loss 2, val_loss 2.5"


def test_the_numbers_of_a_plot_are_a_table_too(page: Page) -> None:
    page.evaluate("document.querySelector('#curves details').open = true")
    page.wait_for("document.querySelectorAll('#curves details tbody tr').length == 3")
    assert page.evaluate("document.querySelector('#curves details tbody').innerText").split() == [
        "1", "3", "3", "2", "2", "2.5", "3", "1.5", "2",
    ]  # fmt: skip


def test_a_link_shows_the_heading_below_the_navigation(page: Page) -> None:
    page.resize(1000, 300)
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    page.evaluate("document.querySelector('nav a[href=\"#table\"]').click()")
    page.wait_for("scrollY > 0")
    below = (
        "document.querySelector('#table h2').getBoundingClientRect().top >= document.querySelector('nav').offsetHeight"
    )
    assert page.wait_for(below)


def test_colors_follow_the_system_until_chosen(page: Page) -> None:
    color = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(color)
    page.resize(1000, dark=True)
    assert page.evaluate(color) != light
    page.evaluate("theme.value = 'light'; theme.dispatchEvent(new Event('change'))")
    assert page.evaluate(color) == light
    page.evaluate("theme.value = 'auto'; theme.dispatchEvent(new Event('change'))")
    assert page.errors == []
