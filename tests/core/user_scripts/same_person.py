# @mltk_model
# Two sensor readings from the same person? Siamese network with a Sequence that makes the pairs
import numpy as np
from tensorflow import keras
from tensorflow.keras import backend as K  # noqa: F401 - left over from an older version
from tensorflow.keras.layers import Dense, Flatten, Conv1D, Input

import mltk.core as mltk_core


class SamePerson(
    mltk_core.MltkModel,
    mltk_core.TrainMixin,
    mltk_core.DatasetMixin,
    mltk_core.EvaluateClassifierMixin,
):
    pass


class Pairs(keras.utils.Sequence):
    def __init__(self, x, who, batch_size, n_batches, seed):
        super().__init__()
        self.x, self.who, self.batch_size, self.n_batches, self.seed = x, who, batch_size, n_batches, seed

    def __len__(self):
        return self.n_batches

    def __getitem__(self, idx):
        rng = np.random.RandomState(self.seed * 1000 + idx)
        a = rng.randint(len(self.x), size=self.batch_size)
        b = rng.randint(len(self.x), size=self.batch_size)
        half = self.batch_size // 2
        for i in range(half):  # same person
            b[i] = rng.choice(np.where(self.who == self.who[a[i]])[0])
        same = (self.who[a] == self.who[b]).astype("float32")
        return (self.x[a], self.x[b]), same


def load_my_data(model, subset, test):
    data = np.load("readings.npz")
    x, who = data["x"].astype("float32"), data["who"]
    n = 2 if test else 20
    return Pairs(x, who, 32, n, seed=1 if subset == "training" else 2)


def build(model):
    def encoder():
        inp = Input(model.input_shape)
        y = Conv1D(8, 5, strides=2, activation="relu")(inp)
        y = Flatten()(y)
        return keras.Model(inp, Dense(8)(y), name="encoder")

    enc = encoder()
    left, right = Input(model.input_shape), Input(model.input_shape)
    product = keras.layers.Multiply()([enc(left), enc(right)])
    score = Dense(1, activation="sigmoid")(product)
    net = keras.Model(inputs=[left, right], outputs=score)
    net.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return net


my_model = SamePerson()
my_model.version = 1
my_model.description = "siamese"
my_model.classes = ["different", "same"]
my_model.input_shape = (32, 2)
my_model.dataset = load_my_data
my_model.build_model_function = build
my_model.epochs = 8
my_model.batch_size = 32
my_model.checkpoint["monitor"] = "accuracy"
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
