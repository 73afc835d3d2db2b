"""Calls into the library of eSpeak NG, for the child process only: no other module may import this one.

eSpeak NG is under the GPL 3. It runs in a child process and is never loaded into the user's process. The declarations
follow its public header ``speak_lib.h`` (API revision 12, eSpeak NG 1.52).
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
import sys
import tempfile
from pathlib import Path

from mltk.audio.speech.timbres import PREFIX, timbre_lines
from mltk.errors import MltkError

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8, PHONEMES_IN_TEXT = 1, 0x100
RATE, VOLUME, PITCH, RANGE, WORD_GAP = 1, 2, 3, 4, 7
SEPARATE_WITH_UNDERSCORE = ord("_") << 8
RATE_LIMITS_WPM = (80, 450)
# Lines of a variant that are not used. eSpeak NG 1.52 computes breath noise from uninitialized memory, so the same
# words would sound different from run to run. The other lines would rename the language.
LEFT_OUT = {"breath", "breathw", "language", "name", "gender", "age", "maintainer", "status"}


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class VoiceFile:
    """The voice file that eSpeak NG reads next.

    On Linux the file is in memory only. So nothing is left behind if this process is killed. Elsewhere it is a
    temporary file, which :meth:`close` removes.

    Attributes:
        path: Path of the file.
    """

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if sys.platform == "linux":
            self._file = open(os.memfd_create("mltk-espeak-voice"), "wb")  # noqa: SIM115 - closed by close()
            self.path = f"/proc/self/fd/{self._file.fileno()}"
        else:
            self._folder = tempfile.TemporaryDirectory(prefix="mltk-espeak-")
            self.path = os.path.join(self._folder.name, "voice")
            self._file = open(self.path, "wb")  # noqa: SIM115 - closed by close()

    def write(self, text: str) -> None:
        """Replace the content of the file."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text.encode())
        self._file.flush()

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
        if self._folder is not None:
            self._folder.cleanup()


class EspeakLibrary:
    """eSpeak NG, loaded again for every utterance.

    The library keeps the state of its filters and of its noise in static variables, and no call resets them. Loading
    the library again resets them and takes 0.5 ms. So an utterance sounds the same whatever was said before.

    Args:
        library_path: Path of the shared library.
        data_path: Path of eSpeak NG's data folder.

    Raises:
        MltkError: The library refuses the data.
    """

    def __init__(self, library_path: str, data_path: str) -> None:
        self._library_path, self._data_path = library_path, data_path
        self._libc = ctypes.CDLL(None)
        self._pieces: list[bytes] = []
        self._callback = _SYNTH_CALLBACK(self._take)
        self._library: ctypes.CDLL | None = None
        self._pronouncing = ""
        self._voice_file = VoiceFile()
        self._load()
        self.version = self._call_text("espeak_Info", None)
        self.languages = self._list_languages()
        self.variants = sorted(p.name for p in Path(data_path, "voices", "!v").iterdir())

    def _load(self) -> ctypes.CDLL:
        if self._library is not None:
            self._library.espeak_Terminate()
            _ctypes.dlclose(self._library._handle)
        library = self._library = ctypes.CDLL(self._library_path)
        rate = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, self._data_path.encode(), INITIALIZE_DONT_EXIT)
        if rate <= 0:
            raise MltkError(f"eSpeak NG can't be initialized with its data in {self._data_path}")
        self.sample_rate_hz = int(rate)
        library.espeak_SetSynthCallback(self._callback)
        self._libc.srand(1)  # the Klatt voices draw their noise from rand()
        return library

    def _call_text(self, name: str, *arguments: object) -> str:
        function = getattr(self._library, name)
        function.restype = ctypes.c_char_p
        return (function(*arguments) or b"").decode(errors="replace")

    def _take(self, samples: int | None, count: int, events: int | None) -> int:
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    def _list_languages(self) -> dict[str, str]:
        """Return language tag → path of its voice file, relative to the data's ``lang`` folder."""
        assert self._library is not None
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        voices, found, i = self._library.espeak_ListVoices(None), {}, 0
        while voices[i]:
            voice = voices[i].contents
            # `languages` holds a priority byte and a tag. The first tag is the voice's own.
            found[voice.languages[1:].decode().lower()] = voice.identifier.decode()
            i += 1
        return found

    def _voice_text(self, voice: str) -> str:
        """Return the text of a voice file, for ``language``, ``language+variant`` or ``language+timbre<number>``."""
        language, _, variant = voice.partition("+")
        if language not in self.languages:
            raise MltkError(f"eSpeak NG has no language {language!r}")
        lines = Path(self._data_path, "lang", self.languages[language]).read_text(encoding="utf-8").splitlines()
        if variant.startswith(PREFIX) and variant[len(PREFIX) :].isdigit():
            lines += timbre_lines(int(variant[len(PREFIX) :]))
        elif variant in self.variants:
            text = Path(self._data_path, "voices", "!v", variant).read_text(encoding="utf-8", errors="replace")
            lines += [line for line in text.splitlines() if line.split() and line.split()[0] not in LEFT_OUT]
        elif variant:
            raise MltkError(f"eSpeak NG has no voice variant {variant!r}")
        return "\n".join(lines) + "\n"

    def _set_voice(self, library: ctypes.CDLL, voice: str) -> None:
        self._voice_file.write(self._voice_text(voice))
        if library.espeak_SetVoiceByFile(self._voice_file.path.encode()) != 0:
            raise MltkError(f"eSpeak NG refused voice {voice!r}")

    def speak(self, text: str, voice: str, parameters: dict[int, int]) -> bytes:
        """Say a text.

        Args:
            text: Words, or phonemes in double square brackets.
            voice: ``language``, ``language+variant`` or ``language+timbre<number>``.
            parameters: eSpeak NG's parameter number → value.

        Returns:
            Mono int16 samples in this machine's byte order, at :attr:`sample_rate_hz`.

        Raises:
            MltkError: The voice does not exist, or the library failed.
        """
        library = self._load()
        self._pronouncing = ""
        self._set_voice(library, voice)
        for parameter, value in parameters.items():
            library.espeak_SetParameter(parameter, value, 0)
        self._pieces.clear()
        data = text.encode() + b"\0"
        status = library.espeak_Synth(data, len(data), 0, 0, 0, CHARS_UTF8 | PHONEMES_IN_TEXT, None, None)
        if status != 0:
            raise MltkError(f"eSpeak NG failed with status {status} for {text!r}")
        return b"".join(self._pieces)

    def phonemes(self, text: str, voice: str) -> str:
        """Look up how a text is pronounced.

        Returns:
            Mnemonics separated by ``_``; words are separated by a space.

        Raises:
            MltkError: The voice does not exist.
        """
        if voice != self._pronouncing:  # a look-up leaves no state that changes the next look-up
            self._set_voice(self._load(), voice)
            self._pronouncing = voice
        pointer = ctypes.c_char_p(text.encode())
        pieces = []
        while pointer.value:  # each call takes one clause, until the pointer is null
            pieces.append(
                self._call_text("espeak_TextToPhonemes", ctypes.byref(pointer), CHARS_UTF8, SEPARATE_WITH_UNDERSCORE)
            )
        return " ".join(piece for piece in pieces if piece).strip()

    def close(self) -> None:
        """Remove the temporary voice file."""
        self._voice_file.close()
