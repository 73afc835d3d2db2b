"""What ``compatibility.py`` does with one specification or archive, in a process of its own."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS_OF_A_CLASS = 12
"""Number of spoken words of a class in the stand-in."""


def use_stand_ins() -> None:
    """Accept the stand-ins, whose checksums are not the published ones, and let a synthesizer say few words."""
    from mltk.data.fetch import download
    from mltk.datasets.audio import spoken_words

    download._difference = lambda path, checksum, algorithm: ""  # type: ignore[assignment]
    spoken_words.SAMPLES_PER_KEYWORD = WORDS_OF_A_CLASS
    spoken_words.SAMPLES_UNKNOWN = WORDS_OF_A_CLASS


class Reporter:
    """Writes one line of JSON for each step that is done."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, **results: Any) -> None:
        """Append results."""
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(results) + "\n")

    def step(self, name: str, function: Callable[[], Any]) -> Any:
        """Call a function; note the seconds that it took, or its error. Return its result, None after an error."""
        start = time.perf_counter()
        try:
            result = function()
        except BaseException as e:
            traceback.print_exc()
            hint = getattr(e, "hint", None)
            self.note(**{name: f"{type(e).__name__}: {e}" + (f" ({hint})" if hint else "")})
            if not isinstance(e, Exception):
                raise
            return None
        self.note(**{name: time.perf_counter() - start})
        return result


def run_specification(path: str, report: Reporter) -> None:
    """Run all steps of one specification."""
    import mltk

    use_stand_ins()
    model = report.step("load", lambda: mltk.load_mltk_model(path))
    if model is None:
        return
    if report.step("build", lambda: mltk.summarize_model(path, build=True)) is None:
        return
    folder = tempfile.mkdtemp()
    tflite = report.step("quantize", lambda: mltk.quantize_model(path, build=True, test=True, output=folder))
    if tflite is not None:
        results = report.step("profile", lambda: mltk.profile_model(tflite))
        if results is not None:
            report.note(macs=int(results.macs))
    report.step("dry run", lambda: mltk.train_model(path, clean=True, test=True))


def run_archive(path: str, report: Reporter) -> None:
    """Run all steps of one pretrained archive, on a copy of it."""
    import mltk

    use_stand_ins()
    copy = str(Path(tempfile.mkdtemp()) / Path(path).name)
    shutil.copyfile(path, copy)
    report.step("summary", lambda: mltk.summarize_model(copy))
    results = report.step("profile", lambda: mltk.profile_model(copy))
    if results is not None:
        report.note(macs=int(results.macs))
    parity = report.step("parity", lambda: mltk.check_parity(copy, n_samples=10, quantization=False))
    if parity is not None:
        report.note(parity_says=str(parity)[:300])
    report.step("params", lambda: _change_and_read_parameter(copy))
    report.step("quantize", lambda: mltk.quantize_model(copy))
    evaluation = report.step("evaluate", lambda: mltk.evaluate_model(copy, tflite=True, max_samples_per_class=10))
    if evaluation is not None:
        report.note(evaluated=str(evaluation)[:200])


def _change_and_read_parameter(archive: str) -> None:
    import mltk

    mltk.update_model_parameters(archive, {"added_by_the_benchmark": 7})
    parameters = mltk.TfliteModelParameters.load_from_tflite_model(mltk.load_tflite_model(archive))
    if parameters["added_by_the_benchmark"] != 7:
        raise RuntimeError("the parameter is not in the archive")


def run_teacher(path: str, report: Reporter) -> None:
    """Train the teacher of a specification, which the environment variable selects, in a dry run."""
    import mltk

    use_stand_ins()
    report.step("teacher", lambda: mltk.train_model(path, clean=True, test=True))
