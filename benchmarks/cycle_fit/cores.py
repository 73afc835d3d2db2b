"""Cortex-M cores: six boards, four networks each, from published results of MLPerf Tiny.

Four latencies can't determine a dozen coefficients. So each starts from what the kernel's inner loop should take (the
priors below, with how far each may be off), cores that run the same kernels share their coefficients up to a common
factor, and the measurements only move them as far as they must: a maximum a posteriori fit of the logarithms.

Networks: https://github.com/mlcommons/tiny/tree/master/benchmark/training
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mltk.micro.profile.features import LayerShape, layer_features

CONV, DEPTHWISE, DENSE, POOL = "conv_2d", "depthwise_conv_2d", "fully_connected", "average_pool_2d"
NETWORKS = ("DS-CNN", "MobileNetV1", "ResNet-8", "autoencoder")
# Board: kernels, clock in MHz, latency in ms of NETWORKS.
BOARDS: dict[str, tuple[str, float, tuple[float, ...]]] = {
    "cortex-m4-reference": ("reference", 120, (181.9, 600.6, 704.0, 10.05)),
    "cortex-m0plus": ("m0plus", 64, (475.0, 1414.0, 1522.0, 40.9)),
    "cortex-m4": ("dsp", 120, (43.2, 88.9, 165.1, 5.26)),
    "cortex-m7": ("dsp", 280, (11.3, 23.8, 40.8, 1.23)),
    "cortex-m33": ("dsp", 160, (29.0, 59.3, 109.5, 3.21)),
    "cortex-m85": ("helium", 480, (3.46, 13.4, 8.48, 0.53)),
}
_SURE, _UNSURE = 0.25, 0.8  # standard deviation of the logarithm of a prior
# (operator, count): cycles for each.
Priors = dict[tuple[str, str], tuple[float, float]]
PRIORS: dict[str, Priors] = {
    # Two loads, two additions of zero points, a multiplication and the loop; 64-bit requantization of each output.
    "reference": {
        (CONV, "macs"): (6, _UNSURE),
        (CONV, "macs_odd"): (6, _UNSURE),
        (CONV, "taps"): (12, _UNSURE),
        (CONV, "outputs"): (60, _UNSURE),
        (DEPTHWISE, "macs"): (18, _UNSURE),
        (DEPTHWISE, "outputs"): (60, _UNSURE),
        (DENSE, "macs"): (5, _UNSURE),
        (DENSE, "outputs"): (60, _UNSURE),
        (POOL, "window"): (8, _SURE),
        ("add", "outputs"): (50, _SURE),
        ("softmax", "outputs"): (500, _SURE),
        ("*", "layer"): (2000, _SURE),
    },
    # Loads take two cycles, flash is slower than the core, and a 64-bit product is a function call.
    "m0plus": {
        (CONV, "macs"): (8, _UNSURE),
        (CONV, "macs_odd"): (8, _UNSURE),
        (CONV, "taps"): (12, _UNSURE),
        (CONV, "outputs"): (90, _UNSURE),
        (DEPTHWISE, "macs"): (24, _UNSURE),
        (DEPTHWISE, "outputs"): (90, _UNSURE),
        (DENSE, "macs"): (9, _UNSURE),
        (DENSE, "outputs"): (90, _UNSURE),
        (POOL, "window"): (12, _SURE),
        ("add", "outputs"): (80, _SURE),
        ("softmax", "outputs"): (800, _SURE),
        ("*", "layer"): (3000, _SURE),
    },
    # SMLAD does two products per cycle. Loads and sign extension take longer, and gathering a window longer still.
    "dsp": {
        (CONV, "macs"): (0.9, 0.1),
        (CONV, "window_macs"): (0.6, _UNSURE),
        (CONV, "macs_odd"): (4, 0.3),
        (CONV, "outputs"): (8, _UNSURE),
        (CONV, "positions"): (50, _UNSURE),
        (DEPTHWISE, "positions"): (50, _UNSURE),
        (DEPTHWISE, "macs"): (3, 0.4),
        (DEPTHWISE, "outputs"): (12, 0.4),
        (DENSE, "macs"): (2, _UNSURE),
        (DENSE, "outputs"): (12, _UNSURE),
        (POOL, "window"): (3, _SURE),
        ("add", "outputs"): (15, _SURE),
        ("softmax", "outputs"): (300, _SURE),
        ("*", "layer"): (1500, _SURE),
    },
    # 16 products by one VMLADAVA in convolutions, 4 in depthwise ones; dense layers wait for weights from flash.
    "helium": {
        (CONV, "macs_lanes"): (0.22, _UNSURE),
        (CONV, "im2col"): (0.5, _UNSURE),
        (CONV, "outputs"): (4, _UNSURE),
        (CONV, "positions"): (100, _UNSURE),
        (DEPTHWISE, "positions"): (100, _UNSURE),
        (DEPTHWISE, "macs"): (2, _UNSURE),
        (DEPTHWISE, "outputs"): (5, _UNSURE),
        (DENSE, "macs"): (0.8, _UNSURE),
        (DENSE, "outputs"): (4, _UNSURE),
        (POOL, "window"): (0.5, _SURE),
        ("add", "outputs"): (3, _SURE),
        ("softmax", "outputs"): (100, _SURE),
        ("*", "layer"): (1500, _SURE),
    },
}
SCALE_SPREAD = 0.5  # of a board against its kernels' common coefficients
BOARD_SPREAD = 0.1  # of a board's single coefficient, beyond that factor
NOISE = 0.05  # relative, of a latency


def networks() -> dict[str, list[LayerShape]]:
    """The four networks, layer by layer."""
    dscnn = [_conv(49, 10, 1, 64, (10, 4), 2)]
    for _ in range(4):
        dscnn += [_conv(25, 5, 64, 64, (3, 3), 1, DEPTHWISE), _conv(25, 5, 64, 64)]
    mobilenet, size, depth = [_conv(96, 96, 3, 8, (3, 3), 2)], 48, 8
    for filters, stride in zip(
        (16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256),
        (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1),
        strict=True,
    ):
        mobilenet.append(_conv(size, size, depth, depth, (3, 3), stride, DEPTHWISE))
        size = -(-size // stride)
        mobilenet.append(_conv(size, size, depth, filters))
        depth = filters
    resnet, size, depth = [_conv(32, 32, 3, 16, (3, 3))], 32, 16
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        if stride == 2:
            resnet.append(_conv(size, size, depth, filters, (1, 1), 2))
        resnet.append(_conv(size, size, depth, filters, (3, 3), stride))
        size = size // stride
        resnet += [_conv(size, size, filters, filters, (3, 3)), _same("add", size, size, filters)]
        depth = filters
    autoencoder = [_dense(640, 128), *[_dense(128, 128)] * 3, _dense(128, 8)]
    autoencoder += [_dense(8, 128), *[_dense(128, 128)] * 3, _dense(128, 640)]
    return {
        "DS-CNN": [*dscnn, *_classifier((25, 5), 64, 12)],
        "MobileNetV1": [*mobilenet, *_classifier((3, 3), 256, 2)],
        "ResNet-8": [*resnet, *_classifier((8, 8), 64, 10)],
        "autoencoder": autoencoder,
    }


def _conv(
    height: int,
    width: int,
    depth: int,
    filters: int,
    kernel: tuple[int, int] = (1, 1),
    stride: int = 1,
    operator: str = CONV,
) -> LayerShape:
    made = (1, -(-height // stride), -(-width // stride), filters)
    weights = kernel[0] * kernel[1] * filters * (depth if operator == CONV else 1)
    return LayerShape(operator, (1, height, width, depth), made, kernel, (stride, stride), (1, 1), True, weights)


def _dense(n_in: int, n_out: int) -> LayerShape:
    return LayerShape(DENSE, (1, n_in), (1, n_out), weights=n_in * n_out, macs=n_in * n_out)


def _same(operator: str, *shape: int) -> LayerShape:
    return LayerShape(operator, (1, *shape), (1, *shape))


def _classifier(window: tuple[int, int], depth: int, n_classes: int) -> list[LayerShape]:
    pool = LayerShape(POOL, (1, *window, depth), (1, 1, 1, depth), window, window)
    return [pool, _same("reshape", depth), _dense(depth, n_classes), _same("softmax", n_classes)]


class CoreFit:
    """The fit of all boards, without the ``(board, network)`` pairs that are left out."""

    def __init__(self) -> None:
        shapes = networks()
        counts = {name: [(s.operator, layer_features(s)) for s in layers] for name, layers in shapes.items()}
        self._features = {
            kernels: np.array(
                [[sum(c.get(n, 0.0) for o, c in counts[m] if op in ("*", o)) for op, n in priors] for m in NETWORKS]
            )
            for kernels, priors in PRIORS.items()
        }
        self._at: dict[tuple[str, str], slice] = {}
        spreads: list[float] = []

        def place(kind: str, name: str, spread: list[float]) -> None:
            self._at[kind, name] = slice(len(spreads), len(spreads) + len(spread))
            spreads.extend(spread)

        for kernels, priors in PRIORS.items():
            place("kernels", kernels, [spread for _, spread in priors.values()])
        for board, (kernels, _, _) in BOARDS.items():
            place("scale", board, [SCALE_SPREAD])
            place("board", board, [BOARD_SPREAD] * len(PRIORS[kernels]))
        self._precision = 1 / np.array(spreads)

    def _logs(self, x: np.ndarray, board: str) -> np.ndarray:
        kernels = BOARDS[board][0]
        prior = np.log([value for value, _ in PRIORS[kernels].values()])
        own = x[self._at["kernels", kernels]] + x[self._at["scale", board]] + x[self._at["board", board]]
        return prior + own

    def solve(self, left_out: set[tuple[str, str]]) -> dict[str, dict[tuple[str, str], float]]:
        """Return the coefficients of every board, by Gauss-Newton steps from the priors."""
        x = np.zeros(len(self._precision))
        for _ in range(40):
            residuals, rows = [], []
            for board, (kernels, mhz, latencies) in BOARDS.items():
                theta = np.exp(self._logs(x, board))
                for features, network, ms in zip(self._features[kernels], NETWORKS, latencies, strict=True):
                    if (board, network) in left_out:
                        continue
                    parts = theta * features
                    share = parts / parts.sum() / NOISE
                    residuals.append(math.log(parts.sum() / (ms * 1e3 * mhz)) / NOISE)
                    row = np.zeros_like(x)
                    row[self._at["kernels", kernels]] = row[self._at["board", board]] = share
                    row[self._at["scale", board]] = share.sum()
                    rows.append(row)
            jacobian, residual = np.array(rows), np.array(residuals)
            hessian = jacobian.T @ jacobian + np.diag(self._precision**2)
            step = -np.linalg.solve(hessian, jacobian.T @ residual + self._precision**2 * x)
            x += np.clip(step, -0.5, 0.5)
            if np.abs(step).max() < 1e-5:
                break
        return {b: dict(zip(PRIORS[BOARDS[b][0]], np.exp(self._logs(x, b)).tolist(), strict=True)) for b in BOARDS}

    def error(self, coefficients: dict[str, dict[tuple[str, str], float]], board: str, network: str) -> float:
        """Return the relative error of the estimate of ``network`` on ``board``."""
        kernels, mhz, latencies = BOARDS[board]
        i = NETWORKS.index(network)
        cycles = float(self._features[kernels][i] @ np.array(list(coefficients[board].values())))
        return cycles / (latencies[i] * 1e3 * mhz) - 1

    def leave_out(self, groups: Callable[[str, str], set[tuple[str, str]]]) -> dict[tuple[str, str], float]:
        """Return the error on each measurement, fitted without the measurements of its group."""
        errors, solved = {}, {}
        for board in BOARDS:
            for network in NETWORKS:
                group = groups(board, network)
                key = frozenset(group)
                if key not in solved:
                    solved[key] = self.solve(group)
                errors[board, network] = self.error(solved[key], board, network)
        return errors
