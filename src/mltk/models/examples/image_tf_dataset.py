"""Persons in pictures: how to load and augment images with ``tf.data``.

    mltk train image_tf_dataset
    mltk evaluate image_tf_dataset --tflite

The samples are those of ``visual_wake_words``. Prefer ``ImageDatasetMixin``, which is faster. Use this example as a
start if your samples already come from a ``tf.data.Dataset``. So far, this model was trained on a stand-in for its
data only. The commands above show the accuracy of a run. The first run downloads the pictures.
"""
# @mltk_model

import keras
import tensorflow as tf

import mltk
from mltk.data.fetch.download import datasets_dir
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.models.shared import MobileNetV2

ADDRESS = "https://www.silabs.com/public/files/github/machine_learning/benchmarks/datasets/vw_coco2014_96.tar.gz"
SHA1 = "a5a465082d3f396407f8b5abaf824dd5b28439c4"
VALIDATION_SPLIT = 0.1


class PersonDetector(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output a probability for each class."""


class Pictures(mltk.MltkDataset):
    """Batches of augmented pictures."""

    def load_dataset(self, subset: str, test: bool = False, **kwargs: object) -> object:
        """Load batches for training and validation, or for evaluation."""
        held_out = self.batches("validation", test)
        return (self.batches("training", test), None, held_out) if subset == "training" else held_out

    def batches(self, part: str, test: bool) -> tf.data.Dataset:
        """Make batches ``[n, 96, 96, 3]`` from -1 to 1 and one-hot labels."""
        folder = datasets_dir() / "mscoco14" / "preprocessed" / "v1"
        dataset = keras.utils.image_dataset_from_directory(
            fetch_and_unpack(ADDRESS, SHA1, folder, remove_root_dir=True),
            label_mode="categorical",
            class_names=my_model.classes,
            batch_size=my_model.batch_size,
            image_size=my_model.input_shape[:2],
            validation_split=VALIDATION_SPLIT,
            subset=part,
            seed=my_model.seed,
            verbose=False,
        )
        if test:
            dataset = dataset.take(1)
        dataset = dataset.map(lambda x, y: (x / 127.5 - 1, y))
        if part == "training":
            dataset = dataset.map(lambda x, y: (augmentation(x, training=True), y))
        return dataset.prefetch(2)


augmentation = keras.Sequential(
    [
        keras.layers.RandomFlip("horizontal", seed=1),
        keras.layers.RandomRotation(0.05, seed=2),
        keras.layers.RandomTranslation(0.05, 0.05, seed=3),
        keras.layers.RandomContrast(0.2, seed=4),
    ]
)


def build_model(model: PersonDetector) -> keras.Model:
    """Build a narrow MobileNetV2."""
    keras_model = MobileNetV2(model.input_shape, alpha=0.15, classes=model.n_classes, last_block_filters=384)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = PersonDetector()
my_model.version = 1
my_model.description = "Persons in pictures, loaded with tf.data"
my_model.dataset = Pictures()
my_model.classes = ["person", "non_person"]
my_model.input_shape = (96, 96, 3)
my_model.build_model_function = build_model
my_model.epochs = 100
my_model.batch_size = 64
my_model.optimizer = "adam"
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.early_stopping = dict(monitor="val_accuracy", patience=20, restore_best_weights=True)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
