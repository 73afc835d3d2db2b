"""Architectures from the literature that are small enough for a microcontroller, as functions that build them."""

from __future__ import annotations

from . import speech_embedding, tenet
from .autoencoder import FullyConnectedAutoEncoder
from .ds_cnn import DepthwiseSeparableConv2D_ARM
from .mobilenet_v1 import MobileNetV1
from .mobilenet_v2 import MobileNetV2
from .resnet import ResNet10V1

__all__ = [
    "DepthwiseSeparableConv2D_ARM",
    "FullyConnectedAutoEncoder",
    "MobileNetV1",
    "MobileNetV2",
    "ResNet10V1",
    "speech_embedding",
    "tenet",
]
