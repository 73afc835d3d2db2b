"""A file in place of a ``.tflite`` is called by what it is, with what to do."""

from __future__ import annotations

import base64
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import pytest

from helpers.tflite_builder import small_cnn
from mltk.errors import TfliteError
from mltk.tflite.format.other_formats import recognize
from mltk.tflite.model import TfliteModel

MODEL = small_cnn()
LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0123456789abcdef' * 4}\nsize 301024\n".encode()


def _zip(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _tar(mode: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("model.tflite")
        member.size = len(MODEL)
        archive.addfile(member, io.BytesIO(MODEL))
    return stream.getvalue()


def _c_array(declaration: str) -> bytes:
    numbers = ", ".join(f"0x{b:02x}" for b in MODEL[:64])
    return f'// a model\n#include "model.h"\n{declaration} = {{\n  {numbers}\n}};\n'.encode()


def _xxd() -> bytes:
    rows = [MODEL[i : i + 16] for i in range(0, 64, 16)]
    lines = []
    for i, row in enumerate(rows):
        pairs = " ".join(row[j : j + 2].hex() for j in range(0, 16, 2))
        lines.append(f"{16 * i:08x}: {pairs}  ................")
    return "\n".join(lines).encode()


def _hexdump_c() -> bytes:
    rows = [MODEL[i : i + 16] for i in range(0, 64, 16)]
    return "\n".join(f"{16 * i:08x}  {r[:8].hex(' ')}  {r[8:].hex(' ')}  |...|" for i, r in enumerate(rows)).encode()


def _safetensors() -> bytes:
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return struct.pack("<Q", len(header)) + header + b"\0" * 4


OTHERS = {
    "lfs": (LFS, "pointer of Git LFS", "git lfs pull"),
    "lfs with CRLF": (LFS.replace(b"\n", b"\r\n"), "pointer of Git LFS", "git lfs pull"),
    "gzip": (gzip.compress(MODEL), "gzip", "gunzip"),
    "tar.gz": (_tar("w:gz"), "gzip", "tar"),
    "tar": (_tar("w"), "tar archive", "Unpack"),
    "xz": (lzma.compress(MODEL), "xz", "unxz"),
    "zip": (_zip(**{"model.tflite": MODEL}), "ZIP archive", "Unpack"),
    "keras": (_zip(**{"config.json": b"{}", "model.weights.h5": b"x"}), "Keras model", "mltk quantize"),
    "pytorch": (_zip(**{"archive/data.pkl": b"x"}), "PyTorch", "Convert"),
    "h5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "HDF5", "mltk quantize"),
    "C array": (_c_array("const unsigned char g_model[]"), "source code in C", "xxd -r"),
    "C array, aligned": (_c_array("alignas(16) const uint8_t model_data[1200]"), "source code in C", "xxd -r"),
    "C header, xxd -i": (_c_array("unsigned char model_tflite[]"), "source code in C", "xxd -r"),
    "numbers of a C array": (b", ".join(b"0x%02x" % b for b in MODEL[:64]), "source code in C", "xxd -r"),
    "xxd": (_xxd(), "hex dump", "xxd -r"),
    "hexdump -C": (_hexdump_c(), "hex dump", "xxd -r"),
    "plain hex": (MODEL.hex().encode(), "hex dump", "xxd -r"),
    "base64": (base64.b64encode(MODEL), "Base64", "base64 -d"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x031.9:\x90\x01", "ONNX", "Convert"),
    "onnx, version first": (b"\x08\x09:\xd5\x01\n\x1e\n\x01x\x12\x01y", "ONNX", "Convert"),
    "pickle": (b"\x80\x02}q\x00(X\x05\x00\x00\x00stateq\x01", "PyTorch", "Convert"),
    "html": (b"\n<!DOCTYPE html>\n<html lang='en'><head></head></html>", "web page", "Download"),
    "html after a comment": (b"<!-- x -->\n<HTML><BODY>404</BODY></HTML>", "web page", "Download"),
    "json": (b'{"format": "graph-model", "generatedBy": "2.0"}', "JSON", "TensorFlow.js"),
    "numpy": (b"\x93NUMPY\x01\x00v\x00{'descr'", "NumPy", ".tflite"),
    "executorch": (b"\x1c\x00\x00\x00ET12" + b"\0" * 30, "ExecuTorch", "Convert"),
    "safetensors": (_safetensors(), "safetensors", "Convert"),
    "text": (b"404: Not Found", "404: Not Found", "download"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_in_place_of_a_model_is_called_by_what_it_is(kind, tmp_path):
    content, what, hint = OTHERS[kind]
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(TfliteError) as caught:
        TfliteModel.load_flatbuffer_file(str(path))
    assert what in caught.value.message
    assert str(path) in caught.value.message
    assert hint in str(caught.value.hint)
    assert "bytes 4 to 7" not in str(caught.value)


def test_the_pointer_names_the_size_of_the_model_that_it_stands_for():
    recognized = recognize(LFS)
    assert recognized is not None
    assert "301,024 bytes" in recognized[0]


@pytest.mark.parametrize("content", [b"\0" * 32, bytes(range(128, 200)), MODEL[:4] + b"TFL2" + MODEL[8:]])
def test_bytes_that_are_nothing_known_are_not_guessed_at(content):
    assert recognize(content) is None
