"""What PyTorch has several passes over memory for, in one: rectifier and pooling with gradients, and requantisation.

Rectifier and pooling are a quarter of a step of LeNet's training otherwise, since the gradients of a pooling have to be put in
another order; their slow twin, ``max_pool2d(relu(x), 2)``, gives the same numbers. That of requantisation is
``mcusim.network.reference``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd import Function

NOWHERE = 4
"""The place of a window in which nothing is above 0; 0 to 3 are its four places, row by row."""


def rectified_pool(x: Tensor) -> Tensor:
    """The largest of each window of 2 x 2, at least 0: [samples, channels, height / 2, width / 2], channels first in memory.

    ``x``: float32 [samples, channels, height, width], height and width even; channels last in memory, else it is copied.
    """
    y: Tensor = _RectifiedPool.apply(x)  # type: ignore[no-untyped-call]
    return y


class _RectifiedPool(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        values = x.permute(0, 2, 3, 1).contiguous().numpy()
        samples, height, width, channels = values.shape
        largest = np.empty((samples, channels, height // 2, width // 2), np.float32)
        ctx.places = np.empty((samples, height // 2, width // 2, channels), np.uint8)
        _largest(values, largest, ctx.places)
        return torch.from_numpy(largest)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        samples, height, width, channels = ctx.places.shape
        spread = np.empty((samples, 2 * height, 2 * width, channels), np.float32)
        _spread(gradients[0].contiguous().numpy(), ctx.places, spread)
        return torch.from_numpy(spread).permute(0, 3, 1, 2)


@njit(cache=True)
def _largest(values: np.ndarray, largest: np.ndarray, places: np.ndarray) -> None:
    samples, height, width, channels = places.shape
    for n in range(samples):
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    most, place = np.float32(0), NOWHERE
                    for k in range(4):
                        value = values[n, 2 * i + k // 2, 2 * j + k % 2, c]
                        if value > most:
                            most, place = value, k
                    largest[n, c, i, j], places[n, i, j, c] = most, place


@njit(cache=True)
def _spread(gradients: np.ndarray, places: np.ndarray, spread: np.ndarray) -> None:
    samples, height, width, channels = places.shape
    for n in range(samples):
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    gradient, place = gradients[n, c, i, j], places[n, i, j, c]
                    for k in range(4):
                        spread[n, 2 * i + k // 2, 2 * j + k % 2, c] = gradient if k == place else np.float32(0)


@njit(cache=True)
def requantize(
    sums: np.ndarray, factors: np.ndarray, shifts: np.ndarray, zero: np.float32, low: np.float32, high: np.float32
) -> None:
    """Whole float32 ``sums`` [rows, channels] in place: times the channel's factor, rounded to a whole number and, as the
    kernels do, once more where bits are shifted out; then ``zero`` is added, and ``low`` and ``high`` are the limits.
    """
    rows, channels = sums.shape
    for row in range(rows):
        for c in range(channels):
            whole = np.rint(np.rint(sums[row, c] * factors[c]) * shifts[c]) + zero
            sums[row, c] = min(max(whole, low), high)
