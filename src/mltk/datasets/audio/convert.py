"""Recordings at another sample rate."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mltk.audio.files import AUDIO_FORMATS, read_audio_int16, write_audio
from mltk.data.fetch.unpack import COMPLETE
from mltk.errors import DatasetError


def convert_folder(source: Path, target: Path, sample_rate_hz: int, *, clean: bool = False) -> Path:
    """``target``: all audio below ``source`` as mono 16-bit wav files at ``sample_rate_hz``; made unless it is there.

    Raises:
        DatasetError: there is no audio, or a file can't be read.
        OutputError: the folder can't be written.
    """
    note, wanted = target / COMPLETE, {"source": source.name, "sample_rate_hz": sample_rate_hz}
    if not clean and note.is_file() and json.loads(note.read_text(encoding="utf-8")) == wanted:
        return target
    paths = sorted(p for p in source.rglob("*") if p.suffix.lower() in AUDIO_FORMATS and not p.name.startswith("."))
    if not paths:
        raise DatasetError(f"There is no audio in {source}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as aside:
        content = Path(aside) / "content"

        def convert(path: Path) -> None:
            to = content / path.relative_to(source).with_suffix(".wav")
            samples, _ = read_audio_int16(str(path), sample_rate_hz)
            write_audio(str(to), samples, sample_rate_hz)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(convert, paths))
        (content / COMPLETE).write_text(json.dumps(wanted), encoding="utf-8")
        if target.exists():
            os.replace(target, Path(aside) / "old")
        os.replace(content, target)
    return target
