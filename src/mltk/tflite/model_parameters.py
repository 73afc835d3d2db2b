"""Model parameters inside the ``.tflite``: the dictionary that firmware reads.

The dictionary is in the metadata entry ``SL_PARAMSv1``, in the format of `mltk.tflite.model_parameters_format`.

A Python value gets the narrowest type that holds it, as in MLTK 0.20, because firmware asks for this type. An integer
from 0 on gets the narrowest unsigned type, a negative integer the narrowest signed type. A float gets 32 bits unless it
over- or underflows them. ``put(key, value, dtype)`` chooses another type. Types that were read from a file stay.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any, Protocol

from mltk.errors import ParameterError, TfliteError
from mltk.files import write_file
from mltk.tflite.format.loading import read_file
from mltk.tflite.model_parameters_format import DTYPE_ALIASES, DTYPES, read_dictionary, write_dictionary
from mltk.tflite.tflite_file import TfliteFile

TFLITE_METADATA_TAG = "SL_PARAMSv1"

_INT_RANGES = {
    f"{sign}int{bits}": ((0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
    for bits in (8, 16, 32, 64)
    for sign in ("u", "")
}
_FLOAT32_MAX = (2 - 2**-23) * 2.0**127
_FLOAT32_MIN_NORMAL = 2.0**-126

_FORMAT_HOLDS = "The dictionary holds bool, int (64 bits), float, str, bytes, and lists of str, int (32 bits) or float."


class HasMetadata(Protocol):
    """A model with metadata: a `mltk.tflite.model.TfliteModel` or `mltk.tflite.tflite_file.TfliteFile`."""

    def get_metadata(self, tag: str) -> bytes | None:
        """Return the data of the metadata entry ``tag``; None if there is no such entry."""


def _refuse(key: Any, why: str) -> ParameterError:
    return ParameterError(f"Model parameter {key!r}: {why}", hint=_FORMAT_HOLDS)


def _plain(value: Any) -> Any:
    """Return NumPy scalars and arrays, tuples and byte arrays as plain Python values."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy, without importing it
        value = value.tolist()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, list | tuple):
        return [item.item() if hasattr(item, "item") and hasattr(item, "dtype") else item for item in value]
    return value


