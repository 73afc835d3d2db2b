"""The kinds of what is lost when an image file is read."""

from __future__ import annotations

from mltk.data.pipeline.findings import FindingKind


class Kind(FindingKind):
    """A kind of finding about an image file."""

    CMYK = (
        "{n} files have CMYK colors; they are converted to RGB without a color profile",
        "1 file has CMYK colors; it is converted to RGB without a color profile",
    )
    DEEP = (
        "{n} files have 16 bits, of which 8 are read; bits=16 of the data generator reads all",
        "1 file has 16 bits, of which 8 are read; bits=16 of the data generator reads all",
    )
