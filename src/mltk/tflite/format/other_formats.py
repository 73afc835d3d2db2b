"""Recognize what people have in place of a ``.tflite``. Imported only after a file was refused."""

from __future__ import annotations

import base64
import re

_LFS = b"version https://git-lfs.github.com/spec/"
_TEXT_BYTES = 4096
_UNPACK = "Unpack it, and give the .tflite that is in it."
_CONVERT = "Convert the model to a .tflite first."
_C_ARRAY = re.compile(
    rb"(?:\b(?:char|u?int8_t|byte|DATA)\b[^;{]*\[[^\]]*\][^;{]*=\s*\{)|(?:0x[0-9a-f]{2}\s*,\s*){8}", re.I
)
_HEX_DUMP = re.compile(rb"\s*(?:[0-9a-f]{4,8}[:\s]\s*)?(?:[0-9a-f]{2}\s{0,2}){12}", re.I)

# First bytes of a file, what the file is, and what to do.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a gzip file", "Decompress it first: gunzip < FILE > model.tflite (or tar -xzf FILE for a .tar.gz)."),
    (b"BZh", "a bzip2 file", "Decompress it first, for example with bunzip2."),
    (b"\xfd7zXZ\x00", "an xz file", "Decompress it first, for example with unxz."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "Decompress it first, for example with unzstd."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes it (.h5)", "Quantize the Keras model with 'mltk quantize'."),
    (b"GGUF", "a GGUF file (llama.cpp)", _CONVERT),
    (b"\x80\x02", "a Python pickle, as PyTorch writes it", _CONVERT),
    (b"\x80\x03", "a Python pickle, as PyTorch writes it", _CONVERT),
    (b"\x80\x04", "a Python pickle, as PyTorch writes it", _CONVERT),
    (b"\x80\x05", "a Python pickle, as PyTorch writes it", _CONVERT),
    (b"\x93NUMPY", "a NumPy array", "Give the .tflite that the array belongs to."),
    (b"%PDF", "a PDF document", "Download the model itself."),
    (b"\x7fELF", "a compiled program (ELF)", "Give the .tflite that was compiled into it."),
)
_TABLES = {  # identifier of a FlatBuffer, which is in bytes 4 to 7
    b"TOC0": "a FlatBuffer of ExecuTorch (.pte)",
    b"ET12": "a FlatBuffer of ExecuTorch (.pte)",
    b"ORTM": "a FlatBuffer of ONNX Runtime (.ort)",
    b"CIR0": "a Circle model (ONE)",
}


def recognize(data: bytes) -> tuple[str, str] | None:
    """Say what a file is that is not a ``.tflite``.

    Args:
        data: Content of the file.

    Returns:
        What the file is, and what the user can do; None if the content is not recognized.
    """
    return _pointer(data) or _zip(data) or _binary(data) or _text(data) or _other_model(data)


def _pointer(data: bytes) -> tuple[str, str] | None:
    if not data.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(_LFS):
        return None
    size = re.search(rb"^size (\d+)", data[:_TEXT_BYTES], re.MULTILINE)
    stored = f" of {int(size[1]):,} bytes" if size else ""
    return (
        f"a pointer of Git LFS: three lines of text in place of the model{stored}",
        "Get the model with 'git lfs pull' in the clone (install Git LFS first: git lfs install).",
    )


def _zip(data: bytes) -> tuple[str, str] | None:
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    # The names of the members are not compressed. The list of all members is at the end of the file.
    names = data[:_TEXT_BYTES] + data[-_TEXT_BYTES:]
    if b"data.pkl" in names:
        return "a PyTorch model (.pt)", _CONVERT
    if b"model.weights.h5" in names:
        return "a Keras model (.keras)", "Quantize the Keras model with 'mltk quantize'."
    if b".npy" in names:
        return "an archive of NumPy arrays (.npz)", "Give the .tflite itself."
    if b"model_spec" in names or b".h5" in names:
        return "a ZIP archive, maybe an archive of MLTK", "Give an archive the ending .mltk.zip, or unpack it first."
    return "a ZIP archive", _UNPACK


def _binary(data: bytes) -> tuple[str, str] | None:
    for magic, what, hint in _MAGIC:
        if data.startswith(magic):
            return what, hint
    if data[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if data[4:8] in _TABLES:
        return _TABLES[data[4:8]], _CONVERT
    if data[8:9] == b"{" and 2 <= int.from_bytes(data[:8], "little") <= len(data) - 8:
        return "a file of safetensors", _CONVERT
    return None


def _text(data: bytes) -> tuple[str, str] | None:
    start = data[:_TEXT_BYTES]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = data[: 2 * _TEXT_BYTES].decode("utf-16", "replace").encode("ascii", "replace")
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\x00" in start:
        return None
    lower = start[:512].lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<head")) or b"<html" in lower:
        return (
            "a web page (HTML), not the model that it links to",
            "Download the file itself. On GitHub, use 'Download raw file'; a login page means that you must log in.",
        )
    if lower.startswith((b"<?xml", b"<svg", b"<net ")):
        return "an XML file", "Download the model itself. For OpenVINO, convert the original model to a .tflite."
    if _C_ARRAY.search(start):
        return (
            "source code in C with the bytes of a model as an array",
            "Turn the array into a file, for example: grep -o '0x[0-9a-fA-F]*' FILE | xxd -r -p > model.tflite",
        )
    if _HEX_DUMP.match(start):
        return "a hex dump, text in place of bytes", "Turn it into bytes: xxd -r FILE model.tflite (or xxd -r -p)."
    if re.match(rb"[A-Za-z0-9+/]{12}", start) and base64.b64decode(start[:12])[4:8] == b"TFL3":
        return "text in Base64", "Decode it first: base64 -d FILE > model.tflite"
    if start.startswith((b"{", b"[")):
        return "a JSON file", "Give the .tflite itself. A model of TensorFlow.js must be converted first."
    if re.match(rb"\d+\n\d+ \d+\n", start) or start.startswith(b"7767517"):
        return "a model of ncnn (.param)", _CONVERT
    text = start.decode("utf-8", "ignore")
    if text and sum(c.isprintable() or c.isspace() for c in text) == len(text) and len(text.encode()) >= len(start) - 3:
        first = text.splitlines()[0][:60]
        return f"a text file that begins with {first!r}", "Give the .tflite itself, or download it again."
    return None


def _other_model(data: bytes) -> tuple[str, str] | None:
    # Protocol buffers have no magic number. An ONNX model begins with its version, then its producer.
    start = data[:256]
    if re.match(rb"\x08[\x01-\x20](?:\x12.|:|\x1a|\x22)", start, re.DOTALL):
        return "an ONNX model", _CONVERT
    if re.match(rb"\x08[\x01-\x03]\x12", start) or b"saved_model" in start or b"\x0a\x05serve" in data[:_TEXT_BYTES]:
        return "a SavedModel of TensorFlow", "Convert it with tf.lite.TFLiteConverter.from_saved_model(FOLDER)."
    if re.match(rb"\x0a.{1,3}\x0a.{1,64}\x12.(?:Placeholder|Const|NoOp|VarHandleOp)", start, re.DOTALL):
        return "a frozen graph of TensorFlow (.pb)", _CONVERT
    return None
