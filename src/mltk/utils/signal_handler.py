"""A signal that is handled in a ``with`` block."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class SignalHandler:
    """In a ``with`` block, notes that a signal came, in place of stopping the process.

    Args:
        sig: The signal.
        callback: Called without arguments when the signal comes.
        resignal_on_exit: Whether to send the signal again after the block, to the handler from before.
        raise_exception_if_not_main_thread: Whether to raise an error outside the main thread. Python delivers signals
            to the main thread only; without an error, the block handles nothing.
    """

    def __init__(
        self,
        sig: signal.Signals = signal.SIGINT,
        callback: Callable[[], object] | None = None,
        resignal_on_exit: bool = False,
        raise_exception_if_not_main_thread: bool = True,
    ) -> None:
        self.sig = sig
        self.callback = callback
        self.resignal_on_exit = resignal_on_exit
        self.interrupted = False
        self._strict = raise_exception_if_not_main_thread
        self._before: Any = None
        self._active = False

    def __enter__(self) -> SignalHandler:
        self.interrupted = False
        try:
            self._before = signal.signal(self.sig, self._handle)
            self._active = True
        except ValueError:
            if self._strict:
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> bool:
        """Restore the handler from before. Returns whether this was not done yet."""
        if not self._active:
            return False
        self._active = False
        signal.signal(self.sig, self._before)
        if self.interrupted and self.resignal_on_exit:
            signal.raise_signal(self.sig)
        return True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        if self.callback is not None:
            self.callback()
