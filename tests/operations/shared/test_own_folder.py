"""A folder of one's own is evaluated whole, with the labels of the model, and beside the other results."""

# mypy: disable-error-code="attr-defined"
# Which figures there are depends on the model; the type checker does not know.
from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import mltk
from helpers.audio_folder import tone, tones_folder
from helpers.image_folder import image_folder
from mltk.audio.files import write_audio
from mltk.errors import DatasetError, EvaluationError, SpecificationError
from mltk.operations.shared.own_folder import add_own_folders, compare_added

pytestmark = pytest.mark.tf

SPECIFICATION = """# @mltk_model
import keras
import mltk


class Spotter(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    pass


def build(model):
    layers = keras.layers
    output = layers.Dense(model.n_classes, activation="softmax")
    m = keras.Sequential([keras.Input(model.input_shape), layers.Flatten(), output])
    m.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return m


my_model = Spotter()
my_model.classes = CLASSES
my_model.dataset = "FOLDER"
my_model.epochs = 1
my_model.seed = 1
my_model.eval_max_samples_per_class = 2
my_model.eval_steps_per_epoch = 1
my_model.build_model_function = build
settings = mltk.AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=20, filterbank_n_channels=16)
my_model.datagen = mltk.ParallelAudioDataGenerator(
    frontend_settings=settings, frontend_dtype="int8", rescale=1 / 128, validation_split=0.5, offset_range=(0.5, 0.5)
)
"""


@pytest.fixture(scope="module")
def spotter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained spotter of `low` and `high`, and others, with its dataset of 2 takes of 5 speakers."""
    folder = tmp_path_factory.mktemp("spotter")
    tones_folder(folder / "tones", takes=2)
    write(folder, ["low", "high", "_unknown_", "_silence_"])
    mltk.train_model(str(folder / "spotter.py"), verbose=False)
    return folder


def write(folder: Path, classes: list[str]) -> None:
    text = SPECIFICATION.replace("CLASSES", repr(classes)).replace("FOLDER", str(folder / "tones"))
    (folder / "spotter.py").write_text(text)


@pytest.fixture
def spotter(spotter_folder: Path, tmp_path: Path, fresh_user_dir: Path) -> Path:
    for name in ("spotter.py", "spotter.mltk.zip"):
        shutil.copy(spotter_folder / name, tmp_path / name)
    return tmp_path / "spotter.mltk.zip"


def recordings(where: Path, **numbers: int) -> Path:
    """Folders with this many tones; the frequency is that of the class in the training."""
    frequencies = {"low": 300.0, "high": 2500.0}
    for name, n in numbers.items():
        for i in range(n):
            write_audio(str(where / name / f"{i}.wav"), tone(frequencies.get(name, 900.0) + i, 0.6), 16000)
    return where


@pytest.mark.parametrize("tflite", [False, True])
def test_all_samples_of_the_folder_count_once(spotter: Path, tmp_path: Path, tflite: bool) -> None:
    folder = recordings(tmp_path / "mine", low=3, high=9, _unknown_=5)
    results = mltk.evaluate_model(str(spotter), tflite=tflite, dataset=folder)
    assert results["n_samples"] == 17
    assert results.confusion_matrix.sum(axis=1).tolist() == [3, 9, 5, 0]
    assert results["dataset"] == str(folder)
    text = " ".join(results.generate_summary().split())  # long lines are wrapped
    assert f"The data are 17 samples of {folder} (low 3, high 9, _unknown_ 5), not the evaluation data" in text
    assert "The folder has no samples of '_silence_'." in text
    assert results["engine"] == "keras" or tflite


def test_labels_are_those_of_the_model(spotter: Path, tmp_path: Path) -> None:
    """The folder has only one class, and not the first one."""
    folder = recordings(tmp_path / "mine", high=4)
    results = mltk.evaluate_model(str(spotter), dataset=folder)
    model = mltk.load_mltk_model(str(spotter))
    batches = model.datagen.flow_from_directory(
        {"high": str(folder / "high")}, classes=["high"], class_mode=None, shuffle=False, augment=False
    )
    keras_model = keras.saving.load_model(model.get_archive_file(".keras"), compile=False)
    x = np.concatenate([batches[i] for i in range(len(batches))])
    predicted = keras_model.predict(x, verbose=0).argmax(axis=1)
    expected = np.zeros((4, 4), int)
    expected[1] = np.bincount(predicted, minlength=4)
    np.testing.assert_array_equal(results.confusion_matrix, expected)
    text = " ".join(results.generate_summary().split())  # long lines are wrapped
    assert "ROC AUC: not defined, because all samples are of one class" in text
    assert "nan" not in text


def test_own_functions_get_the_labels_of_the_model(spotter: Path, tmp_path: Path) -> None:
    """The folder has only one class, and the function looks another one up."""
    script = spotter.parent / "spotter.py"
    own = """

