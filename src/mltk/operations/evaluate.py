"""Evaluate a trained model, as Keras computes it or as the device does.

    mltk evaluate yes_no --tflite
    mltk evaluate yes_no --dataset recordings

Each sample is counted exactly once. TensorFlow Lite Micro computes the ``.tflite`` where it is installed; otherwise
LiteRT's reference kernels do. The results say which.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mltk.audio.mixin import AudioDatasetMixin
from mltk.data.labels import LabelKind, class_indices, label_kind, not_finite
from mltk.data.nested import leaves
from mltk.data.pipeline.hooks import accepted_arguments
from mltk.errors import DatasetError, EvaluationError, MltkError, SpecificationError
from mltk.files import make_folder, write_file
from mltk.operations.results.autoencoder import AutoEncoderEvaluationResults
from mltk.operations.results.classifier import ClassifierEvaluationResults
from mltk.operations.results.evaluation import EvaluationResults
from mltk.operations.results.evidence import FILE as EVIDENCE_FILE
from mltk.operations.results.evidence import Evidence, anomaly_evidence, classifier_evidence, label_evidence
from mltk.operations.results.multi_label import MultiLabelEvaluationResults
from mltk.operations.shared.anomaly_scores import AnomalyScores
from mltk.operations.shared.check_dataset import load_dataset
from mltk.operations.shared.explain import explained
from mltk.operations.shared.keras_figures import keras_figures, weight_penalty
from mltk.operations.shared.keras_model import load_keras_model
from mltk.operations.shared.known_shapes import give_shapes
from mltk.operations.shared.load import resolve
from mltk.operations.shared.mistakes import Mistakes, describe_extremes
from mltk.operations.shared.own_folder import OwnFolder, assigned_folder
from mltk.operations.shared.predictions import Predicted, Predictions, not_one_class_each
from mltk.operations.shared.predictors import CCodePredictor, DevicePredictor, KerasPredictor, Predictor
from mltk.operations.shared.prepare import prepare
from mltk.operations.shared.report_facts import PARITY, PARITY_SAMPLES
from mltk.operations.shared.sample_media import Sources
from mltk.operations.shared.tensorflow_setup import import_tensorflow
from mltk.specification.dataset_settings import DatasetMixin
from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin, EvaluateClassifierMixin, EvaluateMixin
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.data.iterate import Batch
    from mltk.operations.shared.model_types import EvaluableAutoEncoder, EvaluableModel, KerasModel
    from mltk.tflite.model import TfliteModel

_TEST_SAMPLES = 5


def evaluate_model(
    model: MltkModel | str,
    tflite: bool = False,
    weights: str | None = None,
    max_samples_per_class: int = -1,
    classes: list[str] | None = None,
    dump: bool = False,
    show: bool = False,
    verbose: bool | None = None,
    callbacks: list[Any] | None = None,
    update_archive: bool = True,
    test: bool = False,
    post_process: bool = False,
    dataset: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    report: bool | None = None,
) -> EvaluationResults:
    """Evaluate a trained model as its evaluation mixin says.

    Args:
        model: A loaded specification, its name, or the path of its script or archive.
        tflite: Evaluate the ``.tflite`` instead of the Keras model.
        weights: Evaluate the Keras model with these weights: a path, a file name in the weights folder, or ``"best"``.
        max_samples_per_class: Largest number of samples of each class; -1 is all.
        classes: Classes of an autoencoder, the normal class first.
        dump: Write originals and reconstructions of an autoencoder as images.
        show: Open windows with the plots.
        verbose: Passed to the specification's ``eval_custom_function``.
        callbacks: Keras callbacks for ``predict``.
        update_archive: Store the results in the archive.
        test: Use the specification's test mode.
        post_process: Passed to the handlers of the event EVALUATE_STARTUP.
        dataset: Evaluate on all samples of this folder of class folders, instead of the evaluation data of the
            specification. A folder that is assigned to ``model.dataset`` of a loaded specification is used in this way
            too. The results do not replace those of the evaluation data.
        engine: What computes the ``.tflite``. ``"c"`` compiles its C code for this machine and implies ``tflite``: the
            same numbers, and faster for large models. Otherwise `mltk.micro.run_batch` chooses.
        report: Write the report, if the archive is updated; by default as ``model.html_report`` says.

    Returns:
        The results.

    Raises:
        SpecificationError: The specification has no evaluation mixin, or its code failed.
        DatasetError: The evaluation dataset is empty or has no labels.
        ArchiveError: The model has not been trained.
        EvaluationError: ``weights`` are given for the ``.tflite``.
    """
    stop_if_loading_script()
    if engine not in ("auto", "c"):
        raise EvaluationError(f"There is no engine {engine!r} for an evaluation.", hint="Choose 'auto' or 'c'.")
    tflite = tflite or engine == "c"
    if tflite and weights:
        raise EvaluationError(
            "A .tflite has its own weights, so that it can't be evaluated with others.", hint="Leave out --tflite."
        )
    loaded = cast("EvaluableModel", prepare(model, EvaluateMixin, test=test, operation="evaluate"))
    folder = dataset if dataset is not None else assigned_folder(loaded)
    own = _own_folder(loaded, folder, classes) if folder is not None else None
    evaluation = _Evaluation(
        loaded,
        tflite=tflite,
        weights=weights,
        limit=max_samples_per_class,
        callbacks=callbacks,
        own=own,
        use_c=engine == "c",
    )
    loaded.trigger_event(
        MltkModelEvent.EVALUATE_STARTUP,
        tflite=tflite,
        max_samples_per_class=max_samples_per_class,
        post_process=post_process,
    )
    results = evaluation.run(classes=classes, dump=dump, verbose=verbose, show=show)
    wants_report = loaded.html_report if report is None else report
    evaluation.save(results, show=show, update_archive=update_archive, report=wants_report)
    loaded.trigger_event(MltkModelEvent.EVALUATE_SHUTDOWN, results=results)
    if isinstance(loaded, DatasetMixin):
        loaded.unload_dataset()
    return results


def evaluate_classifier(mltk_model: MltkModel, tflite: bool = False, **kwargs: Any) -> ClassifierEvaluationResults:
    """Evaluate a classifier.

    Args:
        mltk_model: The specification.
        tflite: Evaluate the ``.tflite`` instead of the Keras model.
        kwargs: More arguments of `evaluate_model`.

    Returns:
        The results.

    Raises:
        SpecificationError: The specification is not that of a classifier.
    """
    stop_if_loading_script()
    results = evaluate_model(prepare(mltk_model, EvaluateClassifierMixin, operation="evaluate"), tflite, **kwargs)
    if not isinstance(results, ClassifierEvaluationResults):
        raise SpecificationError(f"{mltk_model.name} is not evaluated as a classifier.")
    return results


def evaluate_autoencoder(mltk_model: MltkModel, tflite: bool = False, **kwargs: Any) -> AutoEncoderEvaluationResults:
    """Evaluate an autoencoder.

    Args:
        mltk_model: The specification.
        tflite: Evaluate the ``.tflite`` instead of the Keras model.
        kwargs: More arguments of `evaluate_model`.

    Returns:
        The results.

    Raises:
        SpecificationError: The specification is not that of an autoencoder.
    """
    stop_if_loading_script()
    results = evaluate_model(prepare(mltk_model, EvaluateAutoEncoderMixin, operation="evaluate"), tflite, **kwargs)
    if not isinstance(results, AutoEncoderEvaluationResults):
        raise SpecificationError(f"{mltk_model.name} is not evaluated as an autoencoder.")
    return results


def _own_folder(model: EvaluableModel, folder: str | os.PathLike[str], classes: list[str] | None) -> OwnFolder:
    if model.eval_custom_function is not None:
        raise EvaluationError(
            f"{model.name} can't be evaluated on {os.fspath(folder)}: its eval_custom_function loads the data.",
            hint="Load this folder in the function, or set my_model.eval_custom_function = None.",
        )
    if isinstance(model, EvaluateAutoEncoderMixin):
        return OwnFolder(model, folder, classes or model.eval_classes)
    return OwnFolder(model, folder, model.classes)


def _has_dataset(model: DatasetMixin) -> bool:
    """Whether the specification has a dataset, or its own ``load_dataset``."""
    return model.dataset is not None or not type(model).load_dataset.__module__.startswith("mltk.")


class _Evaluation:
    """One evaluation of a Keras model or a ``.tflite``."""

    def __init__(
        self,
        model: EvaluableModel,
        *,
        tflite: bool,
        weights: str | None,
        limit: int,
        callbacks: list[Any] | None,
        own: OwnFolder | None = None,
        use_c: bool = False,
    ) -> None:
        self.model = model
        self.own = own
        self.tflite = tflite
        self.logger = logging.getLogger("mltk")
        usual_limit = -1 if own else getattr(model, "eval_max_samples_per_class", -1)
        self.limit = limit if limit > 0 else usual_limit
        if model.test_mode_enabled:
            self.limit = _TEST_SAMPLES if self.limit <= 0 else min(self.limit, _TEST_SAMPLES)
        self.built: TfliteModel | KerasModel
        self.predictor: Predictor
        if tflite:
            self.built = resolve(model).tflite_model()
            self.predictor = CCodePredictor(self.built) if use_c else DevicePredictor(self.built)
        else:
            self.built = load_keras_model(model, weights, compiled=True)
            self.predictor = KerasPredictor(self.built, model.name, callbacks or ())
        self.predictions = Predictions(model, self.predictor, limit=self.limit, tflite=tflite)
        if own is not None:
            self.predictions.steps = None
        self._dumps: list[tuple[str, np.ndarray, np.ndarray]] = []
        self._mistakes = Mistakes()
        self.predictions.watch = self._watch
        self._first: list[np.ndarray] = []
        self._folder = ""
        self._spectrogram = isinstance(model, AudioDatasetMixin)
        self.evidence: Evidence | None = None

    def run(self, *, classes: list[str] | None, **options: Any) -> EvaluationResults:
        """Evaluate the model by what it is, and say which data were evaluated."""
        results = self._run(classes=classes, **options)
        if self.own is not None:
            results["dataset"] = self.own.path
            results["notes"] = [self.own.describe(), *self.own.notes, *results.get("notes", [])]
        return results

    def _run(self, *, classes: list[str] | None, **options: Any) -> EvaluationResults:
        model = self.model
        if model.eval_custom_function is not None:
            return self._custom(options)
        if not isinstance(model, DatasetMixin):
            raise SpecificationError(f"{model.name} can't be evaluated: its class lacks DatasetMixin.")
        if isinstance(model, EvaluateAutoEncoderMixin):
            autoencoder = cast("EvaluableAutoEncoder", model)
            return self._autoencoder(autoencoder, classes or autoencoder.eval_classes, options)
        self._load("evaluation")
        if isinstance(model, EvaluateClassifierMixin):
            return self._classifier()
        return self._metrics()

    def _load(self, subset: str, **kwargs: Any) -> bool:
        """Load samples. Returns whether there are any, of the classes in ``kwargs``."""
        import_tensorflow()
        importlib.import_module("keras").utils.set_random_seed(self.model.seed or 0)  # the same samples every time
        if self.own is not None:
            return self.own.load(self.limit, kwargs.get("classes"))
        load_dataset(self.model, subset, **kwargs)
        give_shapes(self.model, self.built)
        return True

    def _watch(self, batch: Batch, outputs: list[np.ndarray], positions: np.ndarray) -> None:
        """Keep what the report shows of single samples: the worst mistakes, and the first samples for parity."""
        self._mistakes.watch(batch, outputs, positions)
        if self.tflite and not self._first:
            self._first = [np.array(x[:PARITY_SAMPLES]) for x in leaves(batch.x)]

    # -- kinds of models ----------------------------------------------------------------------------------

    def _custom(self, options: dict[str, Any]) -> EvaluationResults:
        model = self.model
        if isinstance(model, DatasetMixin) and _has_dataset(model):
            self._load("evaluation")  # the function may use it
        with explained(f"{model.name}: eval_custom_function failed"):
            assert model.eval_custom_function is not None
            options = {**options, "logger": self.logger, "eval_dir": self._new_folder()}
            accepted = accepted_arguments(model.eval_custom_function)
            used = {k: v for k, v in options.items() if accepted is None or k in accepted}
            returned = model.eval_custom_function(model, self.built, **used)
        if isinstance(returned, EvaluationResults):
            return returned
        if not isinstance(returned, dict):
            raise EvaluationError(
                f"{model.name}: eval_custom_function returned {type(returned).__name__}, not a dict of figures."
            )
        return EvaluationResults(**{"name": model.name, "model_type": "custom", **returned})

    def _classifier(self) -> EvaluationResults:
        """Figures of classes, where each sample has one class; else what the labels allow."""
        found = self.predictions.predict_all()
        labels = leaves(found.y)
        problem = not_one_class_each(found)
        if problem:
            self.predictor.note(f"{problem}. The results have neither an accuracy of classes nor a confusion matrix.")
            if len(labels) == 1 and label_kind(labels[0]) is LabelKind.MULTI_LABEL:
                return self._multi_label(found)
            return self._metrics(found)
        y, y_pred = class_indices(labels[0]), found.outputs[0].reshape(len(labels[0]), -1)
        classes = self.model.classes
        width = 2 if y_pred.shape[1] == 1 else y_pred.shape[1]
        if width != len(classes):
            raise SpecificationError(
                f"{self.model.name} has {len(classes)} classes, but the model has {y_pred.shape[1]} outputs."
            )
        if y.min() < 0 or y.max() >= width:
            raise DatasetError(
                f"{self.model.name}: labels go from {y.min()} to {y.max()}, but there are {width} classes.",
                hint="Labels are class indices from 0, in the order of my_model.classes.",
            )
        results = ClassifierEvaluationResults(self.model.name, classes, **self.predictor.facts)
        results.calculate(y, y_pred)
        self.evidence = classifier_evidence(results.classes, y, y_pred)
        self.evidence.samples = self._mistakes.describe(Sources(self.model), spectrogram=self._spectrogram)
        return results

    def _multi_label(self, found: Predicted) -> EvaluationResults:
        labels, scores = leaves(found.y)[0], found.outputs[0].reshape(found.n_samples, -1)
        if labels.shape != scores.shape:
            return self._metrics(found)
        classes = list(self.model.classes)
        if len(classes) != labels.shape[1]:
            classes = [f"label {i}" for i in range(labels.shape[1])]
        results = MultiLabelEvaluationResults(self.model.name, classes, **self.predictor.facts)
        results.calculate(labels, scores)
        self.evidence = label_evidence(classes, labels, scores)
        return results

    def _metrics(self, found: Predicted | None = None) -> EvaluationResults:
        """The loss and the metrics that the model was compiled with, over the evaluation data."""
        model = self.model
        found = found or self.predictions.predict_all()
        keras_model = self.built if not self.tflite else self._compiled_keras_model()
        figures = keras_figures(model, keras_model, found.outputs, found.y, found.weight, model.batch_size)
        if not self.tflite:
            figures["loss"] += weight_penalty(keras_model)
        return EvaluationResults(model.name, "generic", **self.predictor.facts, n_samples=found.n_samples, **figures)

    def _compiled_keras_model(self) -> Any:
        """The trained Keras model, which says which figures to compute; None if it cannot be loaded."""
        try:
            return load_keras_model(self.model, compiled=True)
        except MltkError as e:
            self.logger.debug("%s", e)
            return None

    def _autoencoder(
        self, model: EvaluableAutoEncoder, classes: list[str], options: dict[str, Any]
    ) -> AutoEncoderEvaluationResults:
        size = 2048 if self.tflite else 256
        steps = model.eval_steps_per_epoch if self.own is None else None
        scorer = AnomalyScores(model, self.predictor, self._load, limit=self.limit, batch_size=size, steps=steps)
        found = scorer.of_classes(classes)
        if options.get("dump"):
            for index, pairs in sorted(found.dumps.items()):
                originals, decoded = (np.stack(part) for part in zip(*pairs, strict=True))
                self._dumps.append((classes[index], originals, decoded))
        if found.dumps.get(0):
            self._first = [np.stack([original for original, _ in found.dumps[0][:PARITY_SAMPLES]])]
        scores = np.array(found.scores, np.float64)
        keep = self.predictions.leave_out(not_finite(scores), len(scores), "scores")
        results = AutoEncoderEvaluationResults(model.name, classes, **self.predictor.facts)
        truth = np.array(found.classes)[keep]
        results.calculate(truth, np.array([]), scores[keep])
        threshold = results.overall_best_threshold
        self.evidence = anomaly_evidence(classes, truth, scores[keep], threshold)
        self.evidence.samples = describe_extremes(found.extremes, threshold, spectrogram=self._spectrogram)
        return results

    # -- results ---------------------------------------------------------------------------------------------

    def _kind(self) -> str:
        kind = "tflite" if self.tflite else "keras"
        return kind if self.own is None else f"{kind}-{self.own.slug}"  # the results of the evaluation data stay

    def _new_folder(self) -> str:
        """Make the empty folder of the results. A user's own function may write files into it."""
        self._folder = self.model.create_log_dir(os.path.join("eval", self._kind()), delete_existing=True)
        return self._folder

    def save(self, results: EvaluationResults, *, show: bool, update_archive: bool, report: bool) -> None:
        """Write the results to the log folder and the archive, show the plots, and renew the report."""
        model = self.model
        kind = self._kind()
        folder = self._folder or self._new_folder()
        results.save(folder, plots=False)
        if self.evidence is not None:
            write_file(os.path.join(folder, EVIDENCE_FILE), json.dumps(self.evidence.to_dict(), separators=(",", ":")))
        results.generate_plots(show=show, output_dir=folder, logger=self.logger)
        for name, originals, decoded in self._dumps:
            dump_reconstructions(os.path.join(folder, "dump", name), originals, decoded)
        for key, figure in results.figures.items():
            model.trigger_event(
                MltkModelEvent.GENERATE_EVALUATE_PLOT, tflite=self.tflite, name=key, title=key, fig=figure
            )
        if update_archive and os.path.isfile(model.archive_path):
            from mltk.operations.shared.model_archive import update_model_archive

            model.check_archive_file_is_writable()
            files = sorted(f for f in os.listdir(folder) if os.path.isfile(os.path.join(folder, f)))
            members: dict[str, bytes | str] = {f"eval/{kind}/{f}": os.path.join(folder, f) for f in files}
            update_model_archive(model, self._with_report(members) if report else members)
            self.logger.debug("Updated %s", model.archive_path)

    def _with_report(self, members: dict[str, bytes | str]) -> dict[str, bytes | str]:
        """Return members for the archive, with the report, and with a comparison of the engines for it."""
        from mltk.operations.archived_parity import parity_of
        from mltk.operations.shared.archived_report import add_report

        tflite = self.built if self.tflite else None
        if tflite is not None and self.own is None and len(self._first) == len(tflite.inputs) == 1:
            parity = parity_of(tflite, resolve(self.model).float_tflite_model(), self._first)
            if parity is not None:
                members[PARITY] = parity
        return add_report(self.model, members)


def dump_reconstructions(folder: str, originals: np.ndarray, decoded: np.ndarray) -> None:
    """Write each sample beside its reconstruction as PNG; samples that are not images as ``.npy``.

    Args:
        folder: Where to write.
        originals: Samples ``[samples, …]``.
        decoded: Reconstructions ``[samples, …]``.

    Raises:
        OutputError: The folder cannot be made.
    """
    make_folder(folder)
    for i, pair in enumerate(zip(originals, decoded, strict=True)):
        images = [p[..., 0] if p.ndim == 3 and p.shape[-1] == 1 else p for p in pair]
        path = os.path.join(folder, f"{i:03d}")
        if images[0].ndim == 2 or (images[0].ndim == 3 and images[0].shape[-1] in (3, 4)):
            from matplotlib.image import imsave

            both = np.concatenate(images, axis=1)
            low, high = float(both.min()), float(both.max())
            imsave(f"{path}.png", (both - low) / max(high - low, 1e-12), cmap="gray", vmin=0.0, vmax=1.0)
        else:
            np.save(f"{path}.npy", np.stack(images))
