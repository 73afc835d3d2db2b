"""The commands as a person uses them: help, custom commands, dry runs, scripts that train by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from helpers import toy
from mltk.cli.main import COMMANDS, REPLACED, main


def test_help_lists_every_command_and_fits(run_here, tmp_path):
    done = run_here("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name, line in COMMANDS.items():
        assert name in done.stdout
        assert line.split(",")[0].split(":")[0] in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_fits_80_columns(run_here, tmp_path, command):
    done = run_here(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"Usage: mltk {command}")
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    text = " ".join(done.stdout.split())
    if command in ("train", "evaluate", "quantize", "custom"):
        assert "runs" in text.lower() or "is then run" in text, "the help says that the specification's code is run"
    if command in ("summarize", "update_params"):
        assert "runs no code" in text.lower() or "nothing in it is run" in text.lower()


COMMANDS_OF_0_20 = (
    *("build", "classify_audio", "classify_image", "commander", "compile", "custom", "evaluate", "fingerprint_reader"),
    *("profile", "program_app", "quantize", "ssh", "ssh-keygen", "start_download_run_server", "summarize"),
    *("tensorboard", "train", "update_params", "utest", "view", "view_audio"),
)


@pytest.mark.parametrize("command", sorted(set(COMMANDS_OF_0_20) - set(COMMANDS)))
def test_a_command_of_0_20_that_is_gone_says_in_a_line_what_to_use(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "some_model", "--unknown"])
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith(f"Error: mltk {command} is a command of MLTK 0.20. ")
    assert error.count("\n") == 1


def test_the_guide_names_every_command_that_is_gone():
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "from-mltk-0.20.md").read_text()
    assert [name for name in set(REPLACED) - set(COMMANDS) if f"`mltk {name}`" not in guide] == []


@pytest.mark.parametrize(("words", "devices"), [(["--no-gpu"], "-1"), (["--gpu"], None), ([], None)])
def test_no_gpu_hides_gpus(words, devices, monkeypatch, capsys):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(SystemExit):
        main([*words, "list"])
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == devices


def test_the_package_is_the_command_too(tmp_path):
    words = [sys.executable, "-m", "mltk", "--version"]
    assert subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.startswith("mltk ")


def test_version(run_here, tmp_path):
    import importlib.metadata

    assert importlib.metadata.version("openmltk") in run_here("--version", cwd=tmp_path).stdout


def test_list(run_here, tmp_path, trained):
    (tmp_path / "not_a_model.py").write_text("raise SystemExit\n")
    done = run_here("list", "--paths", cwd=tmp_path)
    row = next(line for line in done.stdout.splitlines() if line.startswith("toy_spec"))
    assert row.split()[1] == str(trained)
    assert "not_a_model" not in done.stdout
    assert "toy_spec\n" in run_here("list", cwd=tmp_path).stdout


def test_custom(run_here, tmp_path):
    (tmp_path / "toy_spec.py").write_text(toy.SPECIFICATION)
    done = run_here("custom", "toy_spec", "greet", "--name", "you", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "hello you from toy_spec\n"
    assert "greet" in run_here("custom", "toy_spec", "--help", cwd=tmp_path).stdout
    done = run_here("custom", "toy_spec", "grete", cwd=tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    text = toy.SPECIFICATION[: toy.SPECIFICATION.index("@my_model.cli")]
    (tmp_path / "no_commands.py").write_text(text)
    done = run_here("custom", "no_commands", "greet", cwd=tmp_path)
    assert done.returncode == 1
    assert "no_commands defines no commands." in done.stderr


def test_dry_run(run_here, tmp_path):
    (tmp_path / "toy_spec.py").write_text(toy.SPECIFICATION.replace("epochs = 2", "epochs = 50"))
    done = run_here("train", "toy_spec-test", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 epochs" in done.stdout
    assert sorted(p.name for p in tmp_path.glob("*.zip")) == ["toy_spec-test.mltk.zip"]
    assert (tmp_path / "user/models/toy_spec-test").is_dir()
    assert not (tmp_path / "user/models/toy_spec").exists()
    done = run_here("evaluate", "toy_spec-test", "--tflite", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_main_job_step_by_step(run_here, tmp_path):
    """Train, evaluate, quantize, summarize, update: as a newcomer types it."""
    (tmp_path / "toy_spec.py").write_text(toy.SPECIFICATION.replace("epochs = 2", "epochs = 12"))
    done = run_here("train", "toy_spec", "--no-evaluate", "--epochs", "8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "8 epochs" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith("Epoch ")]) == 8
    assert "archive  toy_spec.mltk.zip" in done.stdout
    done = run_here("train", "toy_spec", "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "12 epochs" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith("Epoch ")]) == 4
    assert "accuracy on 90 samples" in done.stdout
    done = run_here("evaluate", "toy_spec", "--tflite", "--count", "10", cwd=tmp_path)
    assert "Samples: 30" in done.stdout
    assert "Overall accuracy:" in done.stdout
    done = run_here("evaluate", "toy_spec", "--weights", "best", cwd=tmp_path)
    assert "Computed by: Keras" in done.stdout
    done = run_here("quantize", "toy_spec", "--build", "--output", "built", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "built/toy_spec.tflite").is_file()
    done = run_here("summarize", "built/toy_spec.tflite", "--output", "summary.txt", cwd=tmp_path)
    assert (tmp_path / "summary.txt").read_text() == done.stdout
    assert "Param #" in run_here("summarize", "toy_spec", "--build", cwd=tmp_path).stdout
    done = run_here("update_params", "toy_spec", "threshold=7", cwd=tmp_path)
    assert done.stdout.startswith("Updated ")
    assert "threshold" in run_here("summarize", "toy_spec", "--tflite", cwd=tmp_path).stdout


def test_tensorboard_without_it_or_its_logs(run_here, trained):
    done = run_here("tensorboard", "toy_spec", "--no-launch", cwd=trained.parent)
    assert done.returncode == 1
    assert "TensorBoard" in done.stderr
    assert "Traceback" not in done.stderr


def test_script_that_trains_and_evaluates_itself(tmp_path):
    """At module level, without a guard: worker processes of the evaluation must not run the script again."""
    end = (
        "print('RUN')\nmltk.train_model(my_model)\nprint(mltk.evaluate_model(my_model, tflite=True))\n"
        "from mltk.micro.engines.run import run_batch\n"
        "data = open(my_model.tflite_log_dir_path, 'rb').read()\n"
        "x = np.zeros((3, 4), np.int8)\n"
        "print('UNTRUSTED', run_batch(data, x, trusted=False).outputs[0].shape)\n"
    )
    (tmp_path / "self_made.py").write_text(toy.SPECIFICATION + end)
    done = subprocess.run(
        [sys.executable, "self_made.py"],
        cwd=tmp_path,
        env=toy.environment(tmp_path / "user"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("RUN") == 1
    assert "UNTRUSTED (3, 3)" in done.stdout
    assert "Overall accuracy" in done.stdout
    with zipfile.ZipFile(tmp_path / "self_made.mltk.zip") as archive:
        assert "self_made.tflite" in archive.namelist()


def test_output_into_a_closed_pipe(trained):
    command = " ".join(toy.mltk_command("summarize", "toy_spec", "--tflite"))
    done = subprocess.run(
        f"{command} | head -1",
        shell=True,
        cwd=trained.parent,
        env=toy.environment(trained.parent / "user"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
