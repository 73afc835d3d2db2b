"""MLTK 0.20's interface to TensorFlow Lite Micro.

- ``tflite_micro.py``: functions that load, run and profile a model.
- ``tflite_micro_model.py``: a loaded model.
- ``tflite_micro_memory_plan.py``: the plan of its memory.
"""

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
