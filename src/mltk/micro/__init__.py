"""The ``.tflite`` as the device sees it, without importing TensorFlow.

::

    from mltk import micro

    result = micro.run_batch(model, samples)   # what TensorFlow Lite Micro computes
    micro.measure_arena(model).total           # bytes of tensor arena to reserve
    micro.plan_memory(model).to_text()         # where each tensor is, and how long
    micro.check_support(model).unsupported     # operators that TFLM does not have
    micro.compare_engines(model, samples)      # where engines differ, and from which layer on
    micro.profile_tflite(tflite_model, "cortex-m4")

A model is the bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`. `engines` runs models, and `exact` computes TFLM's
integers in NumPy. `memory` covers the tensor arena, and `profile` the costs on a device. Names are imported when they
are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk._lazy import lazy_names

if TYPE_CHECKING:
    from mltk.micro.engines.process import Workers as Workers
    from mltk.micro.engines.run import ENGINES as ENGINES
    from mltk.micro.engines.run import BatchResult as BatchResult
    from mltk.micro.engines.run import run_batch as run_batch
    from mltk.micro.engines.runtimes import have_tflm as have_tflm
    from mltk.micro.layer_outputs import LayerOutput as LayerOutput
    from mltk.micro.layer_outputs import run_layers as run_layers
    from mltk.micro.memory.arena import ArenaUsage as ArenaUsage
    from mltk.micro.memory.arena import estimate_arena as estimate_arena
    from mltk.micro.memory.arena import measure_arena as measure_arena
    from mltk.micro.memory.planner import MemoryPlan as MemoryPlan
    from mltk.micro.memory.planner import plan_memory as plan_memory
    from mltk.micro.parity import Comparison as Comparison
    from mltk.micro.parity import LayerDivergence as LayerDivergence
    from mltk.micro.parity import ParityReport as ParityReport
    from mltk.micro.parity import compare_engines as compare_engines
    from mltk.micro.parity import random_samples as random_samples
    from mltk.micro.profile.budget import Budget as Budget
    from mltk.micro.profile.budget import OverBudget as OverBudget
    from mltk.micro.profile.layer_result import ProfilingLayerResult as ProfilingLayerResult
    from mltk.micro.profile.profiler import profile_tflite as profile_tflite
    from mltk.micro.profile.results import ProfilingModelResults as ProfilingModelResults
    from mltk.micro.profile.targets import Target as Target
    from mltk.micro.profile.targets import list_targets as list_targets
    from mltk.micro.profile.targets import load_target as load_target
    from mltk.micro.support import OperatorUse as OperatorUse
    from mltk.micro.support import SupportReport as SupportReport
    from mltk.micro.support import check_support as check_support

_NAMES = {
    "mltk.micro.engines.process": ("Workers",),
    "mltk.micro.engines.run": (
        "ENGINES",
        "BatchResult",
        "run_batch",
    ),
    "mltk.micro.engines.runtimes": ("have_tflm",),
    "mltk.micro.layer_outputs": (
        "LayerOutput",
        "run_layers",
    ),
    "mltk.micro.memory.arena": (
        "ArenaUsage",
        "estimate_arena",
        "measure_arena",
    ),
    "mltk.micro.memory.planner": (
        "MemoryPlan",
        "plan_memory",
    ),
    "mltk.micro.parity": (
        "Comparison",
        "LayerDivergence",
        "ParityReport",
        "compare_engines",
        "random_samples",
    ),
    "mltk.micro.profile.budget": (
        "Budget",
        "OverBudget",
    ),
    "mltk.micro.profile.layer_result": ("ProfilingLayerResult",),
    "mltk.micro.profile.profiler": ("profile_tflite",),
    "mltk.micro.profile.results": ("ProfilingModelResults",),
    "mltk.micro.profile.targets": (
        "Target",
        "list_targets",
        "load_target",
    ),
    "mltk.micro.support": (
        "OperatorUse",
        "SupportReport",
        "check_support",
    ),
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_names(__name__, _NAMES)
