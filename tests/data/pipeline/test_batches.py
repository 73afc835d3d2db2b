"""The pipeline by itself, with a medium of numbers: order, labels, own functions, unreadable files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from helpers.numbers_medium import NumberGenerator, numbers_folder
from mltk.errors import DatasetError, SettingError


@pytest.fixture
def folder(tmp_path):
    return numbers_folder(tmp_path / "numbers")


def whole_epoch(batches, epoch=0):
    return [np.concatenate(part) for part in zip(*(batches.batch(epoch, i) for i in range(len(batches))), strict=True)]


def test_an_epoch_has_each_sample_once_with_its_label(folder) -> None:
    made = NumberGenerator(disable_random_transforms=True)
    x, y = whole_epoch(made.flow_from_directory(folder, ["ones", "twos"], class_mode="sparse", seed=1, augment=False))
    assert sorted(x[:, 0] / 2) == list(range(10, 30))
    assert ((x[:, 0] / 2 >= 20) == y).all()


def test_a_batch_depends_on_seed_epoch_and_index_only(folder) -> None:
    batches = NumberGenerator(cores=2).flow_from_directory(folder, ["ones", "twos"], batch_size=6, seed=1)
    again = pickle.loads(pickle.dumps(batches))
    for key in [(3, 1), (0, 0), (3, 1)]:
        assert all(np.array_equal(a, b) for a, b in zip(batches.batch(*key), again.batch(*key), strict=True))
    other = NumberGenerator().flow_from_directory(folder, ["ones", "twos"], batch_size=6, seed=2)
    assert not np.array_equal(batches.batch(0, 0)[0], other.batch(0, 0)[0])


def test_unknown_and_empty_classes(folder) -> None:
    batches = NumberGenerator().flow_from_directory(folder, ["ones", "_unknown_", "_zero_"], seed=1)
    assert batches.class_counts == {"ones": 10, "_unknown_": 10, "_zero_": 5}
    seen: set[int] = set()
    for epoch in range(6):
        x, y = whole_epoch(batches, epoch)
        assert (x[y[:, 2] == 1] < 2).all()
        seen |= {int(v / 2) for v in x[y[:, 1] == 1, 0]}
    assert seen == set(range(20, 40))


def test_own_functions_are_called_in_the_order_of_the_steps(folder) -> None:
    calls = []

    def step(name, change):
        def function(params, x):
            calls.append(name)
            assert params["classes"] == {"ones": 0}
            return change(x)

        return function

    made = NumberGenerator(
        debug=True,
        noaug_preprocessing_function=step("before", lambda x: 0 * x + 100),
        preprocessing_function=step("between", lambda x: x + 1000),
        postprocessing_function=step("after", lambda x: -x),
        rescale=0.5,
    )
    made.add_augmentation(lambda x, value: (calls.append("effect"), x * value)[1], draw=lambda rng: 2)
    x = made.flow_from_directory(folder, ["ones"], batch_size=1, class_mode=None, seed=1).batch(0, 0)
    assert calls == ["before", "effect", "between", "after"]
    offset = -x[0, 0] - 1200  # -(2 * (2 * (100 + offset) + 1000)) / 2
    assert offset / 2 * 10 == pytest.approx(round(offset / 2 * 10), abs=1e-2)
    assert 0.2 <= offset <= 1.6


def test_own_effects_are_part_of_augmentation(folder) -> None:
    made = NumberGenerator(debug=True)
    made.add_augmentation(lambda x, value: 0 * x)
    x, _ = made.flow_from_directory(folder, ["ones"], seed=1, augment=False).batch(0, 0)
    assert x.min() >= 20


def test_an_unreadable_file_is_replaced_by_the_next_of_its_class(folder, caplog) -> None:
    Path(folder, "twos", "4.txt").write_text("four")
    batches = NumberGenerator().flow_from_directory(folder, ["ones", "twos"], seed=1, augment=False, shuffle=False)
    x, y = batches.batch(0, 0)
    assert (x[14, 0] / 2, y[14].tolist()) == (25, [0, 1])
    assert "4.txt contains no number" in caplog.text
    batches.drop_unreadable()
    assert batches.class_counts == {"ones": 10, "twos": 9}
    assert len(batches.filenames) == len(whole_epoch(batches)[0]) == 19


def test_too_many_unreadable_files_name_the_medium(folder) -> None:
    for i in range(3):
        Path(folder, "twos", f"{i}.txt").write_text("no")
    batches = NumberGenerator().flow_from_directory(folder, ["ones", "twos"], seed=1, batch_size=20)
    with pytest.raises(DatasetError, match="of the 20 number files can't be read"):
        batches.batch(0, 0)


def test_augmented_samples_are_saved(folder, tmp_path) -> None:
    options = {"save_to_dir": str(tmp_path / "saved"), "save_prefix": "p-", "shuffle": False, "batch_size": 2}
    x, _ = NumberGenerator().flow_from_directory(folder, ["ones"], seed=1, **options).batch(0, 1)
    files = sorted((tmp_path / "saved").iterdir())
    assert [file.name for file in files] == ["p-ones-0-1-0.txt", "p-ones-0-1-1.txt"]
    assert [2 * float(file.read_text()) for file in files] == pytest.approx(x[:, 0].tolist())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_split": 1.0}, "validation_split is 1.0"),
        ({"dtype": "float33"}, "'float33', which is not a NumPy data type"),
        ({"samplewise_normalize_range": (2, 1)}, "samplewise_normalize_range"),
    ],
)
def test_impossible_settings_are_refused(folder, options, message) -> None:
    with pytest.raises(SettingError, match=message):
        NumberGenerator(**options).flow_from_directory(folder, ["ones"])
