# Face or not face, from two folders of pictures
# @mltk_model
import tensorflow as tf
from tensorflow.keras.layers import Dense, Dropout, GlobalAveragePooling2D
from tensorflow.keras.models import Model

import mltk.core as mltk_core
from mltk.core.preprocess.image.parallel_generator import ParallelImageDataGenerator


class MyModel(
    mltk_core.MltkModel, mltk_core.TrainMixin, mltk_core.ImageDatasetMixin, mltk_core.EvaluateClassifierMixin
):
    pass


my_model = MyModel()
my_model.version = 2
my_model.description = "Face detection, for my door camera"

my_model.epochs = 50
my_model.batch_size = 16
my_model.optimizer = "adam"
my_model.metrics = ["accuracy"]
my_model.loss = "categorical_crossentropy"

my_model.reduce_lr_on_plateau = dict(monitor="accuracy", factor=0.25, patience=10, min_delta=0.001)
my_model.early_stopping = dict(monitor="accuracy", patience=15)
my_model.tensorboard = None
my_model.checkpoint["monitor"] = "val_accuracy"

my_model.dataset = "face_dataset"
my_model.class_mode = "categorical"
my_model.classes = ("face", "not_face")
my_model.class_weights = "balanced"
my_model.input_shape = (96, 96, 3)
my_model.target_size = (96, 96, 3)
my_model.shuffle_dataset_enabled = True


def center(params, x):
    # same thing as preprocess_input of mobilenet
    return (x - 127.5) / 127.5


my_model.datagen = ParallelImageDataGenerator(
    cores=0.35,
    debug=False,
    max_batches_pending=32,
    validation_split=0.2,
    validation_augmentation_enabled=False,
    rotation_range=15,
    width_shift_range=5,
    height_shift_range=0.1,
    brightness_range=(0.80, 1.10),
    contrast_range=(0.80, 1.10),
    noise=["gauss", "poisson", "s&p"],
    zoom_range=(0.9, 1.1),
    horizontal_flip=True,
    vertical_flip=False,
    fill_mode="nearest",
    preprocessing_function=center,
)


def my_model_builder(model: MyModel):
    base = tf.keras.applications.MobileNet(
        input_shape=model.input_shape,
        alpha=0.25,
        include_top=False,
        weights=None,
    )
    x = GlobalAveragePooling2D()(base.output)
    x = Dense(16, activation="relu")(x)
    x = Dropout(0.2)(x)
    out = Dense(model.n_classes, activation="softmax")(x)
    keras_model = Model(base.input, out)
    keras_model.compile(loss=model.loss, optimizer=model.optimizer, metrics=model.metrics)
    return keras_model


my_model.build_model_function = my_model_builder

my_model.tflite_converter["optimizations"] = [tf.lite.Optimize.DEFAULT]
my_model.tflite_converter["supported_ops"] = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
my_model.tflite_converter["inference_input_type"] = tf.int8
my_model.tflite_converter["inference_output_type"] = tf.int8
my_model.tflite_converter["representative_dataset"] = "generate"

my_model.model_parameters["detection_threshold"] = 0.9
