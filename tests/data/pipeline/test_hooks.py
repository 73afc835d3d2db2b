"""Functions of the user's in the generator: what they are given, and that processes change nothing."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

from helpers.audio_folder import CLASSES, RATE
from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.audio.generator import ParallelAudioDataGenerator
from mltk.errors import DatasetError

NAMES = list(CLASSES)


def flow(tones, **options):
    defaults: dict[str, Any] = {
        "frontend_settings": AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=20),
        "debug": True,
    }
    made = ParallelAudioDataGenerator(**{**defaults, **options})
    return made, made.flow_from_directory(str(tones), NAMES, batch_size=4, seed=1)


def test_what_functions_are_given(tones) -> None:
    seen: dict[str, Any] = {}

    def before(params, x, class_id, filename, batch_index, batch_class_ids, batch_filenames):
        seen["before"] = (x.dtype, x.ndim, params.sample_rate, params.sample_shape, params.class_mode)
        assert NAMES[class_id] == filename.split("/")[0] == batch_filenames[0].split("/")[0] or batch_index == 0
        assert len(batch_class_ids) == len(batch_filenames) == 4
        return x

    def between(params, x):
        seen["between"] = (x.dtype, x.shape)
        return np.zeros_like(x)

    def after(params, x, **more):
        seen["after"] = (x.dtype, x.shape, sorted(more))
        return x + 1

    _, batches = flow(
        tones, noaug_preprocessing_function=before, preprocessing_function=between, postprocessing_function=after
    )
    x, _ = batches.batch(0, 0)
    assert seen["before"] == (np.float32, 1, RATE, (49, 32, 1), "categorical")
    assert seen["between"] == (np.float32, (RATE,))
    names = ["batch_class_ids", "batch_filenames", "batch_index", "class_id", "filename"]
    assert seen["after"] == (np.float32, (49, 32, 1), names)
    assert len(np.unique(x.reshape(4, -1), axis=0)) == 1  # silence, plus one


def test_features_of_integers_promote_as_in_numpy_1(tones) -> None:
    def brighter(params, x):
        return np.clip(x + 128, 0, 255).astype(np.uint8)

    _, batches = flow(tones, dtype="int8", postprocessing_function=brighter)
    plain = flow(tones, dtype="int8")[1].batch(0, 0)[0].astype(np.int16)
    x = batches.batch(0, 0)[0]
    np.testing.assert_array_equal(np.asarray(x, np.int8), (plain + 128).astype(np.uint8).astype(np.int8))
    assert type(x) is np.ndarray


def test_a_function_that_returns_nothing_is_an_error(tones) -> None:
    def forgetful(params, x):
        x * 2

    with pytest.raises(DatasetError, match=r"forgetful\(\) returned None"):
        flow(tones, preprocessing_function=forgetful)[1].batch(0, 0)


def test_get_batch_function_makes_whole_batches(tones) -> None:
    def make(batch_index, filenames, classes, params):
        return batch_index, (np.full((len(filenames), 2), batch_index), np.array(classes))

    x, y = flow(tones, get_batch_function=make)[1].batch(0, 3)
    assert x.tolist() == [[3, 3]] * 4
    assert y.shape == (4,)


def test_an_effect_of_ones_own(tones) -> None:
    made, batches = flow(tones, frontend_enabled=False)
    made.add_augmentation(lambda x, value, rate: x * 0 + value, draw=lambda rng: rng.choice([0.25, 0.5]))
    x, _ = batches.batch(0, 0)
    assert set(np.unique(x)) <= {0.25, 0.5}
    assert np.array_equal(batches.batch(0, 0)[0], x)


def test_what_functions_draw_depends_on_seed_epoch_and_batch_only(tones) -> None:
    def noisy(params, x):
        return x + np.random.normal(0, 0.1, len(x))

    _, batches = flow(tones, preprocessing_function=noisy)
    first = batches.batch(0, 0)[0]
    np.random.seed(7)
    before = np.random.random()
    np.random.seed(7)
    again = batches.batch(0, 0)[0]
    assert np.random.random() == before  # the global generator goes on as if nothing had been drawn
    assert np.array_equal(first, again)
    assert not np.array_equal(first, batches.batch(1, 0)[0])


SCRIPT = """
import sys
import numpy as np
import mltk

def louder(params, x):
    print("from a function")
    return x * np.random.uniform(0.5, 1.0)

def failing(params, x):
    raise ValueError("no such luck")

def make(**options):
    settings = mltk.AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=20)
    generator = mltk.ParallelAudioDataGenerator(frontend_settings=settings, cores=2, **options)
    return generator.flow_from_directory(sys.argv[1], {names}, batch_size=16, seed=1)

here = make(preprocessing_function=louder, debug=True)
there = make(preprocessing_function=louder)
there.batch(0, 0)
for process in there._processes._processes:
    process.wait_until_started()
    assert process.is_ready, process.refusal
for i, (x, y) in enumerate(there):
    assert all(np.array_equal(a, b) for a, b in zip((x, y), here.batch(0, i))), i
there.shutdown()
bad = make(preprocessing_function=failing)
try:
    bad.batch(0, 0)
    for process in bad._processes._processes:
        process.wait_until_started()
    bad.batch(0, 0)
except Exception as error:
    print("failed:", type(error).__name__, error)
bad.shutdown()
unnamed = make(preprocessing_function=lambda params, x: x)
unnamed.batch(0, 0)
print("made", unnamed._processes)
mltk.train_model("nothing")
"""


def test_processes_give_the_same_batches_from_a_script_without_a_guard(tones, tmp_path) -> None:
    """A script that runs everything at module level; the last line would fail if a worker came to it."""
    script = tmp_path / "my_script.py"
    script.write_text(textwrap.dedent(SCRIPT.replace("{names}", repr(NAMES))))
    done = subprocess.run(
        [sys.executable, str(script), str(tones)], capture_output=True, text=True, timeout=120, check=False
    )
    assert "failed:" in done.stdout, done.stdout + done.stderr
    assert "no such luck" in done.stdout
    assert "made None" in done.stdout
    assert "a lambda" in done.stderr
    assert "ModelNotFoundError" in done.stderr  # the script came to its end, here only
