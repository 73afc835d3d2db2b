"""IMA ADPCM. The expected bytes and samples are those of MLTK 0.20."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mltk.errors import DatasetError
from mltk.utils import adpcm


def samples() -> list[int]:
    """A loud tone, and steps between the limits, which the codec cannot follow."""
    tone = np.round(20000 * np.sin(np.arange(4000) / 7)).astype(int)
    return [*tone.tolist(), -32768, 32767, -32768, 0]


def test_encoded_and_decoded_samples_are_those_of_0_20() -> None:
    encoded, state = adpcm.encode_mono_data(samples())
    decoded, end = adpcm.decode_mono_data(encoded)
    assert len(encoded) == len(decoded) // 2 == 2002
    assert hashlib.md5(encoded).hexdigest() == "ab44e9e4e5240240006b7057ac12f67b"
    assert hashlib.md5(str(decoded).encode()).hexdigest() == "92bb1b1f692c1994910b9f5dd888957a"
    assert state == end


def test_a_tone_is_decoded_with_a_small_error() -> None:
    tone = samples()[:4000]
    decoded, _ = adpcm.decode_mono_data(adpcm.encode_mono_data(tone)[0])
    error = np.array(decoded[100:]) - tone[100:]
    assert 10 * np.log10(np.mean(np.square(tone[100:])) / np.mean(np.square(error))) > 25


def test_a_stream_in_parts_is_encoded_like_the_whole() -> None:
    data = adpcm.pcm_to_bytes(samples())
    state = adpcm.AdpcmState()
    parts = [adpcm.encode_mono_data(data[i : i + 1000], state)[0] for i in range(0, len(data), 1000)]
    assert b"".join(parts) == adpcm.encode_mono_data(samples())[0]


def test_single_samples() -> None:
    code, state = adpcm.encode_sample(500)
    assert (code, state) == (7, adpcm.AdpcmState(11, 8))
    assert adpcm.decode_sample(7) == state
    assert adpcm.decode_sample(15, adpcm.AdpcmState(-32760, 88)) == adpcm.AdpcmState(-32768, 88)


def test_half_a_byte_is_an_error() -> None:
    assert adpcm.bytes_to_pcm(b"\x01\x00\xfe\xff") == (1, -2)
    with pytest.raises(DatasetError, match="3 samples can't be encoded"):
        adpcm.encode_mono_data([1, 2, 3])
    with pytest.raises(DatasetError, match="3 bytes are not samples of 16 bits"):
        adpcm.bytes_to_pcm(b"abc")
