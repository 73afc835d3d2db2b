"""The worst mistakes, with what the model saw and heard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from mltk.report.blocks import empty
from mltk.report.facts import EvaluationFacts, ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import figure
from mltk.report.page import Section

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_WIDTH, _HEIGHT = 300, 90
_FIRST = 10
"""Mistakes that are shown at once."""


def samples(facts: ModelFacts) -> Section | None:
    """Return the worst mistakes of the main evaluation and of own data; None without an evaluation."""
    main = facts.main_evaluation
    shown = [e for e in facts.evaluations if e is main or e.is_own_data]
    shown = [e for e in shown if e.evidence is not None and e.evidence.get("kind") in ("classes", "anomaly")]
    if not shown:
        return None
    html = join([_of_evaluation(e, titled=len(shown) > 1) for e in shown])
    return Section("mistakes", "The worst mistakes", html, short="Mistakes")


def _of_evaluation(evaluation: EvaluationFacts, *, titled: bool) -> Markup:
    evidence = evaluation.evidence or {}
    found = evidence.get("samples") or []
    classes = evidence["classes"]
    anomaly = evidence["kind"] == "anomaly"
    if not found:
        return join(element("h3", evaluation.title) if titled else None, empty("There are no mistakes."))
    text = (
        "Mistakes at the threshold with the highest accuracy: normal samples with the highest scores, and abnormal "
        "samples with the lowest. A sample and its reconstruction have the same scale."
        if anomaly
        else "The score of the wrong answer is the farthest above the score of the true class. The pictures show the "
        "input of the model."
    )
    wrong = [sample for sample in found if not anomaly or sample["wrong"]]
    right = [sample for sample in found if anomaly and not sample["wrong"]]
    return join(
        element("h3", evaluation.title) if titled else None,
        element("p", text, class_="muted"),
        empty("There are no mistakes.") if not wrong else _list(wrong[:_FIRST], classes, anomaly=anomaly),
        _more("more mistakes", wrong[_FIRST:], classes, anomaly=anomaly),
        _more("samples that are right, and closest to a mistake in their class", right, classes, anomaly=anomaly),
    )


def _list(shown: Sequence[Plain], classes: Sequence[str], *, anomaly: bool) -> Markup:
    describe = _anomaly if anomaly else _mistake
    items = [element("li", describe(sample, classes), class_="sample") for sample in shown]
    return element("ul", items, class_="samples pairs" if anomaly else "samples")


def _more(what: str, shown: Sequence[Plain], classes: Sequence[str], *, anomaly: bool) -> Markup | None:
    if not shown:
        return None
    return element(
        "details", element("summary", f"{len(shown)} {what}"), _list(shown, classes, anomaly=anomaly), class_="more"
    )


def _mistake(sample: Plain, classes: Sequence[str]) -> Markup:
    true, predicted = classes[sample["true"]], classes[sample["predicted"]]
    scores = ", ".join(f"{classes[c]} {float(score):.3f}" for c, score in sample["scores"])
    where = sample.get("name") or f"sample {int(sample['number']):,}"
    label = f"{true}, taken for {predicted}"
    return join(
        element("div", _media(sample["media"], label), class_="media"),
        element("p", element("strong", true), " taken for ", element("strong", predicted)),
        element("p", f"Scores: {scores}", class_="muted"),
        element("p", where, class_="muted mono"),
    )


def _anomaly(sample: Plain, classes: Sequence[str]) -> Markup:
    true = classes[sample["true"]]
    shown = [sample.get(key) or {} for key in ("media", "reconstruction")]
    limits = _limits([channel for media in shown for channel in media.get("curves") or []])
    pair = [
        element("figure", element("figcaption", title), _media(sample[key], f"{true}, {title}", limits))
        for key, title in (("media", "sample"), ("reconstruction", "reconstruction"))
        if sample.get(key)
    ]
    verdict = "taken for normal" if sample["true"] else "taken for abnormal"
    return join(
        element("div", pair, class_="media pair"),
        element("p", element("strong", true), f", {verdict if sample['wrong'] else 'right'}"),
        element("p", f"Score {figure(sample['score'])}", class_="muted"),
    )


def _media(media: Plain, label: str, limits: tuple[float, float] | None = None) -> Markup:
    return join(
        _picture(media, label),
        curves(media["curves"], label, limits) if media.get("curves") else None,
        _sound(media["sound"], label) if media.get("sound") else None,
    )


def _picture(media: Plain, label: str) -> Markup | None:
    if not media.get("picture"):
        return None
    is_spectrogram = bool(media.get("spectrogram"))
    alternative = (
        f"Spectrogram of {label}: time from left to right, frequency from bottom to top" if is_spectrogram else label
    )
    source = f"data:image/png;base64,{_base64(media['picture'])}"
    return element("img", src=source, alt=alternative, class_="smooth" if is_spectrogram else None)


def _sound(sound: str, label: str) -> Markup:
    source = f"data:audio/wav;base64,{_base64(sound)}"
    return element("audio", controls=True, preload="none", src=source, aria_label=f"Recording of {label}")


def _base64(text: object) -> str:
    if not isinstance(text, str) or not _BASE64.fullmatch(text):
        raise ValueError("The data of a picture or sound are not Base64.")
    return text


def _limits(channels: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Return the lowest and the highest value of curves; None without values."""
    values = [float(v) for channel in channels for v in channel]
    return (min(values), max(values)) if values else None


def curves(channels: Sequence[Sequence[float]], label: str, limits: tuple[float, float] | None = None) -> Markup:
    """Return the channels of a signal as curves over time.

    Args:
        channels: ``[channels][points]``.
        label: What the curves show, for screen readers.
        limits: The values at the bottom and at the top; by default the lowest and the highest value.
    """
    low, high = limits or _limits(channels) or (0.0, 0.0)
    scale = (_HEIGHT - 4) / max(high - low, 1e-12)
    lines = []
    for i, channel in enumerate(channels):
        step = _WIDTH / max(1, len(channel) - 1)
        points = " ".join(f"{k * step:.1f},{2 + (high - float(v)) * scale:.1f}" for k, v in enumerate(channel))
        color = f"stroke: var(--s{i % 10 + 1})"
        lines.append(element("polyline", points=points, fill="none", style=color, stroke_width=1.5))
    box: dict[str, Any] = {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "preserveAspectRatio": "none"}
    return element("svg", lines, aria_label=f"Signal of {label}", **box)
