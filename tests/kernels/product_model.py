"""The kernels' arithmetic in NumPy, from TensorFlow Lite's definitions: exact integers, no speed."""

from __future__ import annotations

import numpy as np

Pair = tuple[int, int]


def requantized(sums: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """MultiplyByQuantizedMultiplier, rounded twice; the last axis of ``sums`` has a multiplier and a shift for each."""
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    scaled = (sums.astype(np.int32).astype(np.int64) << left).astype(np.int32).astype(np.int64)
    high = (scaled * multiplier.astype(np.int64) + (1 << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))


def requantized_once(sums: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The same rounded once, halves up, as fully connected layers do."""
    power = 31 - shift
    return (sums.astype(np.int64) * multiplier.astype(np.int64) + (np.int64(1) << (power - 1))) >> power


def finished(scaled: np.ndarray, offset: int, bounds: Pair) -> np.ndarray:
    """Outputs as int8."""
    return np.clip(scaled + offset, *bounds).astype(np.int8)


def windows(shifted: np.ndarray, out: Pair, taps: Pair, stride: Pair, padding: Pair, dilation: Pair) -> np.ndarray:
    """Inputs that each output sees, zero outside: [N, H_out, W_out, K_h, K_w, C]."""
    rows, columns = (
        np.arange(out[i])[:, None] * stride[i] - padding[i] + np.arange(taps[i]) * dilation[i] for i in (0, 1)
    )
    inside_rows, inside_columns = (rows >= 0) & (rows < shifted.shape[1]), (columns >= 0) & (columns < shifted.shape[2])
    found = shifted[:, np.clip(rows, 0, shifted.shape[1] - 1)][:, :, :, np.clip(columns, 0, shifted.shape[2] - 1)]
    inside = inside_rows[:, :, None, None] & inside_columns[None, None]
    return np.where(inside[None, ..., None], found, 0).transpose(0, 1, 3, 2, 4, 5)


def convolve(shifted: np.ndarray, filters: np.ndarray, out: Pair, stride: Pair, padding: Pair, dilation: Pair) -> np.ndarray:
    """Sums of a convolution in groups; ``filters`` [C_out, K_h, K_w, C_in / groups]."""
    seen = windows(shifted, out, filters.shape[1:3], stride, padding, dilation)  # type: ignore[arg-type]
    groups = shifted.shape[3] // filters.shape[3]
    parts = zip(np.split(seen, groups, axis=5), np.split(filters, groups, axis=0), strict=True)
    return np.concatenate([np.einsum("nyxijc,oijc->nyxo", part, own) for part, own in parts], axis=3)


def depthwise(shifted: np.ndarray, filters: np.ndarray, out: Pair, stride: Pair, padding: Pair, dilation: Pair) -> np.ndarray:
    """Sums of a depthwise convolution; ``filters`` [K_h, K_w, C * multiplier]."""
    seen = windows(shifted, out, filters.shape[:2], stride, padding, dilation)  # type: ignore[arg-type]
    return np.einsum("nyxijc,ijc->nyxc", np.repeat(seen, filters.shape[2] // shifted.shape[3], axis=5), filters)


def transposed(shifted: np.ndarray, filters: np.ndarray, out: Pair, stride: Pair, padding: Pair) -> np.ndarray:
    """Sums of a transposed convolution: each input is spread over the outputs that it reaches."""
    batches, height, width, _ = shifted.shape
    sums = np.zeros((batches, *out, filters.shape[0]), np.int64)
    for y, x, i, j in np.ndindex(height, width, *filters.shape[1:3]):
        row, column = y * stride[0] - padding[0] + i, x * stride[1] - padding[1] + j
        if 0 <= row < out[0] and 0 <= column < out[1]:
            sums[:, row, column] += shifted[:, y, x] @ filters[:, i, j].T
    return sums
