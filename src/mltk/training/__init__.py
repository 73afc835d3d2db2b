"""Keras callbacks, checkpoints, losses and layers. Modules here may import TensorFlow and Keras."""
