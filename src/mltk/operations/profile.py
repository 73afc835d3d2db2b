"""Profile a model: estimate its memory, cycles and time, layer by layer, without a device.

    mltk profile yes_no --target cortex-m4
    mltk profile yes_no --build --max-ram 64k --max-latency 50ms

The estimates come from the shapes in the ``.tflite``. TensorFlow is imported only to build an untrained model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError
from mltk.micro.profile.profiler import profile_tflite
from mltk.micro.profile.results import ProfilingModelResults
from mltk.micro.profile.targets import DEFAULT_TARGET
from mltk.operations.load_model import load_tflite_model
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
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
        unused: For compatibility with MLTK 0.20; ignored.

    Returns:
        The results.

    Raises:
        ModelNotFoundError: There is no such model.
        MltkError: There is no such target, or the device options are used.
        MissingDependencyError: The target is an Ethos-U, and Arm's Vela is not installed.
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
    if post_process and not isinstance(model, str):
        from mltk.specification.events import MltkModelEvent
        from mltk.specification.model import MltkModel

        if isinstance(model, MltkModel):
            model.trigger_event(MltkModelEvent.AFTER_PROFILE, results=results)
    return results
