# @mltk_model
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense, Activation, Flatten, BatchNormalization
from tensorflow.keras.layers import Conv2D, MaxPooling2D, Dropout
from mltk.core import *
from mltk.core.preprocess.image.parallel_generator import ParallelImageDataGenerator


class MyModel(MltkModel, TrainMixin, ImageDatasetMixin, EvaluateClassifierMixin):
    pass


my_model = MyModel()
my_model.version = 1
my_model.description = "Rock paper scissors"
my_model.dataset = "rps"
my_model.classes = ["rock", "paper", "scissor", "_unknown_"]
my_model.input_shape = (84, 84, 1)
my_model.class_mode = "categorical"
my_model.epochs = 95
my_model.batch_size = 32
my_model.optimizer = "adam"
my_model.metrics = ["accuracy"]
my_model.loss = "categorical_crossentropy"
my_model.reduce_lr_on_plateau = dict(monitor="accuracy", factor=0.95, min_delta=0.001, patience=1)
my_model.checkpoint["monitor"] = "val_accuracy"
my_model.early_stopping = dict(monitor="accuracy", patience=25, min_delta=0.01)

my_model.datagen = ParallelImageDataGenerator(
    cores=0.45,
    samplewise_center=True,
    samplewise_std_normalization=True,
    rotation_range=20,
    width_shift_range=7,
    height_shift_range=5,
    brightness_range=[0.50, 1.70],
    contrast_range=[0.50, 1.70],
    noise=["gauss", "poisson", "s&p", "speckle"],
    random_transforms_enabled=True,
    zoom_range=(0.95, 1.05),
    rescale=None,
    horizontal_flip=True,
    vertical_flip=True,
    validation_augmentation_enabled=False,
    validation_split=0.15,
    max_samples_per_class=100,
)


def my_model_builder(model):
    keras_model = Sequential(
        name=model.name,
        layers=[
            Conv2D(12, (3, 3), input_shape=model.input_shape),
            BatchNormalization(),
            Activation("relu"),
            MaxPooling2D(2, 2),
            Conv2D(16, (3, 3)),
            BatchNormalization(),
            Activation("relu"),
            MaxPooling2D(2, 2),
            Flatten(),
            Dense(16),
            BatchNormalization(),
            Activation("relu"),
            Dropout(0.5),
            Dense(model.n_classes, activation="softmax"),
        ],
    )
    keras_model.compile(loss=model.loss, optimizer=model.optimizer, metrics=model.metrics)
    return keras_model


my_model.build_model_function = my_model_builder
my_model.tflite_converter["optimizations"] = ["DEFAULT"]
my_model.tflite_converter["supported_ops"] = ["TFLITE_BUILTINS_INT8"]
my_model.tflite_converter["inference_input_type"] = "float32"
my_model.tflite_converter["inference_output_type"] = "float32"
my_model.tflite_converter["representative_dataset"] = "generate"

my_model.model_parameters["average_window_duration_ms"] = 500
my_model.model_parameters["detection_threshold"] = 175
my_model.model_parameters["samplewise_norm.mean_and_std"] = True
