"""The C code of an audio model beside its network: microphone samples in, detections out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mltk.audio.listen_plan import listen_plan
from mltk.audio.listening import Listening, has_frontend
from mltk.codegen.listen_self_test import generated_sound, write_listen_self_test
from mltk.codegen.write_c import ModelCode
from mltk.codegen.write_listen import ListenPlan, listen_files
from mltk.errors import MltkError
from mltk.micro.engines.run import run_batch
from mltk.micro.engines.runtimes import have_tflm
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters

_TESTED_INFERENCES = 8


@dataclass(frozen=True)
class Listener:
    """The files of a listener.

    Attributes:
        files: Name → text; empty if the model does not listen.
        ram_bytes: Static RAM beside that of the network.
        readme: Section of the README.
        self_test: C code of `mltk.codegen.listen_self_test`.
        n_inferences: Inferences that the self-test compares.
        notes: What a reader should know, for example why there are no files.
    """

    files: dict[str, str]
    ram_bytes: int
    readme: str
    notes: list[str]
    self_test: str = ""
    n_inferences: int = 0


def make_listener(model: TfliteModel, code: ModelCode) -> Listener:
    """Write the C code that listens, if the model's metadata says that it is a classifier of audio features.

    Args:
        model: The model.
        code: The C code of its network.

    Returns:
        The files. There are none if the model has no parameters of the audio frontend, or if the device's code cannot
        do what the model needs. A note then says why.
    """
    if not has_frontend(stored_parameters(model)):
        return Listener({}, 0, "", [])
    try:
        listening = Listening.of(model)
        plan = listen_plan(listening)
    except MltkError as error:
        hint = f" {error.hint}" if error.hint else ""
        return Listener({}, 0, "", [f"No listening code was written ({code.name}_listen). {error.message}{hint}"])
    if f"{code.name}_input(void)" not in code.header:
        return Listener({}, 0, "", ["No listening code was written: the model's input has no place in the arena."])
    readme = _readme(listening, plan, code.name)
    self_test = _self_test(model, listening, code.name)
    files = listen_files(plan, code.name)
    return Listener(files, plan.ram_bytes, readme, listening.problems(), self_test, _TESTED_INFERENCES)


def _self_test(model: TfliteModel, listening: Listening, name: str) -> str:
    """Compute the scores of some inferences on generated sound, as the device should."""
    clip = listening.frontend.window_size + (listening.n_rows - 1) * listening.frontend.window_step
    n_samples = clip + (_TESTED_INFERENCES - 1) * listening.samples_per_inference
    engine = "tflm" if have_tflm() else "auto"
    rows = []
    for inputs, _ in listening.batches(generated_sound(n_samples)):
        found = run_batch(model, inputs, engine=engine, trusted=False, reset_between_samples=not listening.keeps_state)
        rows.append(listening.scores(found.outputs[0]))
    return write_listen_self_test(name, np.concatenate(rows), n_samples)


def _readme(listening: Listening, plan: ListenPlan, name: str) -> str:
    detector, rate = listening.detector, listening.frontend.sample_rate_hz
    interval_ms = plan.rows_per_inference * listening.frontend.window_step_ms
    names = {c: t for c, t in zip(listening.classes, plan.thresholds, strict=True) if t < 255}
    thresholds = ", ".join(f"{c} {t}" for c, t in names.items()) or "none"
    averaged = (
        f"averaged over {detector.average_window_duration_ms} ms and at least {detector.minimum_count} inferences"
    )
    if detector.minimum_count == 0:
        averaged = "of one inference"
    features = "int8 features" if plan.with_int8_features else "uint16 features as numbers"
    state = ""
    if plan.keeps_state:
        state = "\n  The network keeps state: each inference gets the rows since the one before."
        state += f"\n  `{name}_listen_reset()` clears it."
    return f"""
## Listening

`{name}_listen()` takes samples of a microphone (int16, {rate} Hz) and returns what was said.
It computes the features that the model was trained with, runs the network each {interval_ms} ms, and decides by its
scores.

```c
#include "{name}_listen.h"

/* samples, n: a block of the microphone, of any size */
while (n > 0) {{
    {name}_detection found;
    size_t taken = {name}_listen(samples, n, &found);
    if (found.class_index >= 0) {{
        printf("%s, score %d of 255\\n", found.class_name, (int)found.score);
    }}
    samples += taken;
    n -= taken;
}}
```

- RAM: at most {plan.ram_bytes:,} bytes more, static. {plan.frontend_bytes:,} of them are the frontend's, counted for a
  64-bit processor. A 32-bit processor needs less, because its pointers are smaller.
- The network gets the frontend's {features}: {plan.n_rows} rows of {plan.n_channels} channels. If your
  specification changes the features in a function of its own, for example `postprocessing_function`, this code does not
  do it.{state}
- A class is detected if its score, {averaged}, is the highest and above its
  threshold: {thresholds}.
  A score is a probability in steps of 1/256. Classes whose name begins with `_` are never detected.
- After a detection, nothing is detected for {detector.suppression_ms} ms.
- `audio_frontend.c` computes its tables with the functions of `math.h` when it starts. Link the C library's `-lm`, and
  compile with `-ffp-contract=off`, so that the tables are those of the training. The self-test
  also plays generated sound to `{name}_listen()` and compares {_TESTED_INFERENCES} inferences. Run it on your device.
"""
