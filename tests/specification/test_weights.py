"""Finding checkpoints and weights: best means best by the direction of the metric."""

from __future__ import annotations

from pathlib import Path

import pytest

import mltk
from mltk.errors import SettingError
from mltk.specification.weights import checkpoint_path, find_weights, higher_is_better, list_checkpoints


def touch(folder: Path, *names: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("")
    return str(folder)


def test_checkpoints_are_listed_by_epoch(work: Path) -> None:
    assert list_checkpoints(str(work / "none")) == []
    names = ("checkpoint-0010.npz", "checkpoint-0009.npz", "checkpoint-10000.npz")
    touch(work, *names, "checkpoint-x.npz", ".checkpoint-0011.npz", "checkpoint-0012.npz.tmp")
    assert list_checkpoints(str(work)) == [9, 10, 10000]
    assert Path(checkpoint_path(str(work), 10)).name == names[0]
    assert Path(checkpoint_path(str(work), 10000)).name == names[2]


@pytest.mark.parametrize(
    ("monitor", "higher"),
    [
        ("val_accuracy", True),
        ("accuracy", True),
        ("acc", True),
        ("val_auc", True),
        ("val_precision_1", True),
        ("val_recall", True),
        ("val_f1_score", True),
        ("val_fbeta_score", True),
        ("val_mean_io_u", True),
        ("val_mean_iou", True),
        ("val_r2_score", True),
        ("val_cosine_similarity", True),
        ("val_sensitivity_at_specificity", True),
        ("val_true_positives", True),
        ("val_loss", False),
        ("loss", False),
        ("val_mean_absolute_error", False),
        ("val_mae", False),
        ("val_root_mean_squared_error", False),
        ("val_cosine_similarity_loss", False),
        ("val_categorical_crossentropy", False),
        ("val_kl_divergence", False),
        ("val_false_positives", False),
    ],
)
def test_direction_by_name(monitor: str, higher: bool) -> None:
    assert higher_is_better(monitor) is higher
    assert higher_is_better(monitor, "max")
    assert not higher_is_better(monitor, "min")


WEIGHTS = (
    "weights-001-0.9000.weights.h5",
    "weights-002-0.3000.weights.h5",
    "weights-003-0.5000.weights.h5",
    "weights-004-0.5000.weights.h5",
    "weights-005-nan.weights.h5",
    "notes.txt",
)


@pytest.mark.parametrize(
    ("monitor", "mode", "best"),
    [
        ("val_loss", "auto", WEIGHTS[1]),
        ("val_accuracy", "auto", WEIGHTS[0]),
        ("val_loss", "max", WEIGHTS[0]),
        ("val_accuracy", "min", WEIGHTS[1]),
    ],
)
def test_best_by_direction(work: Path, monitor: str, mode: str, best: str) -> None:
    folder = touch(work / "w", *WEIGHTS)
    assert find_weights(folder, "best", monitor, mode) == str(work / "w" / best)


def test_of_equally_good_ones_the_later(work: Path) -> None:
    folder = touch(work / "w", *WEIGHTS[2:4])
    assert Path(find_weights(folder, "best", "val_loss")).name == WEIGHTS[3]


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (("weights-001--0.50.weights.h5", "weights-002--0.70.weights.h5"), "weights-002--0.70.weights.h5"),
        (("weights-001-1e-05.h5", "weights-002-0.0001.h5"), "weights-001-1e-05.h5"),
        (("weights-001.h5", "weights-002.h5"), "weights-002.h5"),
        (("weights-001-1.5.h5", "weights-002-12345.6789.h5"), "weights-001-1.5.h5"),
    ],
)
def test_numbers_of_all_kinds(work: Path, names: tuple[str, ...], best: str) -> None:
    assert Path(find_weights(touch(work / "w", *names), "best", "val_loss")).name == best


def test_by_name_and_by_path(work: Path, tmp_path: Path) -> None:
    folder = touch(work / "w", *WEIGHTS)
    touch(tmp_path / "other", "mine.h5")
    assert find_weights(folder, WEIGHTS[2], "val_loss") == str(work / "w" / WEIGHTS[2])
    assert find_weights(folder, str(tmp_path / "other" / "mine.h5"), "val_loss") == str(tmp_path / "other" / "mine.h5")


def test_what_is_not_there(work: Path) -> None:
    folder = touch(work / "w", *WEIGHTS)
    with pytest.raises(SettingError) as e:
        find_weights(folder, "weights-002-0.3000.h5", "val_loss")
    assert "There is no weights file 'weights-002-0.3000.h5', neither as a path nor in" in e.value.message
    assert "Did you mean 'weights-002-0.3000.weights.h5'" in (e.value.hint or "")
    for empty in (str(work / "nothing"), touch(work / "empty", "notes.txt")):
        with pytest.raises(SettingError, match="There are no weights in") as e:
            find_weights(empty, "best", "val_loss")
        assert e.value.hint == "Train the model first."


class Model(mltk.MltkModel, mltk.TrainMixin):
    pass


def test_through_a_model(work: Path) -> None:
    model = Model(str(work / "digits.py"))
    with pytest.raises(SettingError, match="No checkpoint in"):
        model.get_checkpoint_path()
    touch(Path(model.checkpoints_dir), *(f"checkpoint-{i:04d}.npz" for i in (1, 2, 3)))
    assert model.get_checkpoint_path().endswith("checkpoint-0003.npz")
    assert model.get_checkpoint_path(2).endswith("checkpoint-0002.npz")
    with pytest.raises(SettingError, match="No checkpoint of epoch 7 in") as e:
        model.get_checkpoint_path(7)
    assert e.value.hint == "There are checkpoints of epochs 1, 2, 3."
    touch(Path(model.weights_dir), *WEIGHTS)
    assert Path(model.get_weights_path()).name == WEIGHTS[0]
    model.checkpoint["monitor"] = "val_loss"
    assert Path(model.get_weights_path("best")).name == WEIGHTS[1]
    assert model.weights_file_format == "weights-{epoch:03d}-{val_loss:.4f}.weights.h5"
    assert Path(find_weights(model.weights_dir, model.weights_file_format.format(epoch=3, val_loss=0.5), "")).exists()
    model.checkpoint = None
    assert Path(model.get_weights_path()).name == WEIGHTS[0]
