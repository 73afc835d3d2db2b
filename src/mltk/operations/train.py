"""Train a model: from its specification to an archive with all results.

    mltk train yes_no

The steps, in order: load the dataset, build the Keras model, train it with a checkpoint after every epoch, save
it, quantize it to a ``.tflite``, write the archive.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import random
import shutil
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from mltk.data.pipeline.mixin import FileDatasetMixin
from mltk.errors import MltkError, OutputError, SettingError, TrainingError, did_you_mean
from mltk.files import check_writable, replacing, write_file
from mltk.operations.results.training import TrainingResults
from mltk.operations.shared.check_convertible import check_before_training
from mltk.operations.shared.check_dataset import check_labels, check_streamed_labels, load_dataset
from mltk.operations.shared.explain import explained
from mltk.operations.shared.fingerprint import dataset_fingerprint
from mltk.operations.shared.kept_weights import choose_weights, keeps_best
from mltk.operations.shared.keras_model import (
    build_from_samples,
    build_keras_model,
    keras_summary,
    load_weights,
    model_to_save,
)
from mltk.operations.shared.known_shapes import give_shapes
from mltk.operations.shared.model_archive import create_model_archive, quantized_files
from mltk.operations.shared.own_folder import add_own_folders, compare_added
from mltk.operations.shared.prepare import prepare
from mltk.operations.shared.tensorflow_setup import import_tensorflow
from mltk.specification.dataset_settings import DatasetMixin
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.specification.train_settings import TrainMixin
from mltk.specification.weights import list_checkpoints, remove_unfinished
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.operations.shared.live_report import LiveReport
    from mltk.operations.shared.model_types import KerasModel, TrainableModel
    from mltk.training.checkpoints import Checkpoint

UNTIL_EARLY_STOPPING = 100_000
"""Number of epochs that ``epochs = -1`` means."""
_TEST_EPOCHS, _TEST_STEPS, _TEST_BATCH = 3, 5, 3


def train_model(
    model: MltkModel | str,
    weights: str | None = None,
    epochs: int | None = None,
    resume_epoch: int = 0,
    verbose: bool | None = None,
    clean: bool = False,
    quantize: bool = True,
    create_archive: bool = True,
    show: bool = False,
    test: bool = False,
    post_process: bool = False,
    resume: bool = False,
    add: Sequence[str | os.PathLike[str]] = (),
    live: LiveReport | None = None,
    report: bool | None = None,
) -> TrainingResults:
    """Train a model as its specification says.

    Args:
        model: A loaded specification, its name, or the path of its script or archive.
        weights: Start from these weights: a path, a file name in the weights folder, or ``"best"``.
        epochs: Number of epochs; by default the specification's.
        resume_epoch: Resume from the checkpoint of this epoch. 0 starts from the beginning; -1 is the newest one.
        verbose: Show the progress; by default only on a terminal.
        clean: Delete the logs and checkpoints of earlier runs first.
        quantize: Also make the ``.tflite``.
        create_archive: Write the archive.
        show: Open a window with the training history.
        test: Use the specification's test mode: a few steps with a few samples, into separate files.
        post_process: Passed to the handlers of the event TRAIN_STARTUP.
        resume: Resume from the newest checkpoint; start from the beginning if there is none.
        add: Folders of class folders, whose samples are added to the training samples. A few samples are repeated,
            to be a tenth of the samples of their class.
        live: A page in the browser that shows the progress.
        report: Write the report, if the archive is written; by default as ``model.html_report`` says.

    Returns:
        The results.

    Raises:
        MltkError: Training failed; see `mltk.errors` for the kinds.
    """
    stop_if_loading_script()
    loaded = cast("TrainableModel", prepare(model, TrainMixin, DatasetMixin, test=test, operation="train"))
    quantize = quantize and loaded.wants_tflite
    loaded._remember_dataset()
    run = _Run(loaded, epochs=epochs, verbose=verbose, live=live)
    if create_archive:
        check_writable(loaded.archive_path)
    weights_path = run.keep_weights(weights) if weights else None
    run.make_folders(clean=clean, resume=resume or resume_epoch != 0)
    loaded.trigger_event(MltkModelEvent.TRAIN_STARTUP, post_process=post_process, show=show, logger=run.logger)
    checkpoint = run.find_checkpoint(resume_epoch if resume_epoch else (-1 if resume else 0), required=not resume)
    run.choose_seed(checkpoint)
    run.logger.info("Training %s (seed %d)", loaded.name, run.seed)
    for note in add_own_folders(loaded, add, getattr(loaded, "classes", ())):
        run.logger.info("%s", note)
    others = compare_added(loaded, run.folder, resumed=checkpoint is not None)
    if others:
        run.logger.warning("%s", others)
    load_dataset(loaded, "training")
    run.seed_everything()
    keras_model = build_keras_model(loaded)
    build_from_samples(loaded, keras_model)
    give_shapes(loaded, keras_model)
    check_before_training(loaded, keras_model, quantize=quantize)
    check_labels(loaded, keras_model)
    if weights_path:
        load_weights(loaded, keras_model, weights_path)
        run.logger.info("Starting from weights %s", weights)
    run.write_text("summary.txt", keras_summary(keras_model))
    results = run.fit(keras_model, checkpoint)
    results = run.save(results, show=show)
    wants_report = loaded.html_report if report is None else report
    _finish(run, results, quantize=quantize, create_archive=create_archive, report=wants_report)
    return results


def _finish(run: _Run, results: TrainingResults, *, quantize: bool, create_archive: bool, report: bool) -> None:
    """Quantize, write the archive, and call the specification's functions."""
    model = run.model
    facts: dict[str, Any] = {"seed": run.seed, "dataset": run.fingerprint, "epochs": len(results.epochs)}
    if isinstance(model, FileDatasetMixin) and model._added_files:
        facts["added"] = {name: len(paths) for name, paths in model._added_files.items()}
    facts["weights"] = {"epoch": results.weights_epoch, "description": results.weights}
    if create_archive:
        model.trigger_event(MltkModelEvent.BEFORE_SAVE_TRAIN_ARCHIVE, archive_path=model.archive_path)
    if quantize:
        from mltk.operations.quantize import quantize_keras_model

        if run.live is not None:
            run.live.state.set(stage="quantizing")
        if create_archive:  # what was trained is kept, whatever happens next
            create_model_archive(model, quantized=False, **facts)
        try:
            results.tflite_model = quantize_keras_model(model, results.keras_model, logger=run.logger)
        except MltkError as e:
            e.hint = " ".join(filter(None, [e.hint, _how_to_go_on(model, create_archive)]))
            raise
    if create_archive:
        create_model_archive(model, **facts)
        if report:
            from mltk.operations.shared.archived_report import renew_report

            renew_report(model)
        results.model_archive_path = model.archive_path
        model.trigger_event(MltkModelEvent.AFTER_SAVE_TRAIN_ARCHIVE, archive_path=model.archive_path)
        run.logger.info("Model archive: %s", model.archive_path)
    if model.on_training_complete is not None:
        with explained(f"{model.name}: on_training_complete failed"):
            model.on_training_complete(results)
    model.trigger_event(MltkModelEvent.TRAIN_SHUTDOWN, results=results)
    model.unload_dataset()


