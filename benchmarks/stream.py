"""A spotter on synthesized hours: errors at all thresholds, the chosen settings on a second hour, and the speed.

    python benchmarks/stream.py [--model keyword_spotting_synthetic] [--hours 1] [--wanted 4 10 20] [--pairs 8]

The model must be trained: ``mltk train keyword_spotting_synthetic``. eSpeak NG says new words, of which each is used
once: half of them in the first hour, the others in the second. So every keyword is known, and errors are independent.

For each wanted rate, ``tune`` chooses settings on the first hour. The second hour must then be within these bounds: its
false accepts are at most the 97.5 % quantile of a Poisson distribution with the wanted rate, and its false rejects are
within the 95 % limits that both hours' counts allow. The script fails if they are not.

``--pairs 8`` makes eight recordings instead, tunes on each, and evaluates on each other one. So it shows how often one
hour chooses well. It prints a table, and no speed.

The speed is that of the first hour: reading, frontend, int8 model. Beside it: TensorFlow Lite Micro in one process on
the same inputs, and whether all scores of a part of the hour are equal.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mltk.audio.files import read_audio_int16
from mltk.audio.listening import Listening
from mltk.audio.speech import SpeechDataset
from mltk.audio.streams.curve import Sweeper
from mltk.audio.streams.joining import Clip, Joiner
from mltk.audio.streams.rates import poisson_quantile
from mltk.audio.streams.recordings import find_recordings
from mltk.audio.streams.tuning import choose_settings
from mltk.errors import EvaluationError
from mltk.micro.engines.runtimes import TflmRuntime, have_tflm
from mltk.operations.shared.load import resolve
from mltk.operations.shared.streams import ScoredStream, StreamOptions, scored_stream

_CURVE_ROWS = (0, 60, 120, 160, 180, 200, 220, 240, 250, 254)
_TFLM_INFERENCES = 2000
_WORDS_PER_HOUR = 1300  # at most; the joiner says about 1,000
_SEED = 4242  # not that of the training


def say_words(keywords: list[str], folder: Path, rate: int, hours: float) -> list[Clip]:
    """Synthesize enough words for recordings of ``hours`` in total that use each once."""
    n = math.ceil(hours * _WORDS_PER_HOUR / 2)
    each = math.ceil(n / len(keywords))
    speech = SpeechDataset(
        keywords, samples_per_keyword=each, samples_unknown=n, sample_rate_hz=rate, seed=_SEED, folder=folder
    )
    speech.create()
    clips = []
    for name in speech.classes:
        for path in sorted((folder / name).glob("*.wav")):
            clips.append(Clip(read_audio_int16(str(path), rate)[0], name))
    return clips


def write_hours(listening: Listening, folder: Path, hours: float, n: int) -> list[Path]:
    """Join ``n`` recordings, each of its own share of the words."""
    rate = listening.frontend.sample_rate_hz
    keywords = [name for name in listening.classes if not name.startswith("_")]
    start = time.perf_counter()
    clips = say_words(keywords, folder / "speech", rate, n * hours)
    print(f"{len(clips)} words were synthesized in {time.perf_counter() - start:.0f} s.")
    paths = []
    for k in range(n):
        paths.append(folder / f"hour{k + 1}")
        by_class = {name: [c for c in clips if c.label == name] for name in {c.label for c in clips}}
        part = [c for name in sorted(by_class) for c in by_class[name][k::n]]
        _, labels = Joiner(part, [], rate, seed=10 + k).write(str(paths[-1]), hours)
        used = max(sum(label.text == name for label in labels) / len(by_class[name][k::n]) for name in keywords)
        assert used <= 1, "a word is said twice"
    return paths


def print_curve(name: str, sweeper: Sweeper, settings: Any) -> None:
    """Print some points of the curve."""
    curve = sweeper.curve(settings)
    print(f"\n{name}: {sweeper.hours:g} hours, {sweeper.n_events.sum()} keywords")
    print("threshold  false accepts/h  false rejects")
    for t in _CURVE_ROWS:
        print(f"{t:9}  {curve.false_accepts_per_hour[t]:15.1f}  {curve.false_reject_rate[t]:12.1%}")


def check_wanted(wanted: float, sweepers: list[Sweeper], listening: Listening) -> bool:
    """Choose settings on the first hour, print what they do on the second, and return whether it is within bounds."""
    interval_ms = listening.samples_per_inference * 1000 / listening.frontend.sample_rate_hz
    try:
        choice = choose_settings(
            sweepers[0], listening.detector, interval_ms=interval_ms, max_false_accepts_per_hour=wanted
        )
    except EvaluationError as error:
        print(f"{wanted:6g}  {error.message}")
        return False
    threshold = choice.settings.detection_threshold
    limits = np.where([c.startswith("_") for c in listening.classes], 255, threshold).astype(np.uint8)[np.newaxis]
    wrong, shares, counts = [], [], []
    for sweeper in sweepers:
        curve = sweeper.count(choice.settings, limits)
        wrong.append(int(curve.false_accepts.sum()))
        shares.append(float(curve.false_reject_rate[0]))
        counts.append(int(sweeper.n_events.sum()))
    most = poisson_quantile(0.975, wanted * sweepers[1].hours)
    pooled = float(np.average(shares, weights=counts))
    margin = 1.96 * math.sqrt(max(pooled * (1 - pooled), 1e-9) * sum(1 / n for n in counts))
    window, suppression = choice.settings.average_window_duration_ms, choice.settings.suppression_ms
    low, high = choice.expected_interval
    print(
        f"{wanted:6g}  {window:6}  {suppression:11}  {threshold:9}  {choice.expected_per_hour:5.1f} ({low:.1f} to "
        f"{high:.1f})  {wrong[0]:6} {wrong[1]:6} (at most {most})  "
        f"{shares[0]:6.1%} {shares[1]:6.1%} (within {margin:.1%})"
    )
    return wrong[1] <= most and abs(shares[1] - shares[0]) <= margin


def print_pairs(wanted: float, sweepers: list[Sweeper], listening: Listening) -> None:
    """Tune on each recording, evaluate on each other one, and print a row of a table."""
    interval_ms = listening.samples_per_inference * 1000 / listening.frontend.sample_rate_hz
    most = poisson_quantile(0.975, wanted * sweepers[0].hours)
    counts, rejects, high = [], [], 0
    for first in sweepers:
        choice = choose_settings(first, listening.detector, interval_ms=interval_ms, max_false_accepts_per_hour=wanted)
        threshold = choice.settings.detection_threshold
        limits = np.where([c.startswith("_") for c in listening.classes], 255, threshold).astype(np.uint8)[np.newaxis]
        curves = [other.count(choice.settings, limits) for other in sweepers if other is not first]
        own = [int(curve.false_accepts.sum()) for curve in curves]
        counts += own
        rejects += [float(curve.false_reject_rate[0]) for curve in curves]
        high += bool(np.mean(own) > wanted * first.hours)
    above = sum(count > most for count in counts)
    print(
        f"| {wanted:g} | {np.mean(counts):.1f} | {min(counts)} to {max(counts)} | {above} of {len(counts)} | "
        f"{high} of {len(sweepers)} | {np.mean(rejects):.0%} |"
    )


def print_speed(scored: ScoredStream, path: Path) -> bool:
    """Print the speed, and compare scores with TensorFlow Lite Micro."""
    listening, model = scored.listening, scored.tflite_model
    seconds = scored.hours * 3600
    n = sum(len(s.scores) for s in scored.recordings)
    speed = seconds / scored.seconds
    print(f"\n{n} inferences on {seconds:.0f} s of audio in {scored.seconds:.1f} s: {speed:.0f} times real time")
    print(scored.facts["engine_description"])
    if not have_tflm():
        return True
    recording = find_recordings(
        str(path), listening.classes, sample_rate_hz=listening.frontend.sample_rate_hz, shortest_s=1
    ).recordings[0]
    block = next(recording.blocks(listening.frontend.sample_rate_hz, block_s=60))
    inputs = np.concatenate([x for x, _ in listening.batches(block)])[:_TFLM_INFERENCES]
    runtime = TflmRuntime(model.flatbuffer_data)
    start = time.perf_counter()
    outputs = [runtime.invoke([x])[0] for x in inputs]
    each = (time.perf_counter() - start) / len(inputs)
    scores = listening.scores(np.stack(outputs).reshape(len(inputs), -1))
    different = int((scores != scored.recordings[0].scores[: len(scores)]).sum())
    alone = listening.samples_per_inference / listening.frontend.sample_rate_hz / each
    print(
        f"one process of TensorFlow Lite Micro: {each * 1e3:.3f} ms each, {alone:.0f} times real time, without frontend"
    )
    print(f"ratio: {speed / alone:.1f}; {different} of {scores.size} scores differ")
    return different == 0


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="keyword_spotting_synthetic")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--wanted", type=float, nargs="+", default=[4.0, 10.0, 20.0])
    parser.add_argument(
        "--pairs", type=int, metavar="N", help="tune on each of N recordings, and evaluate on the others"
    )
    arguments = parser.parse_args()
    n = arguments.pairs or 2
    with tempfile.TemporaryDirectory() as folder:
        listening = Listening.of(resolve(arguments.model).tflite_model())
        paths = write_hours(listening, Path(folder), arguments.hours, n)
        streams = []
        cpu_s = time.process_time()
        for path in paths:
            with scored_stream(arguments.model, StreamOptions(stream=str(path))) as scored:
                streams.append(scored)
        cpu_s = time.process_time() - cpu_s
        print(f"CPU time: {cpu_s / n / arguments.hours:.1f} s for an hour of audio, with reading and checking.")
        good = arguments.pairs is not None or print_speed(streams[0], paths[0])
    sweepers = [Sweeper(s.recordings, listening.classes, s.tolerance_s) for s in streams]
    if arguments.pairs:
        print("| wanted | mean | range | above the 97.5 % quantile | hours with a mean above | false rejects |")
        for wanted in arguments.wanted:
            print_pairs(wanted, sweepers, listening)
        return
    for k, sweeper in enumerate(sweepers):
        print_curve(f"hour {k + 1}", sweeper, listening.detector)
    start = time.perf_counter()
    sweepers[0].curve(replace(listening.detector, suppression_ms=1))
    print(f"\nA curve of 255 thresholds takes {(time.perf_counter() - start) * 1e3:.0f} ms.")
    print("\nwanted  window  suppression  threshold  expected an hour  false accepts, false rejects: 1st and 2nd hour")
    for wanted in arguments.wanted:
        good &= check_wanted(wanted, sweepers, listening)
    print("all within bounds" if good else "OUT OF BOUNDS")
    sys.exit(not good)


if __name__ == "__main__":
    main()
