"""Import path of MLTK 0.20; the classes are in the modules of this folder."""

from mltk.core.tflite_micro.tflite_micro import TfliteMicro, TfliteMicroAccelerator
from mltk.core.tflite_micro.tflite_micro_memory_plan import (
    TfliteMicroMemoryPlan,
    TfliteMicroMemoryPlanBuffer,
    TfliteMicroMemoryPlanner,
)
from mltk.core.tflite_micro.tflite_micro_model import (
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
