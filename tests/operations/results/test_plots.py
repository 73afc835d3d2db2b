"""The plots of an evaluation show every class."""

from __future__ import annotations

import numpy as np

from mltk.operations.results import plots

CLASSES = ["yes", "_unknown_", "_silence_"]


def test_classes_with_an_underscore_are_in_the_legend() -> None:
    x = np.linspace(0, 1, 5)
    figure = plots.plot_curves([(name, x, x) for name in CLASSES], "title", "x", "y", diagonal=True)
    figure.canvas.draw()
    (axis,) = figure.axes
    legend = axis.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == CLASSES
