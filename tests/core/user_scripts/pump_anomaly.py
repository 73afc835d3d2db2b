# @mltk_model
"""Does the pump sound strange? MFCC vectors from a .npz, trained on the good pump only"""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

import mltk.core as mltk_core


class PumpModel(
    mltk_core.MltkModel,
    mltk_core.TrainMixin,
    mltk_core.DatasetMixin,
    mltk_core.EvaluateAutoEncoderMixin,
):
    def load_dataset(self, subset, classes=None, max_samples_per_class=-1, **kwargs):
        super().load_dataset(subset)
        data = np.load("pump.npz")
        if subset == "training":
            x = data["normal"][:-50]
        elif classes and classes[0] == "abnormal":
            x = data["abnormal"]
        else:
            x = data["normal"][-50:]
        if max_samples_per_class > 0:
            x = x[:max_samples_per_class]
        self.x = x
        self.y = x
        if subset == "training":
            self.validation_split = 0.1


@tf.keras.utils.register_keras_serializable("pump")
class Clip(layers.Layer):
    """my own layer"""

    def __init__(self, limit=1.0, **kwargs):
        super().__init__(**kwargs)
        self.limit = limit

    def call(self, x):
        return tf.clip_by_value(x, -self.limit, self.limit)

    def get_config(self):
        return {**super().get_config(), "limit": self.limit}


class WeightedMse(tf.keras.losses.Loss):
    """low coefficients matter more"""

    def call(self, y_true, y_pred):
        weights = tf.linspace(2.0, 1.0, tf.shape(y_pred)[-1])
        return tf.reduce_mean(weights * tf.square(y_true - y_pred), axis=-1)


def build(model):
    inp = layers.Input(shape=model.input_shape)
    x = Clip(3.0)(inp)
    x = layers.Dense(16)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Dense(4, activation="relu")(x)
    x = layers.Dense(16, activation="relu")(x)
    out = layers.Dense(model.input_shape[0])(x)
    net = tf.keras.models.Model(inp, out)
    net.compile(loss=WeightedMse(), optimizer=model.optimizer, metrics=["mse"])
    return net


def my_score(orig, decoded):
    return np.mean(np.abs(np.asarray(orig) - np.asarray(decoded)))


my_model = PumpModel()
my_model.version = 3
my_model.description = "pump"
my_model.input_shape = (26,)
my_model.classes = ["normal"]
my_model.eval_classes = ["normal", "abnormal"]
my_model.scoring_function = my_score
my_model.build_model_function = build
my_model.keras_custom_objects["WeightedMse"] = WeightedMse
my_model.epochs = 10
my_model.batch_size = 20
my_model.optimizer = "adam"
my_model.tflite_converter["inference_input_type"] = tf.int8
my_model.tflite_converter["inference_output_type"] = tf.int8
