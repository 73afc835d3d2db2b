"""A medium that is neither audio nor images: each file holds a number, and a sample is a row of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mltk.data.pipeline.bank import SampleBank, UnreadableFileError
from mltk.data.pipeline.batches import SampleBatches
from mltk.data.pipeline.flow import FlowOptions
from mltk.data.pipeline.generator import ParallelDataGenerator


class NumberBank(SampleBank):
    """Samples float32 [number of digits]; 0 for a sample without a file."""

    kind = "number"
    dtype = np.float32

    def __reduce__(self):
        return NumberBank, (self.paths,)

    def decode(self, path):
        text = "0" if path is None else Path(path).read_text()
        try:
            return np.full(len(text), float(text), np.float32)
        except ValueError:
            raise UnreadableFileError(f"{path} contains no number.") from None


class NumberGenerator(ParallelDataGenerator):
    """Augmenting adds a random offset; the features are the sum."""

    formats = (".txt",)
    empty_label = "_zero_"
    empty_share = 0.5

    def flow_from_directory(self, directory, classes, **options) -> SampleBatches:
        return self.batches_of(FlowOptions(source=directory, classes=classes, save_format="txt", **options))

    def open_bank(self, paths, options, augment):
        return NumberBank(paths, max_unreadable=self.max_unreadable)

    def hold(self, samples, transforms):
        bank = NumberBank([None] * len(samples))
        for i, sample in enumerate(samples):
            bank.put(i, np.asarray(sample, np.float32))
        return bank

    def draw(self, rng, bank, indices):
        shapes = bank.shapes(indices)
        assert all(len(shape) == 1 for shape in shapes)
        return rng.integers(1, 9, len(shapes)) / 10

    def no_transforms(self, n):
        return np.zeros(n)

    @property
    def augmented_shape(self):
        return (2,)

    @property
    def augmented_dtype(self):
        return np.float32

    def augment(self, bank, indices, transforms, out):
        for row, index, offset in zip(out, indices, transforms, strict=False):
            row[:] = bank.sample(int(index))[0] + offset
        return out[: len(indices)]

    def as_function_input(self, samples):
        return samples.astype(np.float64)

    def from_function(self, sample):
        return np.asarray(sample, np.float32)

    def features(self, samples):
        return np.stack(samples).sum(axis=1, keepdims=True)

    def write(self, path, sample):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(str(float(sample[0])))

    def process_params(self, options, class_indices, directory):
        return {"classes": class_indices, "directory": directory}


def numbers_folder(where: Path) -> str:
    """Make classes ones (10 to 19), twos (20 to 29) and threes (30 to 39)."""
    for tens, name in enumerate(("ones", "twos", "threes"), start=1):
        (where / name).mkdir(parents=True)
        for i in range(10):
            (where / name / f"{i}.txt").write_text(f"{tens}{i}")
    return str(where)
