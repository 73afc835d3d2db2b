"""Functions that build architectures from the literature that are small enough for a microcontroller.

- ``fully_connected_autoencoder.py``, ``dsconv_arm.py``, ``mobilenet_v1.py``, ``resnet_v1.py``: the models of the
  benchmark MLPerf Tiny.
- ``mobilenet_v2.py``: MobileNetV2, for images.
- ``tenet.py``: TENet, for keyword spotting.
- ``bc_resnet.py``: BC-ResNet, for keyword spotting.
- ``kws_streaming/``: BC-ResNet with the audio features in the model.
- ``speech_embedding.py``: pretrained convolutions for models of spoken words.
- ``shape.py``: the type of the argument ``input_shape``.
"""

from __future__ import annotations

from mltk.models.shared import (
    bc_resnet,
    dsconv_arm,
    fully_connected_autoencoder,
    mobilenet_v1,
    mobilenet_v2,
    resnet_v1,
    speech_embedding,
    tenet,
)
from mltk.models.shared.bc_resnet import BCResNet
from mltk.models.shared.dsconv_arm import DepthwiseSeparableConv2D_ARM
from mltk.models.shared.fully_connected_autoencoder import FullyConnectedAutoEncoder
from mltk.models.shared.mobilenet_v1 import MobileNetV1
from mltk.models.shared.mobilenet_v2 import MobileNetV2
from mltk.models.shared.resnet_v1 import ResNet10V1

__all__ = [
    "BCResNet",
    "DepthwiseSeparableConv2D_ARM",
    "FullyConnectedAutoEncoder",
    "MobileNetV1",
    "MobileNetV2",
    "ResNet10V1",
    "bc_resnet",
    "dsconv_arm",
    "fully_connected_autoencoder",
    "mobilenet_v1",
    "mobilenet_v2",
    "resnet_v1",
    "speech_embedding",
    "tenet",
]
