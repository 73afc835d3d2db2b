"""Options of a layer: what the schema's ``…Options`` tables hold, under the names of MLTK 0.20."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from mltk.tflite.schema_view import SchemaView
from mltk.tflite.types import TfliteActivation, TflitePadding

_OPTIONS_NAMES = {number: name for name, number in vars(schema.BuiltinOptions).items() if not name.startswith("_")}
_OPTIONS_NUMBERS = {name: number for number, name in _OPTIONS_NAMES.items()}


def activation_of(number: int) -> TfliteActivation | int:
    """Return the activation of a schema ``ActivationFunctionType``; the number itself if the schema lacks it."""
    try:
        return TfliteActivation(number)
    except ValueError:
        return int(number)


def _padding_of(number: int) -> TflitePadding | int:
    try:
        return TflitePadding(number)
    except ValueError:
        return int(number)


class TfliteLayerOptions(SchemaView):
    """Options of any layer. The fields of its schema table are attributes under the schema's names."""

    _schema_class: Any = None
    """The schema's class of the options, such as ``Conv2DOptionsT``; None for the options of any layer."""

    def __init__(self, fb_object: Any = None, type: int | None = None) -> None:
        """Make a view of ``fb_object``, or of new options with the schema's defaults.

        Args:
            fb_object: An options object of the schema.
            type: Number of the schema's ``BuiltinOptions``; by default the number of the object's class.
        """
        if isinstance(fb_object, SchemaView):
            fb_object = fb_object.raw
        if fb_object is None:
            fb_object = SimpleNamespace() if self._schema_class is None else self._schema_class()
        super().__init__(fb_object)
        self._schema_name = _schema_name(fb_object)
        self._options_type = _OPTIONS_NUMBERS.get(self._schema_name, 0) if type is None else int(type)

    @property
    def options_type(self) -> int:
        """Number of the schema's ``BuiltinOptions``; 0 if the layer has no options."""
        return self._options_type

    @property
    def options_type_str(self) -> str:
        """Name of the schema's ``BuiltinOptions`` in lower case, for example ``softmaxoptions``."""
        return str(_OPTIONS_NAMES.get(self.options_type, f"options_{self.options_type}")).lower()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of the schema's table with their values."""
        return dict(vars(self.raw))

    def defaults(self) -> dict[str, Any]:
        """Return the schema's defaults of the fields; an empty dictionary for options that the schema lacks."""
        cls = getattr(schema, f"{self._schema_name}T", None)
        return {} if cls is None else dict(vars(cls()))

    @staticmethod
    def activation_of(number: int) -> TfliteActivation | int:
        """Return the activation of a schema ``ActivationFunctionType``."""
        return activation_of(number)

    def __str__(self) -> str:
        return f"Type={self.options_type_str}"


def _schema_name(fb_object: Any) -> str:
    """``Conv2DOptions`` for a ``Conv2DOptionsT`` or an object of a class derived from it."""
    for cls in type(fb_object).__mro__:
        if cls.__module__ == schema.__name__:
            return cls.__name__.removesuffix("T")
    return ""


class _HasActivation(SchemaView):
    @property
    def activation(self) -> TfliteActivation | int:
        """Activation that is fused into the layer."""
        return activation_of(self.raw.fusedActivationFunction)

    @activation.setter
    def activation(self, value: TfliteActivation | int) -> None:
        self.raw.fusedActivationFunction = int(value)

    @property
    def activation_str(self) -> str:
        """Name of the activation, for example ``Relu6``."""
        return str(self.activation)

    @activation_str.setter
    def activation_str(self, value: str) -> None:
        self.raw.fusedActivationFunction = int(TfliteActivation[value.upper()])


