"""Types of specifications by what an operation needs of them; for annotations only.

A specification gets its settings from mixins that the user chooses, and `prepare` checks that the mixins are there.
The classes below tell a type checker and an IDE the same. At run time these classes do not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from mltk.specification.dataset_settings import DatasetMixin
from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin, EvaluateMixin
from mltk.specification.model import MltkModel
from mltk.specification.train_settings import TrainMixin

KerasModel: TypeAlias = Any
"""A ``keras.Model``. Keras has no type stubs."""

if TYPE_CHECKING:

    class BuildableModel(MltkModel, TrainMixin):
        """A specification that can be built and quantized."""

    class ModelWithDataset(MltkModel, DatasetMixin):
        """A specification that has a dataset."""

    class TrainableModel(BuildableModel, ModelWithDataset):
        """A specification that can be trained."""

    class EvaluableModel(TrainableModel, EvaluateMixin):
        """A specification that can be evaluated."""

    class EvaluableAutoEncoder(TrainableModel, EvaluateAutoEncoderMixin):
        """A specification of an autoencoder that can be evaluated."""
