"""The dictionary of model parameters: types, errors, and the bytes that firmware of 0.20 reads."""

from __future__ import annotations

import base64
import contextlib
import copy
import math
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.errors import ParameterError, TfliteError
from mltk.tflite import (
    TFLITE_METADATA_TAG,
    TfliteModel,
    TfliteModelParameters,
    stored_parameters,
    update_file_params,
)

# Written by MLTK 0.20 itself, from WRITTEN_BY_0_20 below.
BYTES_OF_0_20 = base64.b64decode(
    "EAAAAAAAAAAIAAwACwAEAAgAAAAIAAAAAAAAARUAAABkAwAAFAMAAOgCAAC8AgAAkAIAAGwCAAA8AgAADAIAAOABAACwAQAAfAEAAFgBAAA4AQ"
    "AAEAEAAOQAAADAAAAAnAAAAHgAAABUAAAALAAAAAQAAABG/f//AAAACwgAAAAQAAAAfv7//wAAAAAAANA/AwAAAGRibABq/f//AAAABggAAAAM"
    "AAAAEv3//wEAAAAEAAAAaTMyYgAAAACO/f//AAAAAggAAAAMAAAA+v3//wAAAP8CAAAAaTgAAK79//8AAAAGCAAAAAwAAABW/f//kO7+/wMAAA"
    "BpMzIAzv3//wAAAAcIAAAADAAAAHb9//9wEQEAAwAAAHUzMgDu/f//AAAABQgAAAAMAAAA+v7//wAAYOoDAAAAdTE2AA7+//8AAAAMCAAAABQA"
    "AAC2/f//BAAAAAAAAAAAAAAAAQAAAHMAAAA2/v//AAAACAgAAAAQAAAAbv///wAAAAAAAACAAQAAAG0AAABa/v//AAAAAQgAAAAIAAAA5P///w"
    "IAAABmZgAAdv7//wAAAAMMAAAADAAAAAQABAAEAAAAAQAAAHoAAABK/v//AAAACxAAAAAcAAAAAAAGABAABAAGAAAAnHUAiDzkN34AAAAAAQAA"
    "AGQAAAB6/v//AAAACRAAAAAYAAAAAAAGAAwABAAGAAAA//////////8DAAAAYmlnAKb+//8AAAAEEAAAABQAAAAAAAYACAAGAAYAAAAAANT+AQ"
    "AAAG4AAAAa////AAAADggAAAAYAAAAwv7//wQAAAACAAAAAQAAAP7///8CAAAAaWwAAEb///8AAAAPCAAAABgAAADu/v//BAAAAAIAAAAAAMA/"
    "AAAgwAIAAABmbAAAcv///wAAAAEIAAAADAAAAN7///8AAAABAQAAAHQAAABG////AAAAAxAAAAAUAAAAAAAGAAgABwAGAAAAAAAABQEAAABpAA"
    "AAuv///wAAABAIAAAAFAAAAGL///8EAAAAAwAAAAECAwABAAAAYgAAAOL///8AAAAKCAAAAAwAAACK////AAAAPwEAAABmAAoAEAAMAAcACAAK"
    "AAAAAAAADQgAAAAoAAAAsv///wQAAAACAAAAEAAAAAQAAAACAAAAbm8AAAMAAAB5ZXMABwAAAGNsYXNzZXMAAAAKABIADAAHAAgACgAAAAAAAA"
    "wQAAAAHAAAAAAABgAIAAQABgAAAAQAAAADAAAAa3dzAAQAAABuYW1lAAAAAA=="
)
WRITTEN_BY_0_20 = {
    "name": ("kws", "str"),
    "classes": (["yes", "no"], "str_list"),
    "f": (0.5, "float"),
    "b": (b"\x01\x02\x03", "bin"),
    "i": (5, "uint8"),
    "t": (True, "bool"),
    "fl": ([1.5, -2.5], "float_list"),
    "il": ([1, -2], "int32_list"),
    "n": (-300, "int16"),
    "big": (2**64 - 1, "uint64"),
    "d": (1e300, "double"),
    "z": (0, "uint8"),
    "ff": (False, "bool"),
    "m": (-(2**63), "int64"),
    "s": ("", "str"),
    "u16": (60000, "uint16"),
    "u32": (70000, "uint32"),
    "i32": (-70000, "int32"),
    "i8": (-1, "int8"),
    "i32b": (1, "int32"),
    "dbl": (0.25, "double"),
}


def test_reads_what_0_20_wrote():
    params = TfliteModelParameters.deserialize(BYTES_OF_0_20)
    assert dict(params) == {key: value for key, (value, _) in WRITTEN_BY_0_20.items()}
    assert {key: params.dtype(key) for key in params} == {key: dtype for key, (_, dtype) in WRITTEN_BY_0_20.items()}
    assert list(params) == list(WRITTEN_BY_0_20)
    assert {key: type(value) for key, value in params.items()} == {
        key: type(value) for key, (value, _) in WRITTEN_BY_0_20.items()
    }


