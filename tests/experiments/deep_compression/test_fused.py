"""Passes in one give what PyTorch's give one after the other."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")

from experiments.deep_compression import fused  # noqa: E402

SHAPES = [(2, 5, 6, 8), (3, 1, 2, 2), (1, 16, 12, 12), (2, 3, 4, 24)]


def drawn(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    """Quarters of whole numbers, among which many are alike and many are 0."""
    return torch.from_numpy(np.random.default_rng(seed).integers(-6, 7, shape).astype(np.float32) / 4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_rectifier_and_pooling_are_what_they_are_apart_with_their_gradients(
    shape: tuple[int, ...], order: torch.memory_format
) -> None:
    x = drawn(shape).to(memory_format=order)
    found = []
    for pool in (fused.rectified_pool, lambda x: torch.max_pool2d(torch.relu(x), 2)):
        leaf = x.clone().requires_grad_()
        y = pool(leaf)
        y.flatten(1).backward(drawn((shape[0], y[0].numel()), seed=1))
        found.append((y.detach(), leaf.grad))
    (y, gradient), (y_apart, gradient_apart) = found
    assert torch.equal(y, y_apart)
    assert torch.equal(gradient, gradient_apart)
    assert bool((y > 0).any()) and bool((gradient != 0).any())


def test_requantisation_rounds_twice_and_keeps_to_the_limits() -> None:
    sums = np.array([[1000, -1000], [3, 3], [10**6, -(10**6)]], np.float32)
    factors, shifts = np.array([0.01, 0.5], np.float32), np.array([1.0, 0.25], np.float32)
    fused.requantize(sums, factors, shifts, np.float32(3), np.float32(-128), np.float32(127))
    # 10 + 3, -500 / 4 + 3; 0 + 3, 2 (of 1.5) / 4 to 0 + 3; limits
    assert sums.tolist() == [[13, -122], [3, 3], [127, -128]]
