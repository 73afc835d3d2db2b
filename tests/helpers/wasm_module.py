"""The WebAssembly modules of pages, run by wasmtime as a page runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import wasmtime

from mltk.audio.detector import Detection


class Module:
    """A module in its own store; exported functions are attributes."""

    def __init__(self, binary: bytes) -> None:
        self._store = wasmtime.Store()
        module = wasmtime.Module(self._store.engine, binary)
        assert not module.imports
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self._memory = memory
        if "_initialize" in self._exports:
            self.call("_initialize")

    def call(self, name: str, *arguments: int) -> Any:
        """Call an exported function."""
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        return function(self._store, *arguments)

    def read(self, address: int, dtype: npt.DTypeLike, n: int) -> npt.NDArray[Any]:
        """Return a copy of values in the module's memory."""
        size = np.dtype(dtype).itemsize * n
        return np.frombuffer(bytes(self._memory.read(self._store, address, address + size)), dtype)

    def write(self, address: int, values: npt.NDArray[Any]) -> None:
        """Write values into the module's memory."""
        self._memory.write(self._store, np.ascontiguousarray(values).tobytes(), address)


class WasmListener(Module):
    """The module of a model that listens."""

    def __init__(self, binary: bytes, classes: Sequence[str], n_channels: int) -> None:
        super().__init__(binary)
        self.classes, self.n_channels = list(classes), n_channels
        assert self.call("listen_reset") == 0

    def listen(
        self, samples: npt.NDArray[np.int16], chunk: int = 1000
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8], list[Detection]]:
        """Return the rows of the frontend, the scores of each inference, and the detections."""
        rows, scores, found, seen = [], [], [], 0
        place = self.call("listen_samples")
        assert chunk <= self.call("listen_chunk")
        for start in range(0, len(samples), chunk):
            part = samples[start : start + chunk]
            self.write(place, part)
            done = 0
            while done < len(part):
                taken = self.call("listen_feed", done, len(part))
                assert taken > 0
                done += taken
                if row := self.call("listen_row"):
                    rows.append(self.read(row, np.uint16, self.n_channels))
                if (count := self.call("listen_count")) != seen:
                    seen = count
                    scores.append(self.read(self.call("listen_scores"), np.uint8, len(self.classes)))
                if (k := self.call("listen_class")) >= 0:
                    time_ms = self.call("listen_time_ms")
                    found.append(Detection(k, self.classes[k], self.call("listen_level"), time_ms))
        return np.array(rows), np.array(scores), found

    def set_detector(self, window_ms: int, minimum_count: int, suppression_ms: int, thresholds: Sequence[int]) -> None:
        """Change the settings of the detector."""
        values = np.array([window_ms, minimum_count, suppression_ms], np.int32)
        self.write(self.call("listen_settings"), values)
        self.write(self.call("listen_thresholds"), np.array(thresholds, np.uint8))
        self.call("listen_use_settings")

    def replay(self, scores: npt.NDArray[np.uint8], times_ms: npt.NDArray[np.int64]) -> list[Detection]:
        """Return the detections of scores that were kept."""
        self.call("replay_reset")
        found = []
        for row, time_ms in zip(scores, times_ms, strict=True):
            self.write(self.call("replay_scores"), row)
            if (k := self.call("replay_feed", int(time_ms))) >= 0:
                found.append(Detection(k, self.classes[k], self.call("replay_level"), int(time_ms)))
        return found
