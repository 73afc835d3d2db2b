"""Plots of training and evaluation. Figures are drawn without a display; ``show`` opens a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from mltk.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mltk.specification.model import MltkModel

_DPI = 110


def new_figure(width: float = 7.0, height: float = 5.0, *, show: bool = False) -> tuple[Figure, Axes]:
    """Return a figure and its axes.

    Args:
        width: Width in inches.
        height: Height in inches.
        show: Make the figure with pyplot, which can show it. Pyplot keeps every figure, so others are made without.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("matplotlib", "train") from None
    if show:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(width, height), layout="constrained")
    else:
        figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def save(figure: Figure, path: str) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=_DPI, format="png")


def show_all() -> None:
    """Open windows with all figures made with ``show``, and wait until they are closed."""
    import matplotlib.pyplot as plt

    plt.show()


class HasHistory(Protocol):
    """Results of a training run; `mltk.operations.results.training.TrainingResults` has more."""

    mltk_model: MltkModel
    history: dict[str, list[float]]

    def get_best_metric(self) -> tuple[str, float]:
        """Return the monitored metric and its best value."""


def plot_training_history(results: HasHistory, path: str, *, show: bool = False) -> None:
    """Plot each metric of training and validation over the epochs, and mark the best epoch.

    Args:
        results: The results of the training run.
        path: Path of the PNG.
        show: Open a window with the plot.
    """
    history = {k: v for k, v in results.history.items() if v}
    names = [n for n in history if not n.startswith("val_")]
    figure, first = new_figure(8.0, 1.2 + 2.0 * max(len(names), 1), show=show)
    first.remove()
    axes = figure.subplots(max(len(names), 1), 1, sharex=True, squeeze=False)[:, 0]
    best_name, _ = results.get_best_metric()
    for axis, name in zip(axes, names, strict=False):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            values = history.get(key)
            if not values:
                continue
            epochs = np.arange(1, len(values) + 1)
            axis.plot(epochs, values, label=label, marker="." if len(values) < 40 else None)
            if key == best_name:
                from mltk.specification.weights import higher_is_better

                best = int(np.argmax(values) if higher_is_better(key) else np.argmin(values))
                axis.plot(
                    best + 1, values[best], "o", color="black", mfc="none", ms=10, label=f"best: {values[best]:.4g}"
                )
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
        if name != "learning_rate":
            axis.legend(loc="best", fontsize="small")
        else:
            axis.set_yscale("log" if min(history[name]) > 0 else "linear")
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(f"{results.mltk_model.name}: training")
    save(figure, path)
    if show:
        show_all()


def plot_confusion_matrix(matrix: np.ndarray, classes: list[str], title: str, *, show: bool = False) -> Figure:
    """Plot a confusion matrix, shaded by the share of the true class.

    Args:
        matrix: Counts ``[true class, predicted class]``.
        classes: Class labels.
        title: Title of the plot.
        show: Make a figure that can be shown.
    """
    n = len(classes)
    size = min(max(4.5, 1.6 + 0.55 * n), 14.0)
    figure, axis = new_figure(size + 0.6, size, show=show)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    figure.colorbar(image, ax=axis, shrink=0.8, label="share of the true class")
    axis.set_xticks(
        range(n),
        classes,
        rotation=45 if max(map(len, classes), default=0) > 2 else 0,
        ha="right" if n and max(map(len, classes)) > 2 else "center",
    )
    axis.set_yticks(range(n), classes)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    if n <= 25:
        for i in range(n):
            for j in range(n):
                if matrix[i, j]:
                    color = "white" if share[i, j] > 0.5 else "black"
                    axis.text(j, i, f"{matrix[i, j]}", ha="center", va="center", color=color, fontsize=8)
    axis.set_title(title)
    return figure


def plot_curves(
    curves: list[tuple[str, np.ndarray, np.ndarray]],
    title: str,
    x_label: str,
    y_label: str,
    *,
    diagonal: bool = False,
    log_x: bool = False,
    show: bool = False,
) -> Figure:
    """Plot curves in the unit square.

    Args:
        curves: Label, x and y of each curve.
        title: Title of the plot.
        x_label: Name of the x axis.
        y_label: Name of the y axis.
        diagonal: Also draw the diagonal.
        log_x: Make the x axis logarithmic.
        show: Make a figure that can be shown.
    """
    figure, axis = new_figure(show=show)
    lines = [axis.plot(x, y, lw=1.4, drawstyle="default")[0] for _, x, y in curves]
    if diagonal:
        axis.plot([0, 1], [0, 1], ls=":", color="gray", lw=1)
    axis.set_xlim(-0.01, 1.01)
    axis.set_ylim(-0.01, 1.02)
    if log_x:
        axis.set_xscale("log")
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.set_title(title)
    axis.grid(alpha=0.3)
    if len(curves) <= 24:
        # matplotlib leaves labels like _unknown_ out of a legend, so the texts are set afterwards.
        legend = axis.legend(lines, ["-"] * len(lines), fontsize="x-small", ncols=1 + len(curves) // 13)
        for text, (label, _, _) in zip(legend.get_texts(), curves, strict=True):
            text.set_text(label)
    return figure
