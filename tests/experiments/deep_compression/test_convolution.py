"""Convolutions around PyTorch's fault give what PyTorch's own give, and break nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")

from torch import Tensor  # noqa: E402
from torch.nn import functional as f  # noqa: E402

from experiments.deep_compression.convolution import Projection, convolved  # noqa: E402

TRAINED = """
import torch
from experiments.deep_compression.convolution import Projection, convolved
torch.set_num_threads(1)
for inputs in (4, 5, 6, 7):
    x = torch.randn(64, inputs, 32, 32).to(memory_format=torch.channels_last).requires_grad_()
    layer = Projection(inputs, 2 * inputs, 2).to(memory_format=torch.channels_last).train()
    for _ in range(40):
        (layer(x).sum() + convolved(x, layer.weight, None, (2, 2), (0, 0), (1, 1), 1).square().sum()).backward()
print("whole")
"""


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Quarters of whole numbers: sums of their products are exact in whatever order."""
    return torch.from_numpy(np.random.default_rng(seed).integers(-6, 7, shape).astype(np.float32) / 4)


def with_gradients(function: object, *leaves: Tensor) -> list[Tensor]:
    """What a function gives, and the gradients of its arguments."""
    leaves = tuple(each.clone().requires_grad_() for each in leaves)
    y = function(*leaves)  # type: ignore[operator]
    y.contiguous().backward(drawn(*y.shape, seed=9))
    return [y.detach(), *(each.grad for each in leaves)]  # type: ignore[list-item]


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (1, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize(("padding", "groups"), [((0, 0), 1), ((1, 1), 1), ((0, 0), 3)])
def test_convolution_is_pytorchs_with_its_gradients(
    kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], groups: int
) -> None:
    x, weights, bias = drawn(2, 6, 9, 8), drawn(9, 6 // groups, *kernel, seed=1), drawn(9, seed=2)
    around = with_gradients(lambda *a: convolved(*a, stride, padding, (1, 1), groups), x, weights, bias)
    plain = with_gradients(lambda *a: f.conv2d(*a, stride, padding, (1, 1), groups), x, weights, bias)
    assert all(torch.equal(one, other) for one, other in zip(around, plain, strict=True))
    assert all(bool((each != 0).any()) for each in around)


def test_projection_gives_the_same_when_trained_and_when_not() -> None:
    layer, x = Projection(5, 10, 2), drawn(3, 5, 7, 8)
    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-6)
    assert layer(x).shape == (3, 10, 4, 4)


def test_few_channels_that_come_last_are_trained_without_harm_to_memory() -> None:
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "whole"), done.stderr[-300:]
