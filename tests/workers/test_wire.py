"""Messages to and from workers."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from mltk.workers.wire import WireError, read_message, write_message


def sent(header, arrays=()) -> bytes:
    stream = io.BytesIO()
    write_message(stream, header, arrays)
    return stream.getvalue()


def test_arrays_of_every_shape_and_type_arrive_as_they_were_sent():
    arrays = [
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


def test_objects_are_not_unpickled():
    stream = io.BytesIO(sent({}, [np.arange(3)]))
    frame = stream.getvalue()
    hostile = io.BytesIO()
    np.lib.format.write_array(hostile, np.array([pickle], dtype=object)[:0].astype(object), allow_pickle=True)
    start = frame.index(b"\x93NUMPY") - 8
    payload = hostile.getvalue()
    with pytest.raises(ValueError, match="pickle"):
        read_message(io.BytesIO(frame[:start] + len(payload).to_bytes(8, "little") + payload))
