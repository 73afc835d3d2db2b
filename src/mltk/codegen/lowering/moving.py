"""Operators that move values and do not compute."""

from __future__ import annotations

import itertools

import numpy as np

from mltk.codegen.lowering.context import Context, lowering, require_int16
from mltk.codegen.lowering.elementwise import merged_axes, pad_front
from mltk.codegen.program import Params, Ref
from mltk.micro.exact.node import Node
from mltk.tflite.graph import Tensor

_RANK = 5
_FAMILY = "mltk_copy"
_ITEM_BYTES = {"INT8": 1, "UINT8": 1, "BOOL": 1, "INT16": 2, "INT32": 4, "FLOAT32": 4}


@lowering("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def lower_reshape(context: Context) -> None:
    """The same bytes in another shape: no code at all."""
    node = context.node
    node.require(node.tensor(0).size == node.outputs[0].size, "a shape that is only known when it runs")
    context.program.alias[context.output()] = context.input(0)


@lowering("PAD", "PADV2")
def lower_pad(context: Context) -> None:
    """PAD fills with the output's zero point, PADV2 with the given value."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    if x.type_name == "INT16":
        require_int16(node, x, y)
    else:
        node.require_int8(x, y)
    widths = [(int(a), int(b)) for a, b in node.constant(1)]
    padded = tuple(a + n + b for n, (a, b) in zip(x.shape, widths, strict=True))
    node.require(padded == y.shape and np.min(widths) >= 0, "an output size that does not follow from the padding")
    if node.op.name == "PADV2" and len(node.inputs) > 2:
        fill = int(node.constant(2).ravel()[0])
    else:
        fill = int(y.zero_point[0])
    target = context.output()
    fill_function = f"mltk_fill_{8 * _item_bytes(node, y)}"
    context.call(_FAMILY, fill_function, Ref(target), fill, y.size, reads=(), writes=(target,))
    inside = tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, widths, strict=True))
    _copy(context, 0, 0, _indices(x), _indices(y)[inside])


@lowering("CONCATENATION")
def lower_concatenation(context: Context) -> None:
    """CONCATENATION. TFLM copies the values, so all tensors have the same quantization."""
    node = context.node
    y = node.outputs[0]
    node.require(node.option("fusedActivationFunction", 0) == 0, "a fused activation")
    axis = node.option("axis", 0) % max(1, len(y.shape))
    target, start = _indices(y), 0
    for i in range(len(node.inputs)):
        x = node.tensor(i)
        box = [slice(None)] * len(y.shape)
        box[axis] = slice(start, start + x.shape[axis])
        part = target[tuple(box)]
        node.require(part.shape == x.shape, "an output size that does not follow from its inputs")
        _copy(context, i, 0, _indices(x), part)
        start += x.shape[axis]
    node.require(start == y.shape[axis], "an output size that does not follow from its inputs")


@lowering("PACK")
def lower_pack(context: Context) -> None:
    """PACK: tensors stacked along a new axis."""
    node = context.node
    y = node.outputs[0]
    axis = node.option("axis", 0) % len(y.shape)
    target = np.moveaxis(_indices(y), axis, 0)
    node.require(len(target) == len(node.inputs), "an output size that does not follow from its inputs")
    for i in range(len(node.inputs)):
        node.require(node.tensor(i).size == target[i].size, "inputs of different sizes")
        _copy(context, i, 0, _indices(node.tensor(i)).reshape(target[i].shape), target[i])


@lowering("UNPACK")
def lower_unpack(context: Context) -> None:
    """UNPACK: the parts of a tensor along an axis."""
    node = context.node
    x = node.tensor(0)
    source = np.moveaxis(_indices(x), node.option("axis", 0) % len(x.shape), 0)
    node.require(len(source) == len(node.outputs), "a number of outputs that does not fit")
    for i, y in enumerate(node.outputs):
        _copy(context, 0, i, source[i], _indices(y).reshape(source[i].shape))


@lowering("SPLIT")
def lower_split(context: Context) -> None:
    """SPLIT: equal parts along an axis."""
    node = context.node
    _split(context, 1, int(node.constant(0).ravel()[0]))


@lowering("SPLIT_V")
def lower_split_v(context: Context) -> None:
    """SPLIT_V: parts of given sizes along an axis."""
    _split(context, 0, int(context.node.constant(2).ravel()[0]))


def _split(context: Context, i: int, axis: int) -> None:
    node = context.node
    x = node.tensor(i)
    axis %= len(x.shape)
    source, start = _indices(x), 0
    for k, y in enumerate(node.outputs):
        box = [slice(None)] * len(x.shape)
        box[axis] = slice(start, start + y.shape[axis])
        start += y.shape[axis]
        _copy(context, i, k, source[tuple(box)], _indices(y))
    node.require(start == x.shape[axis], "parts that do not fit the tensor")


@lowering("TRANSPOSE")
def lower_transpose(context: Context) -> None:
    """TRANSPOSE: the axes in another order."""
    node = context.node
    order = [int(p) for p in node.constant(1).ravel()]
    _copy(context, 0, 0, _indices(node.tensor(0)).transpose(order), _indices(node.outputs[0]))


@lowering("REVERSE_V2")
def lower_reverse(context: Context) -> None:
    """REVERSE_V2: the order of values along axes is reversed. TFLM takes neighboring axes only."""
    node = context.node
    x = node.tensor(0)
    axes = sorted({int(a) % max(1, len(x.shape)) for a in node.constant(1).ravel()})
    node.require(not axes or axes == list(range(axes[0], axes[-1] + 1)), "axes that are not neighbors")
    _copy(context, 0, 0, np.flip(_indices(x), tuple(axes)), _indices(node.outputs[0]))


@lowering("BROADCAST_TO")
def lower_broadcast_to(context: Context) -> None:
    """BROADCAST_TO: axes of size 1 are repeated."""
    node = context.node
    y = node.outputs[0]
    _copy(context, 0, 0, np.broadcast_to(_indices(node.tensor(0)), y.shape), _indices(y))


@lowering("MIRROR_PAD")
def lower_mirror_pad(context: Context) -> None:
    """MIRROR_PAD: the border mirrors the image, without its edge (REFLECT) or with it (SYMMETRIC)."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    skip = 1 if int(node.option("mode", 0)) == 0 else 0
    widths = [(int(a), int(b)) for a, b in node.constant(1)]
    padded = tuple(a + n + b for n, (a, b) in zip(x.shape, widths, strict=True))
    node.require(padded == y.shape and np.min(widths) >= 0, "an output size that does not follow from the padding")
    node.require(all(max(w) <= n - skip for n, w in zip(x.shape, widths, strict=True)), "a border wider than the image")
    parts = [_mirrored(n, before, after, skip) for n, (before, after) in zip(x.shape, widths, strict=True)]
    for choice in itertools.product(*parts):
        source = _indices(x)[tuple(s for s, _ in choice)]
        _copy(context, 0, 0, source, _indices(y)[tuple(t for _, t in choice)])


def _mirrored(n: int, before: int, after: int, skip: int) -> list[tuple[slice, slice]]:
    """Return (source, target) of the border before an axis of size ``n``, of the axis, and of the border after it."""
    found = [(slice(0, n), slice(before, before + n))]
    if before:
        found.append((slice(before - 1 + skip, skip - 1 if skip else None, -1), slice(0, before)))
    if after:
        last = n - 1 - skip
        stop = last - after
        found.append((slice(last, stop if stop >= 0 else None, -1), slice(before + n, before + n + after)))
    return found


@lowering("SPACE_TO_BATCH_ND")
def lower_space_to_batch(context: Context) -> None:
    """SPACE_TO_BATCH_ND of images: pads, then moves blocks of pixels into the batch."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    block, widths = node.constant(1).ravel().tolist(), node.constant(2).reshape(-1, 2).tolist()
    node.require(len(x.shape) == len(block) + 2 and len(block) in (1, 2), "a shape other than that of images")
    padded = [x.shape[0], *(n + a + b for n, (a, b) in zip(x.shape[1:-1], widths, strict=True)), x.shape[-1]]
    node.require(all(n % k == 0 for n, k in zip(padded[1:-1], block, strict=True)), "blocks that do not fit")
    target = _from_blocks(_indices(y), padded[0], block, padded[1:-1])
    node.require(target.shape == tuple(padded), "an output size that does not follow from its input")
    out = context.output()
    if np.any(widths):
        # TFLM fills with a number that it never sets, which is 0 in an arena that starts as zeros.
        context.call(_FAMILY, "mltk_fill_8", Ref(out), 0, y.size, reads=(), writes=(out,))
    inside = (slice(None), *(slice(a, a + n) for n, (a, _) in zip(x.shape[1:-1], widths, strict=True)), slice(None))
    # Each place inside a block is a box of its own.
    for offset in np.ndindex(*block):
        rows = [np.arange(n) for n in x.shape[1:-1]]
        first = [(o - a) % k for o, (a, _), k in zip(offset, widths, block, strict=True)]
        if any(f >= len(r) for f, r in zip(first, rows, strict=True)):
            continue
        box = (slice(None), *(slice(f, None, k) for f, k in zip(first, block, strict=True)), slice(None))
        _copy(context, 0, 0, _indices(x)[box], _strided(target[inside][box]))


@lowering("BATCH_TO_SPACE_ND")
def lower_batch_to_space(context: Context) -> None:
    """BATCH_TO_SPACE_ND of images: moves the batch into blocks of pixels, then cuts the border off."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    block, crops = node.constant(1).ravel().tolist(), node.constant(2).reshape(-1, 2).tolist()
    node.require(len(x.shape) == len(block) + 2 and len(block) in (1, 2), "a shape other than that of images")
    node.require(x.shape[0] % int(np.prod(block)) == 0, "blocks that do not fit")
    size = [n * k for n, k in zip(x.shape[1:-1], block, strict=True)]
    whole = _from_blocks(_indices(x), x.shape[0] // int(np.prod(block)), block, size)
    inside = tuple(slice(a, n - b) for n, (a, b) in zip(size, crops, strict=True))
    source = whole[(slice(None), *inside, slice(None))]
    node.require(source.shape == y.shape, "an output size that does not follow from its input")
    for offset in np.ndindex(*block):
        if any(o >= n for o, n in zip(offset, source.shape[1:-1], strict=True)):
            continue
        box = (slice(None), *(slice(o, None, k) for o, k in zip(offset, block, strict=True)), slice(None))
        _copy(context, 0, 0, _strided(source[box]), _indices(y)[box])


def _from_blocks(positions: np.ndarray, batch: int, block: list[int], size: list[int]) -> np.ndarray:
    """Return positions in (blocks × batch, small image, channels) in the order of the large images."""
    small = [n // k for n, k in zip(size, block, strict=True)]
    split = positions.reshape(*block, batch, *small, positions.shape[-1])
    n = len(block)
    order = [n, *(a for i in range(n) for a in (n + 1 + i, i)), 2 * n + 1]
    return np.ascontiguousarray(split.transpose(order)).reshape(batch, *size, positions.shape[-1])


def _strided(positions: np.ndarray) -> np.ndarray:
    """Return the same positions as a view of an array of positions, so that its strides are steps.

    The positions must have the same step all along each axis.
    """
    steps = [
        int(np.take(positions, 1, axis).flat[0] - positions.flat[0]) if n > 1 else 0
        for axis, n in enumerate(positions.shape)
    ]
    base = np.arange(int(positions.max()) + 1, dtype=np.int64)
    start = base[int(positions.flat[0]) :]
    return np.lib.stride_tricks.as_strided(start, positions.shape, [8 * s for s in steps], writeable=False)


@lowering("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def lower_depth_to_space(context: Context) -> None:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH: blocks of pixels become channels, or the other way."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    k = int(node.option("blockSize", 0))
    to_space = node.op.name == "DEPTH_TO_SPACE"
    small, large = (x, y) if to_space else (y, x)
    node.require(len(small.shape) == 4 and k > 0, "a shape other than that of images")
    n, height, width, depth = small.shape
    node.require(large.shape == (n, height * k, width * k, depth // k**2), "an inconsistent size")
    pixels = _indices(small).reshape(n, height, width, k, k, large.shape[3]).transpose(0, 1, 3, 2, 4, 5)
    blocks = _indices(large).reshape(n, height, k, width, k, large.shape[3])
    _copy(context, 0, 0, *((pixels, blocks) if to_space else (blocks, pixels)))


@lowering("SLICE")
def lower_slice(context: Context) -> None:
    """SLICE: a box with a beginning and a size. A size of −1 is up to the end."""
    node = context.node
    begin, size = (node.constant(i).ravel().tolist() for i in (1, 2))
    box = tuple(slice(b, None if s < 0 else b + s) for b, s in zip(begin, size, strict=True))
    _copy(context, 0, 0, _indices(node.tensor(0))[box], _indices(node.outputs[0]))


@lowering("STRIDED_SLICE")
def lower_strided_slice(context: Context) -> None:
    """STRIDED_SLICE: bits mark bounds that are left out and axes that are dropped."""
    node = context.node
    node.require(not node.option("ellipsisMask", 0) and not node.option("newAxisMask", 0), "an ellipsis or new axis")
    node.require(not node.option("offset", False), "an end given as a size")
    begin, end, stride = (node.constant(i).ravel().tolist() for i in (1, 2, 3))
    begin_mask, end_mask = node.option("beginMask", 0), node.option("endMask", 0)
    shrink = node.option("shrinkAxisMask", 0)
    box: list[slice | int] = []
    for i, (b, e, s) in enumerate(zip(begin, end, stride, strict=True)):
        if shrink >> i & 1:
            box.append(b)
        else:
            box.append(slice(None if begin_mask >> i & 1 else b, None if end_mask >> i & 1 else e, s))
    source = _indices(node.tensor(0))[tuple(box)]
    y = node.outputs[0]
    node.require(source.size == y.size, "an output size that does not follow from the slice")
    _copy(context, 0, 0, source, _indices(y).reshape(source.shape))


def _indices(t: Tensor) -> np.ndarray:
    """Return an array whose element is its own position in the tensor. Its views tell where elements come from."""
    return np.arange(t.size, dtype=np.int64).reshape(t.shape)


def _copy(context: Context, i: int, k: int, source: np.ndarray, target: np.ndarray) -> None:
    """Append a call that copies the elements at the positions ``source`` of input ``i`` to ``target`` of output ``k``.

    Both are views of arrays of positions, so their strides are the steps between elements.
    """
    node = context.node
    node.require(source.shape == target.shape and source.size > 0, "an output size that does not follow from its input")
    x, y = node.tensor(i), node.outputs[k]
    node.require(x.type_name == y.type_name, "input and output of different types")
    item = _item_bytes(node, y)
    steps = [[s // 8 for s in a.strides] for a in (source, target)]
    size, steps = merged_axes(source.shape, steps)
    node.require(len(size) <= _RANK, "too many dimensions")
    box = Params(
        "mltk_box",
        {
            "size": pad_front(size, 1, _RANK),
            "in_step": pad_front(steps[0], 0 if size else 1, _RANK),
            "out_step": pad_front(steps[1], 0 if size else 1, _RANK),
        },
    )
    read, written = context.input(i), context.output(k)
    arguments = (box, Ref(read, int(source.flat[0])), Ref(written, int(target.flat[0])))
    context.call(_FAMILY, f"mltk_copy_{8 * item}", *arguments, reads=(read,), writes=(written,))


def _item_bytes(node: Node, t: Tensor) -> int:
    node.require(t.type_name in _ITEM_BYTES, f"{t.type_name} tensor")
    return _ITEM_BYTES[t.type_name]
