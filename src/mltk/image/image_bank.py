"""Decoded images: each file is decoded, brought to the size of the dataset, and then stays in memory.

A color image of 96×96 pixels takes 28 kB. Images beyond the memory limit are decoded again when they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.bank import DEFAULT_MEMORY_LIMIT_BYTES, SampleBank
from mltk.data.pipeline.findings import Findings
from mltk.errors import DatasetError
from mltk.image.files import read_image
from mltk.image.findings import Kind
from mltk.image.image_format import ImageFormat


class ImageBank(SampleBank):
    """Images by index: [height, width, channels].

    Args:
        paths: Path of each file; None for an image that :meth:`put` stores.
        wanted: What each image is made to.
        max_unreadable: Largest share of unreadable files; see :class:`~mltk.data.pipeline.bank.SampleBank`.
        memory_limit_bytes: Most bytes of decoded images in memory; the rest is decoded again.
        dtype: Data type of the images; None is that of ``wanted``.
        findings: Receives what is lost when a file is read.
    """

    kind = "image"
    spills = False

    def __init__(
        self,
        paths: Sequence[str | None],
        wanted: ImageFormat,
        *,
        max_unreadable: float = 0.05,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT_BYTES,
        dtype: npt.DTypeLike | None = None,
        findings: Findings | None = None,
    ) -> None:
        self.dtype = wanted.dtype if dtype is None else dtype
        super().__init__(paths, max_unreadable=max_unreadable, memory_limit_bytes=memory_limit_bytes)
        self.wanted = wanted
        self._sizes = np.tile(np.array(wanted.shape[:2], np.int32), (len(self.paths), 1))
        self.findings = Findings() if findings is None else findings

    @classmethod
    def of(cls, images: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], wanted: ImageFormat) -> ImageBank:
        """Return a bank of images that are already decoded.

        Args:
            images: [height, width, channels] for each image, all of the same data type. They are not copied.
            wanted: Format of the images.
        """
        bank = cls([None] * len(images), wanted, dtype=images[0].dtype if len(images) else None)
        for i, image in enumerate(images):
            bank.put(i, image)
        return bank

    def __reduce__(self) -> tuple[Any, ...]:
        if any(path is None for path in self.paths):
            return ImageBank.of, ([self.sample(i) for i in range(len(self))], self.wanted)
        make = partial(
            ImageBank, max_unreadable=self.max_unreadable, memory_limit_bytes=self.memory_limit_bytes, dtype=self.dtype
        )
        return make, (self.paths, self.wanted)

    def decode(self, path: str | None) -> npt.NDArray[Any]:
        """Read one file: uint8 or uint16 [height, width, channels]."""
        if path is None:
            raise DatasetError("A sample has neither a file nor an image.")
        found: set[Kind] = set()
        image = read_image(path, self.wanted, found)
        if found:
            self.findings.add(path, [(kind, "") for kind in found])
        return image

    def measure(self, index: int, sample: npt.NDArray[Any]) -> None:
        """Store the size of an image."""
        self._sizes[index] = sample.shape[:2]

    def sizes(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return int32 [n, 2]: (height, width) of each decoded image."""
        return np.asarray(self._sizes[indices])

    def end_of_pass(self, last: bool) -> None:
        """Report what was lost, if all banks of the generator had their first pass, or at once."""
        self.findings.finished(self, wait=not last)

    def take_news(self) -> object:
        """Return what was found and is not reported yet."""
        return self.findings.hand_over()

    def add_news(self, news: object) -> None:
        """Add what a copy of this bank in another process found."""
        if isinstance(news, dict):
            self.findings.add_news(news)
