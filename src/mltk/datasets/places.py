"""The folder of a dataset."""

from __future__ import annotations

from pathlib import Path

from mltk.data.fetch.download import datasets_dir


def dataset_path(dest_dir: str | None, dest_subdir: str) -> Path:
    """Return the folder of a dataset. The arguments are those of MLTK 0.20's functions.

    Args:
        dest_dir: The folder itself; None is ``dest_subdir``.
        dest_subdir: Folder in :func:`~mltk.data.fetch.download.datasets_dir`; its leading ``datasets/`` is that folder.
    """
    if dest_dir is not None:
        return Path(dest_dir).expanduser().absolute()
    return datasets_dir() / dest_subdir.removeprefix("datasets/")
