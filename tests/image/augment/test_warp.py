"""The geometry is that of MLTK 0.20. The expected values were computed by it, on a square image."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.errors import SettingError
from mltk.image.generator import ParallelImageDataGenerator

PICTURE = np.zeros((5, 5, 1), np.float32)
PICTURE[1, 2], PICTURE[0, 0] = 100, 50


def changed(picture=PICTURE, fill_mode="nearest", cval=0.0, order=1, **params):
    generator = ParallelImageDataGenerator(fill_mode=fill_mode, cval=cval, interpolation_order=order)
    return generator.apply_transform(picture, params)[..., 0]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"theta": 90}, {(2, 1): 100, (4, 0): 50}),
        ({"tx": 1}, {(1, 1): 100}),
        ({"ty": 1}, {(0, 2): 100}),
        ({"tx": 0.5}, {(0, 0): 25, (1, 1): 50, (1, 2): 50}),
        ({"zx": 2}, {(0, 0): 50, (0, 1): 50, (1, 2): 100}),
        ({"zy": 2}, {(0, 0): 50, (1, 0): 50}),
        ({"zx": 0.5, "zy": 0.5}, {(0, 1): 50, (0, 2): 100, (0, 3): 50, (1, 1): 25, (1, 2): 50, (1, 3): 25}),
        ({"flip_horizontal": True}, {(0, 4): 50, (1, 2): 100}),
        ({"flip_vertical": True}, {(4, 0): 50, (3, 2): 100}),
        ({"theta": 90, "tx": 1}, {(2, 0): 100}),
        ({"theta": 90, "flip_horizontal": True}, {(2, 3): 100, (4, 4): 50}),
        ({"tx": 1, "flip_horizontal": True, "flip_vertical": True}, {(3, 3): 100}),
        ({"theta": 30}, {(1, 0): 10.048, (1, 1): 40.192, (1, 2): 43.301, (2, 1): 6.699}),
        ({"shear": 30}, {(0, 1): 26.795, (1, 1): 43.301, (1, 2): 43.301}),
        (
            {"theta": 30, "tx": 1, "ty": 0.5, "shear": 20, "zx": 1.3, "zy": 0.8, "flip_horizontal": True},
            {(0, 3): 21.181, (0, 4): 35.67, (1, 3): 20.74},
        ),
    ],
)
def test_each_part_of_the_geometry_moves_pixels_as_mltk_0_20_does(params, expected):
    wanted = np.zeros((5, 5))
    for place, value in expected.items():
        wanted[place] = value
    np.testing.assert_allclose(changed(**params), wanted, atol=2e-3)


@pytest.mark.parametrize(
    ("fill_mode", "tx", "expected"),
    [
        ("nearest", 3, [3, 4, 4, 4, 4]),
        ("nearest", -3, [0, 0, 0, 0, 1]),
        ("nearest", 2.5, [2.5, 3.5, 4, 4, 4]),
        ("constant", 3, [3, 4, 9, 9, 9]),
        ("constant", -3, [9, 9, 9, 0, 1]),
        ("constant", 2.5, [2.5, 3.5, 9, 9, 9]),
        ("reflect", 3, [3, 4, 4, 3, 2]),
        ("reflect", -3, [2, 1, 0, 0, 1]),
        ("reflect", 2.5, [2.5, 3.5, 4, 3.5, 2.5]),
        # 0.20 repeats an image of 5 pixels after 4 pixels. We repeat it after 5.
        ("wrap", 3, [3, 4, 0, 1, 2]),
        ("wrap", -3, [2, 3, 4, 0, 1]),
    ],
)
def test_what_is_outside_of_the_image_is_that_of_the_fill_mode(fill_mode, tx, expected):
    row = np.repeat(np.arange(5, dtype=np.float32)[np.newaxis, :, np.newaxis], 5, axis=0)
    np.testing.assert_allclose(changed(row, fill_mode, cval=9, tx=tx)[0], expected, atol=1e-4)


def test_an_image_that_is_not_square_turns_around_its_center():
    picture = np.zeros((3, 7, 1), np.float32)
    picture[1, 3] = 100
    assert changed(picture, theta=90)[1, 3] == pytest.approx(100, abs=1e-3)
    assert changed(picture, zx=2, zy=2)[1, 3] == pytest.approx(100, abs=1e-3)


def test_order_0_takes_the_nearest_pixel():
    assert set(np.unique(changed(order=0, theta=20, tx=0.3))) <= {0, 50, 100}


def test_order_3_sharpens_an_edge():
    edge = np.zeros((9, 9, 1), np.float32)
    edge[:, 4:] = 100
    assert changed(edge, order=3, tx=0.5).max() > 101


def test_colors_move_together():
    picture = np.random.default_rng(0).uniform(0, 255, (8, 8, 3)).astype(np.float32)
    generator = ParallelImageDataGenerator()
    params = {"theta": 17, "tx": 1.5, "zx": 1.2}
    together = generator.apply_transform(picture, params)
    for channel in range(3):
        alone = generator.apply_transform(picture[..., channel : channel + 1], params)
        np.testing.assert_allclose(together[..., channel], alone[..., 0], atol=1e-3)


def test_an_unknown_fill_mode_is_an_error():
    with pytest.raises(SettingError, match=r"fill_mode is 'nearst'\. Did you mean 'nearest'\?"):
        ParallelImageDataGenerator(fill_mode="nearst")