def _narrowest_dtype(key: str, value: Any) -> str:
    """Return the dtype of a value as in MLTK 0.20; raise `ParameterError` if the format has none for it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        names = [f"uint{bits}" if value >= 0 else f"int{bits}" for bits in (8, 16, 32, 64)]
        for name in names:
            if _INT_RANGES[name][0] <= value <= _INT_RANGES[name][1]:
                return name
        raise _refuse(key, f"{value} does not fit 64 bits")
    if isinstance(value, float):
        fits = value == 0 or _FLOAT32_MIN_NORMAL <= abs(value) <= _FLOAT32_MAX
        return "float" if fits else "double"
    if isinstance(value, str):
        return "str"
    if isinstance(value, bytes):
        return "bin"
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return "str_list"
        if all(isinstance(item, int) for item in value):
            return "int32_list"
        if all(isinstance(item, float) for item in value):
            return "float_list"
        kinds = sorted({type(item).__name__ for item in value})
        raise _refuse(key, f"a list of {' and '.join(kinds)}; its elements must be all str, all int or all float")
    raise _refuse(key, f"{'None' if value is None else f'a {type(value).__name__}'} can't be stored")


def _convert_scalar(key: str, value: Any, dtype: str) -> Any:
    try:
        if dtype == "bool":
            return bool(value)
        if dtype == "str":
            return value if isinstance(value, str) else str(value)
        if dtype in ("float", "double"):
            return float(value)
        number = int(value)
    except (TypeError, ValueError, OverflowError) as e:
        raise _refuse(key, f"{value!r} is not a {dtype} ({e})") from e
    low, high = _INT_RANGES[dtype]
    if not low <= number <= high:
        raise _refuse(key, f"{number} does not fit {dtype} ({low} to {high})")
    return number


def _convert(key: str, value: Any, dtype: str) -> Any:
    """Return the value as its dtype holds it."""
    if dtype == "bin":
        try:
            return bytes(value)
        except (TypeError, ValueError) as e:
            raise _refuse(key, f"{value!r} is not bytes ({e})") from e
    if not dtype.endswith("_list"):
        converted = _convert_scalar(key, value, dtype)
        texts = [converted] if dtype == "str" else []
    else:
        wanted: type = {"str_list": str, "int32_list": int, "float_list": float}[dtype]
        if not isinstance(value, list) or not all(isinstance(item, wanted) for item in value):
            raise _refuse(key, f"{value!r} is not a list of {wanted.__name__}")
        converted = [wanted(item) for item in value]
        texts = converted if dtype == "str_list" else []
        if dtype == "int32_list":
            for item in converted:
                _convert_scalar(key, item, "int32")
    for text in texts:
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise _refuse(key, f"{text!r} can't be encoded as UTF-8")
    floats = converted if dtype == "float_list" else [converted] if dtype == "float" else []
    for number in floats:
        if math.isfinite(number) and abs(number) > _FLOAT32_MAX:
            raise _refuse(key, f"{number} does not fit a 32-bit float")
    return converted


class TfliteModelParameters(dict[str, Any]):
    """The model parameters of a ``.tflite``: a dictionary that accepts only what the file can hold.

    Values are ``bool``, ``int`` (64 bits), ``float`` (stored with 32 bits if they suffice), ``str``, ``bytes``, and
    lists of ``str``, ``int`` (32 bits) or ``float`` (32 bits). NumPy scalars and 1-D arrays are converted.

    Raises:
        ParameterError: A value is set that the file cannot hold. The message names the key.
    """

    _dtypes: dict[str, str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._dtypes = {}
        self.update(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        # A dict would set the items last, and so forget the chosen types.
        return _restore, (type(self), dict(self), dict(self._dtypes))

    def put(self, key: str, value: Any, dtype: str | None = None) -> None:
        """Set a parameter.

        Args:
            key: Name of the parameter.
            value: Its value.
            dtype: One of `DTYPES`, or ``u8``, ``f32``, …; by default the narrowest type that holds the value.

        Raises:
            ParameterError: The file cannot hold the value.
        """
        if not isinstance(key, str):
            raise _refuse(key, f"the key must be a str, not {type(key).__name__}")
        if any("\ud800" <= c <= "\udfff" for c in key):
            raise _refuse(key, "the key can't be encoded as UTF-8")
        dtype = DTYPE_ALIASES.get(dtype, dtype) if dtype else None
        if dtype is not None and dtype not in DTYPES:
            raise ParameterError(
                f"Model parameter {key!r}: unknown data type {dtype!r}", hint=f"Known are: {', '.join(DTYPES)}"
            )
        value = _plain(value)
        resolved = dtype or _narrowest_dtype(key, value)
        super().__setitem__(key, _convert(key, value, resolved))
        if dtype is None:
            self._dtypes.pop(key, None)
        else:
            self._dtypes[key] = dtype

    def __setitem__(self, key: str, value: Any) -> None:
        self.put(key, value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._dtypes.pop(key, None)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Do what ``dict.update`` does. Parameters from another dictionary of this class keep their dtype."""
        source = args[0] if args else {}
        dtypes = source._dtypes if isinstance(source, TfliteModelParameters) else {}
        for key, value in dict(*args, **kwargs).items():
            self.put(key, value, None if key in kwargs else dtypes.get(key))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Do what ``dict.setdefault`` does."""
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> TfliteModelParameters:  # type: ignore[override,misc]
        self.update(other)
        return self

    def copy(self) -> TfliteModelParameters:
        """Return a copy with the same dtypes."""
        return type(self)(self)

    def dtype(self, key: str) -> str:
        """Return the type that a parameter is stored with, one of `DTYPES`."""
        return self._dtypes.get(key) or _narrowest_dtype(key, self[key])

    def summary(self) -> str:
        """Return one ``key: value`` line for each parameter, sorted by key."""
        return "\n".join(f"{key}: {_display(self[key])}" for key in sorted(self))

    def __str__(self) -> str:
        return self.summary()

    def serialize(self) -> bytes:
        """Return the dictionary as a FlatBuffer. See `mltk.tflite.model_parameters_format`."""
        return write_dictionary((key, value, self.dtype(key)) for key, value in self.items())

    @staticmethod
    def deserialize(serialized_data: bytes) -> TfliteModelParameters:
        """Read a dictionary from a FlatBuffer. Keys keep their order, and values keep their stored types.

        Raises:
            TfliteError: The bytes are not a dictionary of model parameters.
        """
        parameters = TfliteModelParameters()
        for key, value, dtype in read_dictionary(bytes(serialized_data)):
            parameters.put(key, value, dtype)
        return parameters

    def add_to_tflite_model(self, tflite_model: TfliteFile, tag: str | None = None) -> None:
        """Store the parameters in a loaded model's metadata. They replace the former entry."""
        tflite_model.add_metadata(tag or TFLITE_METADATA_TAG, self.serialize())

    def add_to_tflite_flatbuffer(self, tflite_flatbuffer: bytes, tag: str | None = None) -> bytes:
        """Return the bytes of a ``.tflite`` with these parameters in its metadata."""
        model = TfliteFile(tflite_flatbuffer)
        self.add_to_tflite_model(model, tag=tag)
        return model.flatbuffer_data

    def add_to_tflite_file(self, tflite_path: str, output: str | None = None, tag: str | None = None) -> None:
        """Store the parameters in a ``.tflite`` file.

        Args:
            tflite_path: The file.
            output: Where to write; by default ``tflite_path``. The file is written completely or not at all.
            tag: Name of the metadata entry; by default ``SL_PARAMSv1``.
        """
        write_file(output or tflite_path, self.add_to_tflite_flatbuffer(read_file(tflite_path), tag=tag))

    @staticmethod
    def load_from_tflite_model(tflite_model: HasMetadata, tag: str | None = None) -> TfliteModelParameters:
        """Read the parameters from a loaded model's metadata.

        Args:
            tflite_model: The model.
            tag: Name of the metadata entry; by default ``SL_PARAMSv1``.

        Raises:
            TfliteError: The model has no such entry, or the entry is damaged.
        """
        tag = tag or TFLITE_METADATA_TAG
        data = tflite_model.get_metadata(tag)
        if data is None:
            raise TfliteError(
                f"The .tflite has no model parameters (no metadata entry {tag!r}).",
                hint="Add some with: mltk update_params MODEL.tflite name=value",
            )
        return TfliteModelParameters.deserialize(data)

    @staticmethod
    def load_from_tflite_flatbuffer(tflite_flatbuffer: bytes, tag: str | None = None) -> TfliteModelParameters:
        """Read the parameters from the bytes of a ``.tflite``. See `load_from_tflite_model`."""
        return TfliteModelParameters.load_from_tflite_model(TfliteFile(tflite_flatbuffer), tag=tag)

    @staticmethod
    def load_from_tflite_file(tflite_path: str, tag: str | None = None) -> TfliteModelParameters:
        """Read the parameters from a ``.tflite`` file. See `load_from_tflite_model`."""
        return TfliteModelParameters.load_from_tflite_model(TfliteFile.load_flatbuffer_file(tflite_path), tag=tag)


