"""Color images with 16 bits are read with 16 bits; the sizes, the colors and the orientation are those of 8 bits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from mltk.image.files import read_image
from mltk.image.findings import Kind
from mltk.image.image_format import ImageFormat

COLORS = np.random.default_rng(0).integers(0, 65536, (6, 8, 3), dtype=np.uint16)  # red, green, blue


def read(path, channels=3, size=(6, 8), **wanted):
    found: set[Kind] = set()
    return read_image(str(path), ImageFormat(size[0], size[1], channels, **wanted), found), found


def write(path, pixels=COLORS):
    assert cv2.imwrite(str(path), pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]])
    return path


@pytest.mark.parametrize("extension", ["png", "tif", "ppm"])
def test_all_bits_are_read_if_asked(tmp_path, extension):
    pixels, found = read(write(tmp_path / f"deep.{extension}"), bits=16)
    np.testing.assert_array_equal(pixels, COLORS)
    assert (pixels.dtype, found) == (np.uint16, set())


@pytest.mark.parametrize("extension", ["png", "tif", "ppm"])
def test_otherwise_8_bits_are_read_and_it_is_noted(tmp_path, extension):
    pixels, found = read(write(tmp_path / f"deep.{extension}"))
    np.testing.assert_allclose(pixels, COLORS / 257, atol=1)
    assert (pixels.dtype, found) == (np.uint8, {Kind.DEEP})


def test_gray_is_the_weighted_sum(tmp_path):
    pixels, _ = read(write(tmp_path / "deep.png"), 1, bits=16)
    np.testing.assert_allclose(pixels[..., 0], COLORS @ (0.299, 0.587, 0.114), atol=0.51)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_size_is_changed_as_for_8_bits(tmp_path, interpolation, channels):
    rgba = np.random.default_rng(1).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    rgba[..., 3] |= 128  # Pillow rounds the product with alpha to 8 bits
    Image.fromarray(rgba).save(tmp_path / "flat.png")
    write(tmp_path / "deep.png", rgba.astype(np.uint16) * 257)
    wanted = dict(channels=channels, size=(7, 9), interpolation=interpolation, keep_aspect_ratio=True)
    flat, _ = read(tmp_path / "flat.png", **wanted)
    deep, found = read(tmp_path / "deep.png", bits=16, **wanted)
    assert (deep.shape, found) == (flat.shape, set())
    np.testing.assert_allclose(deep / 257, flat, atol=3.1 if channels == 4 else 1.01)


def test_alpha_is_read_or_opaque(tmp_path):
    alpha = np.concatenate([COLORS, np.full((6, 8, 1), 40000, np.uint16)], axis=2)
    np.testing.assert_array_equal(read(write(tmp_path / "a.png", alpha), 4, bits=16)[0], alpha)
    np.testing.assert_array_equal(read(tmp_path / "a.png", 3, bits=16)[0], COLORS)
    opaque, _ = read(write(tmp_path / "b.png"), 4, bits=16)
    np.testing.assert_array_equal(opaque[..., :3], COLORS)
    assert np.unique(opaque[..., 3]) == [65535]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_upright_as_8_bits_are(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray((COLORS >> 8).astype(np.uint8)).save(tmp_path / "flat.png", exif=exif)
    chunks = (tmp_path / "flat.png").read_bytes().partition(b"eXIf")
    chunk = chunks[0][-4:] + b"eXIf" + chunks[2][: int.from_bytes(chunks[0][-4:]) + 4]
    start, header, rest = write(tmp_path / "deep.png").read_bytes().partition(b"IHDR")
    (tmp_path / "deep.png").write_bytes(start + header + rest[:17] + chunk + rest[17:])
    size = (6, 8) if orientation < 5 else (8, 6)
    deep, _ = read(tmp_path / "deep.png", size=size, bits=16, resizes=False)
    np.testing.assert_array_equal(deep >> 8, read(tmp_path / "flat.png", size=size, resizes=False)[0])


def test_a_file_that_opencv_does_not_read_is_read_with_8_bits(tmp_path, monkeypatch):
    write(tmp_path / "deep.png")
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    pixels, found = read(tmp_path / "deep.png", bits=16)
    np.testing.assert_allclose(pixels, COLORS, atol=257)
    assert (pixels.dtype, found) == (np.uint16, {Kind.DEEP})
