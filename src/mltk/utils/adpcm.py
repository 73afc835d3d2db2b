"""IMA ADPCM: 16-bit audio in 4 bits for each sample. The first sample of a byte is in its lower 4 bits.

IMA Digital Audio Technical Working Group, "Recommended practices for enhancing digital audio compatibility in
multimedia systems", 1992.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from mltk.errors import DatasetError

__all__ = [
    "AdpcmState",
    "bytes_to_pcm",
    "decode_mono_data",
    "decode_sample",
    "encode_mono_data",
    "encode_sample",
    "pcm_to_bytes",
]

# The table of the standard: each step is about 1.1 times the step before.
_STEPS = (
    *(7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97),
    *(107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796),
    *(876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428),
    *(4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385),
    *(24623, 27086, 29794, 32767),
)
_CHANGE_OF_INDEX = (-1, -1, -1, -1, 2, 4, 6, 8)
_NEGATIVE = 8


@dataclass
class AdpcmState:
    """What encoder and decoder know of the samples before.

    Attributes:
        predicted_sample: The last decoded sample, int16.
        step_index: Index of the size of the next step, 0 to 88.
    """

    predicted_sample: int = 0
    step_index: int = 0


def encode_sample(sample: int, state: AdpcmState | None = None) -> tuple[int, AdpcmState]:
    """Encode one sample.

    Args:
        sample: Sample, int16.
        state: State after the sample before, which is changed; None is the first sample.

    Returns:
        The code, 0 to 15, and the state.
    """
    state = state or AdpcmState()
    step = _STEPS[state.step_index]
    difference = sample - state.predicted_sample
    code = _NEGATIVE if difference < 0 else 0
    rest = abs(difference)
    for bit in (4, 2, 1):
        if rest >= step:
            code |= bit
            rest -= step
        step >>= 1
    return code, decode_sample(code, state)


def decode_sample(sample: int, state: AdpcmState | None = None) -> AdpcmState:
    """Decode one sample.

    Args:
        sample: Code of the sample, 0 to 15.
        state: State after the sample before, which is changed; None is the first sample.

    Returns:
        The state. Its ``predicted_sample`` is the decoded sample, int16.
    """
    state = state or AdpcmState()
    step = _STEPS[state.step_index]
    change = step >> 3
    for bit, share in ((4, step), (2, step >> 1), (1, step >> 2)):
        if sample & bit:
            change += share
    wanted = state.predicted_sample + (-change if sample & _NEGATIVE else change)
    state.predicted_sample = min(max(wanted, -32768), 32767)
    state.step_index = min(max(state.step_index + _CHANGE_OF_INDEX[sample & 7], 0), len(_STEPS) - 1)
    return state


def encode_mono_data(data: Sequence[int] | bytes, state: AdpcmState | None = None) -> tuple[bytes, AdpcmState]:
    """Encode samples.

    Args:
        data: An even number of int16 samples, or the bytes of them, little-endian.
        state: State after the samples before, which is changed; None is the beginning.

    Returns:
        One byte for two samples, and the state.

    Raises:
        DatasetError: The number of samples is odd.
    """
    samples = bytes_to_pcm(data) if isinstance(data, bytes) else data
    if len(samples) % 2:
        raise DatasetError(f"{len(samples)} samples can't be encoded.", hint="Give an even number of samples.")
    state = state or AdpcmState()
    codes = [encode_sample(sample, state)[0] for sample in samples]
    return bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True)), state


def decode_mono_data(data: bytes, state: AdpcmState | None = None) -> tuple[list[int], AdpcmState]:
    """Decode samples.

    Args:
        data: One byte for two samples.
        state: State after the samples before, which is changed; None is the beginning.

    Returns:
        The samples, int16, and the state.
    """
    state = state or AdpcmState()
    codes = [code for byte in data for code in (byte & 15, byte >> 4)]
    return [decode_sample(code, state).predicted_sample for code in codes], state


def bytes_to_pcm(d: bytes) -> tuple[int, ...]:
    """Return int16 samples of their bytes, little-endian.

    Args:
        d: Two bytes for each sample.

    Raises:
        DatasetError: The number of bytes is odd.
    """
    if len(d) % 2:
        raise DatasetError(f"{len(d)} bytes are not samples of 16 bits.", hint="Give an even number of bytes.")
    return struct.unpack(f"<{len(d) // 2}h", d)


def pcm_to_bytes(d: Sequence[int]) -> bytes:
    """Return the bytes of int16 samples, little-endian.

    Args:
        d: The samples.
    """
    return struct.pack(f"<{len(d)}h", *d)
