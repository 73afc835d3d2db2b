"""Knowledge distillation: a small student model learns from the labels and from a large teacher model.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015 (arXiv:1503.02531).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("mltk")
class KnowledgeDistillationModel(keras.Model):
    """Trains ``student`` on the labels and on the softened outputs of ``teacher``. The teacher does not change.

    The loss is ``alpha · student_loss(y, student) + (1 - alpha) · T² · distillation_loss(softmax(teacher / T),
    softmax(student / T))``. The factor T² keeps the size of the gradients the same at all temperatures T. Both
    models must return logits: they must not end with a softmax.

    In a specification, save only the student::

        my_model.on_save_keras_model = lambda mltk_model, keras_model, logger: keras_model.student

    Args:
        student: Model to train.
        teacher: Trained model to learn from.
        kwargs: Further arguments of ``keras.Model``.
    """

    def __init__(self, student: keras.Model, teacher: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.student = student
        self.teacher = teacher
        self.teacher.trainable = False
        self.student_loss_tracker = keras.metrics.Mean(name="student_loss")
        self.distillation_loss_tracker = keras.metrics.Mean(name="distillation_loss")

    def compile(
        self,
        optimizer: Any,
        metrics: Any,
        student_loss_fn: Any,
        distillation_loss_fn: Any,
        alpha: float = 0.1,
        temperature: float = 3,
        **kwargs: Any,
    ) -> None:
        """Configure the training.

        Args:
            optimizer: Keras optimizer.
            metrics: Keras metrics of the student's output.
            student_loss_fn: Loss between the labels and the student's logits.
            distillation_loss_fn: Loss between the softened outputs of teacher and student, for instance
                ``keras.losses.KLDivergence()``.
            alpha: Share of the student's loss, 0 to 1.
            temperature: Divisor of the logits before the softmax.
            kwargs: Further arguments of ``keras.Model.compile``.
        """
        super().compile(optimizer=optimizer, metrics=metrics, **kwargs)
        self.student_loss_fn = keras.losses.get(student_loss_fn)
        self.distillation_loss_fn = keras.losses.get(distillation_loss_fn)
        self.alpha = alpha
        self.temperature = temperature
        self._compile_arguments = {
            "optimizer": optimizer,
            "metrics": metrics,
            "student_loss_fn": student_loss_fn,
            "distillation_loss_fn": distillation_loss_fn,
            "alpha": alpha,
            "temperature": temperature,
        }

    def build(self, input_shape: Any) -> None:
        for model in (self.student, self.teacher):
            if not model.built:
                model.build(input_shape)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the output of the student."""
        return self.student(inputs, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the weighted sum of the student's loss and the distillation loss, a scalar."""
        student_loss = ops.mean(self.student_loss_fn(y, y_pred, **_weight(self.student_loss_fn, sample_weight)))
        soft_teacher = ops.softmax(self.teacher(x, training=False) / self.temperature, axis=-1)
        soft_student = ops.softmax(y_pred / self.temperature, axis=-1)
        distillation_loss = ops.mean(
            self.distillation_loss_fn(soft_teacher, soft_student, **_weight(self.distillation_loss_fn, sample_weight))
        ) * (self.temperature**2)
        self.student_loss_tracker.update_state(student_loss)
        self.distillation_loss_tracker.update_state(distillation_loss)
        return self.alpha * student_loss + (1 - self.alpha) * distillation_loss

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "student": keras.saving.serialize_keras_object(self.student),
            "teacher": keras.saving.serialize_keras_object(self.teacher),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> KnowledgeDistillationModel:
        config = dict(config)
        for name in ("student", "teacher"):
            config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
        return cls(**config)

    def get_compile_config(self) -> dict[str, Any]:
        return keras.saving.serialize_keras_object(self._compile_arguments) if self.compiled else {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        if hasattr(self, "optimizer") and self.built:
            self.optimizer.build(self.trainable_variables)


def _weight(loss: Any, sample_weight: Any) -> dict[str, Any]:
    """The sample weights as an argument, if ``loss`` takes them: a plain function does not."""
    return {"sample_weight": sample_weight} if isinstance(loss, keras.losses.Loss) else {}