def test_types_survive_rewriting():
    params = TfliteModelParameters.deserialize(BYTES_OF_0_20)
    params["new"] = 1
    again = TfliteModelParameters.deserialize(params.serialize())
    assert again == params
    assert all(again.dtype(key) == dtype for key, (_, dtype) in WRITTEN_BY_0_20.items())


def test_wire_format_by_hand():
    """The offsets a C++ reader takes: vtable slots of Dictionary, Entry and the value's table."""
    data = TfliteModelParameters({"k": -300}).serialize()
    u32 = lambda at: struct.unpack_from("<I", data, at)[0]  # noqa: E731

    def field(table: int, slot: int) -> int:
        vtable = table - struct.unpack_from("<i", data, table)[0]
        return table + struct.unpack_from("<H", data, vtable + 4 + 2 * slot)[0]

    root = u32(0)
    assert data[field(root, 0)] == 1
    entries = field(root, 1) + u32(field(root, 1))
    assert u32(entries) == 1
    entry = entries + 4 + u32(entries + 4)
    key = field(entry, 0) + u32(field(entry, 0))
    assert data[key + 4 : key + 4 + u32(key)] == b"k"
    assert data[field(entry, 1)] == 4  # i16 in the union
    value = field(entry, 2) + u32(field(entry, 2))
    assert struct.unpack_from("<h", data, field(value, 0))[0] == -300


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (0, "uint8"), (255, "uint8"), (256, "uint16"), (65535, "uint16"), (65536, "uint32"), (2**32, "uint64"),
        (-1, "int8"), (-128, "int8"), (-129, "int16"), (-32769, "int32"), (-(2**31), "int32"),
        (-(2**31) - 1, "int64"), (True, "bool"), (0.1, "float"), (0.0, "float"), (1e300, "double"), (1e-300, "double"),
        (math.inf, "double"), ("x", "str"), (b"x", "bin"), ([], "str_list"), ([True], "int32_list"),
        ((1, 2), "int32_list"),
        (np.int32(-4), "int8"), (np.float32(0.5), "float"), (np.bool_(True), "bool"), (np.str_("x"), "str"),
        (np.array([1, 2]), "int32_list"), (np.array([0.5], np.float32), "float_list"), (np.array(3), "uint8"),
        ([np.int64(3)], "int32_list"), (bytearray(b"x"), "bin"),
    ],
)  # fmt: skip
def test_narrowest_dtype(value, dtype):
    params = TfliteModelParameters(k=value)
    assert params.dtype("k") == dtype
    assert TfliteModelParameters.deserialize(params.serialize()).dtype("k") == dtype


def test_dtype_chosen():
    params = TfliteModelParameters()
    params.put("threshold", 0.9, dtype="double")
    params.put("count", 3, dtype="i32")
    read = TfliteModelParameters.deserialize(params.serialize())
    assert read == {"threshold": 0.9, "count": 3}
    assert (read.dtype("threshold"), read.dtype("count")) == ("double", "int32")
    read["count"] = 4
    assert read.dtype("count") == "uint8"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**64, "does not fit 64 bits"),
        (-(2**63) - 1, "does not fit 64 bits"),
        (None, "None can't be stored"),
        ({"a": 1}, "a dict can't be stored"),
        ({1}, "a set can't be stored"),
        ([1, 2.5], "a list of float and int"),
        (["a", 1], "a list of int and str"),
        ([[1], [2]], "a list of list"),
        (np.zeros((2, 2)), "a list of list"),
        ([None], "a list of NoneType"),
        ([2**31], "does not fit int32"),
        ([1e300], "does not fit a 32-bit float"),
        ("\ud800", "can't be encoded as UTF-8"),
        (["ok", "\udfff"], "can't be encoded as UTF-8"),
        (1j, "a complex can't be stored"),
        (object, "a type can't be stored"),
    ],
)
def test_refuses_naming_the_key(value, message):
    params = TfliteModelParameters(other=1)
    for set_it in (
        lambda: params.put("my_key", value),
        lambda: params.update(my_key=value),
        lambda: params.__setitem__("my_key", value),
        lambda: params.setdefault("my_key", value),
        lambda: TfliteModelParameters(my_key=value),
    ):
        with pytest.raises(ParameterError, match="'my_key'") as caught:
            set_it()
        assert message in str(caught.value)
    assert params == {"other": 1}


def test_refuses_bad_keys_and_dtypes():
    with pytest.raises(ParameterError, match="must be a str"):
        TfliteModelParameters({1: 2})
    with pytest.raises(ParameterError, match="UTF-8"):
        TfliteModelParameters({"\ud800": 2})
    params = TfliteModelParameters()
    with pytest.raises(ParameterError, match=r"unknown data type 'int33'(.|\n)*int32"):
        params.put("k", 1, dtype="int33")
    with pytest.raises(ParameterError, match=r"'k'.*300 does not fit uint8"):
        params.put("k", 300, dtype="uint8")
    with pytest.raises(ParameterError, match=r"'k'.*not a list of int"):
        params.put("k", 300, dtype="int32_list")
    with pytest.raises(ParameterError, match=r"'k'.*is not a float"):
        params.put("k", "abc", dtype="float")
    with pytest.raises(ParameterError, match=r"'k'.*does not fit a 32-bit float"):
        params.put("k", 1e300, dtype="float")


