"""Change the parameters in a ``.tflite``, or in the one of an archive, without training anew.

    mltk update_params yes_no threshold=190 labels=yes,no

The graph and all other metadata stay byte for byte what they were.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from mltk.errors import ParameterError
from mltk.files import write_file
from mltk.operations.shared.load import ModelKind, ModelReference, resolve
from mltk.operations.shared.output import tflite_output_path
from mltk.specification.archive_file import update_archive
from mltk.specification.model import MltkModel
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel


def update_model_parameters(
    model: MltkModel | TfliteModel | str,
    params: dict[str, Any] | None = None,
    description: str | None = None,
    output: str | None = None,
    accelerator: str | None = None,
) -> TfliteModel | str:
    """Update the parameters of a model.

    Args:
        model: a ``.tflite`` file, an archive, the name of a trained model, a loaded specification (whose
            ``model_parameters`` are taken when ``params`` is None), or a ``TfliteModel``.
        params: parameters to set; a value of None removes the parameter. Others stay.
        description: the model's new description.
        output: where to write the ``.tflite``: a file or a folder; by default where it came from.
        accelerator: taken for 0.20's sake.

    Returns:
        The path of what was written; for a ``TfliteModel`` without ``output``, that model, changed.

    Raises:
        ParameterError: a value can't be stored; names the key. Nothing is written.
    """
    stop_if_loading_script()
    from mltk.tflite.model_parameters import stored_parameters

    reference = resolve(model)
    if params is None and isinstance(model, MltkModel):
        params = dict(model.model_parameters)
    tflite_model = reference.tflite_model()
    merged = stored_parameters(tflite_model)
    for key, value in (params or {}).items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    if description is not None:
        tflite_model.description = description
    merged.add_to_tflite_model(tflite_model)
    if output is not None:
        path = tflite_output_path(output, tflite_model.filename or "model.tflite")
        write_file(path, tflite_model.flatbuffer_data)
        return path
    return _write_back(reference, tflite_model)


def _write_back(reference: ModelReference, tflite_model: TfliteModel) -> TfliteModel | str:
    """Write the model where it came from: its file or its archive. A model in memory is returned."""
    data = tflite_model.flatbuffer_data
    if reference.kind is ModelKind.TFLITE_MODEL:
        return tflite_model
    assert tflite_model.path is not None
    if reference.kind is ModelKind.TFLITE_FILE:
        write_file(tflite_model.path, data)
        return tflite_model.path
    path = reference.archive_path()
    member = os.path.basename(tflite_model.path)
    update_archive(path, {member: data, f"{member}.summary.txt": tflite_model.summary().encode()})
    return path


def parse_params(words: list[str]) -> dict[str, Any]:
    """``name=value`` words as a dict of parameters, the value's type told from its text.

    ``true`` and ``false``, integers, floats, ``a,b,c`` as a list of any of these, else a string; in quotes it is
    always a string. An empty value removes the parameter.

    Raises:
        ParameterError: a word has no ``=``.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, separator, text = word.partition("=")
        if not separator or not key.strip():
            raise ParameterError(
                f"{word!r} is not of the form name=value.", hint="For instance: mltk update_params model threshold=190"
            )
        found[key.strip()] = _parse_value(text.strip())
    return found


def read_params_file(path: str) -> dict[str, Any]:
    """Parameters from a JSON file, or from a text file with a ``name=value`` line for each; ``#`` begins a comment.

    Raises:
        ParameterError: it can't be read, or is neither.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as e:
        raise ParameterError(f"The parameters file {path} can't be read: {e}") from None
    if path.endswith(".json") or text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as e:
            raise ParameterError(f"{path} is not JSON: {e}") from None
        if not isinstance(found, dict):
            raise ParameterError(f"{path} must hold a JSON object.")
        return found
    lines = [line.strip() for line in text.splitlines()]
    return parse_params([line for line in lines if line and not line.startswith("#")])


def _parse_value(text: str) -> Any:
    if text == "":
        return None
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if "," in text:
        parts = [_parse_scalar(p.strip()) for p in text.split(",")]
        kinds = {type(p) for p in parts}
        if kinds == {int, float}:
            return [float(p) for p in parts]
        return parts if len(kinds) == 1 and bool not in kinds else [p.strip() for p in text.split(",")]
    return _parse_scalar(text)


def _parse_scalar(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (lambda t: int(t, 0), float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
