"""Generated C code on boards of QEMU: the Helium kernels, which Unicorn can't run, and the DSP kernels once more."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers.qemu_program import BOARDS, run_on_qemu
from helpers.random_models import MODELS
from helpers.random_networks import random_network

INSTRUCTION = {"cortex-m4": "smlad", "cortex-m55": "vmladava"}


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.parametrize("cpu", BOARDS)
def test_networks_compute_the_integers_of_tflm_on_qemu(needs_tflm: None, cpu: str, tmp_path: Path) -> None:
    operators = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "ADD")
    models = [MODELS[o](np.random.default_rng([seed, 12])) for o in operators if o in MODELS for seed in range(3)]
    models += [random_network(seed) for seed in range(2000, 2015)]
    said, listing = run_on_qemu(tmp_path, models, cpu)
    assert said.strip() == "PASS"
    assert INSTRUCTION[cpu] in listing
