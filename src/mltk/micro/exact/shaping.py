"""Operators that move values and do not compute: RESHAPE, PAD, CONCATENATION, STRIDED_SLICE, …"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mltk.micro.exact.node import Kernel, Node, kernel


@kernel("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def build_reshape(node: Node) -> Kernel:
    """Build RESHAPE: the same values in the shape of the output tensor."""
    x, y = node.tensor(0), node.outputs[0]
    node.require(x.size == y.size, "a shape that is only known when it runs")
    return lambda values, *_: [values.reshape(len(values), *y.shape)]


@kernel("PAD", "PADV2")
def build_pad(node: Node) -> Kernel:
    """Build PAD, which fills with the output's zero point, and PADV2, which fills with the given value."""
    y = node.outputs[0]
    node.require_int8(node.tensor(0), y)
    widths = [(0, 0), *((int(a), int(b)) for a, b in node.constant(1))]
    padded = tuple(a + n + b for n, (a, b) in zip(node.tensor(0).shape, widths[1:], strict=True))
    node.require(padded == y.shape and np.min(widths) >= 0, "an output size that doesn't follow from the padding")
    if node.op.name == "PADV2" and len(node.inputs) > 2:
        fill = node.constant(2).ravel()[0]
    else:
        fill = y.zero_point[0] if y.zero_point.size else 0
    return lambda x: [np.pad(x, widths, constant_values=fill)]


def _require_same_size(node: Node) -> None:
    total = sum(node.tensor(i).size for i in range(len(node.inputs)))
    node.require(total == node.outputs[0].size, "an output size that doesn't follow from its inputs")


@kernel("CONCATENATION")
def build_concatenation(node: Node) -> Kernel:
    """Build CONCATENATION. TFLM copies the values, so all tensors must have the same quantization."""
    y = node.outputs[0]
    node.require(node.option("fusedActivationFunction", 0) == 0, "a fused activation")
    _require_same_size(node)
    axis = node.option("axis", 0)
    axis = axis + 1 if axis >= 0 else axis
    fixed = node.static

    def run(*varying: np.ndarray) -> list[np.ndarray]:
        rest, n = iter(varying), len(varying[0])
        parts = [next(rest) if f is None else np.broadcast_to(f, (n, *f.shape)) for f in fixed]
        return [np.concatenate(parts, axis=axis).reshape(n, *y.shape)]

    return run


@kernel("PACK")
def build_pack(node: Node) -> Kernel:
    """Build PACK: tensors stacked along a new axis."""
    _require_same_size(node)
    axis = node.option("axis", 0)
    axis = axis + 1 if axis >= 0 else axis
    fixed, y = node.static, node.outputs[0]

    def run(*varying: np.ndarray) -> list[np.ndarray]:
        rest, n = iter(varying), len(varying[0])
        parts = [next(rest) if f is None else np.broadcast_to(f, (n, *f.shape)) for f in fixed]
        return [np.stack(parts, axis=axis).reshape(n, *y.shape)]

    return run


@kernel("UNPACK")
def build_unpack(node: Node) -> Kernel:
    """Build UNPACK: the parts of a tensor along an axis."""
    axis = node.option("axis", 0)
    axis = axis + 1 if axis >= 0 else axis
    return lambda x: [np.take(x, i, axis=axis) for i in range(len(node.outputs))]


@kernel("SPLIT")
def build_split(node: Node) -> Kernel:
    """Build SPLIT: equal parts along an axis."""
    axis = int(node.constant(0).ravel()[0])
    axis = axis + 1 if axis >= 0 else axis
    return lambda x: [np.ascontiguousarray(p) for p in np.split(x, len(node.outputs), axis=axis)]


