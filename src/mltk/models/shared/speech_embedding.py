"""Pretrained convolutions for models of spoken words.

Lin, Kilgour, Roblek and Sharifi, "Training Keyword Spotters with Limited and Synthesized Speech Data", ICASSP 2020
(arXiv:2002.01322), trained a network of 20 convolutions on 200 million clips of speech, and published it under the
Apache License 2.0. The first convolutions have learned what the voices of many people have in common. A model cannot
learn this from a few speakers or from synthesized speech. The first nine convolutions have 54,000 weights, all 20 have
328,000::

    x = inputs = keras.Input(model.input_shape)
    x = SpecAugment(max_frames=14, max_channels=5)(x)
    x = speech_embedding(x, convolutions=9)
    x = ...  # layers that recognize the words
    x = layers.GlobalAveragePooling2D()(x)

The features must be those of :func:`frontend_settings`: the fixed-point features of the device. The network was trained
on logarithms of mel filterbanks, which are nearly equal.

The weights are in the packages ``pyopen-wakeword`` (extra ``embedding``) and ``openwakeword``, which use the same
network. The environment variable ``MLTK_SPEECH_EMBEDDING`` can name another file.
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
"""Number of available convolutions: all but the last, which only adds up."""
RANGE_DB = 60.0
CHANNELS = 32

# (frames, channels, filters) of each convolution and (frames, channels) of each maximum pooling, in order.
_LAYERS = (
    *((3, 3, 24), (1, 3, 24), (3, 1, 24), (2, 2)),
    *((1, 3, 48), (3, 1, 48), (1, 3, 48), (3, 1, 48), (1, 2)),
    *((1, 3, 72), (3, 1, 72), (1, 3, 72), (3, 1, 72), (2, 2)),
    *((1, 3, 96), (3, 1, 96), (1, 3, 96), (3, 1, 96), (1, 2)),
    *((1, 3, 96), (3, 1, 96), (1, 3, 96), (3, 1, 96)),
)
_SLOPE = 0.2  # slope of the activation below zero
# Place of the file in each package that has it.
_PLACES = {
    "pyopen_wakeword": ("models", "embedding_model.tflite"),
    "openwakeword": ("resources", "models", "embedding_model.tflite"),
}
# The unit of the network's features is 10 dB of power. This is the network's feature where ours is 0, the middle of the
# range: the mean over 50 recordings, with both kinds of features.
_MIDDLE = 8.75


class Convolution(NamedTuple):
    """Weights of one convolution, including those of its batch normalization."""

    kernel: np.ndarray
    """float32 ``[frames, channels, input filters, filters]``."""
    bias: np.ndarray
    """float32 ``[filters]``."""


def frontend_settings(
    sample_rate_hz: int = 16000, sample_length_ms: int = 1000, **others: Any
) -> AudioFeatureGeneratorSettings:
    """Return the settings of the audio frontend whose features fit the network.

    The windows are 25 ms long, every 10 ms. There are 32 channels from 60 to 3800 Hz. The values −128 to 127 are the
    60 dB below the loudest value of the clip.

    Args:
        sample_rate_hz: Sample rate in Hz, at least 8000.
        sample_length_ms: Length of a clip in ms.
        others: More settings of ``AudioFeatureGeneratorSettings``.

    Raises:
        TypeError: ``others`` has a setting on which the network's features depend.
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
    """Apply the first convolutions of the network to features.

    Over time, the only padding is ``margin``, so that the number of frames becomes smaller. Without a margin of
    silence, the start of a word at the start of the clip would be lost.

    Args:
        inputs: Keras tensor ``[samples, frames, 32, 1]`` of features from −128 to 127 (see :func:`frontend_settings`).
        convolutions: Number of convolutions, 1 to 19. 9 convolutions have 54 k parameters, 19 have 300 k.
        margin: Frames of silence before and after the clip.
        trainable: Whether training changes the weights.
        weights: ``"pretrained"``, the path of a ``.tflite`` with the weights, or None for random weights.
        name: Start of the layers' names, ``{name}_1`` and so on.

    Returns:
        Keras tensor; after 9 convolutions ``[samples, about frames / 2, 8, 72]``.

    Raises:
        SettingError: The inputs have another shape, or there are fewer convolutions.
        MissingDependencyError: No installed package has the weights.
        ModelNotFoundError: The file of weights does not exist.
        TfliteError: The file has another network.
    """
    if len(inputs.shape) != 4 or tuple(inputs.shape[2:]) != (CHANNELS, 1):
        raise SettingError(
            f"speech_embedding() needs features [samples, frames, {CHANNELS}, 1], not {tuple(inputs.shape)}.",
            hint="Use the settings of mltk.models.shared.speech_embedding.frontend_settings().",
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
    """Return the path of the ``.tflite`` with the weights: ``MLTK_SPEECH_EMBEDDING``, or in an installed package.

    Raises:
        MissingDependencyError: No installed package has the file.
    """
    if named := os.environ.get(WEIGHTS_VARIABLE):
        return Path(named)
    for package, inside in _PLACES.items():
        spec = importlib.util.find_spec(package)  # find, but do not import: pyopen_wakeword loads a native library
        for folder in (spec and spec.submodule_search_locations) or ():
            path = Path(folder, *inside)
            if path.is_file():
                return path
    raise MissingDependencyError("The package pyopen-wakeword, which has the speech embedding,", "embedding")


def pretrained(path: str | os.PathLike[str]) -> list[Convolution]:
    """Read the weights of the network's convolutions from its ``.tflite``.

    Raises:
        ModelNotFoundError: There is no such file.
        TfliteError: The file has another network, or its weights are quantized.
    """
    from mltk.tflite import TfliteModel

    if not os.path.isfile(path):
        raise ModelNotFoundError(
            f"There is no file {os.fspath(path)} with the weights of the speech embedding.",
            hint=f"Unset {WEIGHTS_VARIABLE} to use the weights of pyopen-wakeword (pip install 'openmltk[embedding]').",
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
            f"{os.fspath(path)} is not the speech embedding. It has {len(found)} convolutions, the first of shape "
            f"{shapes[:3]} (frames, channels, filters). Expected are float32 convolutions, the first of shape "
            f"{expected[:3]}."
        )
    return found[:CONVOLUTIONS]


def _for_features(first: Convolution) -> Convolution:
    """Change the first convolution from the network's features to ours; the network's are linear in ours."""
    scale = RANGE_DB / 10 / 255
    return Convolution(first.kernel * scale, first.bias + _MIDDLE * first.kernel.sum(axis=(0, 1, 2)))