def _restore(cls: type[TfliteModelParameters], values: dict[str, Any], dtypes: dict[str, str]) -> TfliteModelParameters:
    """Unpickle or copy."""
    parameters = cls()
    for key, value in values.items():
        parameters.put(key, value, dtypes.get(key))
    return parameters


def stored_parameters(model: HasMetadata) -> TfliteModelParameters:
    """Return the parameters of a loaded model; an empty dictionary if it has none.

    Raises:
        TfliteError: The parameters are damaged.
    """
    stored = model.get_metadata(TFLITE_METADATA_TAG)
    return TfliteModelParameters() if stored is None else TfliteModelParameters.deserialize(stored)


def update_file_params(
    path: str | os.PathLike[str],
    params: Mapping[str, Any],
    description: str | None = None,
    output: str | os.PathLike[str] | None = None,
) -> TfliteModelParameters:
    """Update the parameters and the description of a ``.tflite`` file.

    Args:
        path: The file.
        params: Key → value. A value of None removes the parameter.
        description: The new description; None keeps the present one.
        output: Where to write; by default ``path``. The file is written completely or not at all.

    Returns:
        All parameters of the file.

    Raises:
        ParameterError: A value cannot be stored. The message names the key.
        TfliteError: The file is not a valid ``.tflite``.
        OutputError: The file cannot be written.
    """
    model = TfliteFile.load_flatbuffer_file(os.fspath(path))
    parameters = stored_parameters(model)
    for key, value in params.items():
        if value is None:
            parameters.pop(key, None)
        else:
            parameters[key] = value
    if description is not None:
        model.description = description
    parameters.add_to_tflite_model(model)
    write_file(output or path, model.flatbuffer_data)
    return parameters


def _display(value: Any) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, list):
        return ",".join(_display(item) for item in value)
    if isinstance(value, float):
        # Floats are stored with 32 bits: show 0.1 as 0.1, not as 0.10000000149011612.
        return f"{value:.7g}"
    return str(value)
