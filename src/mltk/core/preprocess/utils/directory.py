"""The functions that list a dataset's folder in MLTK 0.20."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mltk.data.class_files import list_class_folder
from mltk.data.listing import ListingOptions, list_samples
from mltk.data.splitting import Split, hash_order, split_file_list


def list_dataset_directory(
    directory: str,
    classes: list[str],
    unknown_class_percentage: float | None = 1.0,
    unknown_class_label: str | None = None,
    empty_class_percentage: float | None = 1.0,
    empty_class_label: str | None = None,
    class_counts: dict[str, int] | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    split: Split | None = None,
    max_samples_per_class: int = -1,
    white_list_formats: list[str] | None = None,
    follow_links: bool = False,
    shuffle_index_directory: str | None = None,
    return_absolute_paths: bool = False,
    list_valid_filenames_in_directory_function: Callable[..., Any] | None = None,
    process_samples_function: Callable[..., Any] | None = None,
) -> tuple[list[str | None], list[int]]:
    """Paths and class indices of a folder of class folders, as MLTK 0.20 lists it.

    Differences: no index files are written; with ``shuffle_index_directory``, files are chosen in the order of their
    hashes; a split keeps a speaker on one side where the file names reveal one.

    Returns:
        ``(paths, labels)``; the paths relative to ``directory`` unless ``return_absolute_paths``, None for samples
        of ``empty_class_label``.

    Raises:
        DatasetError: see :func:`list_samples`.
    """
    options = ListingOptions(
        formats=white_list_formats or [""],
        unknown_share=unknown_class_percentage,
        empty_share=empty_class_percentage,
        unknown_label=unknown_class_label,
        empty_label=empty_class_label,
        split=split,
        group_by="auto",
        max_samples_per_class=max_samples_per_class,
        follow_links=follow_links,
        list_function=list_valid_filenames_in_directory_function,
        process_function=process_samples_function,
        shuffle_files=shuffle_index_directory is not None,
        shuffle_index_directory=shuffle_index_directory,
        seed=seed or 0,
    )
    found = list_samples(directory, classes, options)
    if class_counts is not None:
        class_counts.update(found.counts())
    paths, labels = found.paths() if return_absolute_paths else found.names, found.labels
    if shuffle:
        order = np.random.default_rng(seed).permutation(len(paths))
        paths, labels = [paths[i] for i in order], [labels[i] for i in order]
    return paths, labels


def list_valid_filenames_in_directory(
    base_directory: str,
    search_class: str,
    white_list_formats: list[str] | None = None,
    split: Split | None = None,
    follow_links: bool = False,
    shuffle_index_directory: str | None = None,
) -> tuple[str, list[str]]:
    """``(search_class, paths)``: the files of one class, relative to ``base_directory``, as MLTK 0.20 lists them."""
    found, _ = list_class_folder(base_directory, search_class, white_list_formats or [""], follow_links)
    if shuffle_index_directory is not None:
        found = hash_order(found)
    return search_class, split_file_list(found, split)
