"""Profile a model: what it costs in memory, cycles and time, layer by layer, before there is a device.

    mltk profile yes_no --target cortex-m4
    mltk profile yes_no --build --max-ram 64k --max-latency 50ms

The estimates are made from the shapes in the ``.tflite``; TensorFlow is imported only to build an untrained model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError
from mltk.micro.profile.profiler import profile_tflite
from mltk.micro.profile.results import ProfilingModelResults
from mltk.micro.profile.targets import DEFAULT_TARGET
from mltk.operations.load_model import load_tflite_model
from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_NO_DEVICE = (
    "Choose a device to estimate for with --target (list them with --list-targets). For a measurement, flash the "
    "firmware of your own board with a profiler in TensorFlow Lite Micro (micro_profiler.h)."
)


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
    **unused: Any,
) -> ProfilingModelResults:
    """Estimate what a model costs on a device. Runs no specification, unless ``build`` or a loaded one is given.

    Args:
        model: a ``.tflite`` file, an archive, the name of a trained model, a specification, or a ``TfliteModel``.
        image_path, baud, port, use_device: of profiling on a device, which this does not do: an error if used.
        accelerator: name of a target by its accelerator, such as ``"mvp"``.
        build: build and quantize the model anew, untrained.
        platform: another word for ``target``.
        runtime_buffer_size, return_estimates: taken for 0.20's sake; all that is given are estimates.
        test: of the dry run.
        post_process: trigger event AFTER_PROFILE of a loaded specification.
        target: name of a target; ``"cortex-m4"`` by default.
        clock_hz: another clock than the target's, in Hz.
        active_power_w: what the device draws while it computes, in watts; gives the energy.
        measure_ram: have TensorFlow Lite Micro measure the tensor arena, in place of an estimate.

    Raises:
        ModelNotFoundError: there is no such model.
        MltkError: there is no such target, or a device was asked for.
        MissingDependencyError: an Ethos-U without Arm's Vela.
    """
    stop_if_loading_script()
    del baud, runtime_buffer_size, return_estimates, unused
    if use_device or port or image_path:
        raise MltkError("openmltk does not profile on a device; it estimates.", hint=_NO_DEVICE)
    tflite_model = load_tflite_model(model, build=build, test=test)
    results = profile_tflite(
        tflite_model,
        target or platform or accelerator or DEFAULT_TARGET,
        clock_hz=clock_hz,
        active_power_w=active_power_w,
        measure_ram=measure_ram,
    )
    if post_process and isinstance(model, MltkModel):
        model.trigger_event(MltkModelEvent.AFTER_PROFILE, results=results)
    return results
