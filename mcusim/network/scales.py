"""Scales of int8: which ones the kernels ask for, and those that follow from ranges of values.

Softmax and logistic give 1/256 and -128, tanh 1/128 and 0; layers that move elements or choose among them keep their input's
scale.
"""

from __future__ import annotations

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.fixed_point import round_half_away
from mcusim.network.tensor import Quantization

LEAST, MOST = -128, 127
NARROW = 127
"""Weights are symmetric: -127 to 127."""
BIAS_LIMIT = float(2**31 - 1)
UNIT = Quantization((1 / 256,), (-128,))
SIGNED = Quantization((1 / 128,), (0,))
FIXED: dict[object, Quantization] = {ops.Function.LOGISTIC: UNIT, ops.Function.TANH: SIGNED}


def fixed_scale(operator: ops.Operator) -> Quantization | None:
    """The scale that an operator's kernel gives, where it gives only one."""
    return UNIT if isinstance(operator, ops.Softmax) else FIXED.get(getattr(operator, "function", None))


def keeps_scale(operator: ops.Operator) -> bool:
    """Whether the one input and the outputs must have one scale."""
    if isinstance(operator, ops.Reduce):
        return operator.function in (ops.Reduction.MAX, ops.Reduction.MIN)
    moving = ops.Pool2D | ops.Pad | ops.Reshape | ops.Split | ops.Slice | ops.Transpose | ops.ResizeNearest
    return isinstance(operator, moving)


def joins_scales(operator: ops.Operator) -> bool:
    """Whether all inputs must have the output's scale."""
    extremes = (ops.Arithmetic.MINIMUM, ops.Arithmetic.MAXIMUM)
    return isinstance(operator, ops.Concatenation) or (isinstance(operator, ops.Binary) and operator.function in extremes)


def scale_of(low: float, high: float) -> Quantization:
    """int8 for ``low`` to ``high`` and 0, which is stored exactly; the scale is a float32."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    scale = float(np.float32((high - low) / 255))
    if not scale > 1e-30:
        return Quantization((1.0,), (0,))
    zero = int(np.clip(round(LEAST - low / scale), LEAST, MOST))
    return Quantization((scale,), (zero,))


def stored(values: np.ndarray, scales: Quantization) -> np.ndarray:
    """Real numbers as int8."""
    shape = [1] * values.ndim
    if scales.axis is not None:
        shape[scales.axis] = -1
    steps = np.array(scales.scales, np.float64).reshape(shape if len(scales.scales) > 1 else ())
    zeros = np.array(scales.zero_points, np.float64).reshape(shape if len(scales.scales) > 1 else ())
    result = np.array(np.clip(round_half_away(values.astype(np.float64) / steps) + zeros, LEAST, MOST), np.int8)
    result.flags.writeable = False
    return result


def weight_scales(
    weights: np.ndarray, axis: int | None, step: float, bias: np.ndarray | None
) -> Quantization:
    """Symmetric scales (float32) of each channel along ``axis``, or one: -127 to 127.

    They are raised where a bias would not fit into 32 bits on the input's scale ``step``; a channel of zeros takes the largest
    of the others.
    """
    others = tuple(i for i in range(weights.ndim) if i != axis)
    peaks = np.abs(weights).max(others if axis is not None else None).reshape(-1).astype(np.float64)
    scales = peaks / NARROW
    if bias is not None:
        needed = np.abs(bias.astype(np.float64)) / (BIAS_LIMIT / 2) / step
        scales = np.maximum(scales, needed if axis is not None else needed.max())
    scales[scales < 1e-30] = max(scales.max(), 1e-30) if scales.max() > 1e-30 else 1.0
    rounded = tuple(float(np.float32(s)) for s in scales)
    return Quantization(rounded, (0,) * len(rounded), axis if len(rounded) > 1 else None)
