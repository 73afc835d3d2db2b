"""The child process that runs eSpeak NG: ``python -P -m mltk.audio.speech.espeak_worker LIBRARY DATA``.

It answers requests on standard input with answers on standard output (:mod:`mltk.workers.wire`) until its input
closes. Whatever the library prints goes to standard error, which the parent keeps for its messages.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import numpy as np

from mltk.audio.speech.espeak_library import PITCH, RANGE, RATE, RATE_LIMITS_WPM, VOLUME, WORD_GAP, EspeakLibrary
from mltk.workers.wire import WireError, read_message, write_message

Answer = tuple[dict[str, Any], list[np.ndarray]]


def describe(library: EspeakLibrary, request: dict[str, Any]) -> Answer:
    """What this eSpeak NG is and has."""
    return {
        "version": library.version,
        "sample_rate_hz": library.sample_rate_hz,
        "languages": sorted(library.languages),
        "variants": library.variants,
    }, []


def speak(library: EspeakLibrary, request: dict[str, Any]) -> Answer:
    """Say the text or the phonemes of ``request``."""
    spoken = f"[[{request['phonemes'].replace('_', '')}]]" if request["phonemes"] else request["text"]
    low, high = RATE_LIMITS_WPM
    parameters = {
        RATE: min(max(request["rate_wpm"], low), high),
        VOLUME: 100,
        PITCH: request["pitch"],
        RANGE: request["pitch_range"],
        WORD_GAP: request["word_gap_ms"] // 10,
    }
    samples = library.speak(spoken, request["voice"], parameters)
    return {}, [np.frombuffer(samples, np.int16)]


def phonemes(library: EspeakLibrary, request: dict[str, Any]) -> Answer:
    """How the texts of ``request`` are pronounced."""
    return {"phonemes": [library.phonemes(text, request["voice"]) for text in request["texts"]]}, []


TASKS = {"describe": describe, "speak": speak, "phonemes": phonemes}


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it ends its workers
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    library = EspeakLibrary(*sys.argv[1:3])
    try:
        while True:
            try:
                request, _ = read_message(sys.stdin.buffer)
            except WireError:
                return
            try:
                reply, arrays = TASKS[request["task"]](library, request)
                reply["ok"] = True
            except (ValueError, RuntimeError, OSError, KeyError) as e:
                reply, arrays = {"ok": False, "message": str(e)}, []
            try:
                write_message(output, reply, arrays)
            except BrokenPipeError:
                return
    finally:
        library.close()


if __name__ == "__main__":
    main()
