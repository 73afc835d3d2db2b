"""Import path of MLTK 0.20; the class lives in `mltk.training.distillation`."""

from mltk.training.distillation import (
    KnowledgeDistillationModel,
)

__all__ = [
    "KnowledgeDistillationModel",
]
