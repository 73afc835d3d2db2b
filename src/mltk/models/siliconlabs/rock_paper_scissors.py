"""Rock, paper or scissors in gray pictures: a MobileNetV2 for a live demonstration.

    mltk train rock_paper_scissors
    mltk evaluate rock_paper_scissors --tflite

The samples are pictures of 84×84 pixels by Silicon Labs, and of other things. The archive is a 7z file, which needs
``pip install 'openmltk[datasets]'``. So far, this model was trained on a stand-in for its data only. The commands above
show the accuracy of a run. The first run downloads the pictures.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.image import rock_paper_scissors_v2
from mltk.models.shared import MobileNetV2


class Hands(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output a probability for each sign."""


def build_model(model: Hands) -> keras.Model:
    """Build a narrow MobileNetV2."""
    keras_model = MobileNetV2(
        model.input_shape, alpha=0.15, classes=model.n_classes, last_block_filters=384, name=model.name
    )
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = Hands()
my_model.version = 1
my_model.description = "Rock, paper, scissors or something else"
my_model.dataset = rock_paper_scissors_v2
my_model.classes = list(rock_paper_scissors_v2.CLASSES)
my_model.class_mode = "categorical"
my_model.class_weights = "balanced"
my_model.input_shape = (84, 84, 1)
my_model.datagen = mltk.ParallelImageDataGenerator(
    dtype=np.float32,
    rotation_range=15,
    width_shift_range=5,
    height_shift_range=5,
    zoom_range=(0.95, 1.05),
    brightness_range=(0.5, 1.7),
    contrast_range=(0.5, 1.7),
    noise=["gauss", "poisson", "s&p"],
    horizontal_flip=True,
    samplewise_center=True,
    samplewise_std_normalization=True,
    validation_augmentation_enabled=False,
    validation_split=0.1,
)
my_model.build_model_function = build_model
my_model.epochs = 60
my_model.batch_size = 32
my_model.optimizer = "adam"
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.reduce_lr_on_plateau = dict(monitor="val_loss", factor=0.5, patience=5)
my_model.early_stopping = dict(monitor="val_accuracy", patience=15, restore_best_weights=True)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
