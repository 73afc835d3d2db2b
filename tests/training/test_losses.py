"""Losses, tied layers and distillation: held against their definitions and against 0.20's results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf

keras = pytest.importorskip("keras")

from mltk.training import losses  # noqa: E402
from mltk.training.distillation import KnowledgeDistillationModel  # noqa: E402
from mltk.training.tied_layers import Conv2DTranspose_tied, DenseTranspose_tied  # noqa: E402


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    clean = rng.random((3, 16, 16, 1)).astype("float32")
    return clean, np.clip(clean + rng.normal(size=clean.shape) * 0.1, 0, 1).astype("float32")


# -- losses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("margin", "expected"), [(1, 0.6725), (2, 1.385)])  # as MLTK 0.20 gives
def test_contrastive_loss(margin: float, expected: float) -> None:
    y = np.array([[1.0], [0.0], [1.0], [0.0]])
    distance = np.array([[0.2], [0.3], [1.5], [1.4]])
    loss = losses.ContrastiveLoss(margin=margin)
    assert float(loss(y, distance)) == pytest.approx(expected, abs=1e-6)
    assert float(loss(y[:, 0], distance[:, 0])) == pytest.approx(expected, abs=1e-6)
    # Labels [n] of a model whose output is [n, 1]: each label belongs to one distance.
    assert float(loss(y[:, 0], distance)) == pytest.approx(expected, abs=1e-6)
    assert float(loss(y, distance[:, 0])) == pytest.approx(expected, abs=1e-6)
    by_pair = losses.ContrastiveLoss(margin=margin, reduction="none")(y, distance)
    definition = (1 - y) * distance**2 + y * np.maximum(0, margin - distance) ** 2
    assert np.allclose(by_pair, definition[:, 0], atol=1e-6)


def test_contrastive_loss_weighs_samples() -> None:
    loss = losses.ContrastiveLoss()
    assert float(loss(np.array([0.0, 0.0]), np.array([1.0, 2.0]), sample_weight=np.array([1.0, 0.0]))) == 0.5


def test_correlation(images: tuple) -> None:
    clean, noisy = images
    expected = [-np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(clean, noisy, strict=True)]
    assert np.allclose(losses.Correlation(reduction="none")(clean, noisy), expected, atol=1e-5)
    assert float(losses.Correlation()(clean, noisy)) == pytest.approx(np.mean(expected), abs=1e-5)
    assert float(losses.Correlation()(clean, clean * 5 + 3)) == pytest.approx(-1, abs=1e-5)
    flat = clean.reshape(3, -1)
    assert float(losses.Correlation()(flat, -flat)) == pytest.approx(1, abs=1e-5)
    assert float(losses.Correlation()(flat, np.ones_like(flat))) == pytest.approx(0, abs=1e-5)


def ssim_of_patch(x: np.ndarray, y: np.ndarray) -> float:
    """The definition, for one 11 × 11 window with values that span 2: a Gaussian of 1.5 pixels weighs the pixels."""
    axis = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    w = np.outer(axis, axis)
    w /= w.sum()
    mx, my = (w * x).sum(), (w * y).sum()
    vx, vy = (w * x * x).sum() - mx**2, (w * y * y).sum() - my**2
    cov = (w * x * y).sum() - mx * my
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    return ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))


def test_structural_similarity(images: tuple) -> None:
    clean, noisy = (i[:, :11, :11] for i in images)
    expected = [-ssim_of_patch(a[..., 0], b[..., 0]) for a, b in zip(clean, noisy, strict=True)]
    assert np.allclose(losses.StructuralSimilarity(reduction="none")(clean, noisy), expected, atol=1e-4)
    assert float(losses.ssim_loss_func(clean, noisy)) == pytest.approx(np.mean(expected), abs=1e-4)
    assert float(losses.StructuralSimilarity()(images[0], images[0])) == pytest.approx(-1, abs=1e-5)


def test_structural_similarity_of_small_images(images: tuple) -> None:
    small = images[0][:, :8, :8]
    assert float(losses.StructuralSimilarity()(small, small)) == pytest.approx(-1, abs=1e-5)


def test_loss_functions(images: tuple) -> None:
    clean, noisy = images
    assert np.allclose(losses.mae_loss_func(clean, noisy), np.abs(clean - noisy).mean(-1), atol=1e-6)
    assert float(losses.mse_loss_func(clean, noisy)) == pytest.approx(((clean - noisy) ** 2).mean(), abs=1e-6)


@pytest.mark.parametrize(
    "loss", [losses.ContrastiveLoss(margin=2), losses.Correlation(), losses.StructuralSimilarity()]
)
def test_losses_are_serializable(loss: Any) -> None:
    twin = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(twin) is type(loss)
    assert twin.get_config() == loss.get_config()
    assert getattr(twin, "margin", None) == getattr(loss, "margin", None)


def test_a_model_with_such_a_loss_trains_saves_and_loads(images: tuple, tmp_path: Path) -> None:
    clean, noisy = images
    model = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(1, 3, padding="same")])
    for loss in (losses.StructuralSimilarity(), losses.ssim_loss_func, losses.mae_loss_func):
        model.compile(loss=loss)
        before = model.evaluate(noisy, clean, verbose=0)
        model.fit(noisy, clean, epochs=2, verbose=0)
        model.save(tmp_path / "m.keras")
        twin = keras.saving.load_model(tmp_path / "m.keras")
        after = twin.evaluate(noisy, clean, verbose=0)
        assert after < before


# -- tied layers -------------------------------------------------------------------------------------------------------


def check_round_trip(model: Any, x: np.ndarray, tied: str, tmp_path: Path) -> None:
    """Saved and loaded, the model gives the same and its layers are still tied."""
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "tied.keras")
    twin = keras.saving.load_model(tmp_path / "tied.keras")
    assert np.allclose(twin.predict(x, verbose=0), expected, atol=1e-6)
    assert len(twin.trainable_weights) == len(model.trainable_weights) == 2
    encoder = twin.get_layer(model.get_layer(tied).tied_layer.name)
    assert twin.get_layer(tied).tied_layer is encoder


def test_dense_transpose(tmp_path: Path) -> None:
    inputs = keras.Input((5,))
    dense = keras.layers.Dense(3, activation="relu")
    hidden = dense(inputs)
    outputs = DenseTranspose_tied(dense, activation="sigmoid", name="tied")(hidden)
    model = keras.Model(inputs, outputs)
    assert outputs.shape == (None, 5)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    kernel, bias = dense.get_weights()
    hidden_values = np.maximum(x @ kernel + bias, 0)
    assert np.allclose(model.predict(x, verbose=0), 1 / (1 + np.exp(-hidden_values @ kernel.T)), atol=1e-5)
    check_round_trip(model, x, "tied", tmp_path)


@pytest.mark.parametrize("options", [{"strides": 2, "padding": "same"}, {"padding": "valid"}, {"strides": 2}])
def test_conv_transpose(options: dict, tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 2))
    conv = keras.layers.Conv2D(4, 3, **options)
    hidden = conv(inputs)
    outputs = Conv2DTranspose_tied(conv, activation="relu", name="tied")(hidden)
    model = keras.Model(inputs, outputs)
    assert outputs.shape == (None, 8, 8, 2)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 2)).astype("float32")
    plain = keras.layers.Conv2DTranspose(2, 3, use_bias=False, activation="relu", **options)
    plain.build(hidden.shape)
    plain.set_weights(conv.get_weights()[:1])
    expected = np.asarray(plain(conv(x)))
    got = model.predict(x, verbose=0)
    rows, columns = expected.shape[1:3]  # without padding, what the kernel doesn't reach is empty
    assert np.allclose(got[:, :rows, :columns], expected, atol=1e-5)
    assert not got[:, rows:].any()
    check_round_trip(model, x, "tied", tmp_path)


def test_tied_layers_train_one_kernel() -> None:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((5,))
    dense = keras.layers.Dense(3)
    model = keras.Model(inputs, DenseTranspose_tied(dense)(dense(inputs)))
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.05))
    x = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    history = model.fit(x, x, epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0] / 2


@pytest.mark.filterwarnings("ignore:.*looks like it has unbuilt state")
def test_a_layer_that_was_not_called() -> None:
    with pytest.raises(ValueError, match="has no weights yet; call it first"):
        Conv2DTranspose_tied(keras.layers.Conv2D(4, 3))
    with pytest.raises(ValueError, match="has no weights yet; call it first"):
        DenseTranspose_tied(keras.layers.Dense(3))(keras.Input((3,)))


# -- distillation ------------------------------------------------------------------------------------------------------


def dense_model(seed: int) -> Any:
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)


@pytest.fixture
def distilled() -> tuple[Any, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)).astype("float32"), np.eye(3)[rng.integers(0, 3, 8)].astype("float32")
    model = KnowledgeDistillationModel(student=dense_model(1), teacher=dense_model(2))
    model.compile(
        optimizer=keras.optimizers.SGD(0.5),
        metrics=["accuracy"],
        student_loss_fn=keras.losses.CategoricalCrossentropy(from_logits=True),
        distillation_loss_fn=keras.losses.KLDivergence(),
        alpha=0.3,
        temperature=5,
    )
    return model, x, y


def test_distillation_loss_is_hintons(distilled: tuple) -> None:
    model, x, y = distilled
    results = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
    student, teacher = model.student.predict(x, verbose=0), model.teacher.predict(x, verbose=0)
    student_loss = -(y * np.log(softmax(student))).sum(axis=1).mean()
    p, q = softmax(teacher / 5), softmax(student / 5)
    distillation_loss = 25 * (p * np.log(p / q)).sum(axis=1).mean()
    assert results["student_loss"] == pytest.approx(student_loss, abs=1e-5)
    assert results["distillation_loss"] == pytest.approx(distillation_loss, abs=1e-4)
    assert results["loss"] == pytest.approx(0.3 * student_loss + 0.7 * distillation_loss, abs=1e-4)
    assert 0 <= results["accuracy"] <= 1


def test_distillation_trains_the_student_and_not_the_teacher(distilled: tuple) -> None:
    model, x, y = distilled
    teacher, student = model.teacher.get_weights(), model.student.get_weights()
    history = model.fit(x, y, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert set(history) == {"loss", "student_loss", "distillation_loss", "accuracy"}
    assert all(np.array_equal(a, b) for a, b in zip(teacher, model.teacher.get_weights(), strict=True))
    assert not np.array_equal(student[0], model.student.get_weights()[0])
    assert len(model.trainable_weights) == 2
    assert np.allclose(model.predict(x, verbose=0), model.student.predict(x, verbose=0))


def test_distillation_saves_and_loads(distilled: tuple, tmp_path: Path) -> None:
    model, x, y = distilled
    model.fit(x, y, epochs=1, verbose=0)
    model.save(tmp_path / "kd.keras")
    twin = keras.saving.load_model(tmp_path / "kd.keras")
    assert (twin.alpha, twin.temperature) == (0.3, 5)
    assert twin.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), abs=1e-5)
    twin.fit(x, y, epochs=1, verbose=0)
