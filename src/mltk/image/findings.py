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
        "{n} files have 16 bits; their values are divided by 257, unless the data generator has bits=16",
        "1 file has 16 bits; its values are divided by 257, unless the data generator has bits=16",
    )
