"""TensorFlow Lite's fixed-point arithmetic, in NumPy and exact integers."""

from __future__ import annotations

from math import frexp

import numpy as np

Q31 = 2**31


def quantized_multiplier(real: float) -> tuple[int, int]:
    """Multiplier (Q31) and shift of a positive real number (QuantizeMultiplier)."""
    if real == 0:
        return 0, 0
    fraction, shift = frexp(real)
    multiplier = int(np.floor(fraction * Q31 + 0.5))
    if multiplier == Q31:
        return Q31 // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def requantized(values: np.ndarray, multiplier: int, shift: int) -> np.ndarray:
    """values * multiplier * 2^(shift - 31), rounded twice (MultiplyByQuantizedMultiplier of int32)."""
    shifted = values.astype(np.int64) << max(shift, 0)
    high = (shifted * multiplier + (1 << 30)) >> 31
    return rounded_half_away(high, max(-shift, 0))


def rounded_half_away(values: np.ndarray, exponent: int) -> np.ndarray:
    """values / 2^exponent, to nearest, halves away from zero."""
    return np.sign(values) * ((np.abs(values) + ((1 << exponent) >> 1)) >> exponent)
