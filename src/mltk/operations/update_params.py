"""Change the parameters in a ``.tflite`` or in an archive, without training again.

    mltk update_params yes_no threshold=190 labels=yes,no

The graph and all other metadata stay the same, byte for byte.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, overload

from mltk.errors import ParameterError
from mltk.files import write_file
from mltk.operations.shared.load import ModelKind, ModelReference, resolve
from mltk.operations.shared.output import tflite_output_path
from mltk.specification.archive_file import update_archive
from mltk.specification.model import MltkModel
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel


@overload
def update_model_parameters(
    model: TfliteModel,
    params: dict[str, Any] | None = None,
    description: str | None = None,
    output: None = None,
    accelerator: str | None = None,
) -> TfliteModel: ...
@overload
def update_model_parameters(
    model: TfliteModel,
    params: dict[str, Any] | None = None,
    description: str | None = None,
    *,
    output: str,
    accelerator: str | None = None,
) -> str: ...
@overload
def update_model_parameters(
    model: MltkModel | str | os.PathLike[str],
    params: dict[str, Any] | None = None,
    description: str | None = None,
    output: str | None = None,
    accelerator: str | None = None,
) -> str: ...
def update_model_parameters(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    params: dict[str, Any] | None = None,
    description: str | None = None,
    output: str | None = None,
    accelerator: str | None = None,
) -> TfliteModel | str:
    """Update the parameters of a model.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a loaded specification, or a `TfliteModel`.
        params: Parameters to set. None as a value removes the parameter; all other parameters stay. By default the
            ``model_parameters`` of the loaded specification.
        description: New description of the model.
        output: File or folder for the ``.tflite``; by default the model is written where it came from.
        accelerator: For compatibility with MLTK 0.20; ignored.

    Returns:
        The path of the changed file or archive. A `TfliteModel` is changed in memory and returned, unless ``output``
        is set. MLTK 0.20 has the same two return types.

    Raises:
        ModelNotFoundError: There is no such model.
        ParameterError: A value cannot be stored; the message names the key. Nothing is written.
        OutputError: The file cannot be written.
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
    """Write the model to the file or archive that it came from, and return its path; return a model in memory."""
    data = tflite_model.flatbuffer_data
    if reference.kind is ModelKind.TFLITE_MODEL:
        return tflite_model
    assert tflite_model.path is not None
    if reference.kind is ModelKind.TFLITE_FILE:
        write_file(tflite_model.path, data)
        return tflite_model.path
    from mltk.operations.c_code import renewed_members
    from mltk.operations.shared.archived_report import with_present_report
    from mltk.specification.names import name_of_file

    path = reference.archive_path()
    member = os.path.basename(tflite_model.path)
    members: dict[str, bytes | str] = {member: data, f"{member}.summary.txt": tflite_model.summary().encode()}
    members |= renewed_members(path, tflite_model, name_of_file(member))
    update_archive(path, with_present_report(reference, path, members))
    return path


def parse_params(words: list[str]) -> dict[str, Any]:
    """Read ``name=value`` words as parameters.

    The text decides the type: ``true`` and ``false`` are bool, then integers, floats, ``a,b,c`` as a list, otherwise a
    str. A text in quotes is always a str. An empty text is None, which removes the parameter.

    Args:
        words: The words.

    Returns:
        Name → value.

    Raises:
        ParameterError: A word has no ``=`` or no name.
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
    """Read parameters from a JSON file, or from a text file with a ``name=value`` line for each.

    Args:
        path: Path of the file. In a text file, ``#`` at the beginning of a line makes it a comment.

    Returns:
        Name → value.

    Raises:
        ParameterError: The file cannot be read, or has another format.
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
            raise ParameterError(f"{path} is not a JSON object.")
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
