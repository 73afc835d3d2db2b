"""Messages to and from workers."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest

from mltk.workers.wire import TooLargeError, WireError, read_message, write_message


def sent(header, arrays=()) -> bytes:
    stream = io.BytesIO()
    write_message(stream, header, arrays)
    return stream.getvalue()


def test_arrays_of_every_shape_and_type_arrive_as_they_were_sent():
    arrays: list[np.ndarray] = [
        np.arange(24, dtype=np.int8).reshape(2, 3, 4)[:, ::2],
        np.array(3.5, np.float32),
        np.zeros((0, 5), np.int16),
        np.array([True, False]),
    ]
    header, received = read_message(io.BytesIO(sent({"task": "run", "n": 3}, arrays)))
    assert header == {"task": "run", "n": 3}
    for a, b in zip(arrays, received, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert np.array_equal(a, b)


@pytest.mark.parametrize("n", [0, 3, 7, 20, 60])
def test_a_message_cut_short_is_an_error(n):
    with pytest.raises(WireError, match="pipe closed"):
        read_message(io.BytesIO(sent({"task": "run"}, [np.arange(9)])[:n]))


def test_something_else_on_the_pipe_is_an_error():
    with pytest.raises(WireError, match="not a message"):
        read_message(io.BytesIO(b"INFO: hello from a native library"))


def test_an_array_can_be_written_to_after_it_has_arrived():
    _, (array,) = read_message(io.BytesIO(sent({}, [np.arange(3)])))
    array[0] = 7
    assert array.tolist() == [7, 1, 2]


def test_arrays_larger_than_the_limit_are_not_read():
    stream = io.BytesIO(sent({}, [np.zeros(100, np.int8), np.zeros(30, np.int8)]))
    with pytest.raises(TooLargeError, match="130 bytes, and 129 are allowed"):
        read_message(stream, limit_bytes=129)
    stream.seek(0)
    assert len(read_message(stream, limit_bytes=130)[1]) == 2


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"7",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"arrays": 3}',
        b'{"arrays": [3]}',
        b'{"arrays": [["|i1"]]}',
        b'{"arrays": [["|i1", [-1]]]}',
        b'{"arrays": [["|i1", [1.5]]]}',
        b'{"arrays": [["|i1", ["x"]]]}',
        b'{"arrays": [["no type", [1]]]}',
        b'{"arrays": [["|O", [1]]]}',
        b'{"arrays": [["|V8", [1]]]}',
        b'{"arrays": [["<f4,<f4", [1]]]}',
        b'{"arrays": [["|i1", [4611686018427387904, 4]]]}',
    ],
)
def test_a_malformed_header_is_an_error(header):
    with pytest.raises(WireError):
        read_message(io.BytesIO(b"MLTK" + struct.pack("<I", len(header)) + header + bytes(100)))


def test_a_header_of_gigabytes_is_not_read():
    with pytest.raises(WireError, match="header of 4,294,967,295 bytes"):
        read_message(io.BytesIO(b"MLTK" + b"\xff" * 4))


def test_objects_are_not_sent():
    with pytest.raises(TypeError, match="type object can't be sent"):
        sent({}, [np.array([pickle], dtype=object)])
