"""UNIDIRECTIONAL_SEQUENCE_LSTM: 24 inputs by position, most of them optional."""

from __future__ import annotations

from mltk.tflite import layer_options as _options
from mltk.tflite.layers.base import ActivatedLayer, SingleInputLayer, layer_class
from mltk.tflite.layers.operands import OptionalOperand
from mltk.tflite.tensor import TfliteTensor
from mltk.tflite.types import Op

# Order of the operator's inputs; source: unidirectional_sequence_lstm.cc of TensorFlow Lite.
LSTM_INPUTS = (
    "input",
    "input_to_input_weights",
    "input_to_forget_weights",
    "input_to_cell_weights",
    "input_to_output_weights",
    "recurrent_to_input_weights",
    "recurrent_to_forget_weights",
    "recurrent_to_cell_weights",
    "recurrent_to_output_weights",
    "cell_to_input_weights",
    "cell_to_forget_weights",
    "cell_to_output_weights",
    "input_gate_bias",
    "forget_gate_bias",
    "cell_gate_bias",
    "output_gate_bias",
    "projection_weights",
    "projection_bias",
    "output_state",
    "cell_state",
    "input_layer_norm_coeff",
    "forget_layer_norm_coeff",
    "cell_layer_norm_coeff",
    "output_layer_norm_coeff",
)


def _input(name: str) -> OptionalOperand:
    position = LSTM_INPUTS.index(name)
    return OptionalOperand(position, f"Input {position}, {name.replace('_', ' ')}; None if it is left out.")


@layer_class(Op.UNIDIRECTIONAL_SEQUENCE_LSTM)
class TfliteUnidirectionalLstmLayer(SingleInputLayer, ActivatedLayer):
    """An LSTM over a sequence, in one operator.

    The input is (batch, time, features), or (time, batch, features) if `is_time_major`. The output has the same order,
    with `n_cells` in the place of the features.
    """

    _options_class = _options.TfliteUnidirectionalLstmLayerOptions
    _input_ranks = (3, None, None)

    input_to_input_weights_tensor = _input("input_to_input_weights")
    input_to_forget_weights_tensor = _input("input_to_forget_weights")
    input_to_cell_weights_tensor = _input("input_to_cell_weights")
    input_to_output_weights_tensor = _input("input_to_output_weights")
    recurrent_to_input_weights_tensor = _input("recurrent_to_input_weights")
    recurrent_to_forget_weights_tensor = _input("recurrent_to_forget_weights")
    recurrent_to_cell_weights_tensor = _input("recurrent_to_cell_weights")
    recurrent_to_output_weights_tensor = _input("recurrent_to_output_weights")
    cell_to_input_weights_tensor = _input("cell_to_input_weights")
    cell_to_forget_weights_tensor = _input("cell_to_forget_weights")
    cell_to_output_weights_tensor = _input("cell_to_output_weights")
    input_gate_bias_tensor = _input("input_gate_bias")
    forget_gate_bias_tensor = _input("forget_gate_bias")
    cell_gate_bias_tensor = _input("cell_gate_bias")
    output_gate_bias_tensor = _input("output_gate_bias")
    projection_weights_tensor = _input("projection_weights")
    projection_bias_tensor = _input("projection_bias")
    output_state_tensor = _input("output_state")
    cell_state_tensor = _input("cell_state")
    input_layer_norm_coeff_tensor = _input("input_layer_norm_coeff")
    forget_layer_norm_coeff_tensor = _input("forget_layer_norm_coeff")
    cell_layer_norm_coeff_tensor = _input("cell_layer_norm_coeff")
    output_layer_norm_coeff_tensor = _input("output_layer_norm_coeff")

    @property
    def n_cells(self) -> int:
        """Number of cells. It is the number of rows of the input-to-forget weights, which every LSTM has."""
        return self.get_input_tensor(LSTM_INPUTS.index("input_to_forget_weights")).shape[0]

    @property
    def is_time_major(self) -> bool:
        """Whether the first dimension is time instead of the batch."""
        return bool(self.options.timeMajor)

    @property
    def cell_clip(self) -> float:
        """Largest magnitude of the cell state; 0 means no limit."""
        return float(self.options.cellClip)

    @property
    def proj_clip(self) -> float:
        """Largest magnitude of the projection; 0 means no limit."""
        return float(self.options.projClip)

    def get_tensor_name_value_tuples(self) -> list[tuple[str, TfliteTensor]]:
        """Return (name, tensor) of each input that is present, and of the output."""
        named = [
            (f"{name}_tensor", tensor)
            for name, tensor in zip(LSTM_INPUTS, self._inputs, strict=False)
            if tensor is not None
        ]
        return [*named, ("output_tensor", self.output_tensor)]
