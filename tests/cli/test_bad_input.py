"""Whatever is wrong with what a user gives, the command says it in one block and writes nothing."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest

from helpers import toy

ERROR = re.compile(r"^error: ", re.MULTILINE)


def listing(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below ``folder``, with its content; logs apart."""
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
        if "user" not in p.relative_to(folder).parts and "__pycache__" not in p.parts
    }


def assert_one_error(done, *parts: str, code: int = 1) -> None:
    """One block on standard error that says all of ``parts``, and no traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert len(ERROR.findall(done.stderr)) == 1, done.stderr
    block = done.stderr[ERROR.search(done.stderr).start() :]
    assert len(block.splitlines()) <= 14, block
    assert not [line for line in block.splitlines()[1:] if not line.startswith("  ")], block
    for part in parts:
        assert part in block, block


@pytest.fixture
def run_expecting_nothing_written(run_here):
    def run(*words: str, cwd: Path):
        before = listing(cwd)
        done = run_here(*words, cwd=cwd)
        assert listing(cwd) == before
        return done

    return run


def edited(folder: Path, *changes: tuple[str, str], name: str = "bad_spec") -> Path:
    """The toy specification with texts replaced."""
    text = toy.SPECIFICATION
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def test_unknown_model_name(tmp_path, run_expecting_nothing_written):
    edited(tmp_path, name="keyword_spotter")
    for command in ("train", "evaluate", "quantize", "summarize"):
        done = run_expecting_nothing_written(command, "keyword_spoter", cwd=tmp_path)
        assert_one_error(
            done,
            "There is no model 'keyword_spoter' on the model search path.",
            "Did you mean 'keyword_spotter'",
            str(tmp_path),
        )


def test_specification_path_that_is_not_there(tmp_path, run_expecting_nothing_written):
    assert_one_error(run_expecting_nothing_written("train", "none.py", cwd=tmp_path), "There is no file", "none.py")


def test_file_name_that_is_no_model_name(tmp_path, run_expecting_nothing_written):
    edited(tmp_path, name="my-model")
    done = run_expecting_nothing_written("train", "my-model.py", cwd=tmp_path)
    assert_one_error(done, "'my-model' can't be a model's name: it holds '-'", "Rename the file to my_model.py")


def test_syntax_error(tmp_path, run_expecting_nothing_written):
    path = edited(tmp_path, ("my_model.epochs = 2", "my_model.epochs = = 2"))
    line = path.read_text().splitlines().index("my_model.epochs = = 2") + 1
    for command in ("train", "quantize"):
        done = run_expecting_nothing_written(command, "bad_spec", cwd=tmp_path)
        assert_one_error(done, f"{path}:{line}: syntax error: invalid syntax", "my_model.epochs = = 2")


def test_specification_that_fails(tmp_path, run_expecting_nothing_written):
    path = edited(tmp_path, ("my_model.epochs = 2", "my_model.epochs = 2 / 0"))
    line = path.read_text().splitlines().index("my_model.epochs = 2 / 0") + 1
    done = run_expecting_nothing_written("train", "bad_spec", cwd=tmp_path)
    assert_one_error(done, f"{path}:{line}: ZeroDivisionError: division by zero", "my_model.epochs = 2 / 0")


def test_specification_that_imports_what_is_not_installed(tmp_path, run_expecting_nothing_written):
    edited(tmp_path, ("import numpy as np", "import numpy as np\nimport nonesuch_package"))
    done = run_expecting_nothing_written("train", "bad_spec", cwd=tmp_path)
    assert_one_error(done, "No module named 'nonesuch_package'", "Install nonesuch_package")


def test_specification_without_a_model(tmp_path, run_expecting_nothing_written):
    (tmp_path / "empty_spec.py").write_text("# @mltk_model\nimport mltk\n")
    done = run_expecting_nothing_written("train", "empty_spec", cwd=tmp_path)
    assert_one_error(done, "empty_spec.py makes no MltkModel.", "my_model = MyModel()")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("my_model.epochs = 2", "my_model.epoch = 2", ["epoch is not a setting of Toy", "'epochs'", "bad_spec.py:"]),
        ("my_model.epochs = 2", "my_model.epochs = 'two'", ["epochs: expected int, got 'two' (str)", "bad_spec.py:"]),
        ("my_model.epochs = 2", "my_model.epochs = 0", ["epochs: must be greater than 0"]),
        (
            "my_model.epochs = 2",
            "my_model.early_stopping = dict(patience=2, monitr='loss')",
            ["'monitr' is not one of its keys", "'monitor'"],
        ),
        (
            "my_model.build_model_function = build",
            "",
            ["bad_spec has no build_model_function.", "my_model.build_model_function"],
        ),
        ("    return m\n", "", ["build_model_function returned None, not a Keras model", "return keras_model"]),
        (
            'classes = ["red", "green", "blue"]',
            'classes = ["red", "green"]',
            ["labels go from 0 to 2, but there are 2 classes (red, green)", "class indices from 0"],
        ),
        ("layers.Dense(model.n_classes, ", "layers.Dense(5, ", ["has 3 classes", "has 5 outputs", "model.n_classes"]),
        ("y = rng.integers(3, size=90)", "return np.zeros((0, 4), 'float32'), np.zeros(0, int)", ["is empty"]),
        (
            "keras.optimizers.Adam(0.02)",
            "keras.optimizers.SGD(1e35)",
            ["The loss is nan after epoch", "Lower the learning rate"],
        ),
        ("mltk.TrainMixin, ", "", ["TrainMixin", "bad_spec.py"]),
    ],
    ids=[
        "misspelled setting",
        "wrong type",
        "impossible value",
        "misspelled key",
        "no builder",
        "builder gives nothing",
        "labels beyond the classes",
        "outputs beyond the classes",
        "empty dataset",
        "NaN loss",
        "missing mixin",
    ],
)
def test_specification_that_can_not_be_trained(tmp_path, old, new, parts, run_expecting_nothing_written):
    edited(tmp_path, (old, new))
    done = run_expecting_nothing_written("train", "bad_spec", cwd=tmp_path)
    assert_one_error(done, *parts)


def test_unwritable_output(tmp_path, trained, run_here, run_expecting_nothing_written):
    """Below a regular file no folder can be made, not even by root."""
    (tmp_path / "plain").write_text("a file")
    done = run_expecting_nothing_written("quantize", "toy_spec", "--output", "plain/below", cwd=tmp_path)
    assert_one_error(done, "can't be made", "plain/below")
    done = run_expecting_nothing_written("summarize", "toy_spec", "--output", "plain/summary.txt", cwd=tmp_path)
    assert_one_error(done, "Can't write plain/summary.txt")
    before = listing(tmp_path)
    done = run_here("train", "toy_spec", cwd=tmp_path, user=tmp_path / "plain/user")
    assert listing(tmp_path) == before
    assert_one_error(done, "The log folder", "can't be made", "MLTK_USER_DIR")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, where nobody can write")
def test_archive_that_can_not_be_written(tmp_path, run_expecting_nothing_written):
    """Found before training, not after it."""
    path = edited(tmp_path, ("my_model = Toy()", "my_model = Toy('/proc/self/bad_spec.py')"))
    done = run_expecting_nothing_written("train", path.name, cwd=tmp_path)
    assert_one_error(done, "Can't write /proc/self/bad_spec.mltk.zip")
    assert "Epoch" not in done.stdout


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "traversal", "member"])
def test_corrupt_archive(trained, damage, run_expecting_nothing_written):
    folder = trained.parent
    archive = folder / "toy_spec.mltk.zip"
    whole = archive.read_bytes()
    if damage == "truncated":
        archive.write_bytes(whole[: len(whole) // 2])
    elif damage == "text":
        archive.write_text("not an archive")
    elif damage == "empty":
        archive.write_bytes(b"")
    elif damage == "traversal":
        with zipfile.ZipFile(archive, "a") as file:
            file.writestr("../../evil.py", "print('evil')")
    else:
        with zipfile.ZipFile(archive) as file:
            start = file.getinfo("toy_spec.tflite").header_offset + 100
        archive.write_bytes(whole[:start] + bytes(50) + whole[start + 50 :])
    for words in (("summarize", archive.name, "--tflite"), ("update_params", archive.name, "a=1")):
        done = run_expecting_nothing_written(*words, cwd=folder)
        assert_one_error(done, "toy_spec.mltk.zip")
    if damage != "member":
        assert_one_error(
            run_expecting_nothing_written("evaluate", archive.name, "--tflite", cwd=folder), "toy_spec.mltk.zip"
        )


@pytest.mark.parametrize(
    "content", [b"", b"hello, this is no model at all", bytes(4096)], ids=["empty", "text", "zeros"]
)
def test_tflite_that_is_not_one(tmp_path, content, run_expecting_nothing_written):
    (tmp_path / "model.tflite").write_bytes(content)
    for words in (("summarize", "model.tflite"), ("update_params", "model.tflite", "a=1")):
        done = run_expecting_nothing_written(*words, cwd=tmp_path)
        assert_one_error(done, "model.tflite")


def test_tflite_that_is_not_there(tmp_path, run_expecting_nothing_written):
    for words in (("summarize", "none.tflite"), ("update_params", "none.tflite", "a=1")):
        assert_one_error(run_expecting_nothing_written(*words, cwd=tmp_path), "none.tflite")


def test_bad_parameters(trained, run_expecting_nothing_written):
    folder = trained.parent
    for words, part in (
        (("a",), "'a' is not of the form name=value"),
        (("--params", "none.txt"), "can't be read"),
        (("a=1", "--params", "toy_spec.mltk.zip"), "can't be read"),
    ):
        assert_one_error(run_expecting_nothing_written("update_params", "toy_spec", *words, cwd=folder), part)


def test_untrained_model(tmp_path, run_expecting_nothing_written):
    edited(tmp_path, name="new_spec")
    for words in (("evaluate", "new_spec"), ("quantize", "new_spec"), ("summarize", "new_spec")):
        done = run_expecting_nothing_written(*words, cwd=tmp_path)
        assert_one_error(done, "new_spec has not been trained", "mltk train new_spec")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("trian", "x"), "There is no command 'trian'. Did you mean 'train'"),
        (("train",), "Missing argument 'MODEL'"),
        (("train", "x", "--epoch", "3"), "--epochs"),
        (("train", "x", "--epochs", "three"), "'three' is not a valid integer"),
        (("update_params", "x.tflite"), "There is nothing to change"),
    ],
)
def test_wrong_usage(tmp_path, words, part, run_expecting_nothing_written):
    done = run_expecting_nothing_written(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert part in " ".join(done.stderr.split()), done.stderr
    assert "Usage: mltk" in done.stderr
    assert "Traceback" not in done.stderr


def test_real_processes(tmp_path):
    """The other tests run the command in one process, for speed; here are some that start it anew."""
    path = edited(tmp_path, ("my_model.epochs = 2", "my_model.epochs = = 2"))
    edited(tmp_path, ("    return m\n", ""), name="worse_spec")
    before = listing(tmp_path)
    assert_one_error(toy.mltk("train", "bad_spec", cwd=tmp_path), f"{path}:37: syntax error: invalid syntax")
    assert_one_error(toy.mltk("train", "worse_spec", cwd=tmp_path), "returned None, not a Keras model")
    assert_one_error(toy.mltk("summarize", "none.tflite", cwd=tmp_path), "none.tflite")
    assert listing(tmp_path) == before


def test_errors_of_tensorflow_are_stripped_of_its_frames(tmp_path, run_expecting_nothing_written):
    loss = """import tensorflow as tf
def wrong_loss(y, scores):
    return keras.ops.mean(scores) + tf.gather([1.0, 2.0], tf.cast(y, tf.int32))

my_model.loss = wrong_loss"""
    edited(tmp_path, ('my_model.loss = "sparse_categorical_crossentropy"', loss))
    done = run_expecting_nothing_written("train", "bad_spec", cwd=tmp_path)
    assert_one_error(done, "bad_spec: training failed: InvalidArgumentError", "is not in [0, 2)")
    assert "File " not in done.stderr


def test_verbose_adds_the_traceback(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"hello, this is no model at all")
    done = toy.mltk("summarize", "model.tflite", "--verbose", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert len(ERROR.findall(done.stderr)) == 1
