"""MLTK 0.20's functions that list the folder of a dataset."""

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
    """List the paths and class indices of a folder of class folders, like MLTK 0.20.

    Three things differ. No index files are written. With ``shuffle_index_directory``, files are chosen in the order of
    their hashes. A split keeps all files of a speaker together, if the file names show the speaker.

    Args:
        directory: Folder of class folders.
        classes: Names of the classes.
        unknown_class_percentage: Size of the unknown class, as a share of the mean class's size; None is no such class.
        unknown_class_label: Name of the unknown class, whose files are those of the other class folders.
        empty_class_percentage: Size of the empty class, as a share of the mean class's size; None is no such class.
        empty_class_label: Name of the empty class, whose samples have no file.
        class_counts: Filled with the number of samples of each class.
        shuffle: Whether to shuffle the samples.
        seed: Seed of the order; None draws a seed.
        split: ``(start, stop)``, shares of the files, 0 to 1; None is all files.
        max_samples_per_class: Largest number of samples of each class; -1 is all.
        white_list_formats: File name extensions; None is all.
        follow_links: Whether to enter folders that are links.
        shuffle_index_directory: If given, files are chosen in the order of their hashes.
        return_absolute_paths: Whether to return absolute paths.
        list_valid_filenames_in_directory_function: Your own function that lists the files of a class.
        process_samples_function: Your own function that changes the list of files.

    Returns:
        ``(paths, labels)``. The paths are relative to ``directory`` unless ``return_absolute_paths``. The path of a
        sample of the empty class is None.

    Raises:
        DatasetError: The folder is missing or empty, or a class has no samples.
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
    """List the files of a class, like MLTK 0.20.

    Args:
        base_directory: Folder of class folders.
        search_class: Name of the class.
        white_list_formats: File name extensions; None is all.
        split: ``(start, stop)``, shares of the files, 0 to 1; None is all files.
        follow_links: Whether to enter folders that are links.
        shuffle_index_directory: If given, files are chosen in the order of their hashes.

    Returns:
        ``search_class``, and the paths relative to ``base_directory``.
    """
    found, _ = list_class_folder(base_directory, search_class, white_list_formats or [""], follow_links)
    if shuffle_index_directory is not None:
        found = hash_order(found)
    return search_class, split_file_list(found, split)
