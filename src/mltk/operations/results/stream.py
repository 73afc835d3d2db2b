"""Results of evaluating a keyword spotter on hours of audio."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.operations.results.evaluation import EvaluationResults, FigureOf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS = (60, 90, 120, 140, 160, 180, 200, 220, 240, 250)
"""Thresholds in the summary."""


class StreamEvaluationResults(EvaluationResults):
    """Evaluation of a keyword spotter on a stream: what it detected, what it missed, and how often it was wrong.

    Args:
        name: The model's name.
        classes: Class labels.
        kwargs: The figures.
    """

    classes = FigureOf[list[str]]()
    """Class labels. A class whose name begins with ``_`` is not a keyword."""
    hours = FigureOf[float]()
    """Hours of audio."""
    is_joined = FigureOf[bool]()
    """Whether the audio was joined from clips and noise, because there was no long recording."""
    tolerance_s = FigureOf[float]()
    """Seconds after its end in which a keyword may be detected."""
    settings = FigureOf[dict[str, Any]]()
    """Settings of the detector, by the names of the model parameters."""
    n_keywords = FigureOf[int]()
    """Keywords that were said."""
    false_rejects = FigureOf[int]()
    """Keywords that were not detected."""
    false_reject_rate = FigureOf[float]()
    """Share of the keywords that were not detected; NaN without keywords."""
    false_accepts = FigureOf[int]()
    """Detections that do not count for a keyword; ``repeats`` and ``confusions`` are among them."""
    false_accepts_per_hour = FigureOf[float]()
    """False accepts in an hour."""
    latency_ms = FigureOf[dict[str, float]]()
    """Time from the end of a keyword to its detection: mean, median and the limit of 90 %. NaN without a detection."""
    keywords = FigureOf[dict[str, dict[str, Any]]]()
    """The figures of each keyword."""
    curve = FigureOf[dict[str, Any]]()
    """False accepts an hour, false rejects and latency at each threshold, of all keywords and of each: arrays."""
    detections = FigureOf[list[dict[str, Any]]]()
    """Each detection: recording, time, keyword, score, and what it was."""
    missed = FigureOf[list[dict[str, Any]]]()
    """Each keyword that was not detected: recording, start, end."""

    def __init__(self, name: str = "my_model", classes: list[str] | None = None, **kwargs: Any) -> None:
        kwargs.pop("model_type", None)
        super().__init__(name=name, model_type="stream", classes=list(classes or []), **kwargs)

    def generate_summary(self, include_all: bool = True) -> str:
        """Return the rates at the model's settings, overall and by keyword, and at some other thresholds."""
        lines = [super().generate_summary(include_all=False), *self._headline()]
        if include_all:
            lines += ["", *self._keyword_table(), "", *self._threshold_table()]
            if self.get("clips"):
                lines += ["", f"{self['n_clips']} clips of errors: {self['clips']}"]
        return "\n".join(lines)

    def _headline(self) -> list[str]:
        low, high = self["false_accepts_per_hour_interval"]
        n = len(self["recordings"])
        kind = "joined from clips and noise" if self.is_joined else f"{n} recording{'s' * (n != 1)}"
        lines = [
            f"Audio: {self.hours:.3g} h, {kind}, {self.n_keywords} keywords",
            f"False accepts: {rate_text(self.false_accepts_per_hour)} an hour ({self.false_accepts}; with 95 % "
            f"confidence {rate_text(low, 2)} to {rate_text(high, 2)} an hour). {self['repeats']} are repeats, "
            f"{self['confusions']} are confusions.",
        ]
        if self.n_keywords:
            low, high = self["false_reject_rate_interval"]
            lines.append(
                f"False rejects: {self.false_reject_rate:.1%} ({self.false_rejects} of {self.n_keywords}; with 95 % "
                f"confidence {low:.1%} to {high:.1%})"
            )
        if np.isfinite(self.latency_ms["median"]):
            lines.append(
                f"Latency after the end of a keyword: {self.latency_ms['median']:.0f} ms median, "
                f"90 % within {self.latency_ms['p90']:.0f} ms"
            )
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        return [*lines, f"Detector: {settings}", f"Speed: {self['times_real_time']:.0f} times real time"]

    def _keyword_table(self) -> list[str]:
        width = max([7, *(len(name) for name in self.keywords)])
        lines = [f"{'keyword':{width}}   said  detected  false rejects  false accepts/h  latency"]
        for name, figures in self.keywords.items():
            rate, latency = figures["false_reject_rate"], figures["median_latency_ms"]
            lines.append(
                f"{name:{width}}  {figures['said']:5}  {figures['detected']:8}  {_share(rate):>13}  "
                f"{rate_text(figures['false_accepts_per_hour']):>15}  {_ms(latency):>7}"
            )
        return lines

    def _threshold_table(self) -> list[str]:
        lines = ["threshold  false accepts/h  false rejects  mean latency"]
        own = self.settings.get("detection_threshold")
        curve = self.curve
        for threshold in sorted({*_ROWS, *([own] if own is not None and own < 255 else [])}):
            lines.append(
                f"{threshold:9}  {rate_text(curve['false_accepts_per_hour'][threshold]):>15}  "
                f"{_share(curve['false_reject_rate'][threshold]):>13}  {_ms(curve['mean_latency_ms'][threshold]):>12}"
                + ("  (the model's)" if threshold == own else "")
            )
        return lines

    def generate_plots(
        self, show: bool = True, output_dir: str | None = None, logger: logging.Logger | None = None
    ) -> list[str]:
        """Draw false rejects against false accepts an hour, and both against the threshold."""
        figures = {"stream_errors": self._error_plot(show), "stream_thresholds": self._threshold_plot(show)}
        return self._write_plots(figures, show, output_dir)

    def _error_plot(self, show: bool) -> Figure:
        from mltk.operations.results import plots

        figure, axis = plots.new_figure(show=show)
        curve = self.curve
        if self.n_keywords:
            for name, own in curve["keywords"].items():
                axis.step(own["false_accepts_per_hour"], np.asarray(own["false_reject_rate"]) * 100, lw=0.9, label=name)
            axis.step(
                curve["false_accepts_per_hour"],
                np.asarray(curve["false_reject_rate"]) * 100,
                color="black",
                lw=1.8,
                label="all keywords",
            )
            point = (self.false_accepts_per_hour, self.false_reject_rate * 100)
            axis.plot(*point, "o", color="black", mfc="none", ms=10, label="the model's settings")
            axis.legend(fontsize="small")
        axis.set_xscale("symlog", linthresh=1 / max(self.hours, 1e-6))
        axis.set_xlim(left=0)
        axis.set_ylim(-2, 102)
        axis.set_xlabel("false accepts an hour")
        axis.set_ylabel("false rejects, %")
        axis.set_title(f"{self.name}: {self.hours:.3g} h, {self.n_keywords} keywords")
        axis.grid(alpha=0.3)
        return figure

    def _threshold_plot(self, show: bool) -> Figure:
        from mltk.operations.results import plots

        figure, axis = plots.new_figure(show=show)
        curve = self.curve
        left = axis.plot(curve["thresholds"], curve["false_accepts_per_hour"], color="tab:red", label="false accepts")
        axis.set_yscale("symlog", linthresh=1 / max(self.hours, 1e-6))
        axis.set_ylim(bottom=0)
        axis.set_xlabel("detection_threshold")
        axis.set_ylabel("false accepts an hour")
        other = axis.twinx()
        rejects = np.asarray(curve["false_reject_rate"], np.float64) * 100
        right = other.plot(curve["thresholds"], rejects, color="tab:blue", label="false rejects")
        other.set_ylim(-2, 102)
        other.set_ylabel("false rejects, %")
        own = self.settings.get("detection_threshold")
        if own is not None:
            axis.axvline(own, color="gray", ls=":")
        axis.legend(handles=[*left, *right], fontsize="small")
        axis.set_title(f"{self.name}: thresholds")
        axis.grid(alpha=0.3)
        return figure


def rate_text(rate: float, digits: int = 3) -> str:
    """Return a number of errors in an hour: the whole number, or more digits of a small one; never an exponent."""
    return f"{rate:.{digits}g}" if rate < 10 ** (digits - 1) else f"{rate:.0f}"


def _share(value: float) -> str:
    return "-" if not np.isfinite(value) else f"{value:.1%}"


def _ms(value: float) -> str:
    return "-" if not np.isfinite(value) else f"{value:.0f} ms"
