"""UNIDIRECTIONAL_SEQUENCE_LSTM: 24 inputs by position, most of them optional."""

from __future__ import annotations

from mltk.tflite import layer_options as _options
from mltk.tflite.layers.base import ActivatedLayer, SingleInputLayer
from mltk.tflite.tensor import TfliteTensor

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


def _optional_input(name: str) -> property:
    position = LSTM_INPUTS.index(name)

    def get(self: TfliteUnidirectionalLstmLayer) -> TfliteTensor | None:
        return self._inputs[position] if position < len(self._inputs) else None

    return property(get, doc=f"Input {position}, {name.replace('_', ' ')}; None when left out.")


class TfliteUnidirectionalLstmLayer(SingleInputLayer, ActivatedLayer):
    """An LSTM over a sequence, in one operator.

    Input (batch, time, features), or (time, batch, features) when `is_time_major`; output likewise with `n_cells`.
    """

    _options_class = _options.TfliteUnidirectionalLstmLayerOptions
    _input_ranks = (3, None, None)

    input_to_input_weights_tensor = _optional_input("input_to_input_weights")
    input_to_forget_weights_tensor = _optional_input("input_to_forget_weights")
    input_to_cell_weights_tensor = _optional_input("input_to_cell_weights")
    input_to_output_weights_tensor = _optional_input("input_to_output_weights")
    recurrent_to_input_weights_tensor = _optional_input("recurrent_to_input_weights")
    recurrent_to_forget_weights_tensor = _optional_input("recurrent_to_forget_weights")
    recurrent_to_cell_weights_tensor = _optional_input("recurrent_to_cell_weights")
    recurrent_to_output_weights_tensor = _optional_input("recurrent_to_output_weights")
    cell_to_input_weights_tensor = _optional_input("cell_to_input_weights")
    cell_to_forget_weights_tensor = _optional_input("cell_to_forget_weights")
    cell_to_output_weights_tensor = _optional_input("cell_to_output_weights")
    input_gate_bias_tensor = _optional_input("input_gate_bias")
    forget_gate_bias_tensor = _optional_input("forget_gate_bias")
    cell_gate_bias_tensor = _optional_input("cell_gate_bias")
    output_gate_bias_tensor = _optional_input("output_gate_bias")
    projection_weights_tensor = _optional_input("projection_weights")
    projection_bias_tensor = _optional_input("projection_bias")
    output_state_tensor = _optional_input("output_state")
    cell_state_tensor = _optional_input("cell_state")
    input_layer_norm_coeff_tensor = _optional_input("input_layer_norm_coeff")
    forget_layer_norm_coeff_tensor = _optional_input("forget_layer_norm_coeff")
    cell_layer_norm_coeff_tensor = _optional_input("cell_layer_norm_coeff")
    output_layer_norm_coeff_tensor = _optional_input("output_layer_norm_coeff")

    @property
    def n_cells(self) -> int:
        """Number of cells: rows of the input-to-forget weights, which no LSTM can leave out."""
        return self.get_input_tensor(LSTM_INPUTS.index("input_to_forget_weights")).shape[0]

    @property
    def is_time_major(self) -> bool:
        """Whether time, not the batch, is the first dimension."""
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
        """(name, tensor) of each input that is present and of the output."""
        named = [
            (f"{name}_tensor", tensor)
            for name, tensor in zip(LSTM_INPUTS, self._inputs, strict=False)
            if tensor is not None
        ]
        return [*named, ("output_tensor", self.output_tensor)]
