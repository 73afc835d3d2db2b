"""Recurrent layers of Keras without a loop: one time step after another, with as few operators as possible.

The converter cannot calibrate a loop. It can convert the steps of GRU, LSTM and SimpleRNN one after another. Keras does
that too, with ``unroll=True``. The functions here compute the same values with a quarter fewer operators. They multiply
all inputs by the kernel at once, and compute the gates that share an activation together.

Each function has the signature and the results of ``keras.layers.RNN.inner_loop``, for layers without a mask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

ops = keras.ops
Result = tuple[Any, Any, list[Any]]
"""The last output, the outputs of all steps ``[batch, steps, units]``, the last states."""


def gru_steps(layer: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Result:
    """Compute a GRU layer.

    Args:
        layer: The `keras.layers.GRU`.
        sequences: ``[batch, steps, channels]``, with fixed dimensions.
        initial_state: The state before the first step, ``[batch, units]``, alone or in a list.
        mask: Not used.
        training: Not used.
    """
    cell, units = layer.cell, layer.cell.units
    biases = _gru_biases(cell)
    # In Keras's order the weights are those of the update gate, the reset gate, and the candidate.
    kernel, recurrent = (_parts(w, 2 * units) for w in (cell.kernel, cell.recurrent_kernel))
    bias, recurrent_bias = (_parts(b, 2 * units) for b in biases)
    gates = _project(layer, sequences, kernel[0], bias[0])
    candidates = _project(layer, sequences, kernel[1], bias[1])
    state = _single(initial_state)
    outputs = []
    for gate, candidate in zip(gates, candidates, strict=True):
        gate = cell.recurrent_activation(_add(gate, _product(state, recurrent[0], recurrent_bias[0])))
        inner = _product(state, recurrent[1], recurrent_bias[1])
        if inner is None:
            update = gate[:, :units]  # not a SPLIT: the half that is not used would stay in float32
        else:
            update, reset = ops.split(gate, 2, axis=-1)
            inner = reset * inner if cell.reset_after else _product(reset * state, recurrent[1], None)
        candidate = cell.activation(_add(candidate, inner))
        # update * state + (1 - update) * candidate, with one multiplication
        state = candidate - update * candidate if _is_zero(state) else candidate + update * (state - candidate)
        outputs.append(state)
    return _result(layer, outputs, [state])


def lstm_steps(layer: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Result:
    """Compute an LSTM layer; arguments as for `gru_steps`, with two initial states (output, cell)."""
    cell = layer.cell
    kernels, recurrents = _lstm_order(cell.kernel), _lstm_order(cell.recurrent_kernel)
    biases = _lstm_order(cell.bias) if cell.use_bias else (None, None)
    gates = _project(layer, sequences, kernels[0], biases[0])
    candidates = _project(layer, sequences, kernels[1], biases[1])
    output, carry = initial_state
    outputs = []
    for gate, candidate in zip(gates, candidates, strict=True):
        gate = cell.recurrent_activation(_add(gate, _product(output, recurrents[0], None)))
        new = cell.activation(_add(candidate, _product(output, recurrents[1], None)))
        if _is_zero(carry):
            units = cell.units
            accept, emit = gate[:, :units], gate[:, 2 * units :]  # see the remark in gru_steps
            carry = accept * new
        else:
            accept, forget, emit = ops.split(gate, 3, axis=-1)
            carry = forget * carry + accept * new
        output = emit * cell.activation(carry)
        outputs.append(output)
    return _result(layer, outputs, [output, carry])


def simple_steps(layer: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Result:
    """Compute a SimpleRNN layer; arguments as for `gru_steps`."""
    cell = layer.cell
    state = _single(initial_state)
    outputs = []
    recurrent = ops.convert_to_tensor(cell.recurrent_kernel)
    for value in _project(layer, sequences, cell.kernel, cell.bias if cell.use_bias else None):
        state = _add(value, _product(state, recurrent, None))
        if cell.activation is not None:
            state = cell.activation(state)
        outputs.append(state)
    return _result(layer, outputs, [state])


STEPS: dict[type, Callable[..., Result]] = {
    keras.layers.GRU: gru_steps,
    keras.layers.LSTM: lstm_steps,
    keras.layers.SimpleRNN: simple_steps,
}
"""The function for each class of layer; not for classes that are derived from it."""


def _project(layer: Any, sequences: Any, kernel: Any, bias: Any) -> list[Any]:
    """Multiply the inputs of all steps by ``kernel`` at once; return one ``[batch, units]`` for each step, in order."""
    batch, steps, channels = sequences.shape
    # One matrix of all steps: the converter makes one FULLY_CONNECTED of it.
    rows = ops.matmul(ops.reshape(ops.transpose(sequences, (1, 0, 2)), (steps * batch, channels)), kernel)
    if bias is not None:
        rows = rows + bias
    values = ops.unstack(ops.reshape(rows, (steps, batch, kernel.shape[-1])), steps, axis=0)
    return list(values)[::-1] if layer.go_backwards else list(values)


def _product(state: Any, kernel: Any, bias: Any) -> Any:
    """Return ``state @ kernel + bias``, or only what is not zero of it; None if all is zero."""
    if _is_zero(state):
        return bias
    product = ops.matmul(state, kernel)
    return product if bias is None else product + bias


def _add(value: Any, other: Any) -> Any:
    return value if other is None else value + other


def _is_zero(state: Any) -> bool:
    """Whether ``state`` is known to be zero, as the first state is: then the first step needs fewer operators."""
    value = tf.get_static_value(state)
    return value is not None and not np.any(value)


def _parts(weights: Any, n: int) -> tuple[Any, Any]:
    """Return the first ``n`` columns of the weights, and the other ones."""
    if weights is None:
        return None, None
    weights = ops.convert_to_tensor(weights)
    return weights[..., :n], weights[..., n:]


def _single(initial_state: Any) -> Any:
    return initial_state[0] if isinstance(initial_state, (list, tuple)) else initial_state


def _gru_biases(cell: Any) -> tuple[Any, Any]:
    if not cell.use_bias:
        return None, None
    return (cell.bias[0], cell.bias[1]) if cell.reset_after else (cell.bias, None)


def _lstm_order(weights: Any) -> tuple[Any, Any]:
    """Return the weights of the three gates (input, forget, output) and those of the candidate."""
    accept, forget, candidate, emit = ops.split(ops.convert_to_tensor(weights), 4, axis=-1)
    return ops.concatenate([accept, forget, emit], axis=-1), candidate


def _result(layer: Any, outputs: list[Any], states: list[Any]) -> Result:
    together = ops.stack(outputs, axis=1) if layer.return_sequences else ops.expand_dims(outputs[-1], 1)
    return outputs[-1], together, states
