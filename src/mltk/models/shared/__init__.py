"""Architectures from the literature that are small enough for a microcontroller, as functions that build them."""

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
