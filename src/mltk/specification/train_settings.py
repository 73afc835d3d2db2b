"""Settings for training and for quantization."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from mltk.errors import SettingError
from mltk.specification.settings import Options, Spec, positive, setting

# The arguments of the Keras callbacks, so that a misspelled argument is found without importing TensorFlow.
# tests/specification/test_train_settings.py compares them with the signatures of the installed Keras.
_MONITOR = {"monitor", "mode", "verbose"}
CALLBACK_KEYS = {
    "tensorboard": {
        "log_dir",
        "histogram_freq",
        "write_graph",
        "write_images",
        "write_steps_per_second",
        "update_freq",
        "profile_batch",
        "embeddings_freq",
        "embeddings_metadata",
    },
    "checkpoint": _MONITOR
    | {"keep", "filepath", "save_best_only", "save_weights_only", "save_freq", "initial_value_threshold", "options"},
    "reduce_lr_on_plateau": _MONITOR | {"factor", "patience", "min_delta", "epsilon", "cooldown", "min_lr"},
    "lr_schedule": {"schedule", "verbose"},
    "early_stopping": _MONITOR | {"min_delta", "patience", "baseline", "restore_best_weights", "start_from_epoch"},
}
CONVERTER_DEFAULTS = {
    "optimizations": ["DEFAULT"],
    "supported_ops": ["TFLITE_BUILTINS_INT8"],
    "inference_input_type": "float32",
    "inference_output_type": "float32",
    "representative_dataset": "generate",
    "representative_dataset_max_samples": 1000,
    "allow_custom_ops": False,
    "experimental_new_converter": True,
    "experimental_new_quantizer": True,
    "experimental_enable_resource_variables": False,
    "generate_unquantized": True,
    "generate_quantization_report": False,
}
CONVERTER_KEYS = set(CONVERTER_DEFAULTS) | {
    "enabled",
    "supported_types",
    "target_spec",
    "canonicalizing_inf_as_min_max_float",
    "elide_elementsattrs_if_larger",
    "enable_timing",
    "exclude_conversion_metadata",
    "experimental_lower_to_saved_model",
    "experimental_new_dynamic_range_quantizer",
    "experimental_stablehlo_quantizer_config",
    "experimental_use_stablehlo_quantizer",
    "ir_dump_dir",
    "ir_dump_func_regex",
    "ir_dump_pass_regex",
    "legalize_custom_tensor_list_ops",
    "print_ir_after",
    "print_ir_before",
    "print_ir_module_scope",
    "serialize_debug_metadata",
    "unfold_batchmatmul",
    "_experimental_calibrate_only",
    "_experimental_default_to_single_batch_in_tensor_list_ops",
    "_experimental_disable_fuse_mul_and_fc",
    "_experimental_disable_per_channel",
    "_experimental_disable_per_channel_quantization_for_dense_layers",
    "_experimental_full_integer_quantization_bias_type",
    "_experimental_lower_tensor_list_ops",
    "_experimental_qdq_conversion_mode",
    "_experimental_sparsify_model",
    "_experimental_strict_qdq",
    "_experimental_variable_quantization",
}


KEPT_WEIGHTS = ("last", "best")
"""Which weights the trained model has: ``checkpoint["keep"]``."""


def check_keep(options: Mapping[str, Any]) -> str | None:
    """Check ``checkpoint["keep"]``, which is not an argument of Keras.

    Args:
        options: The setting ``checkpoint``.

    Returns:
        What is wrong; None if nothing is.
    """
    keep = options.get("keep", "last")
    if keep in KEPT_WEIGHTS:
        return None
    return f"keep is {keep!r}; it must be 'last' or 'best'."


def _as_schedule(value: Any) -> Any:
    return {"schedule": value, "verbose": 0} if callable(value) else value


def _check_epochs(value: int) -> str | None:
    return (
        None if value > 0 or value == -1 else f"must be greater than 0, or -1 for 'until early stopping', got {value}."
    )


class TrainMixin(Spec):
    """How the model is built, trained, checkpointed and quantized."""

    build_model_function: Callable[..., Any] | None = setting(
        None, "Function that builds the Keras model: `f(model) -> keras.Model`."
    )
    on_training_complete: Callable[..., Any] | None = setting(
        None, "Called as `f(results)` with the TrainingResults after training."
    )
    on_save_keras_model: Callable[..., Any] | None = setting(
        None,
        "Called as `f(mltk_model, keras_model, logger)` before the trained model is saved; "
        "the returned model is saved and quantized instead.",
    )
    epochs: int = setting(100, "Passes over the training data; -1 trains until early stopping.", check=_check_epochs)
    batch_size: int = setting(32, "Samples in one training step.", check=positive)
    optimizer: Any = setting("adam", "Name or instance of a Keras optimizer.")
    metrics: list[Any] | None = setting(factory=lambda: ["accuracy"], doc="Names or instances of Keras metrics.")
    loss: Any = setting("categorical_crossentropy", "Name, function or instance of a Keras loss.")
    train_callbacks: list[Any] | None = setting(
        factory=list, doc="Your own Keras callbacks, called after the built-in callbacks."
    )
    train_kwargs: dict[str, Any] | None = setting(factory=dict, doc="More arguments for `keras.Model.fit`.")
    checkpoints_enabled: bool = setting(True, "Save a checkpoint after every epoch, so that training can be resumed.")
    checkpoint: dict[str, Any] | None = setting(
        factory=lambda: {
            "monitor": "val_accuracy",
            "save_best_only": True,
            "save_weights_only": True,
            "mode": "auto",
            "save_freq": "epoch",
            "options": None,
            "verbose": 0,
        },
        doc="Arguments of `keras.callbacks.ModelCheckpoint`, which saves the best weights; None or empty is off. "
        "`keep` says which weights the trained model has: `'last'` (the default) or `'best'`, by `monitor`.",
        keys=frozenset(CALLBACK_KEYS["checkpoint"]),
        check=check_keep,
    )
    tensorboard: dict[str, Any] | None = setting(
        None,
        "Arguments of `keras.callbacks.TensorBoard`; None or empty is off.",
        keys=frozenset(CALLBACK_KEYS["tensorboard"]),
    )
    reduce_lr_on_plateau: dict[str, Any] | None = setting(
        None,
        "Arguments of `keras.callbacks.ReduceLROnPlateau`; None or empty is off.",
        keys=frozenset(CALLBACK_KEYS["reduce_lr_on_plateau"]),
    )
    lr_schedule: dict[str, Any] | Callable[..., Any] | None = setting(
        None,
        "Arguments of `keras.callbacks.LearningRateScheduler`; None or empty is off. A function `f(epoch)` or "
        "`f(epoch, rate)`, or a Keras `LearningRateSchedule` of the epoch, is stored as `{'schedule': f}`.",
        keys=frozenset(CALLBACK_KEYS["lr_schedule"]),
        adapt=_as_schedule,
    )
    early_stopping: dict[str, Any] | None = setting(
        None,
        "Arguments of `keras.callbacks.EarlyStopping`; None or empty is off.",
        keys=frozenset(CALLBACK_KEYS["early_stopping"]),
    )
    tflite_converter: dict[str, Any] = setting(
        factory=lambda: {k: list(v) if isinstance(v, list) else v for k, v in CONVERTER_DEFAULTS.items()},
        doc="Attributes of `tf.lite.TFLiteConverter`, and options of its representative dataset. None: no `.tflite`.",
        keys=frozenset(CONVERTER_KEYS),
        completed=True,
        of_none=lambda: {"enabled": False},
    )
    c_code: bool = setting(
        False,
        "Add the quantized model as C code to the archive, in the folder `c`, as `mltk compile` writes it.",
    )

    @property
    def wants_tflite(self) -> bool:
        """Whether training also makes the ``.tflite``: not if ``tflite_converter`` is None."""
        return bool(self.tflite_converter.get("enabled", True))

    def callback_options(self, name: str) -> dict[str, Any] | None:
        """Return the arguments of a built-in callback; None if the callback is off."""
        options: Options | None = getattr(self, name)
        return dict(options) if options else None

    @property
    def checkpoints_dir(self) -> str:
        """Folder of the checkpoints, from which training can be resumed."""
        return os.path.join(self.log_dir, "train", "checkpoints")

    @property
    def weights_dir(self) -> str:
        """Folder of the weights that the callback ``checkpoint`` saves."""
        return os.path.join(self.log_dir, "train", "weights")

    @property
    def weights_file_format(self) -> str:
        """File name of the weights that the callback ``checkpoint`` saves, with places for the epoch and the metric."""
        monitor = (self.checkpoint or {}).get("monitor", "val_accuracy")
        return f"weights-{{epoch:03d}}-{{{monitor}:.4f}}.weights.h5"

    def get_checkpoint_path(self, epoch: int | None = None) -> str:
        """Return the path of a checkpoint.

        Args:
            epoch: Number of finished epochs; None is the newest checkpoint.

        Raises:
            SettingError: There is no such checkpoint.
        """
        from mltk.specification.weights import checkpoint_path, list_checkpoints

        existing = list_checkpoints(self.checkpoints_dir)
        if epoch is None and existing:
            epoch = existing[-1]
        if epoch not in existing:
            raise SettingError(
                f"No checkpoint {'' if epoch is None else f'of epoch {epoch} '}in {self.checkpoints_dir}.",
                hint=f"There are checkpoints of epochs {_ranges(existing)}." if existing else "Train the model first.",
            )
        return checkpoint_path(self.checkpoints_dir, epoch)

    def get_weights_path(self, filename: str | None = None) -> str:
        """Return the path of a weights file.

        Args:
            filename: A path, a file name in :attr:`weights_dir`, or ``"best"`` (the default). The best weights have the
                lowest loss or the highest accuracy, according to the monitored metric.

        Raises:
            SettingError: There is no such file.
        """
        from mltk.specification.weights import find_weights

        options = self.checkpoint or {}
        return find_weights(
            self.weights_dir, filename or "best", options.get("monitor", "val_accuracy"), options.get("mode", "auto")
        )


def _ranges(numbers: list[int]) -> str:
    return f"{numbers[0]}–{numbers[-1]}" if len(numbers) > 4 else ", ".join(map(str, numbers))
