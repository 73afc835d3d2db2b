"""The folder of a speech dataset: a folder for each class, a journal while it is made, a manifest when it is complete.

Each file is written whole or not at all, and the journal lists the clips that are done. So a run that was stopped can
be resumed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, TextIO

from mltk.audio.speech.plan import UNKNOWN_CLASS
from mltk.errors import DatasetError, OutputError
from mltk.files import write_file

MANIFEST = "manifest.json"
JOURNAL = "clips.jsonl"
FORMAT = 1
FREE_DISK_RESERVE_BYTES = 200 << 20
# A clip, or what a run that was killed left beside it: ``.NAME.RANDOM.wav``, and ``.NAME.wav.part`` of older versions.
_OWN_FILE = re.compile(r".+_nohash_\d{5}(\.[0-9a-f]{8})?\.wav(\.part)?")


class Store:
    """One dataset folder.

    Args:
        folder: Path of the folder, which need not exist.
        settings: Settings of the dataset, as plain JSON. A folder that was made with other settings is refused.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self._settings = settings
        self._journal: TextIO | None = None

    def is_complete(self) -> bool:
        """Whether the folder holds the complete dataset, made with these settings."""
        manifest = self._read_manifest()
        return bool(manifest) and manifest["settings"] == self._settings and self._files_are_there(manifest)

    def _read_manifest(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / MANIFEST).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as e:
            raise DatasetError(f"{self.folder / MANIFEST} can't be read: {e}", hint="Delete that folder.") from e

    def _files_are_there(self, manifest: dict[str, Any]) -> bool:
        wanted: dict[str, set[str]] = {}
        for clip in manifest["clips"]:
            class_name, _, name = clip["file"].rpartition("/")
            wanted.setdefault(class_name, set()).add(name)
        try:
            return all(names <= set(os.listdir(self.folder / c)) for c, names in wanted.items())
        except OSError:
            return False

    def open(self, *, clean: bool, needed_bytes: int, beside_others: bool = False) -> dict[str, dict[str, Any]]:
        """Prepare the folder for writing.

        Args:
            clean: Whether to remove the speech dataset that is there.
            needed_bytes: Size of the whole dataset in bytes.
            beside_others: Whether the folder may hold other files.

        Returns:
            The clips that are done: file name → entry of the manifest.

        Raises:
            DatasetError: The folder holds something else.
            OutputError: The folder can't be made, or the disk is too full.
        """
        had_one = clean and self._remove_own_files()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            done = self._read_journal()
            is_ours = had_one or done or (self.folder / JOURNAL).exists()
            if not is_ours and not beside_others and any(self.folder.iterdir()):
                self._refuse("holds files that do not belong to a speech dataset")
            free = shutil.disk_usage(self.folder).free
        except OSError as e:
            raise OutputError(f"{self.folder} can't be used for the dataset: {e}") from e
        needed_bytes = needed_bytes if not done else 0
        if needed_bytes + FREE_DISK_RESERVE_BYTES > free:
            raise OutputError(
                f"The dataset needs about {needed_bytes >> 20} MiB, but {self.folder} has {free >> 20} MiB free.",
                hint="Request fewer samples, or set MLTK_DATASET_DIR to a folder on another disk.",
            )
        new = not (self.folder / JOURNAL).exists()
        self._journal = open(self.folder / JOURNAL, "a", encoding="utf-8")  # noqa: SIM115 - closed by close()
        if new:
            self._journal.write(json.dumps({"format": FORMAT, "settings": self._settings}) + "\n")
            self._journal.flush()
        return done

    def _refuse(self, why: str) -> None:
        raise DatasetError(
            f"{self.folder} {why}.", hint="Use another folder, or call create(clean=True) to replace a speech dataset."
        )

    def _read_journal(self) -> dict[str, dict[str, Any]]:
        manifest = self._read_manifest()
        if manifest and manifest["settings"] != self._settings:
            self._refuse("holds a speech dataset made with other settings")
        try:
            lines = (self.folder / JOURNAL).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            clips = manifest.get("clips", [])
            return {c["file"]: c for c in clips if (self.folder / c["file"]).is_file()}
        done: dict[str, dict[str, Any]] = {}
        for i, line in enumerate(lines):
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the last line of a run that was killed
            if i == 0 and entry.get("settings") != self._settings:
                self._refuse("holds a part of a speech dataset made with other settings")
            if "file" in entry and (self.folder / entry["file"]).is_file():
                done[entry["file"]] = entry
        return done

    def _remove_own_files(self) -> bool:
        """Remove the speech dataset that is there, and no other files.

        Returns:
            Whether there was one.
        """
        settings = self._read_manifest().get("settings", {})
        with contextlib.suppress(OSError, ValueError, KeyError), open(self.folder / JOURNAL, encoding="utf-8") as file:
            settings = json.loads(file.readline())["settings"]
        for class_name in [*settings.get("keywords", ()), UNKNOWN_CLASS]:
            folder = self.folder / class_name
            if not settings or folder.parent != self.folder or not folder.is_dir():
                continue
            for path in folder.iterdir():
                if _OWN_FILE.fullmatch(path.name):
                    path.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()
        for name in (MANIFEST, JOURNAL):
            (self.folder / name).unlink(missing_ok=True)
        return bool(settings)

    def record(self, entries: list[dict[str, Any]]) -> None:
        """Add clips that are written to the journal."""
        assert self._journal is not None
        self._journal.write("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in entries))
        self._journal.flush()

    def complete(self, about: dict[str, Any], clips: list[dict[str, Any]]) -> None:
        """Write the manifest, which makes the dataset complete.

        Args:
            about: More entries of the manifest.
            clips: One entry for each clip.

        Raises:
            OutputError: The manifest can't be written.
        """
        self.close()
        manifest = {"format": FORMAT, "settings": self._settings, **about, "clips": clips}
        write_file(self.folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False))
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
