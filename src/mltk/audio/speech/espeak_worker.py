"""The child process that runs eSpeak NG: ``python -P -m mltk.audio.speech.espeak_worker LIBRARY DATA``.

Whatever the library prints is kept by the parent for its messages.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Sequence

import numpy as np

from mltk.audio.speech.espeak_library import PITCH, RANGE, RATE, RATE_LIMITS_WPM, VOLUME, WORD_GAP, EspeakLibrary
from mltk.workers.child_main import Handler, serve
from mltk.workers.wire import Array, Header, Message


def describe(library: EspeakLibrary, request: Header) -> Message:
    """Report the library's version, sample rate in Hz, languages and voice variants."""
    return {
        "version": library.version,
        "sample_rate_hz": library.sample_rate_hz,
        "languages": sorted(library.languages),
        "variants": library.variants,
    }, []


def speak(library: EspeakLibrary, request: Header) -> Message:
    """Say the phonemes of ``request``, or else its text: one array, int16 ``[n]``."""
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


def phonemes(library: EspeakLibrary, request: Header) -> Message:
    """Look up how the texts of ``request`` are pronounced."""
    return {"phonemes": [library.phonemes(text, request["voice"]) for text in request["texts"]]}, []


TASKS = {"describe": describe, "speak": speak, "phonemes": phonemes}


def open_library() -> Handler:
    """Load the library that the command line names."""
    library = EspeakLibrary(*sys.argv[1:3])
    atexit.register(library.close)

    def answer(request: Header, arrays: Sequence[Array]) -> Message:
        return TASKS[request["task"]](library, request)

    return answer


if __name__ == "__main__":
    serve(open_library)
