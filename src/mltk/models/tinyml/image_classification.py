"""The image classifier of MLPerf Tiny: ResNet-8 on CIFAR-10, 78,666 parameters and 12.5 M multiply-accumulates.

    mltk train image_classification
    mltk evaluate image_classification --tflite

Banbury et al., "MLPerf Tiny Benchmark", 2021, asks for an accuracy of at least 85 %. So far, this model was trained
on a stand-in for its data only. The commands above show the accuracy of a run. The first run downloads 170 MB.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.image import cifar10
from mltk.models.shared import ResNet10V1


class ImageClassifier(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output a probability for each class."""


my_model = ImageClassifier()
my_model.version = 1
my_model.description = "MLPerf Tiny image classification: CIFAR-10"
my_model.dataset = cifar10
my_model.classes = list(cifar10.CLASSES)
my_model.input_shape = cifar10.INPUT_SHAPE
my_model.class_mode = "categorical"

my_model.datagen = mltk.ParallelImageDataGenerator(
    dtype=np.float32,
    rotation_range=15,
    width_shift_range=0.1,
    height_shift_range=0.1,
    horizontal_flip=True,
    validation_augmentation_enabled=False,
    validation_split=0.1,
)


def build_model(model: ImageClassifier) -> keras.Model:
    """Build the architecture of the benchmark."""
    keras_model = ResNet10V1(model.input_shape, num_classes=model.n_classes)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 500
my_model.batch_size = 32
my_model.optimizer = keras.optimizers.Adam(1e-3)
my_model.lr_schedule = dict(schedule=lambda epoch: 1e-3 * 0.99**epoch)
my_model.early_stopping = dict(monitor="val_accuracy", patience=40, restore_best_weights=True)
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
