"""The kinds of what is wrong with audio files that can be read nevertheless."""

from __future__ import annotations

from mltk.data.pipeline.findings import FindingKind, Findings, SingleReads

__all__ = ["Findings", "Kind", "SingleReads"]


class Kind(FindingKind):
    """A kind of finding about an audio file."""

    SCALED = (
        "{n} files contain the values of integers, where 1 is full scale; the values are divided",
        "1 file contains the values of integers, where 1 is full scale; the values are divided",
    )
    CLIPPED = (
        "{n} files contain values beyond full scale, which are clipped",
        "1 file contains values beyond full scale, which are clipped",
    )
    SILENT = ("{n} files contain nothing but digital silence", "1 file contains nothing but digital silence")
    CHANNEL = (
        "{n} files have a first channel that is silent; their loudest channel is used",
        "1 file has a first channel that is silent; its loudest channel is used",
    )
    SIZE = (
        "{n} files have a size in their header that is too small; they are read to their end",
        "1 file has a size in its header that is too small; it is read to its end",
    )
    CUT = (
        "{n} files were cut: they end too early; what they contain is used",
        "1 file was cut: it ends too early; what it contains is used",
    )
    LOW_RATE = (
        "{n} files have a sample rate below the wanted one; they contain nothing above half of their own rate",
        "1 file has a sample rate below the wanted one; it contains nothing above half of its own rate",
    )
