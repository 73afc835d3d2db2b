"""Building blocks: tables, tiles, notes."""

from __future__ import annotations

from mltk.report.blocks import Cell, bar, code, empty, notes, number, table, tiles


def test_a_table_has_titles_and_names_its_rows() -> None:
    made = table(
        ["name", "bytes"], [["a<", number("1,000", 1000)], ["b", number("unknown", float("nan"))]], caption="C"
    )
    assert '<th scope="col">name</th><th scope="col" class="number">bytes</th>' in made
    assert '<th scope="row">a&lt;</th><td class="number" data-value="1000">1,000</td>' in made
    assert '<td class="number" data-value="">unknown</td>' in made
    assert 'class="sortable"' in made
    assert '<p class="caption">C</p>' in made


def test_a_table_of_one_row_is_not_sorted() -> None:
    assert "sortable" not in table(["a"], [["1"]])


def test_a_cell_may_be_long() -> None:
    assert '<td class="long">x</td>' in table(["a", "b"], [["1", Cell("x", long=True)]])


def test_tiles_notes_and_empty_boxes_escape_their_text() -> None:
    assert "<dt>&lt;</dt><dd>1<small>&gt;</small></dd>" in tiles([("<", "1", ">")])
    assert notes([]) is None
    assert '<span class="mark warn">check</span><span>a &amp; b</span>' in str(notes([("warn", "a & b")]))
    assert str(code("mltk a --b\nmltk c", wrap=True)).count("\n") == 1
    assert 'a <span class="word">--b</span>\nmltk c' in code("mltk a --b\nmltk c", wrap=True)
    assert "<code>mltk train &lt;x&gt;</code>" in empty("Nothing.", "mltk train <x>")


def test_a_bar_stays_in_its_cell() -> None:
    assert "width: 7.00rem" in bar(3.0)
    assert "width: 0.00rem" in bar(-1.0)
