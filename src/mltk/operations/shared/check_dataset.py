"""Load a model's dataset, and check its labels against the classes."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.data.iterate import iter_batches
from mltk.data.labels import ONE_CLASS_EACH, LabelKind, class_indices, describe_labels, label_kind
from mltk.data.nested import leaves
from mltk.data.samples import samples_of
from mltk.errors import DatasetError
from mltk.operations.shared.explain import explained
from mltk.specification.events import MltkModelEvent

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import KerasModel, ModelWithDataset
    from mltk.specification.model import MltkModel


_BATCHES_TO_CHECK = 1000


def load_dataset(model: ModelWithDataset, subset: str, **kwargs: Any) -> None:
    """Load a subset of the model's dataset, and trigger the events of loading.

    Args:
        model: The specification.
        subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
        kwargs: More arguments of the specification's ``load_dataset``.

    Raises:
        SpecificationError: The specification's code failed.
        DatasetError: The dataset is missing, empty or not what the model needs.
    """
    arguments = {"subset": subset, "test": model.test_mode_enabled}
    model.trigger_event(MltkModelEvent.BEFORE_LOAD_DATASET, **arguments, load_dataset_args=kwargs)
    with explained(f"{model.name}: loading the {subset} dataset failed"):
        model.load_dataset(subset, test=model.test_mode_enabled, **kwargs)
    model.trigger_event(MltkModelEvent.AFTER_LOAD_DATASET, **arguments, load_dataset_args=kwargs)


def is_classifier(model: MltkModel) -> bool:
    """Whether the model is evaluated as a classifier, by the classes that the specification sets."""
    from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin, EvaluateClassifierMixin

    classifies = isinstance(model, EvaluateClassifierMixin) and not isinstance(model, EvaluateAutoEncoderMixin)
    return classifies and model.is_set("classes")


def check_labels(model: ModelWithDataset, keras_model: KerasModel) -> None:
    """Check labels in memory against the classes, the loss and the output of the model, before training begins.

    Args:
        model: Specification whose training dataset is loaded.
        keras_model: The compiled Keras model.

    Raises:
        DatasetError: Samples and labels do not fit each other, or the loss takes labels of another kind.
    """
    samples = samples_of(model)
    if samples is None or samples.y is None or len(leaves(samples.y)) != 1 or not len(samples):
        return
    _check(model, keras_model, np.asarray(leaves(samples.y)[0]))


def check_streamed_labels(model: ModelWithDataset, keras_model: KerasModel) -> None:
    """Check the labels of a dataset that is not in memory, after training failed: they may be why.

    Args:
        model: Specification whose training dataset is loaded.
        keras_model: The compiled Keras model.

    Raises:
        DatasetError: The loss takes labels of another kind.
    """
    if samples_of(model) is not None or isinstance(model.x, Iterator):  # what a generator returned is lost
        return
    labels = []
    with contextlib.suppress(Exception):  # the dataset itself may be why
        for batch in iter_batches(model.x, steps=_BATCHES_TO_CHECK):
            labels.append(np.asarray(leaves(batch.y)[0]))
    if labels and labels[0].ndim:
        _check(model, keras_model, np.concatenate(labels))


def _check(model: ModelWithDataset, keras_model: KerasModel, labels: npt.NDArray[Any]) -> None:
    kind = label_kind(labels)
    output = getattr(keras_model, "output_shape", None)
    n_outputs = output[-1] if isinstance(output, tuple) and output and isinstance(output[-1], int) else None
    if isinstance(output, tuple) and len(output) > 2 and labels.ndim > 1:
        kind = LabelKind.PER_POSITION
    loss = _loss_name(keras_model)
    shape = f"of shape {list(labels.shape)}"
    if loss == "sparse_categorical_crossentropy":
        if kind is LabelKind.ONE_HOT and labels.shape[-1] == n_outputs:
            raise DatasetError(
                f"{model.name}: the labels are one-hot rows {shape}, but the loss {loss!r} takes class indices.",
                hint="Set my_model.loss = 'categorical_crossentropy', or give labels.argmax(axis=1).",
            )
        if kind is not LabelKind.INDEX and not (kind is LabelKind.PER_POSITION and _are_whole(labels)):
            raise DatasetError(
                f"{model.name}: the loss {loss!r} takes class indices, but {describe_labels(labels)}.",
                hint="Labels are class indices from 0, in the order of my_model.classes.",
            )
        _check_range(model, labels, n_outputs)
    elif loss in ("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge"):
        if kind is LabelKind.INDEX and (n_outputs or 0) > 1:
            raise DatasetError(
                f"{model.name}: the labels are class indices {shape}, but the loss {loss!r} takes one-hot rows.",
                hint="Set my_model.loss = 'sparse_categorical_crossentropy', or use keras.utils.to_categorical().",
            )
    elif is_classifier(model) and kind is LabelKind.INDEX:
        _check_range(model, labels, None)
    if is_classifier(model) and kind in ONE_CLASS_EACH:
        _name_missing_classes(model, labels)


def _name_missing_classes(model: MltkModel, labels: npt.NDArray[Any]) -> None:
    """Say which classes have no samples to train with."""
    names = list(model.classes)
    counts = np.bincount(class_indices(labels), minlength=len(names))
    present = [name for name, n in zip(names, counts, strict=False) if n]
    missing = [name for name, n in zip(names, counts, strict=False) if not n]
    if not missing or len(counts) > len(names):
        return
    only = f" All {len(labels)} samples are of the class {present[0]!r}." if len(present) == 1 else ""
    logging.getLogger("mltk").warning(
        "%s: the training dataset has no samples of %s.%s", model.name, ", ".join(map(repr, missing)), only
    )


def _check_range(model: MltkModel, labels: npt.NDArray[Any], n_outputs: int | None) -> None:
    classes = list(model.classes) if is_classifier(model) else []
    n = len(classes) or n_outputs
    if n and (labels.min() < 0 or labels.max() >= n):
        what = f"{n} classes ({', '.join(classes)})" if classes else f"{n} outputs"
        raise DatasetError(
            f"{model.name}: labels go from {labels.min():g} to {labels.max():g}, but there are {what}.",
            hint="Labels are class indices from 0, in the order of my_model.classes.",
        )


def _are_whole(labels: npt.NDArray[Any]) -> bool:
    return labels.dtype.kind in "iub" or bool((np.isfinite(labels) & (labels == np.floor(labels))).all())


def _loss_name(keras_model: KerasModel) -> str:
    """Return the name of the loss of a model with one output, for example ``categorical_crossentropy``."""
    loss = getattr(keras_model, "loss", None)
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, (list, tuple)):
        loss = loss[0] if len(loss) == 1 else None
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", "")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name)).lower()
