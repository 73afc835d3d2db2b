"""Change the sample rate of a folder of recordings."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mltk.audio.files import AUDIO_FORMATS, read_audio_int16, write_audio
from mltk.data.fetch.unpack import COMPLETE
from mltk.errors import DatasetError
from mltk.files import replacing_folder


def convert_folder(source: Path, target: Path, sample_rate_hz: int, *, clean: bool = False) -> Path:
    """Convert all audio files of a folder to wav files (mono, 16 bits), unless this was done.

    Args:
        source: Folder of audio files, and of folders of audio files.
        target: Folder of the wav files; it appears when it is complete.
        sample_rate_hz: Sample rate of the wav files in Hz.
        clean: Convert the files again.

    Returns:
        The path ``target``.

    Raises:
        DatasetError: There is no audio file, or a file cannot be read.
        OutputError: The folder cannot be written.
    """
    note, wanted = target / COMPLETE, {"source": source.name, "sample_rate_hz": sample_rate_hz}
    if not clean and note.is_file() and json.loads(note.read_text(encoding="utf-8")) == wanted:
        return target
    paths = sorted(p for p in source.rglob("*") if p.suffix.lower() in AUDIO_FORMATS and not p.name.startswith("."))
    if not paths:
        raise DatasetError(f"There is no audio in {source}.")
    with replacing_folder(target) as content:

        def convert(path: Path) -> None:
            to = Path(content) / path.relative_to(source).with_suffix(".wav")
            samples, _ = read_audio_int16(str(path), sample_rate_hz)
            write_audio(str(to), samples, sample_rate_hz)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(convert, paths))
        (Path(content) / COMPLETE).write_text(json.dumps(wanted), encoding="utf-8")
    return target
