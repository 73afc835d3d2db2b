"""Short names of tensors. The names are stored on the device, which does not use them.

The converter names a tensor after every operation that was fused into it, each with the path of its models:
``functional_1/functional_1/re_lu_1/Relu;functional_1/functional_1/batch_normalization_1/batchnorm/add_1;…``. In a
keyword spotter of 70 k parameters they are 7 % of the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from mltk.tflite.tflite_file import TfliteFile
from mltk.tflite.types import decode, ints


def shorten_names(model: TfliteFile, *, one_operation: bool = True) -> None:
    """Shorten the names of a model's tensors. The names of inputs and outputs stay.

    Paths lose the models that all paths begin with. Different names stay different.

    Args:
        model: The model. Its tensors are changed, and it is regenerated.
        one_operation: Keep only the first operation of each name. The tensor is the result of this operation.
    """
    for subgraph in model.flatbuffer_model.subgraphs:
        ends = {*ints(subgraph.inputs), *ints(subgraph.outputs)}
        results = [i for operator in subgraph.operators for i in ints(operator.outputs)]
        # Results come first: if a constant has the name of a result, the constant gets another name.
        order = dict.fromkeys([*results, *range(len(subgraph.tensors))])
        names = {i: decode(subgraph.tensors[i].name) for i in order if 0 <= i < len(subgraph.tensors) and i not in ends}
        prefix = _common_folder(part for name in names.values() for part in name.split(";") if "/" in part)
        taken = {decode(subgraph.tensors[i].name) for i in ends}
        for i, name in names.items():
            parts = [part.removeprefix(prefix) for part in name.split(";") if part]
            short = (parts[0] if one_operation else ";".join(parts)) if parts else ""
            distinct, n = short, 1
            while distinct in taken and short:
                distinct, n = f"{short};{n}", n + 1
            taken.add(distinct)
            subgraph.tensors[i].name = distinct
    model.regenerate_flatbuffer(reload_model=True)


def _common_folder(paths: Iterable[str]) -> str:
    """Return the longest common beginning of the paths that ends in a slash."""
    folders = os.path.commonprefix([path.split("/")[:-1] for path in paths])  # noqa: RUF071 - of lists
    return "".join(f"{folder}/" for folder in folders)
