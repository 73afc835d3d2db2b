"""What the scripts of the report compute in the page, compared with NumPy and scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers.browser import Browser, Page
from helpers.made_facts import CLASSES, anomaly_facts, classifier_facts, made_facts, made_scores
from mltk.report.comparison import comparison
from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.report.model_report import model_report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


def opened(browser: Browser, folder: Path, facts: ModelFacts) -> Page:
    path = folder / "report.html"
    path.write_text(model_report(facts), encoding="utf-8")
    browser.page.resize(1000)
    page = browser.open(path.as_uri())
    assert page.errors == []
    return page


def move(page: Page, section: str, value: int) -> None:
    page.evaluate(
        f"(() => {{ const s = document.querySelector('#{section} input[type=range]'); s.value = {value}; "
        "s.dispatchEvent(new Event('input')); })()"
    )


def tiles(page: Page) -> dict[str, str]:
    pairs = page.evaluate(
        "[...document.querySelectorAll('#thresholds .tile')].map(t => [t.querySelector('dt').innerText, "
        "t.querySelector('dd').firstChild.data])"
    )
    return dict(pairs)


def test_a_threshold_shows_the_figures_of_numpy(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, made_facts())
    truth, scores = made_scores()
    for step in (0, 31, 128, 200):
        move(page, "thresholds", step)
        positive = scores[:, 0] >= step / 256
        true = truth == 0
        found = tiles(page)
        assert found["Recall"] == f"{(positive & true).sum() / true.sum() * 100:.1f} %"
        assert found["Precision"] == f"{(positive & true).sum() / positive.sum() * 100:.1f} %"
        assert found["False positive rate"] == f"{(positive & ~true).sum() / (~true).sum() * 100:.2f} %"
        assert found["Right in all"] == f"{(positive == true).mean() * 100:.1f} %"


def test_the_roc_begins_at_no_positives(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, made_facts())
    points = page.evaluate("mltkReport.plots.map(p => p.data).find(d => d.length === 2 && d[1].at(-1) === 1)")
    assert (points[0][0], points[1][0]) == (0, 0)
    assert 0 < points[0][1] < 1e-9


def test_the_compared_roc_is_the_mean_of_the_classes(browser: Browser, tmp_path: Path) -> None:
    models = [made_facts("a"), made_facts("b", evaluations=(classifier_facts(seed=3),))]
    (tmp_path / "page.html").write_text(comparison(models), encoding="utf-8")
    page = browser.open((tmp_path / "page.html").as_uri())
    assert page.errors == []
    area = """(() => { const [xs, ...curves] = mltkReport.plots.find(p => p.root.closest('.roc')).data;
      return curves.map((ys) => { const k = xs.map((_, i) => i).filter(i => ys[i] != null);
        return k.slice(1).reduce((a, i, n) => a + (xs[i] - xs[k[n]]) * (ys[i] + ys[k[n]]) / 2, 0); }); })()"""
    expected = [model.evaluations[0].results["roc_auc_avg"] for model in models]
    assert page.evaluate(area) == pytest.approx(expected, abs=1e-9)
    page.evaluate(
        "(() => { const s = document.querySelector('#curves select'); s.value = 'dog'; "
        "s.dispatchEvent(new Event('change')); })()"
    )
    assert page.evaluate("document.querySelectorAll('#curves .plot').length") == 1
    areas = page.evaluate(area.replace("mltkReport.plots.find", "mltkReport.plots.findLast"))
    assert areas == pytest.approx([model.evaluations[0].results["roc_auc"][1] for model in models], abs=1e-9)


def test_rejected_answers_are_counted_as_numpy_does(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, made_facts())
    truth, scores = made_scores()
    move(page, "confusion", 140)
    cells = page.evaluate(
        "[...document.querySelectorAll('#confusion .matrix tbody tr')].map(r => [...r.querySelectorAll('td')].map(d => "
        "Number(d.innerText)))"
    )
    answered = scores.max(axis=1) >= 140 / 256
    expected = np.zeros((3, 4), int)
    np.add.at(expected, (truth, np.where(answered, scores.argmax(axis=1), 3)), 1)
    assert 0 < expected[:, 3].sum() < len(truth)
    np.testing.assert_array_equal(cells, expected)
    right = (scores.argmax(axis=1) == truth)[answered].mean()
    text = page.evaluate("document.querySelector('#confusion').innerText")
    assert f"{right * 100:.1f} % of these answers are right" in text


def test_names_of_classes_are_text(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, made_facts())
    names = page.evaluate("[...document.querySelectorAll('#confusion .matrix tbody th')].map(h => h.innerText)")
    assert names == CLASSES
    assert page.evaluate("document.querySelectorAll('main b').length") == 0


def test_an_autoencoder_begins_with_its_best_threshold(browser: Browser, tmp_path: Path) -> None:
    evaluation = anomaly_facts()
    page = opened(browser, tmp_path, made_facts(evaluations=(evaluation,)))
    accuracy = evaluation.results["overall_accuracy"]
    assert tiles(page)["Right in all"] == f"{accuracy * 100:.1f} %"


def test_a_page_fits_any_width_and_both_themes(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, made_facts())
    url = page.evaluate("location.href")
    for width in (390, 820, 1440):
        for dark in (False, True):
            page.resize(width, mobile=width < 600, dark=dark)
            browser.open(url)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.errors == []


def test_35_long_names_fit_a_phone(browser: Browser, tmp_path: Path) -> None:
    names = [f"keyword_{i}_with_a_name_that_is_very_{'long' * (i % 5)}" for i in range(35)]
    evaluations = (classifier_facts("tflite", classes=names), classifier_facts("keras", classes=names))
    page = opened(browser, tmp_path, made_facts(evaluations=evaluations))
    page.resize(390, mobile=True)
    browser.open(page.evaluate("location.href"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.matrix').offsetWidth") < 35 * 45
    # The name of the row stays in view while the matrix is scrolled.
    page.evaluate("document.querySelector('.matrix-view .scroll').scrollLeft = 500")
    assert page.evaluate("document.querySelector('.matrix tbody th').getBoundingClientRect().left") >= 0


def test_every_control_and_picture_has_a_name(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, made_facts())
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, select, input, audio, img, svg, .canvas, [role=region]')].filter(e =>
        !(e.getAttribute('aria-label') || e.getAttribute('alt') || e.textContent.trim() ||
          e.closest('label')?.textContent.trim())).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_each_number_of_a_confusion_matrix_can_be_read(browser: Browser, tmp_path: Path) -> None:
    """Cells from 0 to 100 % of their row, in both themes."""
    matrix = [[100 - k, k] for k in (0, 3, 20, 35, 45)]
    script = """(() => {
      const light = (c) => c.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0);
      const rgba = (text) => { const n = text.match(/[0-9.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
      const card = rgba(getComputedStyle(document.querySelector('section')).backgroundColor);
      return Math.min(...[...document.querySelectorAll('.matrix td')].map((td) => {
        const style = getComputedStyle(td), b = rgba(style.backgroundColor), t = rgba(style.color);
        const mixed = [0, 1, 2].map(i => b[i] * b[3] + card[i] * (1 - b[3]));
        const [x, y] = [light(mixed), light(t.slice(0, 3))].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05); })); })()"""
    names = [f"class {i}" for i in range(len(matrix))]
    square = [
        [row[0] if i == j else row[1] if j == (i + 1) % 5 else 0 for j in range(5)] for i, row in enumerate(matrix)
    ]
    found = {**classifier_facts(classes=names).results, "confusion_matrix": square}
    page = opened(browser, tmp_path, made_facts(evaluations=(EvaluationFacts("tflite", found),)))
    for dark in (False, True):
        page.resize(1000, dark=dark)
        assert page.evaluate(script) >= 4.5


def test_text_has_enough_contrast(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, made_facts())
    script = """(() => {
      const value = (name) => { const d = document.createElement('div'); d.style.color = `var(${name})`;
        document.body.append(d); const c = getComputedStyle(d).color.match(/[0-9.]+/g).slice(0, 3).map(Number);
        d.remove();
        return c.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
          .reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0); };
      const ratio = (a, b) => { const [x, y] = [value(a), value(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05); };
      const text = ['--text', '--muted', '--accent', '--good', '--warn', '--bad']
        .flatMap(n => ['--card', '--bg', '--soft'].map(b => ratio(n, b)));
      const lines = [1,2,3,4,5,6,7,8,9,10].map(n => ratio(`--s${n}`, '--card'));
      return [Math.min(...text), Math.min(...lines)]; })()"""
    for dark in (False, True):
        page.resize(1000, dark=dark)
        text, lines = page.evaluate(script)
        assert text >= 4.5  # WCAG 2.1, AA
        assert lines >= 3.0