def _text():
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(width=32, allow_nan=False),
    st.floats(allow_nan=False).filter(lambda x: abs(x) > 3.5e38 or 0 < abs(x) < 1e-38),
    _text(),
    st.binary(max_size=50),
    st.lists(_text(), max_size=5),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5),
    st.lists(st.floats(width=32, allow_nan=False), max_size=5),
)


@given(st.dictionaries(_text(), VALUES, max_size=12))
def test_any_dictionary_round_trips(values):
    params = TfliteModelParameters(values)
    data = params.serialize()
    read = TfliteModelParameters.deserialize(data)
    assert read == values
    assert list(read) == list(values)
    assert {key: type(value) for key, value in read.items()} == {key: type(value) for key, value in values.items()}
    assert read.serialize() == data


@given(st.floats(allow_nan=False))
def test_any_float_reads_back_as_its_stored_type_holds_it(value):
    params = TfliteModelParameters(k=value)
    read = TfliteModelParameters.deserialize(params.serialize())["k"]
    assert read == (value if params.dtype("k") == "double" else float(np.float32(value)))


def test_nan():
    assert math.isnan(TfliteModelParameters.deserialize(TfliteModelParameters(k=math.nan).serialize())["k"])


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_read(data):
    with contextlib.suppress(TfliteError):
        TfliteModelParameters.deserialize(data)


def test_damaged_bytes_are_refused_or_read():
    for end in range(len(BYTES_OF_0_20)):
        with contextlib.suppress(TfliteError):
            TfliteModelParameters.deserialize(BYTES_OF_0_20[:end])
    rng = np.random.default_rng(1)
    for _ in range(2000):
        damaged = bytearray(BYTES_OF_0_20)
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        with contextlib.suppress(TfliteError):
            TfliteModelParameters.deserialize(bytes(damaged))


def test_behaves_as_a_dictionary():
    params = TfliteModelParameters({"a": 1}, b=2)
    params |= {"c": 3}
    params.put("d", 1, dtype="int64")
    for twin in (params.copy(), copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert twin == params
        assert isinstance(twin, TfliteModelParameters)
        assert twin.dtype("d") == "int64"
    del params["d"]
    params["d"] = 1
    assert params.dtype("d") == "uint8"


def test_summary():
    params = TfliteModelParameters({"f": 0.1, "classes": ["a", "b"], "blob": b"1234", "on": True})
    assert params.summary() == "blob: <4 bytes>\nclasses: a,b\nf: 0.1\non: True"
    read = TfliteModelParameters.deserialize(params.serialize())
    assert str(read) == params.summary()


def test_in_a_model(cnn_bytes, tmp_path):
    params = TfliteModelParameters(name="cnn", classes=["a", "b", "c"])
    with_params = params.add_to_tflite_flatbuffer(cnn_bytes)
    assert TfliteModelParameters.load_from_tflite_flatbuffer(with_params) == params

    path = tmp_path / "cnn.tflite"
    path.write_bytes(cnn_bytes)
    params.add_to_tflite_file(str(path))
    assert TfliteModelParameters.load_from_tflite_file(str(path)) == params
    params.add_to_tflite_file(str(path), output=str(tmp_path / "copy.tflite"), tag="other")
    assert TfliteModelParameters.load_from_tflite_file(str(tmp_path / "copy.tflite"), tag="other") == params
    assert stored_parameters(TfliteModel(cnn_bytes)) == {}
    assert stored_parameters(TfliteModel(with_params)) == params
    with pytest.raises(TfliteError, match="no model parameters"):
        TfliteModelParameters.load_from_tflite_flatbuffer(cnn_bytes)


def test_update_file_params(cnn_bytes, tmp_path):
    path = tmp_path / "cnn.tflite"
    path.write_bytes(cnn_bytes)
    path.chmod(0o640)
    assert update_file_params(path, {"a": 1, "b": [0.5]}, description="new words") == {"a": 1, "b": [0.5]}
    assert update_file_params(path, {"a": None, "c": "x"}) == {"b": [0.5], "c": "x"}
    model = TfliteModel.load_flatbuffer_file(str(path))
    assert model.description == "new words"
    assert TfliteModelParameters.load_from_tflite_model(model) == {"b": [0.5], "c": "x"}
    assert path.stat().st_mode & 0o777 == 0o640

    before = path.read_bytes()
    with pytest.raises(ParameterError, match="'bad'"):
        update_file_params(path, {"good": 1, "bad": None, "worse": {}} | {"bad": {}})
    update_file_params(path, {"d": 2}, output=tmp_path / "copy.tflite")
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cnn.tflite", "copy.tflite"]


def test_repeated_updates_do_not_grow_the_file(cnn_bytes, tmp_path):
    path = tmp_path / "cnn.tflite"
    path.write_bytes(cnn_bytes)
    update_file_params(path, {"a": 1})
    size = path.stat().st_size
    for _ in range(5):
        update_file_params(path, {"a": 1})
    assert path.stat().st_size == size
    assert TFLITE_METADATA_TAG in TfliteModel(path.read_bytes()).get_all_metadata()
