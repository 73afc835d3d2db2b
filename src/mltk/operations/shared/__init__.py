"""Steps that several operations use.

``load``: which model an argument means. ``prepare``: load the specification. ``check_dataset``: load the dataset and
check its labels. ``keras_model``: build or load the Keras model. ``convert``, ``representative``: the TensorFlow Lite
converter and its samples. ``predictors``: compute a model's outputs. ``model_archive``, ``manifest``,
``fingerprint``: the archive. ``output``: where a ``.tflite`` goes. ``explain``, ``quiet``, ``tensorflow_setup``: errors
and messages of other people's code. ``model_types``: types for annotations.
"""
