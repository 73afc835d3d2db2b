"""Image files of every kind: formats, depths, orientations, palettes, and files that cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mltk.errors import OutputError
from mltk.image.files import ImageFileError, read_image, write_image
from mltk.image.findings import Kind
from mltk.image.image_format import ImageFormat

GRADIENT = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


def read(path, channels=3, size=(3, 4), **options):
    notes: set[Kind] = set()
    return read_image(str(path), ImageFormat(size[0], size[1], channels, **options), notes), notes


@pytest.mark.parametrize("extension", ["png", "bmp", "gif", "webp", "tif", "ppm"])
def test_formats_without_loss_keep_every_value(tmp_path, extension):
    path = tmp_path / f"x.{extension}"
    Image.fromarray(np.stack([GRADIENT] * 3, -1)).save(path, lossless=True)
    np.testing.assert_array_equal(read(path)[0], np.stack([GRADIENT] * 3, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(tmp_path, orientation):
    upright = np.stack([GRADIENT] * 3, -1)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.png"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    np.testing.assert_array_equal(read(path)[0], upright)


def test_a_palette_becomes_its_colors(tmp_path):
    path = tmp_path / "palette.png"
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.save(path)
    np.testing.assert_array_equal(read(path, size=(1, 2))[0], [[[255, 0, 0], [0, 0, 255]]])


def test_transparency_is_a_channel_or_is_left_out(tmp_path):
    path = tmp_path / "alpha.png"
    Image.fromarray(np.full((3, 4, 4), (10, 20, 30, 40), np.uint8)).save(path)
    assert list(read(path, 4)[0][0, 0]) == [10, 20, 30, 40]
    assert list(read(path, 3)[0][0, 0]) == [10, 20, 30]


def test_black_and_white_becomes_0_and_255(tmp_path):
    path = tmp_path / "bits.png"
    Image.fromarray(GRADIENT > 100).save(path)
    np.testing.assert_array_equal(read(path, 1)[0][..., 0], (GRADIENT > 100) * 255)


@pytest.mark.parametrize("extension", ["png", "tif"])
def test_16_bits_are_kept_or_divided_by_257(tmp_path, extension):
    path = tmp_path / f"deep.{extension}"
    values = np.array([[0, 257, 1000, 65535]], np.uint16)
    Image.fromarray(values).save(path)
    kept, notes = read(path, 1, (1, 4), bits=16)
    np.testing.assert_array_equal(kept[..., 0], values)
    assert (kept.dtype, notes) == (np.uint16, set())
    reduced, notes = read(path, 3, (1, 4))
    np.testing.assert_array_equal(reduced[0, :, 2], [0, 1, 4, 255])
    assert (reduced.dtype, notes) == (np.uint8, {Kind.DEEP})


def test_8_bits_become_16(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(np.array([[0, 1, 255]], np.uint8)).save(path)
    np.testing.assert_array_equal(read(path, 1, (1, 3), bits=16)[0][..., 0], [[0, 257, 65535]])


def test_cmyk_is_converted_and_noted(tmp_path):
    path = tmp_path / "print.jpg"
    Image.fromarray(np.zeros((8, 8, 4), np.uint8), "CMYK").save(path)
    pixels, notes = read(path, size=(8, 8))
    assert notes == {Kind.CMYK}
    assert pixels.min() > 250  # no ink is white


def test_the_size_is_changed_by_pillows_filter(tmp_path):
    path = tmp_path / "x.png"
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    image.save(path)
    for name in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"):
        expected = np.asarray(image.resize((9, 7), getattr(Image.Resampling, name.upper())))
        np.testing.assert_array_equal(read(path, size=(7, 9), interpolation=name)[0], expected)


def test_the_aspect_ratio_is_kept_by_cutting_the_center_out(tmp_path):
    path = tmp_path / "wide.png"
    pixels = np.zeros((4, 12), np.uint8)
    pixels[:, 4:8] = 200
    Image.fromarray(pixels).save(path)
    assert np.unique(read(path, 1, (4, 4), keep_aspect_ratio=True)[0]) == [200]
    assert len(np.unique(read(path, 1, (4, 4))[0])) > 1


# -- files that cannot be read -----------------------------------------------------------------------------------------


def garbage(path):
    path.write_bytes(b"this is not an image")


def truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:3000])


def animated(path):
    frames = [Image.fromarray(np.full((8, 8, 3), k, np.uint8)) for k in (0, 100, 200)]
    frames[0].save(path, path.suffix[1:].upper(), save_all=True, append_images=frames[1:], duration=40, loop=0)


def floats(path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(path)


def deep(path):
    Image.fromarray(np.full((4, 4), 100_000, np.int32)).save(path)


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (garbage, "x.png", "can't be read as an image: its content is not of a known image format"),
        (truncated, "x.png", "can't be read as an image: .*truncated"),
        (animated, "x.gif", "is animated: it has 3 frames, not one"),
        (animated, "x.webp", "is animated: it has 3 frames, not one"),
        (floats, "x.tif", "has floating-point pixels; images have 8 or 16 bits"),
        (deep, "x.tif", "has 32-bit pixels; images have 8 or 16 bits"),
        (lambda path: path.touch(), "x.png", "is empty: it has no bytes"),
        (lambda path: None, "x.png", "There is no image file"),
        (lambda path: path.mkdir(), "x.png", "can't be read as an image"),
    ],
)
def test_the_error_says_what_is_wrong_with_which_file(tmp_path, make, name, message):
    path = tmp_path / name
    make(path)
    with pytest.raises(ImageFileError, match=message) as error:
        read(path)
    assert str(path) in error.value.message


def test_writing_says_what_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match=r"an array of shape \(4,\) is not an image"):
        write_image(str(tmp_path / "x.png"), np.zeros(4))
    with pytest.raises(OutputError, match="as an image"):
        write_image(str(tmp_path / "x.jpg"), np.zeros((4, 4, 4), np.uint8))
    assert not list(tmp_path.iterdir())
