"""Import path of MLTK 0.20; the classes live in `mltk.micro`."""

from mltk.micro.memory_plan import (
    TfliteMicroMemoryPlan,
    TfliteMicroMemoryPlanBuffer,
    TfliteMicroMemoryPlanner,
)
from mltk.micro.tflite_micro import (
    TfliteMicro,
    TfliteMicroAccelerator,
)
from mltk.micro.tflite_micro_model import (
    TfliteMicroLayerError,
    TfliteMicroModel,
    TfliteMicroModelDetails,
    TfliteMicroProfiledLayerResult,
)

__all__ = [
    "TfliteMicro",
    "TfliteMicroAccelerator",
    "TfliteMicroLayerError",
    "TfliteMicroMemoryPlan",
    "TfliteMicroMemoryPlanBuffer",
    "TfliteMicroMemoryPlanner",
    "TfliteMicroModel",
    "TfliteMicroModelDetails",
    "TfliteMicroProfiledLayerResult",
]
