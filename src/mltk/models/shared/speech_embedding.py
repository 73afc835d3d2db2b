"""Convolutions that have heard very many people, to begin a model of spoken words with.

Lin, Kilgour, Roblek and Sharifi, "Training Keyword Spotters with Limited and Synthesized Speech Data", ICASSP 2020
(arXiv:2002.01322), trained a network of 20 convolutions on 200 million clips of speech, and published it under the
Apache License 2.0. Its first convolutions know what people's voices have in common, which can't be learned from a few
speakers or from synthesized speech, and they are small: nine of the 20 have 54,000 weights, where all have 328,000.

    x = inputs = keras.Input(model.input_shape)
    x = SpecAugment(max_frames=14, max_channels=5)(x)
    x = speech_embedding(x, convolutions=9)
    x = ...  # what recognizes the words
    x = layers.GlobalAveragePooling2D()(x)

The features must be those of :func:`frontend_settings`. They are the device's own fixed-point features; the network
was trained on logarithms of mel filterbanks, of which these are near enough.

The weights come with the package ``pyopen-wakeword`` (extra ``embedding``) or ``openwakeword``, which use the same
network, or from the file that ``MLTK_SPEECH_EMBEDDING`` names.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from keras import layers, ops

from mltk.errors import MissingDependencyError, ModelNotFoundError, SettingError, TfliteError

if TYPE_CHECKING:
    from mltk.audio.frontend import AudioFeatureGeneratorSettings

WEIGHTS_VARIABLE = "MLTK_SPEECH_EMBEDDING"
CONVOLUTIONS = 19
"""Convolutions that can be had: all but the last, which only sums up."""
RANGE_DB = 60.0
CHANNELS = 32

# (kernel, filters) of each convolution and (frames, channels) of each maximum, in their order.
_LAYERS = (
    *((3, 3, 24), (1, 3, 24), (3, 1, 24), (2, 2)),
    *((1, 3, 48), (3, 1, 48), (1, 3, 48), (3, 1, 48), (1, 2)),
    *((1, 3, 72), (3, 1, 72), (1, 3, 72), (3, 1, 72), (2, 2)),
    *((1, 3, 96), (3, 1, 96), (1, 3, 96), (3, 1, 96), (1, 2)),
    *((1, 3, 96), (3, 1, 96), (1, 3, 96), (3, 1, 96)),
)
_SLOPE = 0.2  # of the activation below zero
# Where the file lies in the packages that carry it.
_PLACES = {
    "pyopen_wakeword": ("models", "embedding_model.tflite"),
    "openwakeword": ("resources", "models", "embedding_model.tflite"),
}
# The network's unit is 10 dB of power; this is its feature where ours is 0, the middle of the range. It is the mean
# over 50 recordings of which features were made both ways.
_MIDDLE = 8.75


class Convolution(NamedTuple):
    """Weights of one convolution, with what batch normalization did folded in."""

    kernel: np.ndarray
    """``[frames, channels, filters before, filters]`` float32."""
    bias: np.ndarray
    """``[filters]`` float32."""


def frontend_settings(
    sample_rate_hz: int = 16000, sample_length_ms: int = 1000, **others: Any
) -> AudioFeatureGeneratorSettings:
    """Settings of the audio frontend whose features the network understands.

    Windows of 25 ms every 10 ms, 32 channels from 60 to 3800 Hz; the 60 dB below the clip's loudest are −128 to 127.

    Args:
        sample_rate_hz: at least 8000.
        sample_length_ms: of a clip.
        others: further settings of ``AudioFeatureGeneratorSettings``.

    Raises:
        TypeError: one of ``others`` is a setting that the network's features depend on.
    """
    from mltk.audio.frontend import AudioFeatureGeneratorSettings

    features: dict[str, Any] = {
        "sample_rate_hz": sample_rate_hz,
        "sample_length_ms": sample_length_ms,
        "window_size_ms": 25,
        "window_step_ms": 10,
        "filterbank_n_channels": CHANNELS,
        "filterbank_lower_band_limit": 60.0,
        "filterbank_upper_band_limit": 3800.0,
        "quantize_dynamic_scale_enable": True,
        "quantize_dynamic_scale_range_db": RANGE_DB,
    }
    return AudioFeatureGeneratorSettings(**features, **others)


def speech_embedding(
    inputs: Any,
    convolutions: int = 9,
    *,
    margin: tuple[int, int] = (15, 8),
    trainable: bool = True,
    weights: str | os.PathLike[str] | None = "pretrained",
    name: str = "speech_embedding",
) -> Any:
    """The first convolutions of the network, applied to features.

    Over time there is no padding but ``margin``, so that frames get fewer; a word that starts with the clip needs the
    silence before it that the margin stands for, or its beginning is lost.

    Args:
        inputs: Keras tensor ``[samples, frames, 32, 1]`` of features −128 to 127 (see :func:`frontend_settings`).
        convolutions: how many, 1 to 19. 9 have 54 k parameters, 19 have 300 k.
        margin: frames of silence before and after the clip.
        trainable: whether training changes the weights.
        weights: ``"pretrained"``, the path of a ``.tflite`` that holds them, or None: drawn at random.
        name: of the layers, ``{name}_1`` and so on.

    Returns:
        Keras tensor ``[samples, about frames / 2, 8, 72]`` after 9 convolutions.

    Raises:
        SettingError: the inputs have another shape, or there aren't that many convolutions.
        MissingDependencyError: no installed package has the weights.
        ModelNotFoundError: the file of weights does not exist.
        TfliteError: the file holds another network.
    """
    if len(inputs.shape) != 4 or tuple(inputs.shape[2:]) != (CHANNELS, 1):
        raise SettingError(
            f"speech_embedding() needs features [samples, frames, {CHANNELS}, 1], not {tuple(inputs.shape)}.",
            hint="Take the settings of mltk.models.shared.speech_embedding.frontend_settings().",
        )
    if not 1 <= convolutions <= CONVOLUTIONS:
        raise SettingError(f"speech_embedding(): convolutions is {convolutions}; it can be 1 to {CONVOLUTIONS}.")
    given = None if weights is None else pretrained(find_weights() if weights == "pretrained" else weights)
    done = 0
    x = inputs
    for shape in _LAYERS:
        if done == convolutions:
            break
        if len(shape) == 2:
            x = layers.MaxPooling2D(shape)(x)
            continue
        frames, channels, filters = shape
        if done == 0:
            x = ops.pad(x, ((0, 0), margin, (1, 1), (0, 0)), constant_values=-128)
        elif channels > 1:
            x = layers.ZeroPadding2D(((0, 0), (channels // 2, channels // 2)))(x)
        layer = layers.Conv2D(filters, (frames, channels), name=f"{name}_{done + 1}", trainable=trainable)
        x = layers.LeakyReLU(_SLOPE)(layer(x))
        if given is not None:
            layer.set_weights(_for_features(given[0]) if done == 0 else given[done])
        done += 1
    return x


def find_weights() -> Path:
    """The ``.tflite`` that holds the weights: of ``MLTK_SPEECH_EMBEDDING``, or of an installed package.

    Raises:
        MissingDependencyError: there is none.
    """
    if named := os.environ.get(WEIGHTS_VARIABLE):
        return Path(named)
    for package, inside in _PLACES.items():
        spec = importlib.util.find_spec(package)  # imports nothing: pyopen_wakeword loads a library of its own
        for folder in (spec and spec.submodule_search_locations) or ():
            path = Path(folder, *inside)
            if path.is_file():
                return path
    raise MissingDependencyError("The package pyopen-wakeword, which carries the speech embedding,", "embedding")


def pretrained(path: str | os.PathLike[str]) -> list[Convolution]:
    """Weights of the network's convolutions, read from its ``.tflite``.

    Raises:
        ModelNotFoundError: there is no such file.
        TfliteError: it holds another network, or its weights are quantized.
    """
    from mltk.tflite import TfliteModel

    if not os.path.isfile(path):
        raise ModelNotFoundError(
            f"The weights of the speech embedding are not there: {os.fspath(path)}",
            hint=f"Unset {WEIGHTS_VARIABLE} to take those of pyopen-wakeword (pip install 'openmltk[embedding]').",
        )
    found = []
    for layer in TfliteModel.load_flatbuffer_file(os.fspath(path)).layers:
        if layer.opcode_str == "conv_2d":
            kernel, bias = (layer.get_input_data(i) for i in (1, 2))
            found.append(Convolution(np.transpose(kernel, (1, 2, 3, 0)), bias))
    expected = [shape for shape in _LAYERS if len(shape) == 3]
    shapes = [(*convolution.kernel.shape[:2], convolution.kernel.shape[3]) for convolution in found[:CONVOLUTIONS]]
    if shapes != expected or any(part.dtype != np.float32 for convolution in found for part in convolution):
        raise TfliteError(
            f"{os.fspath(path)} is not the speech embedding: it has {len(found)} convolutions, of which the first are "
            f"{shapes[:3]}, where float32 ones of {expected[:3]} (frames, channels, filters) and so on are expected."
        )
    return found[:CONVOLUTIONS]


def _for_features(first: Convolution) -> Convolution:
    """The first convolution for our features instead of the network's: what it is given is linear in ours."""
    scale = RANGE_DB / 10 / 255
    return Convolution(first.kernel * scale, first.bias + _MIDDLE * first.kernel.sum(axis=(0, 1, 2)))
