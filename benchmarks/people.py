"""The demo's spotter, which was trained on synthesized speech alone, on words that people said.

    mltk train keyword_spotting_synthetic
    python benchmarks/people.py [folder of DIGIT_SPEAKER_N.wav files] [--model keyword_spotting_synthetic] [--hours 1.5]

The Free Spoken Digit Dataset has six speakers. None of them is in the training. The script evaluates the int8 model:

- as clips. The digits that are keywords should be recognized, and the other digits rejected as ``_unknown_``. Each clip
  is in the middle of the second that the model hears. A microphone is never silent, so a quiet noise is below it.
- as a stream: the recordings are joined, with pauses and noise of a room. The script prints false rejects against false
  accepts an hour, as the device counts them, for the detector's settings in the ``.tflite``.

``benchmarks/fsdd.py`` trains a larger model for all ten digits, which has no class for other words. The same question
is "which of its words": the share of the keywords whose score is the highest of all keywords.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fsdd_folder import recordings

import mltk
from mltk.audio.files import read_audio_int16
from mltk.audio.listening import Listening
from mltk.audio.streams.curve import Sweeper
from mltk.audio.streams.joining import Clip, Joiner
from mltk.micro.engines.run import run_batch
from mltk.operations.shared.load import resolve
from mltk.operations.shared.streams import StreamOptions, scored_stream
from mltk.tflite.quantization import to_tensor_dtype

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
UNKNOWN = "_unknown_"
QUIET = 0.02  # the noise below a clip, as a share of its loudest sample: -34 dB
WANTED = 0.80  # of the keywords, which word it was
REJECTED = (0.8, 0.9, 0.95)
RATES = (20, 40, 80, 160)


def class_of(file: Path, classes: Sequence[str]) -> str:
    """Return the class of a recording: the word of its digit, if this is a keyword."""
    word = WORDS[int(file.name[0])]
    return word if word in classes else UNKNOWN


class Answers:
    """What the int8 model answers for each recording.

    Args:
        model: The trained model.
        files: Paths of the recordings ``DIGIT_SPEAKER_N.wav``.

    Attributes:
        classes: Names of the classes.
        words: Digits that were said, int [recordings]: the index of a keyword, or that of ``_unknown_``.
        speakers: Names of the speakers, str [recordings].
        scores: Scores, uint8 [recordings, classes].
    """

    def __init__(self, model: Any, files: list[Path]) -> None:
        self.classes = list(model.classes)
        self.n_keywords = sum(not name.startswith("_") for name in self.classes)
        by_class: dict[str, list[str]] = {}
        for file in files:
            by_class.setdefault(class_of(file, self.classes), []).append(str(file))
        model.dataset = by_class
        # Nothing is varied but the noise: these are recordings, not synthesized clips.
        generator = model.datagen
        generator.vtlp_range = generator.speed_range = generator.pitch_range = generator.trim_range_db = None
        generator.preprocessing_function, generator.silence_class_percentage = None, 0
        generator.offset_range, generator.loudness_range = (0.5, 0.5), (0.5, 0.5)
        generator.noise_colors, generator.noise_color_range = ["pink"], (QUIET, QUIET)
        generator.validation_split, model.eval_augment = 0.0, True
        model.load_dataset("evaluation")
        batches = [(np.asarray(batch[0]), np.asarray(batch[1])) for batch in model.x]
        names = [Path(name).name for name in model.x.filenames]
        model.unload_dataset()
        labels = np.concatenate([y for _, y in batches])
        self.words = labels.argmax(axis=1) if labels.ndim > 1 else labels.astype(int)
        self.speakers = np.array([name.split("_")[1] for name in names])
        assert len(names) == len(self.words), "a recording is missing"
        tflite = resolve(model).tflite_model()
        inputs = to_tensor_dtype(np.concatenate([x for x, _ in batches]), tflite.inputs[0])
        self.scores = Listening.of(tflite).scores(run_batch(tflite, inputs).outputs[0])

    @property
    def is_keyword(self) -> npt.NDArray[np.bool_]:
        """bool [recordings]: whether a keyword was said."""
        return self.words < self.n_keywords

    def print(self) -> float:
        """Print the shares, and return the share of the keywords whose score is the highest of all keywords."""
        said, keyword = self.words, self.is_keyword
        answer = self.scores.argmax(axis=1)
        best, score = self.scores[:, : self.n_keywords].argmax(axis=1), self.scores[:, : self.n_keywords].max(axis=1)
        right, rejected = answer == said, answer >= self.n_keywords
        which = float(np.mean(best[keyword] == said[keyword]))
        print(f"\nAs clips: {keyword.sum()} keywords and {(~keyword).sum()} other digits of people")
        print(f"  which of its words  {which:6.1%}")
        others = np.mean(rejected[~keyword])
        print(f"  recognized          {np.mean(right[keyword]):6.1%}   other digits rejected {others:.1%}")
        print(f"  both together       {np.mean(np.where(keyword, right, rejected)):6.1%}")
        shares = [f"{self.classes[k]} {np.mean(right[said == k]):.0%}" for k in range(self.n_keywords)]
        print(f"  each word           {', '.join(shares)}")
        for name in sorted(set(self.speakers)):
            own = self.speakers == name
            print(
                f"  {name:10}          {np.mean(right[own & keyword]):6.1%}   "
                f"other digits rejected {np.mean(rejected[own & ~keyword]):.1%}"
            )
        for share in REJECTED:
            limit = np.quantile(score[~keyword], share)
            heard = np.mean((best[keyword] == said[keyword]) & (score[keyword] > limit))
            print(f"  with the threshold that rejects {share:.0%} of the other digits: {heard:.1%} recognized")
        return which


def print_stream(model: Any, files: list[Path], hours: float) -> None:
    """Join the recordings, and print false rejects against false accepts an hour."""
    listening = Listening.of(resolve(model).tflite_model())
    rate = listening.frontend.sample_rate_hz
    clips = [Clip(read_audio_int16(str(file), rate)[0], class_of(file, listening.classes)) for file in files]
    with tempfile.TemporaryDirectory() as folder:
        Joiner(clips, [], rate, seed=1).write(folder, hours)
        with scored_stream(model, StreamOptions(stream=folder)) as scored:
            pass
    sweeper = Sweeper(scored.recordings, listening.classes, scored.tolerance_s)
    curve = sweeper.curve(listening.detector)
    print(f"\nAs a stream: {hours:g} h, {sweeper.n_events.sum()} keywords and about as many other digits")
    print("threshold  false accepts/h  false rejects")
    for rate_wanted in RATES:
        threshold = int(np.argmax(curve.false_accepts_per_hour <= rate_wanted))
        print(
            f"{threshold:9}  {curve.false_accepts_per_hour[threshold]:15.1f}  "
            f"{curve.false_reject_rate[threshold]:12.1%}"
        )


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="*")
    parser.add_argument("--model", default="keyword_spotting_synthetic")
    parser.add_argument("--hours", type=float, default=1.5, help="of the stream; 0 leaves it out")
    arguments = parser.parse_args()
    files = recordings(arguments.folder)
    which = Answers(mltk.load_mltk_model(arguments.model), files).print()
    if arguments.hours:
        print_stream(arguments.model, files, arguments.hours)
    print(f"\nwhich of its words: {which:.1%}, wanted {WANTED:.0%}")
    return which < WANTED


if __name__ == "__main__":
    sys.exit(main())
