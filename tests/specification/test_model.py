"""What every model has: files, archive members, parameters, events, commands, logs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

import mltk
from mltk.errors import ArchiveError, OutputError, SettingError
from mltk.specification.archive_file import write_archive
from mltk.specification.events import MltkModelEvent
from mltk.specification.metadata import TfliteModelMetadataEntry


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateAutoEncoderMixin):
    pass


@pytest.fixture
def model(work: Path) -> Model:
    return Model(str(work / "digits.py"))


def test_paths(model: Model, work: Path, tmp_path: Path) -> None:
    log_dir = tmp_path / "user" / "models" / "digits"
    assert model.log_dir == str(log_dir)
    assert model.archive_path == str(work / "digits.mltk.zip")
    assert model.keras_log_dir_path == str(log_dir / "digits.keras")
    assert model.h5_log_dir_path == str(log_dir / "digits.h5")
    assert model.tflite_log_dir_path == str(log_dir / "digits.tflite")
    assert model.unquantized_tflite_log_dir_path == str(log_dir / "digits.float32.tflite")
    assert model.checkpoints_dir == str(log_dir / "train" / "checkpoints")
    assert model.weights_dir == str(log_dir / "train" / "weights")
    assert not log_dir.exists()
    model.log_dir = str(tmp_path / "logs")
    assert model.tflite_log_dir_path == str(tmp_path / "logs" / "digits.tflite")


def test_summary(model: Model) -> None:
    model.description = "Ten digits"
    assert model.summary() == "Name: digits\nVersion: 1\nDescription: Ten digits"
    model.classes = ["0", "1"]
    assert model.summary().endswith("\nClasses: 0, 1")
    assert repr(model) == "<Model 'digits' version 1>"


def test_log_dirs(model: Model) -> None:
    path = Path(model.create_log_dir("train"))
    assert path == Path(model.log_dir) / "train"
    (path / "old.txt").write_text("")
    model.create_log_dir("train")
    assert (path / "old.txt").exists()
    model.create_log_dir("train", delete_existing=True)
    assert list(path.iterdir()) == []


def test_a_log_dir_that_can_not_be_made(model: Model, work: Path) -> None:
    (work / "file").write_text("")
    model.log_dir = str(work / "file" / "logs")
    with pytest.raises(OutputError, match=r"The log folder .*file/logs/train can't be made: Not a directory\.") as e:
        model.create_log_dir("train")
    assert "my_model.log_dir" in (e.value.hint or "")


def test_archive_members(model: Model, work: Path) -> None:
    with pytest.raises(ArchiveError, match="There is no archive"):
        model.get_archive_file(".tflite")
    write_archive(model.archive_path, {"digits.tflite": b"T", "digits.h5": b"H", "data/a/1": b"1", "data/2": b"2"}, {})
    assert Path(model.get_archive_file(".tflite")).read_bytes() == b"T"
    assert Path(model.get_archive_file("data/2")).read_bytes() == b"2"
    assert Path(model.tflite_archive_path).read_bytes() == b"T"
    assert Path(model.h5_archive_path).read_bytes() == b"H"
    folder = Path(model.get_archive_dir("data"))
    assert (folder / "a" / "1").read_bytes() == b"1"
    assert (folder / "2").read_bytes() == b"2"
    with pytest.raises(ArchiveError, match="has no folder 'dat'"):
        model.get_archive_dir("dat")
    with pytest.raises(ArchiveError, match=r"has no member 'digits\.npz'"):
        model.get_archive_file(".npz")


def test_a_damaged_folder_is_not_half_extracted(model: Model) -> None:
    write_archive(model.archive_path, {"data/a": b"a" * 40, "data/b": bytes(range(200))}, {})
    data = Path(model.archive_path).read_bytes()
    at = data.index(bytes(range(200)[50:60])) if bytes(range(200)[50:60]) in data else data.index(b"data/b") + 20
    Path(model.archive_path).write_bytes(data[:at] + b"\xff" + data[at + 1 :])
    with pytest.raises(ArchiveError, match="is damaged"):
        model.get_archive_dir("data")
    assert not (Path(model.log_dir) / "extracted" / "data").exists()


def test_files_of_ones_own_for_the_archive(model: Model, work: Path) -> None:
    logs = Path(model.create_log_dir())
    (logs / "notes.txt").write_text("n")
    (logs / "folder" / "deep").mkdir(parents=True)
    (logs / "folder" / "deep" / "x").write_text("x")
    (work / "outside.txt").write_text("o")
    model.add_archive_file("notes.txt")
    model.add_archive_file(str(work / "outside.txt"))
    model.add_archive_file("not_made_yet.txt")
    model.add_archive_dir("folder")
    assert dict(model.iter_extra_archive_files()) == {
        "notes.txt": str(logs / "notes.txt"),
        "outside.txt": str(work / "outside.txt"),
        "folder/deep/x": str(logs / "folder" / "deep" / "x"),
    }


def test_is_the_archive_writable(model: Model, work: Path) -> None:
    assert model.check_archive_file_is_writable()
    (work / "file").write_text("")
    blocked = Model(str(work / "file" / "digits.py"))
    assert not blocked.check_archive_file_is_writable(throw_exception=False)
    with pytest.raises(OutputError):
        blocked.check_archive_file_is_writable()


def test_parameters(model: Model) -> None:
    model.model_parameters["gain"] = 2.5
    model.model_parameters = {"level": 7}
    assert dict(model.model_parameters) == {"level": 7}
    model.set_model_parameter("rate", 300, dtype="uint16")
    calls = []
    model.add_model_parameter_populate_callback(lambda m: calls.append(m.name))
    model.add_model_parameter_populate_callback(lambda: calls.append("none"))
    model.populate_model_parameters()
    assert calls == ["digits", "none"]
    assert model.model_parameters["rate"] == 300


def test_metadata(model: Model) -> None:
    read: list = []
    model.add_tflite_metadata_entry("A", b"abc")
    model.add_tflite_metadata_entry("B", lambda: bytearray(b"def"))
    model.add_tflite_metadata_entry(TfliteModelMetadataEntry("C", lambda: b"ghi", read.append, lambda: "about C"))
    assert [entry.tag for entry in model.tflite_metadata_entries] == ["A", "B", "C"]
    assert model.serialize_tflite_metadata() == {"A": b"abc", "B": b"def", "C": b"ghi"}

    class File:
        def get_metadata(self, tag: str) -> bytes | None:
            return b"stored" if tag == "C" else None

    model.deserialize_tflite_metadata(File())  # type: ignore[arg-type]
    assert read == [b"stored"]
    model.model_parameters["gain"] = 3
    assert model.get_tflite_metadata_summary() == "gain: 3\nabout C"


# -- events ----------------------------------------------------------------------------------------------------------


def test_events_have_the_names_of_0_20() -> None:
    assert len(MltkModelEvent) == 29
    assert MltkModelEvent.BEFORE_SAVE_TRAIN_ARCHIVE == "before_save_train_archive"
    assert all(e.value == e.name.lower() for e in MltkModelEvent)


def test_handlers_are_called_in_order_with_their_arguments(model: Model) -> None:
    calls: list = []
    model.add_event_handler(MltkModelEvent.AFTER_TRAIN, lambda m, logger, **kw: calls.append((m.name, kw)), extra=1)
    model.add_event_handler("after_train", lambda mltk_model, logger, **kw: calls.append(logger))
    logger = logging.getLogger("x")
    model.trigger_event(MltkModelEvent.AFTER_TRAIN, results=5, logger=logger)
    model.trigger_event(MltkModelEvent.BEFORE_TRAIN)
    assert calls == [("digits", {"results": 5, "extra": 1}), logger]


def test_a_handler_that_fails_is_logged_and_the_next_is_called(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("mltk").propagate = True
    calls: list = []
    model.add_event_handler("after_train", lambda m, logger: 1 / 0)
    model.add_event_handler("after_train", lambda m, logger: calls.append(1))
    model.trigger_event("after_train")
    assert calls == [1]
    assert "The handler of event after_train failed: division by zero" in caplog.text


def test_a_handler_that_must_not_fail(model: Model) -> None:
    model.add_event_handler("after_train", lambda m, logger: 1 / 0, _raise_exception=True)
    with pytest.raises(ZeroDivisionError):
        model.trigger_event(MltkModelEvent.AFTER_TRAIN)


def test_an_event_that_is_none(model: Model) -> None:
    with pytest.raises(SettingError) as e:
        model.add_event_handler("after_trane", print)
    assert e.value.message == "'after_trane' is not an event of a model."
    assert "'after_train'" in (e.value.hint or "")


# -- commands of its own, autoencoder scores --------------


def test_commands_of_ones_own(model: Model) -> None:
    assert not model.has_cli
    _ = model.cli
    assert not model.has_cli

    @model.cli.command("greet")
    def greet(name: str = "world") -> None:
        """Say hello."""

    assert model.has_cli


def test_scoring_functions(model: Model) -> None:
    import numpy as np

    one, other = np.array([0.0, 0.0]), np.array([1.0, 3.0])
    assert model.get_scoring_function()(one, other) == 5.0
    for name, score in (("mse", 5.0), ("mean_squared_error", 5.0), ("mae", 2.0), ("mean_absolute_error", 2.0)):
        model.scoring_function = name
        assert model.get_scoring_function()(one, other) == score
    model.scoring_function = max
    assert model.get_scoring_function() is max


# -- logs -------------------------------------------------------------------------------------------------------------


def test_a_logger_writes_to_its_file(model: Model) -> None:
    logger = model.create_logger("train")
    path = Path(model.log_dir) / "train" / "log.txt"
    assert not path.exists()
    logger.debug("hello")
    logger.info("there")
    text = path.read_text()
    assert "DEBUG hello" in text
    assert "INFO there" in text
    again = model.create_logger("train")
    again.info("anew")
    assert "hello" not in path.read_text()
    assert len([h for h in again.handlers if isinstance(h, logging.FileHandler)]) == 1


def test_messages_go_to_the_terminal_that_is_there_now(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("mltk").handlers.clear()
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        logger = mltk.get_mltk_logger()
        logger.info("hello")
        logger.warning("careful")
        logger.debug("unseen")
    finally:
        root.handlers = handlers
    assert capsys.readouterr().err == "hello\nwarning: careful\n"


def test_a_logger_of_ones_own(model: Model) -> None:
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    mine = logging.Logger("mine")
    mine.addHandler(Keep())
    mltk.set_mltk_logger(mine)
    mltk.get_mltk_logger().info("hello")
    model.create_logger("train").info("there")
    assert records == ["hello", "there"]


def test_a_logger_that_hands_on_to_its_parent(capsys: pytest.CaptureFixture[str]) -> None:
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    parent = logging.getLogger("application_of_a_user")
    parent.setLevel(logging.INFO)
    parent.addHandler(Keep())
    mltk.set_mltk_logger(parent.getChild("models"))
    mltk.get_mltk_logger().info("hello")
    assert records == ["hello"]


def test_an_unwritable_log_is_told(model: Model, work: Path) -> None:
    model.log_dir = str(work / "logs")
    os.makedirs(work / "logs")
    (work / "logs" / "train").write_text("")
    with pytest.raises(OutputError, match="can't be made"):
        model.create_logger("train")
