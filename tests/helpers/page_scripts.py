"""The JavaScript of pages in V8, without a page."""

from __future__ import annotations

import base64
import json
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
from py_mini_racer import MiniRacer

PURE = ("engine.js", "sound.js", "files.js", "pictures.js", "signals.js")
"""Files that need no page."""


class Scripts:
    """The scripts of a page that need no page."""

    def __init__(self) -> None:
        folder = resources.files("mltk") / "browser" / "assets"
        text = "\n".join((folder / name).read_text(encoding="utf-8") for name in PURE)
        self._engine = MiniRacer()
        self.run(text + _HELPERS)

    def run(self, script: str) -> Any:
        """Run a script; its value must be a text, a number, a truth value or nothing."""
        return self._engine.eval(script)

    def set(self, name: str, value: Any) -> None:
        """Set a global variable to an array, bytes, or what JSON can hold."""
        if isinstance(value, bytes):
            value = np.frombuffer(value, np.uint8)
        if isinstance(value, np.ndarray):
            kind = {"float32": "Float32Array", "int16": "Int16Array", "uint8": "Uint8Array", "int8": "Int8Array"}
            text = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
            self.run(f"var {name} = new {kind[value.dtype.name]}(bytesOfBase64('{text}').buffer)")
        else:
            self.run(f"var {name} = {json.dumps(value)}")

    def array(self, expression: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return the values of a typed array."""
        return np.frombuffer(bytes.fromhex(self.run(f"hexOf({expression})")), dtype)

    def value(self, expression: str) -> Any:
        """Return a value that JSON can hold."""
        return json.loads(self.run(f"JSON.stringify({expression})"))


_HELPERS = """
var hexOf = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
};
"""
