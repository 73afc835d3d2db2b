"""Load a specification from its script, from its archive, or by its name."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import traceback
import types
from typing import Any

from mltk.errors import MltkError, ModelNotFoundError, SpecificationError
from mltk.specification import names
from mltk.specification.dataset_settings import DatasetMixin
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.specification.older_scripts import older_script, script_spec
from mltk.specification.search import find_model
from mltk.user_settings import user_dir


def load_mltk_model(
    model: str | MltkModel,
    test: bool = False,
    print_not_found_err: bool = False,
    logger: object = None,
    reload: bool = True,
) -> MltkModel:
    """Load a model specification. This runs the specification's code.

    Args:
        model: Name on the model search path (with ``-test`` for a dry run), path of a specification script or of an
            archive, or a loaded model, which is returned.
        test: Whether this is a dry run.
        print_not_found_err: For compatibility with MLTK 0.20; ignored.
        logger: For compatibility with MLTK 0.20; ignored.
        reload: Whether to run the script again if it was loaded before.

    Returns:
        The model.

    Raises:
        ModelNotFoundError: There is no such model or file.
        SpecificationError: The script cannot be run, or makes no model.
        ArchiveError: The archive is damaged.
    """
    if isinstance(model, MltkModel):
        if test:
            model.enable_test_mode()
        return model
    model = os.fspath(model)
    looks_like_path = model.endswith((".py", names.ARCHIVE_EXTENSION)) or os.sep in model
    if not looks_like_path and model.endswith(names.TEST_SUFFIX):
        test = True
    path = model if looks_like_path else find_model(model)
    return load_mltk_model_with_path(path, test=test, reload=reload)


def load_mltk_model_with_path(
    model_path: str, test: bool = False, logger: object = None, reload: bool = True
) -> MltkModel:
    """Load the specification at a path. This runs the specification's code.

    Args:
        model_path: Path of a specification script or of an archive.
        test: Whether this is a dry run.
        logger: For compatibility with MLTK 0.20; ignored.
        reload: Whether to run the script again if it was loaded before.

    Raises:
        ModelNotFoundError: There is no such file.
        SpecificationError: The script cannot be run, or makes no model.
        ArchiveError: The archive is damaged.
    """
    path = os.path.abspath(os.path.expanduser(model_path))
    if not os.path.isfile(path):
        raise ModelNotFoundError(f"There is no file {path}.")
    if path.endswith(names.ARCHIVE_EXTENSION):
        loaded = _load_from_archive(path, reload)
        test = test or os.path.basename(path).endswith(names.TEST_SUFFIX + names.ARCHIVE_EXTENSION)
    elif path.endswith(".py"):
        names.check_model_name(names.name_of_file(path), path)
        loaded = _find_model(_run_script(path, reload), path)
    else:
        raise SpecificationError(
            f"{path} is neither a specification script (.py) nor a model archive ({names.ARCHIVE_EXTENSION})."
        )
    if test:
        loaded.enable_test_mode()
    if isinstance(loaded, DatasetMixin):
        loaded._remember_dataset()
    loaded.trigger_event(MltkModelEvent.AFTER_MODEL_LOAD)
    return loaded


def _load_from_archive(path: str, reload: bool) -> MltkModel:
    from mltk.specification.archive_file import ArchiveReader

    name = names.name_of_file(path)
    with ArchiveReader(path) as archive:
        scripts = [n for n in archive.names if n.endswith(".py") and "/" not in n]
        member = f"{name}.py" if f"{name}.py" in scripts else (scripts[0] if len(scripts) == 1 else None)
        if member is None:
            raise SpecificationError(f"{path} has no specification {name}.py.")
        content = archive.read(member)
        folder = user_dir() / "extracted" / hashlib.sha256(content).hexdigest()[:16]
        script = archive.extract(member, str(folder))
    loaded = _find_model(_run_script(script, reload), script)
    loaded._archive_path = path
    return loaded


def _run_script(path: str, reload: bool) -> types.ModuleType:
    """Import the script as a module named after it, as ``import name`` beside it would."""
    name = names.name_of_file(path)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == path and not reload:
        return known
    spec = script_spec(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    shadowed = sys.modules.get(name)
    replace = shadowed is None or getattr(shadowed, "__file__", None) == path
    if replace:  # a model with the name of an installed module must not replace the module
        sys.modules[name] = module
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        with older_script(path):
            spec.loader.exec_module(module)
    except BaseException as e:
        if replace:
            sys.modules.pop(name, None)
        if isinstance(e, MltkError) or not isinstance(e, Exception):
            raise
        raise script_error(path, e) from e
    return module


def script_error(path: str, e: Exception) -> SpecificationError:
    """Return the error for an exception that a specification raised, with file and line."""
    if isinstance(e, SyntaxError):
        text = f"\n    {e.text.strip()}" if e.text else ""
        line = f":{e.lineno}" if e.lineno else ""
        return SpecificationError(f"{e.filename or path}{line}: syntax error: {e.msg}{text}")
    if isinstance(e, (UnicodeDecodeError, ValueError)) and not e.__traceback__:
        return SpecificationError(f"{path}: {e}")
    frames = [f for f in traceback.extract_tb(e.__traceback__) if f.filename == path]
    line = f":{frames[-1].lineno}" if frames else ""
    hint = None
    if isinstance(e, ModuleNotFoundError):
        hint = f"Install {e.name}, or put its file beside the specification."
        if e.name in ("tensorflow", "keras"):
            hint = "Install it with: pip install 'openmltk[train]'"
    code = f"\n    {frames[-1].line}" if frames and frames[-1].line else ""
    return SpecificationError(f"{path}{line}: {type(e).__name__}: {e}{code}", hint=hint)


def _find_model(module: types.ModuleType, path: str) -> MltkModel:
    """Return the one model that a specification script made."""
    found: dict[int, tuple[str, MltkModel]] = {}
    for name, value in vars(module).items():
        if isinstance(value, MltkModel) and value.model_specification_path == path:
            found.setdefault(id(value), (name, value))
    preferred: Any = getattr(module, "my_model", None)
    if isinstance(preferred, MltkModel):
        return preferred
    if not found:
        other = [v for v in vars(module).values() if isinstance(v, MltkModel)]
        if len(other) == 1:  # made with an explicit path, or by a helper in another file
            return other[0]
        raise SpecificationError(
            f"{path} makes no MltkModel.",
            hint="Add: my_model = MyModel(), with class MyModel(mltk.MltkModel, mltk.TrainMixin, ...)",
        )
    if len(found) > 1:
        raise SpecificationError(
            f"{path} makes several models: {', '.join(n for n, _ in found.values())}.",
            hint="Name the model of this specification my_model.",
        )
    return next(iter(found.values()))[1]
