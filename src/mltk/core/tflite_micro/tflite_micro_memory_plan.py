"""Import path of MLTK 0.20; the classes live in `mltk.micro.memory_plan`."""

from mltk.micro.memory_plan import (
    TfliteMicroMemoryPlan,
    TfliteMicroMemoryPlanBuffer,
    TfliteMicroMemoryPlanBufferTensor,
    TfliteMicroMemoryPlanner,
)

__all__ = [
    "TfliteMicroMemoryPlan",
    "TfliteMicroMemoryPlanBuffer",
    "TfliteMicroMemoryPlanBufferTensor",
    "TfliteMicroMemoryPlanner",
]
