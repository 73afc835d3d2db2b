"""Import path of MLTK 0.20 for `mltk.training.distillation`."""

from mltk.training.distillation import (
    KnowledgeDistillationModel,
)

__all__ = [
    "KnowledgeDistillationModel",
]
