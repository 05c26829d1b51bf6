"""The NumPy twin against TensorFlow Lite's reference kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcusim.network import load
from tests.network.agreement import assert_agrees, models
from tests.network.cases import CASES


@pytest.mark.parametrize("path", models() or [None], ids=lambda path: path.name if path else "none")
def test_public_networks_give_what_the_reference_kernels_give(path: Path | None) -> None:
    if path is None:
        pytest.skip("the public networks are not here (MCUSIM_MODELS names their folder)")
    assert_agrees(load(path), path.read_bytes(), times=1 if path.stat().st_size > 400_000 else 2)


@pytest.mark.parametrize("name", CASES)
def test_each_operator_gives_what_its_reference_kernel_gives(name: str, tmp_path: Path) -> None:
    content = CASES[name].bytes()
    path = tmp_path / "one.tflite"
    path.write_bytes(content)
    assert_agrees(load(path), content, times=4)
