"""A spotter that was trained on synthesized speech, on synthesizers that it has never heard.

    mltk train keyword_spotting_synthetic
    python benchmarks/other_voices.py [model] [--engines flite,kokoro]

Real voices differ from the voices of the training in many ways, and so do the voices of another synthesizer. A spotter
that knows only one synthesizer fails on both. So settings can be chosen without recordings. The script evaluates the
trained int8 model without added noise, and prints how many clips of each word it recognizes.
"""

from __future__ import annotations

import argparse
import sys

import mltk
from mltk.audio.speech import SpeechDataset
from mltk.audio.speech.engines import installed_engines


def main() -> int:
    """Evaluate, and print a line for each synthesizer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="keyword_spotting_synthetic")
    parser.add_argument("--engines", help="separated by commas; default: all that the model was not trained on")
    parser.add_argument("--clips", type=int, default=96, help="of each word")
    args = parser.parse_args()
    model = mltk.load_mltk_model(args.model)
    heard = model.dataset
    words, known = dict(heard.keywords), set(heard.engines)
    engines = args.engines.split(",") if args.engines else [e for e in installed_engines() if e not in known]
    if not engines:
        raise SystemExit("All installed synthesizers were used in the training. Install another, for example flite.")
    model.eval_augment, model.datagen.validation_split = False, 0.0
    lines = []
    for engine in engines:
        model.dataset = SpeechDataset(
            words,
            samples_per_keyword=args.clips,
            samples_unknown=args.clips,
            near_misses=False,
            engines=engine,
        )
        results = mltk.evaluate_model(model, tflite=True, update_archive=False, report=False)
        shares = dict(zip(results["classes"], results["class_accuracies"], strict=True))
        mean = sum(shares[word] for word in words) / len(words)
        each = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        lines.append(f"{engine}: {mean:.1%} of the words ({each})")
        print(lines[-1], flush=True)
    print("\n".join(lines[:-1] and lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
