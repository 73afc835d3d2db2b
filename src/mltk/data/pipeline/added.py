"""More training samples, such as a user's own recordings, beside those of the dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mltk.data.listing import SampleList

ADDED_SHARE = 0.1
"""Least share of the added samples in the samples of their class; they are repeated to reach it."""
MOST_REPEATS = 100


def add_samples(listed: SampleList, files: Mapping[str, Sequence[str]], limit: int = -1) -> dict[str, int]:
    """Append files to the samples of a dataset.

    A few files beside thousands would change nothing. So they are repeated, to be a tenth of the samples of their
    class, each at most 100 times. Augmentation changes each repetition in another way.

    Args:
        listed: The samples of the dataset; changed in place.
        files: Class → absolute paths.
        limit: Most files of a class; -1 is all.

    Returns:
        Class → how many times each of its files is in the training data.
    """
    counts, repeats = listed.counts(), {}
    for name, paths in files.items():
        chosen = list(paths)[: limit if limit > 0 else None]
        if not chosen:
            continue
        wanted = ADDED_SHARE / (1 - ADDED_SHARE) * counts[name] / len(chosen)
        repeats[name] = 1 if limit > 0 else min(max(1, round(wanted)), MOST_REPEATS)
        for path in chosen * repeats[name]:
            listed.names.append(path)
            listed.labels.append(listed.classes.index(name))
            listed.added += 1
    return repeats