@kernel("SPLIT_V")
def build_split_v(node: Node) -> Kernel:
    """Build SPLIT_V: parts of given sizes along an axis."""
    axis = int(node.constant(2).ravel()[0]) % len(node.tensor(0).shape)
    sizes = [t.shape[axis] for t in node.outputs]
    ends = np.cumsum(sizes)[:-1]
    return lambda x: [np.ascontiguousarray(p) for p in np.split(x, ends, axis=axis + 1)]


@kernel("TRANSPOSE")
def build_transpose(node: Node) -> Kernel:
    """Build TRANSPOSE: the axes in another order."""
    order = (0, *(int(p) + 1 for p in node.constant(1).ravel()))
    return lambda x: [np.ascontiguousarray(x.transpose(order))]


@kernel("SLICE")
def build_slice(node: Node) -> Kernel:
    """Build SLICE: a box with a beginning and a size. A size of −1 is up to the end."""
    begin, size = (node.constant(i).ravel().tolist() for i in (1, 2))
    box = (slice(None), *(slice(b, None if s < 0 else b + s) for b, s in zip(begin, size, strict=True)))
    return lambda x: [np.ascontiguousarray(x[box])]


@kernel("STRIDED_SLICE")
def build_strided_slice(node: Node) -> Kernel:
    """Build STRIDED_SLICE: a NumPy slice, with bits for the bounds that are left out and the axes that are dropped."""
    y = node.outputs[0]
    node.require(not node.option("ellipsisMask", 0) and not node.option("newAxisMask", 0), "an ellipsis or new axis")
    node.require(not node.option("offset", False), "an end given as a size")
    begin, end, stride = (node.constant(i).ravel().tolist() for i in (1, 2, 3))
    begin_mask, end_mask = node.option("beginMask", 0), node.option("endMask", 0)
    shrink_mask = node.option("shrinkAxisMask", 0)
    box: list[slice | int] = [slice(None)]
    for i, (b, e, s) in enumerate(zip(begin, end, stride, strict=True)):
        if shrink_mask >> i & 1:
            box.append(b)
        else:
            box.append(slice(None if begin_mask >> i & 1 else b, None if end_mask >> i & 1 else e, s))
    index = tuple(box)
    return lambda x: [np.ascontiguousarray(x[index]).reshape(len(x), *y.shape)]


@kernel("SHAPE")
def build_shape(node: Node) -> Kernel:
    """Build SHAPE: the declared shape. The batch dimension is 1, because every sample runs alone."""
    x, y = node.tensor(0), node.outputs[0]
    value = np.array(x.shape, y.dtype)
    return lambda values: [np.broadcast_to(value, (len(values), *value.shape))]


@kernel("REVERSE_V2")
def build_reverse(node: Node) -> Kernel:
    """Build REVERSE_V2: the order of values along axes is reversed."""
    x, y = node.tensor(0), node.outputs[0]
    node.require(x.shape == y.shape, "an output of another shape")
    axes = sorted({int(a) % max(1, len(x.shape)) for a in node.constant(1).ravel()})
    node.require(axes == list(range(axes[0], axes[0] + len(axes))) if axes else True, "axes that are not neighbors")
    return lambda values: [np.flip(values, tuple(a + 1 for a in axes)).copy()]


@kernel("MIRROR_PAD")
def build_mirror_pad(node: Node) -> Kernel:
    """Build MIRROR_PAD: the border mirrors the image, without its edge (REFLECT) or with it (SYMMETRIC)."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    mode: Literal["reflect", "symmetric"] = "symmetric" if node.option("mode", 0) else "reflect"
    widths = [(int(a), int(b)) for a, b in node.constant(1)]
    padded = tuple(a + n + b for n, (a, b) in zip(x.shape, widths, strict=True))
    node.require(padded == y.shape and np.min(widths) >= 0, "an output size that doesn't follow from the padding")
    most = [n - (mode == "reflect") for n in x.shape]
    node.require(all(max(w) <= m for w, m in zip(widths, most, strict=True)), "a border wider than the image")
    return lambda values: [np.pad(values, [(0, 0), *widths], mode=mode)]
