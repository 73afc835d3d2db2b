"""Does the steps of own-voice.md in a real browser, and draws its pictures.

    python docs/guides/own_voice_pictures.py keyword_spotting_synthetic.mltk.zip work

The report of the archive hears a microphone that plays synthesized words, saves three recordings of "one", and writes
them to the folder work/samples. Then: mltk evaluate … --dataset work/samples and mltk train … --add work/samples.
"""

from __future__ import annotations

import base64
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mltk.audio.files import read_audio, write_audio
from mltk.audio.speech import SpeechDataset
from mltk.specification.archive_file import ArchiveReader

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from helpers.browser import Browser, Page

RATE = 16000
FOLDER = Path(__file__).parent / "images"
WORDS = ("one", "two", "three", "four")
PAUSE_S = 1.8


def spoken_words(work: Path) -> npt.NDArray[np.float32]:
    """float32: words of a voice that the model does not know, with pauses and a little noise."""
    dataset = SpeechDataset(list(WORDS), samples_per_keyword=3, samples_unknown=0, voices=3, seed=2026)
    folder = Path(dataset.load_dataset("training"))
    rng = np.random.default_rng(1)
    parts = [np.zeros(RATE // 2, np.float32)]
    for take in range(3):
        for word in ("one", *WORDS) if take == 0 else WORDS:
            clips = sorted((folder / word).glob("*.wav"))
            clip, _ = read_audio(str(clips[take % len(clips)]))
            pause = np.zeros(max(0, int(PAUSE_S * RATE) - len(clip)), np.float32)
            parts += [np.asarray(clip, np.float32), pause]
    sound = np.concatenate(parts)
    return (sound + rng.normal(0, 0.001, len(sound))).astype(np.float32)


def save_when_heard(page: Page, word: str, times: int) -> None:
    """Press the button after a word was detected, as a person would."""
    items = "[...document.querySelectorAll('.try-log li')]"
    page.wait_for(f"{items}.filter(e => e.innerText.startsWith('{word} at')).length >= {times}", 90)
    page.evaluate("document.querySelector('#try-save').click()")


def main() -> None:
    """Do the steps."""
    archive, work = sys.argv[1], Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    with ArchiveReader(archive) as reader:
        (work / "report.html").write_bytes(reader.read("report.html"))
    sound = work / "microphone.wav"
    write_audio(str(sound), spoken_words(work), RATE)
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with Browser(*flags, f"--use-file-for-fake-audio-capture={sound}") as browser:
        browser.page.resize(1080, 760)
        page = browser.open((work / "report.html").absolute().as_uri())
        page.screenshot(FOLDER / "own-voice-report.png")
        page.evaluate("document.querySelector('#try-it').scrollIntoView()")
        page.evaluate("document.querySelector('#try-start').click()")
        page.evaluate("document.querySelector('#try-save-class').value = 'one'")
        for times in (1, 2, 3):
            save_when_heard(page, "one", times)
        page.screenshot(FOLDER / "own-voice-listening.png")
        page.evaluate("document.querySelector('#try-save').scrollIntoView({block: 'center'})")
        page.screenshot(FOLDER / "own-voice-saved.png")
        data = page.evaluate(
            "new Promise(done => { URL.createObjectURL = blob => { const r = new FileReader(); "
            "r.onload = () => done(r.result.split(',')[1]); r.readAsDataURL(blob); return '#'; }; "
            "document.querySelector('#try-download').click(); })"
        )
        if page.errors or page.outside:
            raise SystemExit(f"The page had errors: {page.errors} {page.outside}")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(data))) as saved:
        saved.extractall(work / "samples")
        print(*saved.namelist(), sep="\n")


if __name__ == "__main__":
    main()
