"""What TensorFlow Lite Micro computes for random samples, to compare generated C code with."""

from __future__ import annotations

import numpy as np

from mltk.micro.engines.runtimes import TflmRuntime
from mltk.tflite.graph import graph_of


def random_inputs(model: bytes, n: int, seed: int = 1) -> list[np.ndarray]:
    """Return ``n`` random samples for each input: all values of int16, otherwise those of int8."""
    rng = np.random.default_rng(seed)
    bound = {t.index: 32768 if t.type_name == "INT16" else 128 for t in graph_of(model).inputs}
    return [
        rng.integers(-bound[t.index], bound[t.index], (n, *t.shape)).astype(t.dtype) for t in graph_of(model).inputs
    ]


def tflm_outputs(model: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs for a stream of samples: the state of the model is kept."""
    runtime = TflmRuntime(model)
    samples = [runtime.invoke([x[i] for x in inputs]) for i in range(len(inputs[0]))]
    return [np.stack(v) for v in zip(*samples, strict=True)]


def assert_same_outputs(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    """Fail unless all values and types are the same."""
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        differing = int((a.reshape(b.shape) != b).sum())
        assert differing == 0, f"{differing} of {b.size} values differ"
