"""What tests of all parts share: nothing is written to the home folder, and one tiny trained model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import toy
from helpers.audio_folder import noise_folder, tones_folder
from helpers.file_server import FileServer, serve
from helpers.headline import forbid_skip, is_headline
from helpers.tflite_builder import depthwise_cnn
from mltk.micro.engines.runtimes import have_tflm

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
# A shell without job control starts what it puts into the background deaf to Ctrl-C, and so are its children; the
# tests of Ctrl-C would fail there.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _no_home_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Logs and caches go to a temporary folder, and models are found in the test's own folders only."""
    before = dict(os.environ)
    os.environ["MLTK_USER_DIR"] = str(tmp_path_factory.mktemp("user"))
    os.environ.pop("MLTK_USER_SETTINGS_PATH", None)
    os.environ.pop("MLTK_MODEL_PATHS", None)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def fresh_user_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user folder of the test's own, so that two tests may train models of one name."""
    folder = tmp_path / "user"
    monkeypatch.setenv("MLTK_USER_DIR", str(folder))
    return folder


@pytest.fixture
def make_toy(tmp_path: Path, fresh_user_dir: Path) -> Callable[..., Any]:
    """Makes a tiny classifier: ``make_toy(epochs=2, ...)``; see :func:`toy.make_toy`."""
    return lambda name="toy", **settings: toy.make_toy(tmp_path, name, **settings)


@pytest.fixture(scope="session")
def trained_spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The specification script of a tiny model with its archive beside it, trained once by the real command.

    Shared: copy the folder before changing anything in it.
    """
    folder = tmp_path_factory.mktemp("trained")
    path = folder / "toy_spec.py"
    path.write_text(toy.SPECIFICATION)
    done = toy.mltk("train", "toy_spec.py", cwd=folder, user=folder / "user")
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def trained(trained_spec: Path, tmp_path: Path) -> Path:
    """A copy of the trained model's specification and archive, to do with as one likes."""
    for file in trained_spec.parent.glob("toy_spec.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / trained_spec.name


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the ``mltk`` command in this process, which has TensorFlow loaded; else as :func:`toy.mltk`."""

    def run(*words: str, cwd: Path, user: Path | None = None) -> subprocess.CompletedProcess[str]:
        from mltk.cli.main import main

        monkeypatch.chdir(cwd)
        monkeypatch.setenv("MLTK_USER_DIR", str(user or cwd / "user"))
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(words, int(ended.value.code or 0), out, err)

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="skipped headline tests fail, unless pip cannot help")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--fail-on-skip"):
        forbid_skip(report, item.path)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--fail-on-skip"):
        forbid_skip(report, collector.path)
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_headline(item.path):
            item.add_marker(pytest.mark.headline)
        if "needs_tflm" in getattr(item, "fixturenames", ()) and not have_tflm():
            item.add_marker(pytest.mark.skip(reason="tflite-micro is not installed"))


@pytest.fixture
def needs_tflm() -> None:
    """The test compares with TensorFlow Lite Micro itself."""


@pytest.fixture(scope="session")
def cnn() -> bytes:
    return depthwise_cnn()


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return np.random.default_rng(5).integers(-128, 128, (40, 8, 8, 3)).astype(np.int8)


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 clips of three classes and five speakers."""
    return tones_folder(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="session")
def noises(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of noise."""
    return noise_folder(tmp_path_factory.mktemp("noises"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    """A server of the empty folder ``tmp_path / "served"``."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder) as state:
        yield state


@pytest.fixture
def dataset_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Downloads go to the test's own folder, and nobody waits between attempts."""
    monkeypatch.setenv("MLTK_DATASET_DIR", str(tmp_path / "datasets"))
    monkeypatch.delenv("MLTK_DATASET_MIRROR", raising=False)
    monkeypatch.setattr("mltk.data.fetch.download.RETRY_DELAY_S", 0)
    return tmp_path / "datasets"
