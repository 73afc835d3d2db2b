"""Words, as pictures of their spectrograms (I made them with another program)"""

# @mltk_model
import numpy as np
import tensorflow as tf

from mltk.core import (
    EvaluateClassifierMixin,
    ImageDatasetMixin,
    MltkModel,
    TrainMixin,
)
from mltk.core.preprocess.image.parallel_generator import ParallelImageDataGenerator
from mltk.models.shared import DepthwiseSeparableConv2D_ARM


class MyModel(MltkModel, TrainMixin, ImageDatasetMixin, EvaluateClassifierMixin):
    pass


my_model = MyModel()
my_model.version = 1
my_model.description = "spoken words"
my_model.epochs = 30
my_model.batch_size = 10
my_model.optimizer = tf.keras.optimizers.Adam(learning_rate=0.001)
my_model.metrics = ["accuracy"]
my_model.loss = "categorical_crossentropy"
my_model.train_kwargs = dict(verbose=1)

my_model.dataset = "./spectrograms"
my_model.classes = ["licht", "musik", "stopp"]
my_model.input_shape = (49, 40, 1)
my_model.color_mode = "grayscale"
my_model.interpolation = "nearest"


def add_mask(params, x):
    """Hide a few bands, like SpecAugment"""
    x = np.array(x)
    first = np.random.randint(0, 36)
    x[:, first : first + 4] = 0
    return x


my_model.datagen = ParallelImageDataGenerator(
    cores=2,
    validation_split=0.25,
    width_shift_range=0.0,
    height_shift_range=4,
    fill_mode="constant",
    cval=0.0,
    rescale=1 / 255.0,
    preprocessing_function=add_mask,
    save_to_dir=None,
)

my_model.build_model_function = lambda model: build(model)


def build(model):
    net = DepthwiseSeparableConv2D_ARM(
        input_shape=model.input_shape,
        num_classes=model.n_classes,
        filters=16,
    )
    net.compile(loss=model.loss, optimizer=model.optimizer, metrics=model.metrics)
    return net


my_model.tflite_converter["optimizations"] = ["DEFAULT"]
my_model.tflite_converter["supported_ops"] = ["TFLITE_BUILTINS_INT8"]
my_model.tflite_converter["inference_input_type"] = np.float32
my_model.tflite_converter["inference_output_type"] = np.float32

if __name__ == "__main__":
    from mltk import cli

    cli.get_logger().info("run: mltk train spoken_words")