class _HasPadding(SchemaView):
    @property
    def padding(self) -> TflitePadding | int:
        """How the border is treated."""
        return _padding_of(self.raw.padding)

    @padding.setter
    def padding(self, value: TflitePadding | int) -> None:
        self.raw.padding = int(value)

    @property
    def padding_str(self) -> str:
        """``Same`` or ``Valid``."""
        return str(self.padding)

    @padding_str.setter
    def padding_str(self, value: str) -> None:
        self.padding = TflitePadding[value.upper()]

    @property
    def stride_width(self) -> int:
        """Step between output columns, in input columns."""
        return int(self.raw.strideW)

    @stride_width.setter
    def stride_width(self, value: int) -> None:
        self.raw.strideW = int(value)

    @property
    def stride_height(self) -> int:
        """Step between output rows, in input rows."""
        return int(self.raw.strideH)

    @stride_height.setter
    def stride_height(self, value: int) -> None:
        self.raw.strideH = int(value)

    def _padding_stride(self) -> str:
        return f"Padding:{self.padding_str} stride:{self.stride_width}x{self.stride_height}"


class TfliteAddLayerOptions(_HasActivation, TfliteLayerOptions):
    """Options of ADD."""

    _schema_class = schema.AddOptionsT

    def __str__(self) -> str:
        return f"Activation:{self.activation_str}"


class TfliteMulLayerOptions(_HasActivation, TfliteLayerOptions):
    """Options of MUL."""

    _schema_class = schema.MulOptionsT

    def __str__(self) -> str:
        return f"Activation:{self.activation_str}"


class TfliteFullyConnectedLayerOptions(_HasActivation, TfliteLayerOptions):
    """Options of FULLY_CONNECTED."""

    _schema_class = schema.FullyConnectedOptionsT

    def __str__(self) -> str:
        return f"Activation:{self.activation_str}"


class TfliteConv2DLayerOptions(_HasActivation, _HasPadding, TfliteLayerOptions):
    """Options of CONV_2D."""

    _schema_class = schema.Conv2DOptionsT

    def __str__(self) -> str:
        return f"{self._padding_stride()} activation:{self.activation_str}"


class TfliteDepthwiseConv2DLayerOptions(_HasActivation, _HasPadding, TfliteLayerOptions):
    """Options of DEPTHWISE_CONV_2D."""

    _schema_class = schema.DepthwiseConv2DOptionsT

    @property
    def multiplier(self) -> int:
        """Output channels per input channel."""
        return int(self.depthMultiplier)

    @multiplier.setter
    def multiplier(self, value: int) -> None:
        self.depthMultiplier = int(value)

    def __str__(self) -> str:
        return (
            f"Multiplier:{self.multiplier} padding:{self.padding_str} "
            f"stride:{self.stride_width}x{self.stride_height} activation:{self.activation_str}"
        )


class TfliteTransposeConvLayerOptions(_HasPadding, TfliteLayerOptions):
    """Options of TRANSPOSE_CONV."""

    _schema_class = schema.TransposeConvOptionsT

    def __str__(self) -> str:
        return self._padding_stride()


class TflitePool2DLayerOptions(_HasActivation, _HasPadding, TfliteLayerOptions):
    """Options of AVERAGE_POOL_2D and MAX_POOL_2D."""

    _schema_class = schema.Pool2DOptionsT

    @property
    def filter_width(self) -> int:
        """Columns that a window covers."""
        return int(self.filterWidth)

    @filter_width.setter
    def filter_width(self, value: int) -> None:
        self.filterWidth = int(value)

    @property
    def filter_height(self) -> int:
        """Rows that a window covers."""
        return int(self.filterHeight)

    @filter_height.setter
    def filter_height(self, value: int) -> None:
        self.filterHeight = int(value)

    def __str__(self) -> str:
        return (
            f"{self._padding_stride()} filter:{self.filter_width}x{self.filter_height} activation:{self.activation_str}"
        )


class TfliteUnidirectionalLstmLayerOptions(_HasActivation, TfliteLayerOptions):
    """Options of UNIDIRECTIONAL_SEQUENCE_LSTM."""

    _schema_class = schema.UnidirectionalSequenceLSTMOptionsT

    def __str__(self) -> str:
        return f"Time major:{bool(self.timeMajor)}, Activation:{self.activation_str}"
