# @mltk_model
# shake / tap / idle from three axes. CSV files, one folder for each class
import csv
import glob
import os

import numpy as np
import tensorflow as tf
from tensorflow import keras

import mltk.core as mltk_core

WINDOW = 64


class MyModel(mltk_core.MltkModel, mltk_core.TrainMixin, mltk_core.DatasetMixin, mltk_core.EvaluateClassifierMixin):
    def load_dataset(self, subset, test=False, **kwargs):
        super().load_dataset(subset)
        x, y, who = read_files(self.classes)
        held_out = who == "anna"
        if subset == "training":
            if test:
                self.batch_size = 4
            self.x = pipeline(x[~held_out], y[~held_out], self.n_classes, self.batch_size, shuffle=True)
            self.validation_data = pipeline(x[held_out], y[held_out], self.n_classes, self.batch_size)
            self.class_counts["training"] = {n: int((y[~held_out] == i).sum()) for i, n in enumerate(self.classes)}
        else:
            self.x = pipeline(x[held_out], y[held_out], self.n_classes, self.batch_size)
        self.y = None

    def unload_dataset(self):
        super().unload_dataset()
        self.x = None
        self.validation_data = None


def read_files(classes):
    x, y, who = [], [], []
    for label, name in enumerate(classes):
        for path in sorted(glob.glob(os.path.join("recordings", name, "*.csv"))):
            with open(path) as f:
                rows = np.array([[float(v) for v in row] for row in csv.reader(f)], dtype=np.float32)
            for i in range(0, len(rows) - WINDOW + 1, WINDOW // 2):
                x.append(rows[i : i + WINDOW])
                y.append(label)
                who.append(os.path.basename(path).split("_")[0])
    return np.array(x), np.array(y), np.array(who)


def pipeline(x, y, n_classes, batch_size, shuffle=False):
    ds = tf.data.Dataset.from_tensor_slices((x, keras.utils.to_categorical(y, n_classes)))
    if shuffle:
        ds = ds.shuffle(1000)
        ds = ds.map(lambda a, b: (a * tf.random.uniform([], 0.8, 1.2), b), num_parallel_calls=tf.data.AUTOTUNE)
    return ds.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def build(model: MyModel):
    net = keras.models.Sequential()
    net.add(keras.layers.InputLayer(model.input_shape))
    net.add(keras.layers.Conv1D(8, 4, padding="same", activation="relu"))
    net.add(keras.layers.MaxPool1D(3))
    net.add(keras.layers.Conv1D(16, 4, padding="same", dilation_rate=2, activation="relu"))
    net.add(keras.layers.MaxPooling1D(3, padding="same"))
    net.add(keras.layers.Dropout(0.1))
    net.add(keras.layers.Flatten())
    net.add(keras.layers.Dense(16, activation="relu"))
    net.add(keras.layers.Dense(model.n_classes, activation="softmax"))
    net.compile(loss=model.loss, optimizer=model.optimizer, metrics=model.metrics)
    return net


my_model = MyModel()
my_model.version = 1
my_model.description = "IMU gestures"
my_model.classes = ["shake", "tap", "idle"]
my_model.input_shape = (WINDOW, 3)
my_model.build_model_function = build
my_model.epochs = 20
my_model.batch_size = 16
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.optimizer = keras.optimizers.Adam(learning_rate=1e-3)
my_model.tflite_converter["inference_input_type"] = tf.int8
my_model.tflite_converter["inference_output_type"] = tf.int8


@my_model.cli.command("count")
def count_command():
    """Print how many windows there are"""
    print(len(read_files(my_model.classes)[0]))
