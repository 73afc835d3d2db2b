"""Words synthesized per second: the whole path of a speech dataset, from the plan to the wav files on disk.

    python benchmarks/speech_synthesis.py [clips]

The script prints clips per second with one worker and with two workers, and their ratio.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from mltk.audio.speech import SpeechDataset


def measure(workers: int, clips: int) -> float:
    """Clips per second."""
    dataset = SpeechDataset(
        ["yes", "no", "up", "down"], samples_per_keyword=clips // 8, samples_unknown=clips // 2, workers=workers
    )
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        dataset.create(Path(folder) / "speech")
        return clips / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else 1600
    one, two = measure(1, clips), measure(2, clips)
    print(f"{clips} clips: {one:.0f}/s with one worker, {two:.0f}/s with two ({two / one:.2f}x)")


if __name__ == "__main__":
    main()
