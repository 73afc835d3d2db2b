"""``mltk classify_image``: pictures in the terminal, and the page with the camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from helpers.dense_models import dense_classifier
from helpers.listening_models import CLASSES, listening_model
from mltk.cli.main import cli
from mltk.errors import UnsupportedModelError
from mltk.image.files import ImageFileError
from mltk.micro.engines.run import run_batch
from mltk.operations.classify_image import ClassifiedPictures, classify_image
from mltk.operations.shared import page_server
from mltk.tflite.model import TfliteModel
from mltk.tflite.quantization import quantize


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    rng, paths = np.random.default_rng(0), []
    for k in range(3):
        path = tmp_path / f"{k}.png"
        Image.fromarray(rng.integers(0, 256, (20, 24, 3)).astype(np.uint8)).save(path)
        paths.append(str(path))
    return paths


@pytest.mark.parametrize("rescale", [0.0, 0.5])
def test_files_have_the_scores_of_the_device(pictures: list[str], rescale: float) -> None:
    normalization: dict[str, Any] = {"samplewise_norm.rescale": rescale}
    model = dense_classifier((20, 24, 3), **normalization)
    found = classify_image(model, files=pictures)
    assert isinstance(found, ClassifiedPictures)
    pixels = np.stack([np.asarray(Image.open(path)) for path in pictures]).astype(np.float32) * (rescale or 1)
    inputs = quantize(pixels, model.graph.inputs[0])
    outputs = run_batch(model, inputs, engine="tflm").outputs[0].reshape(3, 3)
    np.testing.assert_array_equal(found.scores, outputs.astype(int) + 128)
    assert found.to_text().count("\n") == 2


@pytest.mark.parametrize(
    ("scale", "zero", "convert", "said"),
    [
        (1 / 255, -128, lambda p: p * np.float32(1 / 255), "so pixels are divided by 255"),
        (2 / 255, 0, lambda p: p * np.float32(2 / 255) - np.float32(1), "so black becomes -1"),
        (5 / 255, -20, lambda p: p, "the scores may be wrong"),
        (1.0, -128, lambda p: p, ""),
    ],
)
def test_the_range_of_the_input_says_how_pixels_become_values(
    pictures: list[str], scale: float, zero: int, convert: Any, said: str
) -> None:
    """A model whose dataset is arrays has no parameters that say it: 0 to 255 would be limited to 0 and 1."""
    model = dense_classifier((20, 24, 3), scale=scale, zero=zero)
    found = classify_image(model, files=pictures)
    assert isinstance(found, ClassifiedPictures)
    pixels = np.stack([np.asarray(Image.open(path)) for path in pictures]).astype(np.float32)
    inputs = quantize(convert(pixels), model.graph.inputs[0])
    outputs = run_batch(model, inputs, engine="tflm").outputs[0].reshape(3, 3)
    np.testing.assert_array_equal(found.scores, outputs.astype(int) + 128)
    assert (said in found.note) if said else not found.note
    assert ("Note: " in found.to_text()) == bool(said)


def test_the_command_prints_a_line_for_each_picture(pictures: list[str], tmp_path: Path) -> None:
    path = tmp_path / "eye.tflite"
    path.write_bytes(dense_classifier((20, 24, 3)).flatbuffer_data)
    done = CliRunner().invoke(cli, ["classify_image", str(path), "-f", pictures[0], "-f", pictures[1]])
    assert done.exit_code == 0, done.output
    assert [line.split("  ")[0] for line in done.stdout.splitlines()] == pictures[:2]
    assert all(line.split("  ")[1] in CLASSES for line in done.stdout.splitlines())
    done = CliRunner().invoke(cli, ["classify_image", str(path), "--dump-images"])
    assert "The page saves pictures by a button." in " ".join(done.output.split())


def test_what_is_not_a_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(ImageFileError, match="not of a known image format"):
        classify_image(dense_classifier((20, 24, 3)), files=[str(tmp_path / "a.png")])
    with pytest.raises(UnsupportedModelError, match=r"takes \[1, 64, 3\], which is not a picture"):
        classify_image(dense_classifier((64, 3)))
    with pytest.raises(UnsupportedModelError, match=r"which is not a picture") as caught:
        classify_image(TfliteModel(listening_model(shape=(1, 19, 16))))
    assert "mltk classify_audio" in caught.value.hint


def test_the_page_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    monkeypatch.setattr(page_server, "serve", lambda page, what, **_: pages.append((page, what)) or "url")
    assert classify_image(dense_classifier((20, 24, 3)), settings={"minimum_count": 9}) == "url"
    ((page, what),) = pages
    assert what == "my_model looks"
    assert '"count":9' in page.replace(" ", "")
