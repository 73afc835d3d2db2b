"""Profile a model: estimate its memory, cycles and time, layer by layer, without a device.

    mltk profile yes_no --target cortex-m4
    mltk profile yes_no --build --max-ram 64k --max-latency 50ms
    mltk profile yes_no --emulate cortex-m4

The estimates come from the shapes in the ``.tflite``. With ``--emulate``, the model's C code runs on an emulated core,
and its figures are counted. TensorFlow is imported only to build an untrained model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import MltkError
from mltk.micro.parity import random_samples
from mltk.micro.profile.profiler import profile_tflite
from mltk.micro.profile.results import ProfilingModelResults
from mltk.micro.profile.targets import DEFAULT_TARGET, target_names
from mltk.operations.load_model import load_tflite_model
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel

_NO_DEVICE = (
    "Choose a device to estimate for with --target (list them with --list-targets). For a measurement, flash the "
    "firmware of your own board with a profiler in TensorFlow Lite Micro (micro_profiler.h)."
)

_EMULATED_SAMPLES = 3


def profile_model(
    model: MltkModel | TfliteModel | str,
    image_path: str | None = None,
    accelerator: str | None = None,
    baud: int = 115200,
    port: str | None = None,
    use_device: bool = False,
    build: bool = False,
    platform: str | None = None,
    runtime_buffer_size: int = -1,
    test: bool = False,
    post_process: bool = True,
    return_estimates: bool = False,
    *,
    target: str | None = None,
    clock_hz: float | None = None,
    active_power_w: float | None = None,
    measure_ram: bool = False,
    emulate: str | None = None,
    compiler: str | None = None,
    optimize: str | None = None,
    **unused: Any,
) -> ProfilingModelResults:
    """Estimate what a model costs on a device. Runs a specification only with ``build``.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        image_path: Firmware for profiling on a device, which is not supported: an error if set.
        accelerator: Name of a target by its accelerator, such as ``"mvp"``.
        baud: For compatibility with MLTK 0.20; ignored.
        port: Serial port for profiling on a device, which is not supported: an error if set.
        use_device: Profile on a device, which is not supported: an error if True.
        build: Build and quantize the model without training it.
        platform: Another name of ``target``.
        runtime_buffer_size: For compatibility with MLTK 0.20; ignored.
        test: Use the files of the dry run.
        post_process: Trigger the event AFTER_PROFILE of a loaded specification.
        return_estimates: For compatibility with MLTK 0.20; ignored. All figures are estimates.
        target: Name of a target; ``"cortex-m4"`` by default.
        clock_hz: Clock rate in Hz; by default the target's.
        active_power_w: Power of the device while it computes, in watts; the results then have the energy.
        measure_ram: Let TensorFlow Lite Micro measure the tensor arena instead of estimating it.
        emulate: Name of a core, such as ``"cortex-m4"``: compile the model's C code for it, run the code on an emulated
            core, and count. Then the results have `counted`.
        compiler: The compiler for `emulate`: ``"gcc"`` or ``"zig"``; None takes the first one that is installed.
        optimize: What the compiler for `emulate` is asked for: ``"speed"``, which is the default, or ``"size"``.
        unused: For compatibility with MLTK 0.20; ignored.

    Returns:
        The results.

    Raises:
        ModelNotFoundError: There is no such model.
        MltkError: There is no such target, or the device options are used.
        MissingDependencyError: The target is an Ethos-U, and Arm's Vela is not installed; or the emulator or a compiler
            for it is not installed.
        UnsupportedModelError: Something in the model has no C code, and it was to be emulated.
    """
    stop_if_loading_script()
    del baud, runtime_buffer_size, return_estimates, unused
    if use_device or port or image_path:
        raise MltkError("openmltk does not profile on a device; it estimates.", hint=_NO_DEVICE)
    chosen = target or platform or accelerator or _default_target(emulate)
    tflite_model = load_tflite_model(model, build=build, test=test)
    results = profile_tflite(
        tflite_model,
        chosen,
        clock_hz=clock_hz,
        active_power_w=active_power_w,
        measure_ram=measure_ram,
    )
    if emulate is not None:
        from mltk.operations.shared.emulated import emulate_model

        clock = clock_hz or (results.target.clock_hz if results.target else None)
        samples = random_samples(tflite_model, _EMULATED_SAMPLES, np.random.default_rng(0))
        emulated = emulate_model(tflite_model, samples, emulate, compiler=compiler, optimize=optimize, clock_hz=clock)
        emulated.refuse_differences()
        results.add_counted(emulated.figures)
    if post_process and not isinstance(model, str):
        from mltk.specification.events import MltkModelEvent
        from mltk.specification.model import MltkModel

        if isinstance(model, MltkModel):
            model.trigger_event(MltkModelEvent.AFTER_PROFILE, results=results)
    return results


def _default_target(core: str | None) -> str | None:
    """Return the target for an emulated core; None if no target has this core."""
    if core is None:
        return DEFAULT_TARGET
    from mltk.codegen.emulate.cores import find_core

    name = find_core(core).name
    return name if name in target_names() else None
