"""The report of a model: written by training and evaluation, made again by ``mltk report``."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import mltk
from helpers import toy
from helpers.browser import Browser
from helpers.tflite_builder import small_cnn
from mltk.errors import ArchiveError, MltkError, ModelNotFoundError
from mltk.operations.report import report_model
from mltk.operations.shared.report_facts import PARITY
from mltk.operations.update_params import update_model_parameters
from mltk.specification.archive_file import ArchiveReader, update_archive

pytestmark = pytest.mark.tf
HOSTILE = "</script><script>document.title = 'taken'</script>"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy that was trained and evaluated by the command; a folder with its archive."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "toy.py").write_text(toy.SPECIFICATION.replace('"red"', json.dumps(HOSTILE)))
    done = toy.mltk("train", "toy.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "report" in done.stdout
    return folder


@pytest.fixture
def archive(trained: Path, tmp_path: Path) -> Path:
    """A copy of the archive."""
    copy = tmp_path / "toy.mltk.zip"
    copy.write_bytes((trained / "toy.mltk.zip").read_bytes())
    return copy


def member(archive: Path, name: str) -> str:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name).decode()


def test_training_writes_the_report_to_the_log_folder_and_the_archive(trained: Path) -> None:
    stored = member(trained / "toy.mltk.zip", "report.html")
    assert (trained / "user" / "models" / "toy" / "report.html").read_text("utf-8") == stored
    for text in ("Accuracy, .tflite", "Accuracy, Keras", "Parity of the engines", "TensorFlow Lite Micro"):
        assert text in stored
    assert HOSTILE not in stored
    assert "can't be shown" not in stored


def test_the_stored_report_has_the_figures_of_the_results(trained: Path) -> None:
    results = json.loads(member(trained / "toy.mltk.zip", "eval/tflite/eval-results.json"))
    assert f"{results['overall_accuracy'] * 100:.1f} %" in member(trained / "toy.mltk.zip", "report.html")


def test_the_report_is_made_again_from_the_archive_alone(archive: Path, tmp_path: Path) -> None:
    path = report_model(archive)
    assert path == str(tmp_path / "toy.report.html")
    page = Path(path).read_text("utf-8")
    assert member(archive, "report.html") == page
    assert "The .tflite model classifies" in page


def test_a_report_leaves_the_archive_alone_if_asked_to(archive: Path, tmp_path: Path) -> None:
    before = archive.read_bytes()
    report_model(archive, output=tmp_path / "x.html", update_archive=False)
    assert archive.read_bytes() == before
    assert (tmp_path / "x.html").is_file()


def test_the_targets_are_chosen(archive: Path) -> None:
    page = Path(report_model(archive, targets=["cortex-m7"])).read_text("utf-8")
    assert "Cortex-M7" in page
    assert "Cortex-M33" not in page
    with pytest.raises(MltkError, match="cortex-m99"):
        report_model(archive, targets=["cortex-m99"])


def test_changed_parameters_keep_the_comparison_of_the_engines(archive: Path) -> None:
    assert "The engines were not compared." not in member(archive, "report.html")
    update_model_parameters(archive, {"threshold": 77}, description="another")
    assert "The engines were not compared." not in member(archive, "report.html")


def test_changed_parameters_of_a_trained_model_renew_the_report_in_its_log_folder(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    monkeypatch.setenv("MLTK_USER_DIR", str(trained / "user"))
    log = trained / "user" / "models" / "toy" / "report.html"
    log.write_text("old")
    update_model_parameters("toy", {"threshold": 77})
    assert log.read_text("utf-8") == member(trained / "toy.mltk.zip", "report.html") != "old"


def test_changed_parameters_make_no_report_where_none_is(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        kept = {name: opened.read(name) for name in opened.namelist() if name != "report.html"}
    with zipfile.ZipFile(archive, "w") as changed:
        for name, content in kept.items():
            changed.writestr(name, content)
    update_model_parameters(archive, {"threshold": 77})
    with zipfile.ZipFile(archive) as opened:
        assert "report.html" not in opened.namelist()


def test_parity_of_another_tflite_is_not_shown(archive: Path) -> None:
    stored = json.loads(member(archive, PARITY))
    update_archive(str(archive), {PARITY: json.dumps({**stored, "network_sha256": "0" * 64}).encode()})
    page = Path(report_model(archive, parity=False)).read_text("utf-8")
    assert "The engines were not compared." in page
    page = Path(report_model(archive)).read_text("utf-8")  # now they are compared
    assert "random, over the input" in page


def test_damaged_json_in_the_archive_is_said(archive: Path) -> None:
    update_archive(str(archive), {"train/training-history.json": b"{", "eval/tflite/evidence.json": b"[]"})
    page = Path(report_model(archive)).read_text("utf-8")
    assert "train/training-history.json in the archive is damaged." in page


def test_figures_of_the_wrong_kind_cost_a_section(archive: Path) -> None:
    results = json.loads(member(archive, "eval/keras/eval-results.json"))
    results["confusion_matrix"] = "many"
    update_archive(str(archive), {"eval/keras/eval-results.json": json.dumps(results).encode()})
    page = Path(report_model(archive)).read_text("utf-8")
    assert "data in the archive are damaged" in page
    assert "How it was made" in page


def test_a_tflite_alone_has_a_report_of_its_cost(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(small_cnn())
    page = Path(report_model(tmp_path / "net.tflite")).read_text("utf-8")
    assert (tmp_path / "net.report.html").is_file()
    for text in ("Memory over time", "One inference on each target", "The same "):
        assert text in page


def test_models_are_compared_side_by_side(archive: Path, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "toy.mltk.zip"
    other.write_bytes(archive.read_bytes())
    path = report_model(archive, other, output=tmp_path / "both.html")
    page = Path(path).read_text("utf-8")
    assert "2 models side by side" in page
    assert "All settings are equal." in page


def test_a_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MltkError, match="no model to report"):
        report_model()
    with pytest.raises(ModelNotFoundError):
        report_model("no_such_model_anywhere")
    (tmp_path / "bad.mltk.zip").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(ArchiveError, match="damaged"):
        report_model(tmp_path / "bad.mltk.zip")


def test_the_command_writes_the_report_and_says_where(trained: Path, tmp_path: Path) -> None:
    done = toy.mltk("report", "toy", "--no-browser", "--output", str(tmp_path / "r.html"), cwd=trained)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"Report: {tmp_path / 'r.html'}"
    failed = toy.mltk("report", "nothing", "--no-browser", cwd=trained)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error:")


def test_the_page_of_a_hostile_name_stays_whole(archive: Path) -> None:
    with Browser() as browser:
        page = browser.open(Path(report_model(archive)).as_uri())
        assert page.evaluate("document.title") == "toy"
        assert page.errors == []
        assert HOSTILE in page.evaluate("document.querySelector('#confusion .matrix').innerText")


def test_the_setting_turns_the_report_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))
    model = toy.make_toy(tmp_path, html_report=False, epochs=1)
    results = mltk.train_model(model)
    mltk.evaluate_model(model)
    assert results.model_archive_path is not None
    with ArchiveReader(results.model_archive_path) as archive:
        assert "report.html" not in archive.names
        assert "eval/keras/evidence.json" in archive.names
    assert not Path(model.log_dir, "report.html").exists()
    mltk.evaluate_model(model, report=True)
    assert Path(model.log_dir, "report.html").is_file()


def test_the_evidence_has_every_sample_once(trained: Path) -> None:
    for kind in ("keras", "tflite"):
        results = json.loads(member(trained / "toy.mltk.zip", f"eval/{kind}/eval-results.json"))
        evidence = json.loads(member(trained / "toy.mltk.zip", f"eval/{kind}/evidence.json"))
        matrix = np.zeros((3, 3), int)
        for t, p, _, n in evidence["decisions"]:
            matrix[t, p] += n
        np.testing.assert_array_equal(matrix, results["confusion_matrix"])
