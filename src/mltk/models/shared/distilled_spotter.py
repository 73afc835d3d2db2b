"""A small spotter of words that learns from a large spotter of the same kind, its teacher.

A specification calls :func:`learn_from_teacher`. The user trains the teacher first::

    TRAIN_TEACHER=1 mltk train NAME
    mltk train NAME

The environment variable is that of MLTK 0.20's specifications. The teacher is kept in the log folder of the model.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import keras

from mltk.errors import SpecificationError
from mltk.files import replacing_folder
from mltk.training.distillation import KnowledgeDistillationModel

TRAIN_TEACHER = "TRAIN_TEACHER"


def build_spotter(input_shape: tuple[int, ...], n_classes: int, filters: tuple[int, ...], name: str) -> keras.Model:
    """Build blocks of a convolution, batch normalization, ReLU and pooling, and a dense layer.

    Args:
        input_shape: ``(frames, features, 1)`` of int8 features.
        n_classes: Number of classes.
        filters: Number of filters of each convolution. The last block is pooled over all frames that are left.
        name: Name of the model.

    Returns:
        Model whose outputs are logits, ``[batch, n_classes]``.
    """
    x = inputs = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 128)(x)
    for i, n in enumerate(filters, 1):
        x = keras.layers.Conv2D(n, 3, padding="same")(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.MaxPooling2D((x.shape[1], 1) if i == len(filters) else 2)(x)
    x = keras.layers.Flatten()(keras.layers.Dropout(0.5)(x))
    return keras.Model(inputs, keras.layers.Dense(n_classes)(x), name=name)


def learn_from_teacher(model: Any, *, teacher: tuple[int, ...], student: tuple[int, ...]) -> None:
    """Let a specification train the teacher if ``TRAIN_TEACHER`` is 1, else a student of the trained teacher.

    Args:
        model: Specification of a classifier. Its functions that build and save the Keras model are set.
        teacher: Number of filters of each convolution of the teacher.
        student: Number of filters of each convolution of the student.
    """
    if os.environ.get(TRAIN_TEACHER) == "1":
        model.build_model_function = lambda spec: _with_softmax(spec, _spotter(spec, teacher, "teacher"))
        model.on_save_keras_model = _save_teacher
        model.tflite_converter = None
    else:
        model.build_model_function = lambda spec: _build_student(spec, student)
        model.on_save_keras_model = lambda spec, keras_model, logger: _with_softmax(spec, keras_model.student)


def _spotter(model: Any, filters: tuple[int, ...], which: str) -> keras.Model:
    return build_spotter(model.input_shape, model.n_classes, filters, f"{model.name}-{which}")


def _with_softmax(model: Any, logits: keras.Model) -> keras.Model:
    """Return the model that the device runs: its outputs are probabilities."""
    keras_model = keras.Model(logits.input, keras.layers.Softmax()(logits.output), name=logits.name)
    keras_model.compile(optimizer=model.optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return keras_model


def _teacher_file(model: Any) -> Path:
    return Path(model.log_dir) / "teacher" / "teacher.keras"


def _save_teacher(model: Any, keras_model: keras.Model, logger: logging.Logger) -> keras.Model:
    path = _teacher_file(model)
    with replacing_folder(path.parent) as folder:
        keras.Model(keras_model.input, keras_model.layers[-2].output).save(Path(folder) / path.name)
    logger.info("The teacher is in %s", path)
    return keras_model


def _build_student(model: Any, filters: tuple[int, ...]) -> keras.Model:
    path = _teacher_file(model)
    if not path.is_file():
        raise SpecificationError(
            f"{model.name} has no trained teacher: there is no {path}.",
            hint=f"Train the teacher first: {TRAIN_TEACHER}=1 mltk train {model.name}",
        )
    distiller = KnowledgeDistillationModel(
        student=_spotter(model, filters, "student"), teacher=keras.models.load_model(path)
    )
    distiller.compile(
        optimizer=model.optimizer,
        metrics=["accuracy"],
        student_loss_fn=keras.losses.CategoricalCrossentropy(from_logits=True),
        distillation_loss_fn=keras.losses.KLDivergence(),
        alpha=0.1,
        temperature=10,
    )
    return distiller
