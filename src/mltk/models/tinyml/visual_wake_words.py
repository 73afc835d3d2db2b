"""The person detector of MLPerf Tiny: MobileNetV1 of width 0.25, 221,794 parameters and 7.5 M multiply-accumulates.

    mltk train visual_wake_words
    mltk evaluate visual_wake_words --tflite

Banbury et al., "MLPerf Tiny Benchmark", 2021, asks for an accuracy of at least 80 %. So far, this model was trained
on a stand-in for its data only. The commands above show the accuracy of a run. The samples are the pictures of COCO
2014 with and without a person, 96×96 pixels, as the benchmark published them. Chowdhery et al., "Visual Wake Words
Dataset", 2019. The first run downloads them.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.data.fetch.download import datasets_dir
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.models.shared import MobileNetV1

ADDRESS = "https://www.silabs.com/public/files/github/machine_learning/benchmarks/datasets/vw_coco2014_96.tar.gz"
SHA1 = "a5a465082d3f396407f8b5abaf824dd5b28439c4"


class PersonDetector(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output a probability for each class."""


def pictures() -> str:
    """Download the pictures, unless they exist. Return the folder of class folders."""
    folder = datasets_dir() / "mscoco14" / "preprocessed" / "v1"
    return str(fetch_and_unpack(ADDRESS, SHA1, folder, remove_root_dir=True))


my_model = PersonDetector()
my_model.version = 1
my_model.description = "MLPerf Tiny visual wake words: is there a person?"
my_model.dataset = pictures
my_model.classes = ["person", "non_person"]
my_model.input_shape = (96, 96, 3)
my_model.class_mode = "categorical"
my_model.class_weights = "balanced"

my_model.datagen = mltk.ParallelImageDataGenerator(
    dtype=np.float32,
    rotation_range=10,
    width_shift_range=0.05,
    height_shift_range=0.05,
    zoom_range=0.1,
    horizontal_flip=True,
    rescale=1 / 255,
    validation_augmentation_enabled=False,
    validation_split=0.1,
)


def build_model(model: PersonDetector) -> keras.Model:
    """Build the architecture of the benchmark."""
    keras_model = MobileNetV1(model.input_shape, num_classes=model.n_classes)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 50
my_model.batch_size = 50
my_model.optimizer = keras.optimizers.Adam(1e-3)
my_model.lr_schedule = dict(schedule=lambda epoch: 1e-3 if epoch < 20 else 5e-4 if epoch < 30 else 2.5e-4)
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
