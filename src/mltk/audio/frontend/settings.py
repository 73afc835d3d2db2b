"""The settings of the audio frontend, with the names and defaults of MLTK 0.20."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mltk.errors import SettingError, did_you_mean

PREFIX = "fe."
"""Start of the settings' names among a model's parameters."""

MAX_FFT_LENGTH = 32768


class _Field(NamedTuple):
    default: bool | int | float
    doc: str
    low: float = 0
    high: float = math.inf


_FIELDS: dict[str, _Field] = {
    "sample_rate_hz": _Field(16000, "Sample rate of the audio, in Hz.", 1, 1_000_000),
    "sample_length_ms": _Field(1000, "Length of a clip, in ms.", 1),
    "window_size_ms": _Field(25, "Length of the window that one row of features is computed from, in ms.", 1, 32768),
    "window_step_ms": _Field(10, "Time from one window to the next (the hop), in ms.", 1, 32768),
    "window_double_precision_enable": _Field(
        False,
        "Compute the window in double precision, as the TensorFlow microfrontend does; firmware built for MLTK 0.20 "
        "computes it in single precision.",
    ),
    "filterbank_n_channels": _Field(32, "Channels of the mel filterbank, which are the features of a row.", 1, 16384),
    "filterbank_upper_band_limit": _Field(7500.0, "Highest frequency of the filterbank, in Hz.", 0),
    "filterbank_lower_band_limit": _Field(125.0, "Lowest frequency of the filterbank, in Hz.", 0),
    "noise_reduction_enable": _Field(False, "Subtract a running estimate of the noise from every channel."),
    "noise_reduction_smoothing_bits": _Field(10, "Bits by which the noise estimate is scaled up.", 0, 16),
    "noise_reduction_even_smoothing": _Field(0.025, "Weight of a new value in the noise of even channels.", 0, 1),
    "noise_reduction_odd_smoothing": _Field(0.06, "Weight of a new value in the noise of odd channels.", 0, 1),
    "noise_reduction_min_signal_remaining": _Field(0.05, "Share of the signal that is always kept.", 0, 1),
    "pcan_enable": _Field(False, "Per-channel amplitude normalization; needs noise reduction."),
    "pcan_strength": _Field(0.95, "Exponent of the gain control; 0 is none.", 0, 16),
    "pcan_offset": _Field(80.0, "Added to the noise estimate before the exponent.", 0),
    "pcan_gain_bits": _Field(21, "Fraction bits of the gain.", 0, 31),
    "log_scale_enable": _Field(True, "Take the logarithm of the features."),
    "log_scale_shift": _Field(6, "The natural logarithm is scaled by 2 to this.", 0, 11),
    "activity_detection_enable": _Field(False, "Detect the onset of sound after a pause."),
    "activity_detection_alpha_a": _Field(0.5, "Weight of the past in the fast moving average of the level.", 0, 1),
    "activity_detection_alpha_b": _Field(0.8, "Weight of the past in the slow moving average of the level.", 0, 1),
    "activity_detection_arm_threshold": _Field(0.75, "Ratio fast / slow below which the detector arms.", 0, 7.999),
    "activity_detection_trip_threshold": _Field(0.8, "Ratio fast / slow above which it then trips.", 0, 7.999),
    "dc_notch_filter_enable": _Field(False, "Remove the constant part of the audio."),
    "dc_notch_filter_coefficient": _Field(0.95, "b in y[n] = x[n] - x[n-1] + b y[n-1].", 0, 0.9999),
    "quantize_dynamic_scale_enable": _Field(False, "Scale a clip's int8 features so that the largest is 127."),
    "quantize_dynamic_scale_range_db": _Field(40.0, "What is this far below the largest becomes -128, in dB.", 0),
}


def _describe(name: str) -> str:
    field = _FIELDS[name]
    kind = type(field.default).__name__
    if isinstance(field.default, bool):
        return f"{kind}, default {field.default}"
    span = f"{field.low:g} and more" if field.high == math.inf else f"{field.low:g} to {field.high:g}"
    return f"{kind}, {span}, default {field.default}"


def _convert(name: str, value: Any) -> bool | int | float:
    """Convert a value to the type of a setting.

    Raises:
        SettingError: The value has the wrong type or is out of range.
    """
    field = _FIELDS[name]
    kind = type(field.default)
    problem = SettingError(
        f"{name} can't be {value!r}: it is {_describe(name)}.",
        hint=field.doc,
    )
    converted: bool | int | float
    try:
        if isinstance(value, str):
            raise problem
        if kind is bool:
            converted = bool(operator.index(value))
            if converted != value:
                raise problem
        elif kind is int:
            converted = int(value)
            if converted != value:
                raise problem
        else:
            converted = float(value)
    except (TypeError, ValueError, OverflowError):
        raise problem from None
    if kind is not bool and not field.low <= converted <= field.high:
        raise problem
    return converted


class AudioFeatureGeneratorSettings(dict[str, Any]):
    """Settings of :class:`AudioFeatureGenerator`, as attributes; as a dict, the model parameters ``fe.*``.

    ``settings.sample_rate_hz`` and ``settings["fe.sample_rate_hz"]`` are the same; ``parameters.update(settings)``
    puts all of them into a model. Names, units and defaults are those of MLTK 0.20.

    A misspelled name, a wrong type or a value out of range raises :class:`~mltk.errors.SettingError` immediately.
    Conditions on several settings (a band limit above half the sample rate, for example) are checked by :meth:`check`.
    :class:`AudioFeatureGenerator` calls it, so settings may be assigned in any order.

    Args:
        kwargs: Settings by name.

    Raises:
        SettingError: Settings are unknown or impossible; the message lists all of them.
    """

    # For type checkers and IDEs; the values are items of the dict.
    sample_rate_hz: int
    sample_length_ms: int
    window_size_ms: int
    window_step_ms: int
    window_double_precision_enable: bool
    filterbank_n_channels: int
    filterbank_upper_band_limit: float
    filterbank_lower_band_limit: float
    noise_reduction_enable: bool
    noise_reduction_smoothing_bits: int
    noise_reduction_even_smoothing: float
    noise_reduction_odd_smoothing: float
    noise_reduction_min_signal_remaining: float
    pcan_enable: bool
    pcan_strength: float
    pcan_offset: float
    pcan_gain_bits: int
    log_scale_enable: bool
    log_scale_shift: int
    activity_detection_enable: bool
    activity_detection_alpha_a: float
    activity_detection_alpha_b: float
    activity_detection_arm_threshold: float
    activity_detection_trip_threshold: float
    dc_notch_filter_enable: bool
    dc_notch_filter_coefficient: float
    quantize_dynamic_scale_enable: bool
    quantize_dynamic_scale_range_db: float

    def __init__(self, **kwargs: Any) -> None:
        super().__init__({PREFIX + name: field.default for name, field in _FIELDS.items()})
        self._update_fft_length()
        problems = []
        for name, value in kwargs.items():
            try:
                setattr(self, name, value)
            except SettingError as error:
                problems.append(str(error))
        if problems:
            raise SettingError("\n".join(problems))

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> AudioFeatureGeneratorSettings:
        """Read the settings that a model was trained with from its parameters.

        Args:
            parameters: Model parameters. Names that do not start with ``fe.`` are ignored. A setting that is missing
                has its default.

        Raises:
            SettingError: The parameters contain no frontend settings.
        """
        found = {key: value for key, value in parameters.items() if key.startswith(PREFIX)}
        if not found:
            raise SettingError("The model parameters contain no audio frontend settings: no name starts with 'fe.'.")
        settings = cls()
        settings.update(found)
        return settings

    def add_to_parameters(self, parameters: dict[str, Any]) -> None:
        """Check the settings and put them into a model's parameters under their ``fe.*`` names.

        Raises:
            SettingError: The settings are impossible.
        """
        self.check()
        parameters.update(self)

    # ---- derived, read-only

    @property
    def fft_length(self) -> int:
        """Points of the FFT: the window's length in samples, rounded up to a power of two."""
        return int(self["fe.fft_length"])

    @property
    def window_size(self) -> int:
        """Length of a window in samples."""
        return self.window_size_ms * self.sample_rate_hz // 1000

    @property
    def window_step(self) -> int:
        """Samples from one window to the next."""
        return self.window_step_ms * self.sample_rate_hz // 1000

    @property
    def sample_length(self) -> int:
        """Length of a clip in samples."""
        return self.sample_length_ms * self.sample_rate_hz // 1000

    @property
    def spectrogram_shape(self) -> tuple[int, int]:
        """Shape of a clip's features: (rows, channels).

        Raises:
            SettingError: The window is longer than the clip.
        """
        if self.window_step < 1:
            raise SettingError(
                f"window_step_ms={self.window_step_ms} is less than one sample at sample_rate_hz={self.sample_rate_hz}."
            )
        if self.window_size > self.sample_length:
            raise SettingError(
                f"The window (window_size_ms={self.window_size_ms}) is longer than the clip "
                f"(sample_length_ms={self.sample_length_ms}): there would be no features.",
                hint="Make the window shorter or the clip longer.",
            )
        return (self.sample_length - self.window_size) // self.window_step + 1, self.filterbank_n_channels

    def check(self) -> None:
        """Check the settings together.

        Raises:
            SettingError: The settings are impossible; the message has the reason.
        """
        for problem, hint in self._problems():
            raise SettingError(problem, hint=hint)

    def _problems(self) -> Iterator[tuple[str, str]]:
        _ = self.spectrogram_shape  # raises with its own reason
        rate, size = self.sample_rate_hz, self.window_size
        if self.window_step_ms > self.window_size_ms:
            yield (
                f"window_step_ms={self.window_step_ms} is above window_size_ms={self.window_size_ms}.",
                "Audio between the windows would be skipped; make the step at most the window.",
            )
        if not 8 <= size <= MAX_FFT_LENGTH:
            yield (
                f"window_size_ms={self.window_size_ms} at sample_rate_hz={rate} is {size} samples.",
                f"It must be 8 to {MAX_FFT_LENGTH} samples.",
            )
        low, high = self.filterbank_lower_band_limit, self.filterbank_upper_band_limit
        if high > rate / 2:
            yield (
                f"filterbank_upper_band_limit={high:g} Hz is above half the sample rate (sample_rate_hz={rate}).",
                f"Audio at that rate contains frequencies up to {rate / 2:g} Hz.",
            )
        if low >= high:
            yield (
                f"filterbank_lower_band_limit={low:g} Hz is not below filterbank_upper_band_limit={high:g} Hz.",
                "The filterbank covers the band between the two limits.",
            )
        yield from self._resolution_problems()
        if self.pcan_enable:
            yield from self._pcan_problems()

    def _resolution_problems(self) -> Iterator[tuple[str, str]]:
        """Yield a problem if there are more channels than FFT bins in the band: some channels would always be zero."""
        width = self.sample_rate_hz / self.fft_length
        low, high = self.filterbank_lower_band_limit, self.filterbank_upper_band_limit
        bins = int(high / width) - int(low / width)
        if self.filterbank_n_channels > bins:
            yield (
                f"filterbank_n_channels={self.filterbank_n_channels} is more than the FFT resolves: {self.fft_length} "
                f"points at sample_rate_hz={self.sample_rate_hz} give {bins} bins of {width:.4g} Hz between "
                f"{low:g} and {high:g} Hz.",
                "Use fewer channels, a longer window or a wider band.",
            )

    def _pcan_problems(self) -> Iterator[tuple[str, str]]:
        if not self.noise_reduction_enable:
            yield (
                "pcan_enable=True needs noise_reduction_enable=True.",
                "PCAN normalizes by the noise estimate of the noise reduction.",
            )
        if self.pcan_offset <= 0:
            yield f"pcan_offset={self.pcan_offset:g} is not positive.", "Silence would have an infinite gain."
        correction = self.fft_length.bit_length() - 1 - 6
        if not 0 <= self.pcan_gain_bits - correction - 12 <= 31:
            yield (
                f"pcan_gain_bits={self.pcan_gain_bits} doesn't fit an FFT of {self.fft_length} points.",
                f"Use {max(correction + 12, 0)} to 31.",
            )
        if not 0 <= self.noise_reduction_smoothing_bits - correction <= 31:
            yield (
                f"noise_reduction_smoothing_bits={self.noise_reduction_smoothing_bits} is too small for PCAN with an "
                f"FFT of {self.fft_length} points.",
                f"Use {correction} or more.",
            )

    # ---- a dict that holds these settings and nothing else

    def _update_fft_length(self) -> None:
        super().__setitem__("fe.fft_length", 1 << max(self.window_size - 1, 0).bit_length())

    def __setitem__(self, key: str, value: Any) -> None:
        name = key.removeprefix(PREFIX)
        if key == "fe.fft_length":
            return  # follows from the others; accepted so that the parameters of a model can be read back
        if not key.startswith(PREFIX) or name not in _FIELDS:
            near = did_you_mean(key, [PREFIX + known for known in _FIELDS])
            raise SettingError(f"Unknown audio frontend setting {key!r}.", hint=near or None)
        super().__setitem__(key, _convert(name, value))
        self._update_fft_length()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIELDS:
            self[PREFIX + name] = value
        elif isinstance(getattr(type(self), name, None), property):
            near = did_you_mean(name, _FIELDS)
            raise SettingError(
                f"{name} of the audio frontend settings follows from others and can't be assigned.", hint=near or None
            )
        else:
            near = did_you_mean(name, _FIELDS)
            raise SettingError(f"Unknown audio frontend setting {name!r}.", hint=near or None)

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS:
            return self[PREFIX + name]
        derived = getattr(type(self), name, None)
        if isinstance(derived, property):
            # Python asks here after a property raised a SettingError, which is an AttributeError: raise that one.
            return derived.__get__(self)
        raise AttributeError(f"The audio frontend has no setting {name!r}. {did_you_mean(name, _FIELDS)}".rstrip())

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_FIELDS]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Update like a dict; every name and value is checked."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value; every setting has one."""
        if key not in self:
            self[key] = default
        return self[key]

    def _refuse_removal(self, *_: Any) -> Any:
        raise SettingError("An audio frontend setting can be changed but not removed.")

    __delitem__ = clear = pop = popitem = _refuse_removal

    def copy(self) -> AudioFeatureGeneratorSettings:
        """Return a copy."""
        return type(self).from_parameters(self)

    def __copy__(self) -> AudioFeatureGeneratorSettings:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> AudioFeatureGeneratorSettings:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_parameters, (dict(self),)

    def __repr__(self) -> str:
        return f"AudioFeatureGeneratorSettings({', '.join(f'{name}={getattr(self, name)!r}' for name in _FIELDS)})"
