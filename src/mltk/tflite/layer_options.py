"""Options of a layer: what the schema's ``…Options`` tables hold, under the names of MLTK 0.20."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from ai_edge_litert import schema_py_generated as schema


class TfliteActivation(IntEnum):
    """Activation fused into a layer."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5

    def __str__(self) -> str:
        return self.name.title()


class TflitePadding(IntEnum):
    """How a kernel treats the border: ``SAME`` pads so that a stride of 1 keeps the size, ``VALID`` pads nothing."""

    SAME = 0
    VALID = 1

    def __str__(self) -> str:
        return self.name.title()


def _activation(value: Any) -> TfliteActivation | int:
    """The activation, or the bare number of one that the schema does not list."""
    try:
        return TfliteActivation(value)
    except ValueError:
        return int(value)


def _padding(value: Any) -> TflitePadding | int:
    try:
        return TflitePadding(value)
    except ValueError:
        return int(value)


_OPTIONS_NAMES = {number: name for name, number in vars(schema.BuiltinOptions).items() if not name.startswith("_")}
_OPTIONS_NUMBERS = {name: number for number, name in _OPTIONS_NAMES.items()}


class TfliteLayerOptions:
    """Options of any layer: the fields of its schema table are attributes under the schema's names."""

    # The schema's option tables list their own fields; a generic layer takes over what the table has.
    def __init__(self, fb_object: Any = None, type: int | None = None) -> None:
        if fb_object is not None:
            # Shared, not copied: what is set here is what the model is written with.
            self.__dict__ = fb_object.__dict__
        self._schema_name = _schema_name(self, fb_object)
        self._options_type = _OPTIONS_NUMBERS.get(self._schema_name, 0) if type is None else int(type)

    @property
    def options_type(self) -> int:
        """Number of the schema's ``BuiltinOptions`` member; 0 when the layer has none."""
        return int(self._options_type)

    @property
    def options_type_str(self) -> str:
        """Its name in lower case, e.g. ``softmaxoptions``."""
        return _OPTIONS_NAMES.get(self.options_type, f"options_{self.options_type}").lower()

    def as_dict(self) -> dict[str, Any]:
        """The fields of the schema's table with their values."""
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def defaults(self) -> dict[str, Any]:
        """The schema's defaults of those fields; empty for options this schema does not know."""
        cls = getattr(schema, f"{self._schema_name}T", None)
        return {} if cls is None else dict(vars(cls()))

    @staticmethod
    def activation_of(number: int) -> TfliteActivation | int:
        """The activation of a schema ``ActivationFunctionType`` number."""
        return _activation(number)

    def __str__(self) -> str:
        return f"Type={self.options_type_str}"


def _schema_name(options: TfliteLayerOptions, fb_object: Any) -> str:
    """``Conv2DOptions`` for a ``Conv2DOptionsT`` or a class derived from it."""
    for cls in (*type(fb_object).__mro__, *type(options).__mro__):
        if cls.__module__ == schema.__name__:
            return cls.__name__.removesuffix("T")
    return ""


class _Typed(TfliteLayerOptions):
    """Options that are also an object of the schema, with its defaults."""

    def __init__(self, opts: Any = None) -> None:
        for cls in type(self).__mro__:
            if cls.__module__ == schema.__name__:
                self.__dict__.update(vars(cls()))
        super().__init__(opts)


class _HasActivation:
    fusedActivationFunction: int

    @property
    def activation(self) -> TfliteActivation | int:
        """Activation fused into the layer."""
        return _activation(self.fusedActivationFunction)

    @activation.setter
    def activation(self, value: TfliteActivation | int) -> None:
        self.fusedActivationFunction = int(value)

    @property
    def activation_str(self) -> str:
        """Its name, e.g. ``Relu6``."""
        return str(self.activation)

    @activation_str.setter
    def activation_str(self, value: str) -> None:
        self.fusedActivationFunction = int(TfliteActivation[value.upper()])


class _HasPadding:
    padding: Any
    strideW: int
    strideH: int

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
        return int(self.strideW)

    @stride_width.setter
    def stride_width(self, value: int) -> None:
        self.strideW = int(value)

    @property
    def stride_height(self) -> int:
        """Step between output rows, in input rows."""
        return int(self.strideH)

    @stride_height.setter
    def stride_height(self, value: int) -> None:
        self.strideH = int(value)

    def _padding_stride(self) -> str:
        return f"Padding:{self.padding_str} stride:{self.stride_width}x{self.stride_height}"


def _padding_property() -> property:
    """Property over the schema's field of the same name."""

    def get(self: Any) -> TflitePadding | int:
        return _padding(self.__dict__["padding"])

    def put(self: Any, value: TflitePadding | int) -> None:
        self.__dict__["padding"] = int(value)

    return property(get, put, doc="How the border is treated.")


class TfliteAddLayerOptions(_HasActivation, _Typed, schema.AddOptionsT):
    """Options of ADD."""

    def __str__(self) -> str:
        return f"Activation:{self.activation_str}"


class TfliteMulLayerOptions(_HasActivation, _Typed, schema.MulOptionsT):
    """Options of MUL."""

    def __str__(self) -> str:
        return f"Activation:{self.activation_str}"


class TfliteFullyConnectedLayerOptions(_HasActivation, _Typed, schema.FullyConnectedOptionsT):
    """Options of FULLY_CONNECTED."""

    def __str__(self) -> str:
        return f"Activation:{self.activation_str}"


class TfliteConv2DLayerOptions(_HasActivation, _HasPadding, _Typed, schema.Conv2DOptionsT):
    """Options of CONV_2D."""

    padding = _padding_property()

    def __str__(self) -> str:
        return f"{self._padding_stride()} activation:{self.activation_str}"


class TfliteDepthwiseConv2DLayerOptions(_HasActivation, _HasPadding, _Typed, schema.DepthwiseConv2DOptionsT):
    """Options of DEPTHWISE_CONV_2D."""

    padding = _padding_property()

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


class TfliteTransposeConvLayerOptions(_HasPadding, _Typed, schema.TransposeConvOptionsT):
    """Options of TRANSPOSE_CONV."""

    padding = _padding_property()

    def __str__(self) -> str:
        return self._padding_stride()


class TflitePool2DLayerOptions(_HasActivation, _HasPadding, _Typed, schema.Pool2DOptionsT):
    """Options of AVERAGE_POOL_2D and MAX_POOL_2D."""

    padding = _padding_property()

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


class TfliteUnidirectionalLstmLayerOptions(_HasActivation, _Typed, schema.UnidirectionalSequenceLSTMOptionsT):
    """Options of UNIDIRECTIONAL_SEQUENCE_LSTM."""

    def __str__(self) -> str:
        return f"Time major:{bool(self.timeMajor)}, Activation:{self.activation_str}"
