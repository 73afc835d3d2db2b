"""Start TensorBoard on the logs of a training run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import webbrowser

from mltk.errors import MissingDependencyError, OutputError
from mltk.operations.shared.prepare import prepare
from mltk.specification.model import MltkModel
from mltk.specification.train_settings import TrainMixin
from mltk.workers.script_loading import stop_if_loading_script


def run_tensorboard(
    model: str | MltkModel, host: str = "localhost", port: int = 6002, launch: bool = True, test: bool = False
) -> None:
    """Run TensorBoard on the logs of a training run, until Ctrl-C.

    Args:
        model: A loaded specification, its name, or the path of its script or archive.
        host: Address to listen at.
        port: Port to listen at.
        launch: Open the browser.
        test: Use the logs of the dry run.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
        OutputError: The training run wrote no logs for TensorBoard.
    """
    stop_if_loading_script()
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingDependencyError("TensorBoard", "tensorboard")
    loaded = prepare(model, TrainMixin, test=test, operation="look at its training")
    folder = tensorboard_folder(loaded)
    if not os.path.isdir(folder):
        raise OutputError(
            f"{loaded.name} has no TensorBoard logs in {folder}.",
            hint="Set my_model.tensorboard, for instance to dict(histogram_freq=1), and train the model.",
        )
    if launch:
        threading.Timer(3.0, webbrowser.open, [f"http://{host}:{port}"]).start()
    arguments = ["--logdir", folder, "--host", host, "--port", str(port)]
    subprocess.run([sys.executable, "-m", "tensorboard.main", *arguments], check=False)


def tensorboard_folder(model: MltkModel) -> str:
    """Return the folder of a training run's TensorBoard logs."""
    options = getattr(model, "tensorboard", None) or {}
    return str(options.get("log_dir") or os.path.join(model.log_dir, "train", "tensorboard"))
