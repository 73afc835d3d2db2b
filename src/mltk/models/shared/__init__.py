"""Functions that build architectures from the literature that are small enough for a microcontroller.

- ``autoencoder.py``, ``ds_cnn.py``, ``mobilenet_v1.py``, ``resnet.py``: the models of the benchmark MLPerf Tiny.
- ``mobilenet_v2.py``: MobileNetV2, for images.
- ``tenet.py``: TENet, for keyword spotting.
- ``speech_embedding.py``: pretrained convolutions for models of spoken words.
- ``shape.py``: the type of the argument ``input_shape``.
"""

from __future__ import annotations

from mltk.models.shared import speech_embedding, tenet
from mltk.models.shared.autoencoder import FullyConnectedAutoEncoder
from mltk.models.shared.ds_cnn import DepthwiseSeparableConv2D_ARM
from mltk.models.shared.mobilenet_v1 import MobileNetV1
from mltk.models.shared.mobilenet_v2 import MobileNetV2
from mltk.models.shared.resnet import ResNet10V1

__all__ = [
    "DepthwiseSeparableConv2D_ARM",
    "FullyConnectedAutoEncoder",
    "MobileNetV1",
    "MobileNetV2",
    "ResNet10V1",
    "speech_embedding",
    "tenet",
]