def check(params, x, class_id):
    assert params.class_indices["high"] == class_id == 1
    assert list(params.class_indices) == ["low", "high", "_unknown_", "_silence_"]
    return x


my_model.datagen.preprocessing_function = check
"""
    script.write_text(script.read_text() + own)
    folder = recordings(tmp_path / "mine", high=4)
    assert mltk.evaluate_model(str(script), dataset=folder)["n_samples"] == 4


def test_the_results_of_the_evaluation_data_stay(spotter: Path, tmp_path: Path) -> None:
    usual = mltk.evaluate_model(str(spotter))
    mltk.evaluate_model(str(spotter), dataset=recordings(tmp_path / "my voice", low=3))
    with zipfile.ZipFile(spotter) as archive:
        found = {
            kind: json.loads(archive.read(f"eval/{kind}/eval-results.json")) for kind in ("keras", "keras-my_voice")
        }
    assert found["keras"]["n_samples"] == usual["n_samples"]
    assert "dataset" not in found["keras"]
    assert found["keras-my_voice"]["n_samples"] == 3
    assert found["keras-my_voice"]["dataset"] == str(tmp_path / "my voice")


def test_a_folder_that_is_assigned_is_evaluated_whole(spotter: Path, tmp_path: Path) -> None:
    model: Any = mltk.load_mltk_model(str(spotter))
    usual = mltk.evaluate_model(model)
    assert "dataset" not in usual
    model.dataset = str(recordings(tmp_path / "mine", low=3, high=5))
    results = mltk.evaluate_model(model)
    assert (results["n_samples"], results["dataset"]) == (8, str(tmp_path / "mine"))
    again = mltk.evaluate_model(model, tflite=True)
    assert again["n_samples"] == 8


def test_other_folders_are_unknown_only_if_the_model_has_that_class(spotter: Path, tmp_path: Path) -> None:
    folder = recordings(tmp_path / "mine", low=2, middle=7, other=4, _background_noise_=1)
    results = mltk.evaluate_model(str(spotter), dataset=folder)
    assert results.confusion_matrix.sum(axis=1).tolist() == [2, 0, 11, 0]
    text = " ".join(results.generate_summary().split())  # long lines are wrapped
    assert "The samples of '_unknown_' are from the folders middle, other." in text
    assert "Skipped folders: _background_noise_." in text


@pytest.mark.parametrize(
    ("numbers", "message", "hint"),
    [
        ({"low": 1, "hihg": 2}, r"The folder 'hihg' of .* is not a class of spotter", "Did you mean 'high'"),
        ({"a": 1, "b": 2}, r"The folders 'a', 'b' of .* are not classes of spotter", "The classes are low, high"),
        ({"_noise_": 1}, "has no folder of a class of spotter", "one folder of samples for each class: low, high"),
    ],
)
def test_folders_that_are_not_classes_are_an_error(
    spotter: Path, tmp_path: Path, numbers: dict[str, int], message: str, hint: str
) -> None:
    model: Any = mltk.load_mltk_model(str(spotter))
    model.classes = ["low", "high"]
    with pytest.raises(DatasetError, match=message) as e:
        mltk.evaluate_model(model, dataset=recordings(tmp_path / "mine", **numbers))
    assert hint in (e.value.hint or "")


def test_a_folder_that_does_not_exist_is_an_error(spotter: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"The dataset folder .*nowhere does not exist"):
        mltk.evaluate_model(str(spotter), dataset=tmp_path / "nowhere")


def test_unreadable_files_are_not_counted(spotter: Path, tmp_path: Path) -> None:
    folder = recordings(tmp_path / "mine", low=3)
    (folder / "low" / "broken.wav").write_bytes(b"RIFF????WAVE")
    results = mltk.evaluate_model(str(spotter), dataset=folder)
    assert results["n_samples"] == 3
    assert "The data are 3 samples" in results.generate_summary()


class Pictures(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    """Small images."""


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
def test_images_of_another_size_are_evaluated_as_the_model_takes_them(
    tmp_path: Path, fresh_user_dir: Path, color_mode: Any
) -> None:
    model: Any = Pictures(str(tmp_path / "pictures.py"))
    model.classes = ["b", "a", "c"]
    model.input_shape = (8, 9, 3 if color_mode == "rgb" else 1)
    model.dataset = str(tmp_path / "elsewhere")
    model.datagen = mltk.ParallelImageDataGenerator(rescale=1 / 255, validation_split=0.5)
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input(model.input_shape), layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    )
    network.compile("sgd", "categorical_crossentropy")
    model.create_log_dir()
    network.save(model.keras_log_dir_path)
    folder = image_folder(tmp_path / "mine", n=7)  # 10 x 12 pixels
    results = mltk.evaluate_model(model, dataset=folder)
    assert results.confusion_matrix.sum(axis=1).tolist() == [7, 7, 0]
    assert "The folder has no samples of 'c'." in results.generate_summary()


def test_models_that_do_not_read_files_say_so(make_toy: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match="its samples do not come from files"):
        mltk.evaluate_model(make_toy(), dataset=recordings(tmp_path / "mine", low=1))


def test_an_evaluation_of_ones_own_says_so(spotter: Path, tmp_path: Path) -> None:
    model: Any = mltk.load_mltk_model(str(spotter))
    model.eval_custom_function = lambda mltk_model, built_model, **kwargs: {"f1": 1.0}
    with pytest.raises(EvaluationError, match="its eval_custom_function loads the data"):
        mltk.evaluate_model(model, dataset=recordings(tmp_path / "mine", low=1))


def test_the_command_takes_a_folder(spotter: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from mltk.cli.evaluate_command import command

    folder = recordings(tmp_path / "mine", low=2, high=2)
    done = CliRunner().invoke(command, [str(spotter), "--dataset", str(folder), "--no-update-archive"])
    assert done.exit_code == 0, done.output
    assert "The data are 4 samples of" in done.output


def test_training_takes_the_samples_of_own_folders_too(spotter: Path, tmp_path: Path) -> None:
    folder = recordings(tmp_path / "mine", low=3, kettle=2)
    from click.testing import CliRunner

    from mltk.cli.train_command import command

    script = str(spotter.parent / "spotter.py")
    done = CliRunner().invoke(command, [script, "--add", str(folder), "--no-evaluate"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(spotter) as archive:
        assert json.loads(archive.read("manifest.json"))["added"] == {"low": 3, "_unknown_": 2}


def test_the_next_training_of_a_model_does_not_keep_added_samples(spotter: Path, tmp_path: Path) -> None:
    folder = recordings(tmp_path / "mine", low=3)
    model: Any = mltk.load_mltk_model(str(spotter))
    assert add_own_folders(model, [folder, folder], model.classes) == []
    assert {name: len(paths) for name, paths in model._added_files.items()} == {"low": 6}
    add_own_folders(model, [], model.classes)
    assert not model._added_files


def test_a_run_that_resumes_with_other_added_samples_says_so(spotter: Path, tmp_path: Path) -> None:
    model: Any = mltk.load_mltk_model(str(spotter))
    run = tmp_path / "run"
    run.mkdir()

    def compared(*folders: Path, resumed: bool = True) -> str:
        add_own_folders(model, folders, model.classes)
        return compare_added(model, str(run), resumed=resumed)

    mine, others = recordings(tmp_path / "mine", low=3), recordings(tmp_path / "others", low=1, high=4)
    assert compared(resumed=True) == ""  # a run of an earlier version, which stored nothing
    assert compared(mine, resumed=False) == ""
    assert compared(mine) == ""
    assert "began with 3 added samples and resumes with 5, which are not the same" in compared(others)
    assert "began with 5 added samples and resumes with none" in compared()
    assert "began with no added samples and resumes with 3" in compared(mine)
    with next(mine.glob("low/*")).open("ab") as file:
        file.write(b"1234")
    assert "began with 3 added samples and resumes with 3, which are not the same" in compared(mine)


def test_samples_of_arrays_cannot_be_added_to(spotter: Path, tmp_path: Path) -> None:
    folder = recordings(tmp_path / "mine", low=3)
    model: Any = mltk.load_mltk_model(str(spotter))
    model.dataset = lambda: (np.zeros((4, *model.input_shape), np.float32), np.zeros(4, int))
    with pytest.raises(DatasetError, match="its dataset returns samples as arrays"):
        mltk.train_model(model, add=[folder], verbose=False)


def test_an_added_folder_without_a_class_is_an_error(spotter: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty is empty"):
        mltk.train_model(str(spotter.parent / "spotter.py"), add=[tmp_path / "empty"], verbose=False)
