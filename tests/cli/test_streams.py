"""``mltk evaluate --stream`` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.listening_models import listening_model, sounds
from helpers.streams import write_half_labeled_recording, write_recording


@pytest.fixture
def spotter(tmp_path: Path) -> Path:
    path = tmp_path / "spotter.tflite"
    path.write_bytes(listening_model())
    return path


def test_a_recording_is_evaluated(run_here, spotter: Path, tmp_path: Path) -> None:
    write_recording(tmp_path / "audio", samples=sounds(20.0), labels=[(2.0, 2.3, "yes")])
    done = run_here("evaluate", str(spotter), "--stream", "audio", "--output", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 recording, 1 keywords" in done.stdout
    assert "False accepts: " in done.stdout
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == f"Results: {tmp_path / 'out'}"
    assert (tmp_path / "out" / "eval-results.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stream", "nothing"], "There is no file or folder"),
        (["--stream"], "A .tflite has no dataset"),
        (["--stream", "audio", "--dataset", "x"], "--dataset can't be used with --stream"),
        (["--output", "x"], "--output is for --stream, which is missing"),
        (["--stream", "audio", "--count", "3"], "--count can't be used with --stream"),
        (["--stream", "audio", "--tolerance", "x"], "'x' is not a valid float"),
    ],
)
def test_mistakes_are_named_in_one_block(
    run_here, spotter: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    write_recording(tmp_path / "audio")
    done = run_here("evaluate", str(spotter), *words, cwd=tmp_path)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_spotter_is_tuned(run_here, spotter: Path, tmp_path: Path) -> None:
    content = spotter.read_bytes()
    write_half_labeled_recording(tmp_path, spotter)
    words = ("tune", str(spotter), "--stream", "audio", "--max-false-accepts", "600", "--tolerance", "0.1")
    done = run_here(*words, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "detection_threshold" in done.stdout
    assert done.stdout.splitlines()[-1] == "Nothing was written."
    assert spotter.read_bytes() == content
    done = run_here(*words, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == f"Updated {spotter}"
    assert spotter.read_bytes() != content
    done = run_here("tune", str(spotter), "--stream", "audio", cwd=tmp_path)
    assert "are too short to see a rate of 1 false accepts an hour" in done.stderr.replace("\n", " ")
    assert done.returncode == 1
