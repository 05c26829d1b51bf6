"""Kernels that move elements: reshape, pad, concatenate, cut, transpose, resize."""

from __future__ import annotations

import numpy as np

from mcusim.network.fixed_point import round_half_away
from mcusim.network.reference.call import Call, activation_range, clamp_float


def reshape(call: Call) -> list[np.ndarray]:
    return [call.value(0).reshape(call.operator.shape)]


def pad(call: Call) -> list[np.ndarray]:
    x, operator = call.value(0), call.operator
    return [np.pad(x, list(zip(operator.before, operator.after, strict=True)), constant_values=x.dtype.type(operator.value))]


def concatenation(call: Call) -> list[np.ndarray]:
    """Inputs joined as they are stored; they share the output's quantisation."""
    operator = call.operator
    for tensor in call.inputs:
        if tensor is not None and tensor.quantization != call.output.quantization:
            raise call.error(f"its input {tensor.name!r} is quantised differently from its output; requantise it first")
    joined = np.concatenate([call.value(i) for i in range(len(call.inputs))], operator.axis)
    if call.output.quantization is None:
        return [clamp_float(joined, operator.activation)]
    return [np.clip(joined, *activation_range(operator.activation, call.output))]


def split(call: Call) -> list[np.ndarray]:
    ends = np.cumsum(call.operator.sizes)[:-1]
    return list(np.split(call.value(0), ends, call.operator.axis))


def cut(call: Call) -> list[np.ndarray]:
    operator = call.operator
    index = [b + np.arange(n) * s for b, n, s in zip(operator.begin, operator.size, operator.stride, strict=True)]
    return [call.value(0)[np.ix_(*index)] if index else call.value(0)]


def transpose(call: Call) -> list[np.ndarray]:
    return [call.value(0).transpose(call.operator.permutation)]


def resize_nearest(call: Call) -> list[np.ndarray]:
    """The element whose place, in float32, is below or nearest."""
    x = call.value(0)
    rows, columns = (_nearest(call, x.shape[axis + 1], call.operator.size[axis]) for axis in (0, 1))
    return [x[:, rows][:, :, columns]]


def _nearest(call: Call, size: int, count: int) -> np.ndarray:
    corners, centers = call.operator.align_corners, call.operator.half_pixel_centers
    step = np.float32(size - 1) / np.float32(count - 1) if corners and count > 1 else np.float32(size) / np.float32(count)
    at = (np.arange(count, dtype=np.float32) + np.float32(0.5 if centers else 0.0)) * step
    return np.clip((round_half_away(at) if corners else np.floor(at)).astype(np.int64), 0, size - 1)


