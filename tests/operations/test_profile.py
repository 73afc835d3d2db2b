"""``mltk profile``: on archives without running them, on untrained specifications, and with limits."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mltk
from helpers import toy
from mltk.errors import MltkError
from mltk.micro.profile.results import ProfilingModelResults
from mltk.specification.archive_file import ArchiveReader


@pytest.fixture
def tflite(trained: Path) -> Path:
    """``model.tflite``, taken from the archive of a trained model."""
    path = trained.parent / "model.tflite"
    with ArchiveReader(trained.parent / "toy_spec.mltk.zip") as reader:
        path.write_bytes(reader.read("toy_spec.tflite"))
    return path


def test_profiles_files_archives_and_models(tflite):
    archive = tflite.parent / "toy_spec.mltk.zip"
    of_file, of_archive = mltk.profile_model(str(tflite)), mltk.profile_model(str(archive))
    of_model = mltk.profile_model(mltk.TfliteModel.load_flatbuffer_file(str(tflite)), accelerator="mvp")
    assert isinstance(of_file, ProfilingModelResults)
    assert of_file.time == of_archive.time
    assert of_file.platform == "cortex-m4"
    assert (of_model.accelerator, of_model.macs) == ("mvp", of_file.macs)
    assert of_archive.name == "toy_spec"


def test_arena_measured_by_training_is_taken(trained):
    results = mltk.profile_model(str(trained.parent / "toy_spec.mltk.zip"))
    with ArchiveReader(trained.parent / "toy_spec.mltk.zip") as reader:
        model = mltk.TfliteModel(reader.read("toy_spec.tflite"))
    stored = mltk.TfliteModelParameters.load_from_tflite_model(model)["runtime_memory_size"]
    assert results.runtime_memory_bytes == stored
    assert not results.ram_is_estimate


@pytest.mark.parametrize("asked", [{"use_device": True}, {"port": "COM3"}, {"image_path": "firmware.s37"}])
def test_devices_are_refused_with_what_to_do_instead(tflite, asked):
    with pytest.raises(MltkError, match="does not profile on a device") as e:
        mltk.profile_model(str(tflite), **asked)
    assert "--target" in e.value.hint


def test_command_imports_no_tensorflow(tflite):
    code = (
        "import sys\nfrom mltk.cli.main import main\n"
        "try:\n    main(['profile', 'model.tflite', '--target', 'xg24-mvp'])\n"
        "except SystemExit as e:\n    assert not e.code\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'sklearn', 'scipy'}\n"
        "assert not heavy & {m.split('.')[0] for m in sys.modules}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tflite.parent,
        env=toy.environment(tflite.parent / "user"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "EFR32xG24" in done.stdout


def test_command_shows_totals_and_layers(run_here, tflite):
    done = run_here("profile", "model.tflite", cwd=tflite.parent)
    assert done.returncode == 0, done.stderr
    assert "fully_connected" in done.stdout
    assert "Cortex-M4" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_limits_decide_the_exit_code(run_here, tflite):
    limits = ("--max-ram", "64k", "--max-flash", "512k", "--max-latency", "50ms")
    done = run_here("profile", "model.tflite", *limits, cwd=tflite.parent)
    assert done.returncode == 0
    assert "The model is within all limits." in done.stdout
    done = run_here("profile", "model.tflite", "--max-ram", "16", "--max-latency", "1us", cwd=tflite.parent)
    assert done.returncode == 1
    assert "needs more than it may" in done.stderr
    assert "RAM:" in done.stderr
    assert "latency:" in done.stderr
    assert "flash:" not in done.stderr
    done = run_here("profile", "model.tflite", "--max-ram", "much", cwd=tflite.parent)
    assert done.returncode == 1
    assert "'much' is not a size such as 64k" in done.stderr


def test_output_goes_to_the_file_that_is_named(run_here, tflite):
    folder = tflite.parent
    assert run_here("profile", "model.tflite", "-o", "a.json", cwd=folder).returncode == 0
    assert json.loads((folder / "a.json").read_text())["summary"]["name"] == "model"
    assert run_here("profile", "model.tflite", "-o", "a.csv", cwd=folder).returncode == 0
    with (folder / "a.csv").open() as stream:
        assert "fully_connected" in {row["opcode"] for row in csv.DictReader(stream)}
    assert (folder / "a-summary.csv").exists()
    assert run_here("profile", "model.tflite", "-a", "mvp", "-o", "folder", cwd=folder).returncode == 0
    assert (folder / "folder" / "profiling_report-mvp-simulated.txt").exists()


def test_options_of_020_are_taken(run_here, tflite):
    done = run_here("profile", "model.tflite", "--estimates", "--no-format", "--full-summary", cwd=tflite.parent)
    assert done.returncode == 0, done.stderr
    assert "Profiling Summary" in done.stdout
    assert "Multiply-Accumulate Count: " in done.stdout
    done = run_here("profile", "model.tflite", "--device", cwd=tflite.parent)
    assert done.returncode == 1
    assert "--list-targets" in done.stderr


def test_targets_are_listed(run_here, tmp_path):
    done = run_here("profile", "--list-targets", cwd=tmp_path)
    assert done.returncode == 0
    for name in ("cortex-m0plus", "cortex-m85", "xg24-mvp", "ethos-u65-512"):
        assert name in done.stdout
    assert run_here("profile", cwd=tmp_path).returncode == 2


@pytest.mark.tf
def test_build_profiles_what_is_not_trained_and_events_see_results(make_toy):
    model = make_toy("untrained")
    seen = []
    model.add_event_handler(mltk.MltkModelEvent.AFTER_PROFILE, lambda mltk_model, results, **_: seen.append(results))
    results = mltk.profile_model(model, build=True, target="m33")
    assert seen == [results]
    assert results.macs > 0
    assert results.platform == "cortex-m33"
