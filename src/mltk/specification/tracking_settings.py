"""Settings that record a model's runs with Weights & Biases.

    mltk train yes_no --post

Without ``--post``, nothing is recorded. ``WANDB_MODE=offline`` keeps the record on this machine.
"""

from __future__ import annotations

import importlib
import logging
import os
import weakref
from pathlib import Path
from typing import Any

from mltk.errors import MissingDependencyError, SettingError
from mltk.files import write_file
from mltk.specification.events import MltkModelEvent
from mltk.specification.settings import Spec, setting

_SESSION_FILE = "wandb_session_id.txt"
_RUNS: weakref.WeakKeyDictionary[Spec, Any] = weakref.WeakKeyDictionary()
"""The run that is being recorded of a specification. It is not an attribute, because specifications are pickled."""
_CONFIG = ("epochs", "batch_size", "classes", "class_weights")


class WeightsAndBiasesMixin(Spec):
    """Records training and evaluation with Weights & Biases, if the command has the option ``--post``."""

    wandb_is_disabled: bool = setting(False, "Record nothing, also with `--post`.")
    wandb_init_kwargs: dict[str, Any] = setting(factory=dict, doc="More arguments of `wandb.init`.")
    wandb_config: dict[str, Any] | None = setting(
        None, "The configuration to record; None is the epochs, batch size, classes and class weights."
    )
    wandb_callback: Any = setting(
        None, "Keras callback that records the metrics; None is `wandb.integration.keras.WandbMetricsLogger`."
    )
    wandb_model_checkpoint_callback: Any = setting(
        None, "Keras callback that uploads weights, such as `WandbModelCheckpoint`; None is no such callback."
    )

    @property
    def _wandb_run(self) -> Any:
        return _RUNS.get(self)

    @property
    def wandb_is_initialized(self) -> bool:
        """Whether a run is being recorded."""
        return self._wandb_run is not None

    @property
    def wandb_session_id(self) -> str | None:
        """Identifier of the model's last recorded training; None if there is none."""
        try:
            return Path(self.create_log_dir(), _SESSION_FILE).read_text().strip() or None
        except FileNotFoundError:
            return None

    def wandb_log(
        self,
        data: dict[str, Any],
        step: int | None = None,
        commit: bool | None = True,
        logger: logging.Logger | None = None,
    ) -> None:
        """Record values; do nothing if no run is being recorded.

        Args:
            data: Name → value, as ``wandb.log`` accepts it.
            step: Number of the step; None is the next one.
            commit: Whether the step ends.
            logger: Logger of errors.
        """
        self._wandb_try(logger, "log", data, step=step, commit=commit)

    def wandb_save(
        self,
        glob_str: str | None = None,
        base_path: str | None = None,
        policy: str = "live",
        logger: logging.Logger | None = None,
    ) -> None:
        """Upload files; do nothing if no run is being recorded.

        Args:
            glob_str: Path or pattern of the files.
            base_path: Folder to which the recorded names are relative.
            policy: When to upload: ``"live"``, ``"now"`` or ``"end"``.
            logger: Logger of errors.
        """
        self._wandb_try(logger, "save", glob_str, base_path=base_path, policy=policy)

    def _wandb_try(self, logger: logging.Logger | None, method: str, *args: Any, **kwargs: Any) -> None:
        if self._wandb_run is None:
            return
        try:
            getattr(self._wandb_run, method)(*args, **kwargs)
        except Exception as e:  # noqa: BLE001  a failed record must not stop a training
            (logger or logging.getLogger("mltk")).warning("Weights & Biases: %s failed: %s", method, e)

    def _on_own_event(self, event: MltkModelEvent, arguments: dict[str, Any]) -> None:
        if event in (MltkModelEvent.TRAIN_STARTUP, MltkModelEvent.EVALUATE_STARTUP):
            if arguments.get("post_process") and not self.wandb_is_disabled:
                self._wandb_start("train" if event is MltkModelEvent.TRAIN_STARTUP else "evaluate")
        elif self._wandb_run is None:
            return
        elif event is MltkModelEvent.POPULATE_TRAIN_CALLBACKS:
            arguments["keras_callbacks"] += self._wandb_callbacks()
        elif event is MltkModelEvent.AFTER_SAVE_TRAIN_ARCHIVE:
            path = arguments["archive_path"]
            self.wandb_save(path, base_path=os.path.dirname(path), policy="now")
        elif event is MltkModelEvent.EVALUATE_SHUTDOWN:
            self._wandb_log_results(arguments["results"])

    def _wandb_start(self, job: str) -> None:
        """Begin to record a run. An evaluation goes on with the run of the training, if it is known."""
        if job == "evaluate" and self._wandb_run is not None:
            return
        try:
            wandb: Any = importlib.import_module("wandb")
        except ImportError:
            raise MissingDependencyError("wandb", "wandb") from None
        if self._wandb_run is not None:
            _RUNS.pop(self).finish()
        before = self.wandb_session_id if job == "evaluate" else None
        arguments = {"project": self.name, "job_type": job, "dir": self.create_log_dir()}
        if before:
            arguments.update(id=before, resume="allow")
        arguments.update(self.wandb_init_kwargs)
        try:
            run = _RUNS[self] = wandb.init(**arguments)
        except Exception as e:  # noqa: BLE001  wandb raises errors of many kinds
            raise SettingError(
                f"Weights & Biases cannot record the run: {e}",
                hint="Run 'wandb login', or set WANDB_MODE=offline. Without --post, nothing is recorded.",
            ) from None
        write_file(Path(self.create_log_dir(), _SESSION_FILE), run.id + "\n")
        if job == "train":
            config = self.wandb_config
            if config is None:
                config = {name: getattr(self, name, None) for name in _CONFIG}
            run.config.update(config, allow_val_change=True)

    def _wandb_callbacks(self) -> list[Any]:
        own = self.wandb_callback
        if own is None:
            own = importlib.import_module("wandb.integration.keras").WandbMetricsLogger()
        more = self.wandb_model_checkpoint_callback
        return [own, *([more] if more is not None else [])]

    def _wandb_log_results(self, results: Any) -> None:
        """Record the figures of an evaluation, under the engine that computed them."""
        figures = {k: v for k, v in results.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
        engine = results.get("engine") or "evaluation"
        self.wandb_log({f"{engine}/{name}": value for name, value in figures.items()})
