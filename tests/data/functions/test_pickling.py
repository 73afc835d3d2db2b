"""Functions of scripts, found by a worker process."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mltk.data.functions import pickling
from mltk.data.functions.process import FunctionProcess
from mltk.data.functions.worker import Worker

HEAD = """
    import os, pickle, sys
    import mltk
    from mltk.data.functions.process import FunctionProcess
    from mltk.data.functions import pickling

    open("runs", "a").write(f"{__name__}\\n")

    class Scaling:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor * x

    def half(x):
        return x / 2

    if __name__ == "__main__":
        process = FunctionProcess(pickling.dumps({function}))
        print(process(8))
        process.close()
"""


def run(tmp_path: Path, function: str, rest: str, *, name: str = "my_script") -> tuple[str, list[str]]:
    """What a script prints, and the names under which it was run."""
    script = tmp_path / f"{name}.py"
    script.write_text(textwrap.dedent(HEAD.replace("{function}", function)) + textwrap.dedent(rest))
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), (tmp_path / "runs").read_text().split()


def test_a_function_of_the_script_is_called(tmp_path):
    assert run(tmp_path, "half", "") == ("4.0", ["__main__", "my_script"])


def test_an_object_of_a_class_of_the_script_is_called(tmp_path):
    assert run(tmp_path, "Scaling(3)", "") == ("24", ["__main__", "my_script"])


@pytest.mark.parametrize(
    "operation",
    [
        "mltk.train_model('m')",
        "mltk.core.train_model('m')",
        "from mltk.operations.train import train_model; train_model('m')",
        "from mltk.operations.parity import check_parity; check_parity('m.tflite')",
        "try:\n    mltk.evaluate_model('m')\nexcept Exception:\n    pass",
    ],
)
def test_the_script_ends_at_its_first_operation_in_a_worker(tmp_path, operation):
    operation = textwrap.indent(f"{operation}\nopen('runs', 'a').write('too far')", "    ")
    rest = f"import mltk.core\nif __name__ != '__main__':\n{operation}"
    assert run(tmp_path, "half", rest) == ("4.0", ["__main__", "my_script"])


def test_a_script_that_fails_or_exits_has_the_functions_above(tmp_path):
    assert run(tmp_path, "half", "if __name__ != '__main__':\n    1 / 0")[0] == "4.0"
    assert run(tmp_path, "half", "if __name__ != '__main__':\n    sys.exit(1)")[0] == "4.0"


def test_a_function_below_the_operation_is_an_error_that_says_so(tmp_path):
    script = tmp_path / "late.py"
    script.write_text("import mltk\nmltk.train_model('m')\ndef late():\n    pass\n")
    process = FunctionProcess(pickle.dumps(_Named(str(script), "late")))
    process.wait_until_started()
    assert "has no late in a worker process" in str(process.refusal)
    assert "above the call that starts training" in str(process.refusal)
    process.close()


class _Named:
    """Pickles as a function of a script."""

    def __init__(self, file: str, name: str) -> None:
        self._where = (file, name)

    def __reduce__(self):
        return pickling._function_of_script, self._where


def test_what_can_be_imported_is_pickled_as_always():
    assert pickle.loads(pickling.dumps(math.sqrt)) is math.sqrt
    assert pickle.loads(pickling.dumps(os.path.join)) is os.path.join
    assert pickle.loads(pickling.dumps(Worker)) is Worker
    assert pickling.dumps([1, "a"]) == pickle.dumps([1, "a"], protocol=5)


def test_what_has_no_name_is_refused():
    with pytest.raises(pickle.PicklingError, match="lambda"):
        pickling.dumps(lambda: 0)

    def inner() -> None:
        pass

    with pytest.raises(pickle.PicklingError, match="defined in a function"):
        pickling.dumps(inner)