def _how_to_go_on(model: TrainableModel, archived: bool) -> str:
    """Say where the trained model is, and how to quantize it without training again."""
    path = model.archive_path if archived else model.keras_log_dir_path
    text = f"The trained model is kept in {path}. After a change of tflite_converter, run 'mltk quantize {model.name}'."
    if list_checkpoints(model.checkpoints_dir):
        text += (
            f" After a change of layers that keeps their weights, run 'mltk train {model.name} --resume'. Neither "
            "trains again."
        )
    return text


class _Run:
    """One training run: its folders, its seed, its log."""

    def __init__(
        self, model: TrainableModel, *, epochs: int | None, verbose: bool | None, live: LiveReport | None = None
    ) -> None:
        self.model = model
        self.verbose = verbose
        self.live = live
        self.epochs = self._number_of_epochs(epochs)
        keeps_best(model)
        self.seed = 0
        self.fingerprint: dict[str, Any] = {}
        self.logger = logging.getLogger("mltk")

    def _number_of_epochs(self, epochs: int | None) -> int:
        model = self.model
        if model.test_mode_enabled:
            model.batch_size = min(model.batch_size, _TEST_BATCH)
            model.steps_per_epoch = _TEST_STEPS
            model.validation_steps = _TEST_STEPS
            return min(epochs or _TEST_EPOCHS, _TEST_EPOCHS)
        if epochs is not None:
            model.epochs = epochs  # checked as the setting is
        if model.epochs == -1:
            if not model.early_stopping:
                raise SettingError(
                    f"{model.name}: epochs is -1, 'until early stopping', but early_stopping is off.",
                    hint="Set my_model.early_stopping, for instance to dict(monitor='val_loss', patience=10).",
                )
            return UNTIL_EARLY_STOPPING
        return model.epochs

    # -- files -----------------------------------------------------------------------------------------------

    @property
    def folder(self) -> str:
        """The folder of the run."""
        return os.path.join(self.model.log_dir, "train")

    def make_folders(self, *, clean: bool, resume: bool) -> None:
        """Make the folders of this run.

        Args:
            clean: Delete the files of earlier runs. Otherwise a new run moves them to ``train.previous``.
            resume: Keep the files of the earlier run where they are.

        Raises:
            OutputError: A folder cannot be changed.
        """
        previous = f"{self.folder}.previous"
        stopped_at = list_checkpoints(self.model.checkpoints_dir)
        try:
            if clean:
                shutil.rmtree(self.folder, ignore_errors=True)
                shutil.rmtree(previous, ignore_errors=True)
            elif not resume and stopped_at:
                shutil.rmtree(previous, ignore_errors=True)
                os.replace(self.folder, previous)
        except OSError as e:
            raise OutputError(f"The log folder {self.folder} can't be cleaned: {e.strerror}.") from None
        self.model.create_log_dir("train")
        remove_unfinished(self.model.checkpoints_dir)
        check_writable(os.path.join(self.folder, "log.txt"))
        self.logger = self.model.create_logger("train")
        if not clean and not resume and stopped_at:
            self.logger.debug("Checkpoints of the previous run, up to epoch %d, are in %s", stopped_at[-1], previous)

    def keep_weights(self, weights: str) -> str:
        """Return the path of the weights to start from, or of a copy if this run moves their folder."""
        path = self.model.get_weights_path(weights)
        if not path.startswith(os.path.join(self.model.log_dir, "train")):
            return path
        kept = os.path.join(self.model.log_dir, f"start{'.weights.h5' if path.endswith('.weights.h5') else '.h5'}")
        with open(path, "rb") as stream:
            write_file(kept, stream.read())
        return kept

    def write_text(self, name: str, text: str) -> None:
        """Write a file to the folder of the run."""
        write_file(os.path.join(self.folder, name), text)

    def find_checkpoint(self, epoch: int, *, required: bool) -> Checkpoint | None:
        """Return the checkpoint to resume from; None to start from the beginning.

        Args:
            epoch: Epoch of the checkpoint; 0 is none, -1 is the newest.
            required: Raise an error if there is no checkpoint.

        Raises:
            ArchiveError: There is no such checkpoint, or it is damaged.
        """
        if epoch == 0:
            return None
        from mltk.training.checkpoints import Checkpoint

        if epoch == -1 and not required and not list_checkpoints(self.model.checkpoints_dir):
            self.logger.info("There is no checkpoint to resume from; starting from the beginning.")
            return None
        path = self.model.get_checkpoint_path(None if epoch == -1 else epoch)
        self.logger.info("Resuming from %s", path)
        return Checkpoint.load(path)

    # -- randomness ------------------------------------------------------------------------------------------

    def choose_seed(self, checkpoint: Checkpoint | None) -> None:
        """Use the seed of the checkpoint, otherwise that of the specification, otherwise a random one."""
        wanted = self.model.seed
        if checkpoint is not None:
            self.seed = checkpoint.seed
            if wanted not in (None, self.seed):
                self.logger.warning("The resumed run has the seed %d; the seed %d is ignored.", self.seed, wanted)
        else:
            self.seed = wanted if wanted is not None else random.SystemRandom().randrange(2**31)
        self.seed_everything()

    def seed_everything(self) -> None:
        """Seed all global generators: for the dataset, and again for the model, so that neither changes the other."""
        keras = importlib.import_module("keras")
        keras.utils.set_random_seed(self.seed)
        if self.model.seed is not None:
            import_tensorflow().config.experimental.enable_op_determinism()

    # -- training --------------------------------------------------------------------------------------------

    def fit(self, keras_model: KerasModel, checkpoint: Checkpoint | None) -> TrainingResults:
        """Train, and return the history of all epochs."""
        from mltk.training.assemble import assemble_callbacks
        from mltk.training.filter_gradient import use_safe_filter_gradients
        from mltk.training.first_step import create_variables
        from mltk.training.inputs import fit_inputs

        model = self.model
        first_epoch = checkpoint.epoch if checkpoint is not None else 0
        with explained(f"{model.name}: preparing the training data failed"):
            inputs = fit_inputs(model, seed=self.seed, first_epoch=first_epoch)
        self.fingerprint = dataset_fingerprint(model.x, model.y)
        use_safe_filter_gradients()
        create_variables(keras_model, inputs["x"])
        if checkpoint is not None:
            checkpoint.restore_variables(keras_model)
        epochs = first_epoch if checkpoint is not None and checkpoint.stop_training else self.epochs
        callbacks = assemble_callbacks(
            model,
            inputs,
            seed=self.seed,
            epochs=self.epochs,
            first_epoch=first_epoch,
            checkpoint=checkpoint,
            verbose=self.verbose,
            live=self.live.state if self.live is not None else None,
        )
        kwargs = {**inputs, "shuffle": False, "epochs": epochs, "initial_epoch": first_epoch, "verbose": 0}
        kwargs |= self._user_kwargs(set(kwargs))
        model.trigger_event(MltkModelEvent.BEFORE_TRAIN, fit_kwargs=kwargs)
        try:
            self._fit(keras_model, {**kwargs, "callbacks": callbacks.all})
        except KeyboardInterrupt:
            callbacks.close()  # waits for the checkpoint that is being written
            raise TrainingInterrupted(model.name, list_checkpoints(model.checkpoints_dir)) from None
        except OutputError as e:
            if not e.hint and list_checkpoints(model.checkpoints_dir):
                e.hint = f"Then resume with: mltk train {model.name} --resume"
            raise
        finally:
            callbacks.close()
        results = TrainingResults(
            model,
            keras_model,
            callbacks.recorder.history,
            {"epochs": self.epochs, "steps": inputs.get("steps_per_epoch")},
            self.seed,
        )
        choose_weights(model, results, callbacks.all)
        model.trigger_event(MltkModelEvent.AFTER_TRAIN, results=results)
        return results

    def _fit(self, keras_model: KerasModel, kwargs: dict[str, Any]) -> None:
        try:
            with warnings.catch_warnings():
                # An epoch ends where the data ends. A dry run wants a few steps, of which the data may have fewer.
                if kwargs.get("steps_per_epoch") is None or self.model.test_mode_enabled:
                    warnings.filterwarnings("ignore", "Your input ran out of data")
                keras_model.fit(**kwargs)
        except (MltkError, KeyboardInterrupt):
            raise
        except Exception as e:
            check_streamed_labels(self.model, keras_model)
            with explained(f"{self.model.name}: training failed"):
                raise e

    def _user_kwargs(self, ours: set[str]) -> dict[str, Any]:
        """Return ``train_kwargs`` for ``fit``, without arguments that Keras 3 no longer has.

        Raises:
            SettingError: ``fit`` has no such argument, or a setting of the specification supplies it.
        """
        import inspect

        keras = importlib.import_module("keras")
        known = set(inspect.signature(keras.Model.fit).parameters) - {"self"}
        gone = {"workers", "use_multiprocessing", "max_queue_size"}
        kept: dict[str, Any] = {}
        for key, value in (self.model.train_kwargs or {}).items():
            if key in gone:
                self.logger.warning("train_kwargs[%r] is ignored: in Keras 3 it belongs to keras.utils.PyDataset.", key)
            elif key == "verbose":
                self.logger.warning("train_kwargs['verbose'] is ignored: the progress is shown by openmltk.")
            elif key not in known:
                raise SettingError(
                    f"train_kwargs: keras.Model.fit has no argument {key!r}.", hint=did_you_mean(key, known)
                )
            elif key in ours or key == "callbacks":
                own = "train_callbacks" if key == "callbacks" else key
                raise SettingError(
                    f"train_kwargs: {key!r} is set by the specification.",
                    hint=f"Set my_model.{own} instead." if hasattr(type(self.model), own) else "Remove it.",
                )
            else:
                kept[key] = value
        return kept

    # -- results ---------------------------------------------------------------------------------------------

    def save(self, results: TrainingResults, *, show: bool) -> TrainingResults:
        """Save the Keras model, the history and its plot; return the results with the model that was saved."""
        model = self.model
        keras_model = results.keras_model = model_to_save(model, results.keras_model, self.logger)
        with replacing(model.keras_log_dir_path) as temporary, explained("Saving the Keras model failed"):
            keras_model.save(temporary)
        write_file(f"{model.keras_log_dir_path}.summary.txt", keras_summary(keras_model))
        for path, _ in quantized_files(model):  # they belong to the model of an earlier run
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
        model.trigger_event(MltkModelEvent.AFTER_SAVE_TRAIN_MODEL, keras_model=keras_model)
        model.trigger_event(MltkModelEvent.BEFORE_SAVE_TRAIN_RESULTS, results=results, output_dir=self.folder)
        results.save(self.folder, show=show)
        model.trigger_event(MltkModelEvent.AFTER_SAVE_TRAIN_RESULTS, results=results, output_dir=self.folder)
        name, value = results.get_best_metric()
        self.logger.info("Best %s: %.4g", name, value)
        self.logger.info("Weights: %s.", results.weights)
        return results


class TrainingInterrupted(TrainingError, KeyboardInterrupt):
    """Ctrl-C stopped training; the checkpoints are kept."""

    def __init__(self, name: str, checkpoints: list[int]) -> None:
        done = checkpoints[-1] if checkpoints else 0
        hint = (
            f"Resume with: mltk train {name} --resume"
            if done
            else "No epoch was finished, so there is nothing to resume."
        )
        super().__init__(f"Training of {name} was stopped after {done} epoch{'s' * (done != 1)}.", hint=hint)
