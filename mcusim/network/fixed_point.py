"""Fixed-point arithmetic of quantised networks: multipliers from real scales, requantisation, and exp, 1/x, logistic, tanh.

The rules are those of TensorFlow Lite's reference kernels and of gemmlowp's fixed-point numbers, which they are built on, so
that results agree bit for bit. Arrays hold their values in int64; a "word" below is what a 16 or 32 bit register would hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Multiplier(NamedTuple):
    """A real factor as ``value * 2**(shift - 31)``; ``value`` is 0 or has its leading bit at 30."""

    value: int
    shift: int


def quantize_multiplier(real: float) -> Multiplier:
    """The multiplier nearest to ``real``; factors below 2**-32 become 0. ValueError unless finite."""
    if not math.isfinite(real):
        raise ValueError(f"{real} is no scale: a finite number is needed")
    fraction, shift = math.frexp(real)
    value = int(round_half_away(fraction * 2.0**31))
    if value == 1 << 31:
        value, shift = 1 << 30, shift + 1
    return Multiplier(value, shift) if value and shift >= -31 else Multiplier(0, 0)


def round_half_away(x: np.ndarray | np.floating | float) -> np.ndarray:
    """The nearest whole number, halves away from zero, in the type of ``x``."""
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= 0.5, np.sign(x), np.zeros_like(whole))


def wrap(x: np.ndarray, bits: int = 32) -> np.ndarray:
    """What a word of ``bits`` keeps of ``x``, signed."""
    half = 1 << (bits - 1)
    return ((np.asarray(x, np.int64) + half) & ((1 << bits) - 1)) - half


def saturate(x: np.ndarray, bits: int = 32) -> np.ndarray:
    """``x``, or the nearest value that a signed word of ``bits`` holds."""
    return np.clip(x, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def divide_toward_zero(x: np.ndarray, power: int) -> np.ndarray:
    """x / 2**power as C divides integers."""
    return np.where(x < 0, -((-x) >> power), x >> power)


def doubling_high_multiply(a: np.ndarray, b: np.ndarray | int, bits: int = 32) -> np.ndarray:
    """The upper word of 2*a*b, rounded to nearest; saturates where both are the least word (SQRDMULH but for halves)."""
    product = np.asarray(a, np.int64) * b
    nudge = np.where(product >= 0, 1 << (bits - 2), 1 - (1 << (bits - 2)))
    return np.minimum(divide_toward_zero(product + nudge, bits - 1), (1 << (bits - 1)) - 1)


def rounding_shift_right(x: np.ndarray, power: int | np.ndarray) -> np.ndarray:
    """x / 2**power to nearest, halves away from zero."""
    x = np.asarray(x, np.int64)
    mask = (np.int64(1) << np.asarray(power, np.int64)) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> power) + ((x & mask) > threshold)


def multiply(x: np.ndarray, value: np.ndarray | int, shift: np.ndarray | int) -> np.ndarray:
    """x * 2**(shift - 31) * value with both roundings of TensorFlow Lite, for 32 bit accumulators (wrapped words)."""
    left, right = np.maximum(shift, 0), np.maximum(-np.asarray(shift), 0)
    return rounding_shift_right(doubling_high_multiply(wrap(np.asarray(x, np.int64) << left), value), right)


def multiply_wide(x: np.ndarray, value: np.ndarray | int, shift: np.ndarray | int) -> np.ndarray:
    """The same for 48 bit accumulators (16 bit activations): a multiplier of 16 bits, rounded once, halves up."""
    value = np.asarray(value, np.int64)
    reduced = np.where(value < 0x7FFF0000, (value + (1 << 15)) >> 16, 0x7FFF)
    power = 15 - np.asarray(shift, np.int64)
    return wrap((np.asarray(x, np.int64) * reduced + (np.int64(1) << (power - 1))) >> power)


def multiply_once(x: np.ndarray, value: np.ndarray | int, shift: np.ndarray | int) -> np.ndarray:
    """x * 2**(shift - 31) * value for 32 bit accumulators, rounded once in 64 bits, halves up; ``shift`` up to 30."""
    power = 31 - np.asarray(shift, np.int64)
    return (np.asarray(x, np.int64) * value + (np.int64(1) << (power - 1))) >> power


def rounds_as_double(real: float, low: int, high: int) -> bool:
    """Whether multiply_once by quantize_multiplier(real) gives what rounding x * real in double precision gives, for every
    whole x whose result lies in ``low`` to ``high``.

    TensorFlow Lite's reference kernel of fully connected layers rounds in double precision. Both results rise with x, so they
    are alike everywhere if they are alike beside each half.
    """
    halves = np.arange(low - 1, high + 1) + 0.5
    x = (np.floor(halves / real)[:, None] + np.arange(-1, 3)).astype(np.int64)
    return bool((multiply_once(x, *quantize_multiplier(real)) == round_half_away(x * real)).all())


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Words of ``bits`` that stand for raw * 2**(integer_bits + 1 - bits): gemmlowp's FixedPoint."""

    raw: np.ndarray
    integer_bits: int
    bits: int = 32

    @property
    def fraction_bits(self) -> int:
        return self.bits - 1 - self.integer_bits

    def __mul__(self, other: FixedPoint) -> FixedPoint:
        return FixedPoint(
            doubling_high_multiply(self.raw, other.raw, self.bits), self.integer_bits + other.integer_bits, self.bits
        )

    def __add__(self, other: FixedPoint) -> FixedPoint:
        return FixedPoint(wrap(self.raw + other.raw, self.bits), self.integer_bits, self.bits)

    def __sub__(self, other: FixedPoint) -> FixedPoint:
        return FixedPoint(wrap(self.raw - other.raw, self.bits), self.integer_bits, self.bits)

    def scaled(self, power: int) -> FixedPoint:
        """Times 2**power: saturating to the left, rounding to the right."""
        raw = rounding_shift_right(self.raw, -power) if power < 0 else saturate(np.asarray(self.raw) << power, self.bits)
        return FixedPoint(raw, self.integer_bits, self.bits)

    def rescaled(self, integer_bits: int) -> FixedPoint:
        """The same number with another number of integer bits."""
        return FixedPoint(self.scaled(self.integer_bits - integer_bits).raw, integer_bits, self.bits)

    def read_as(self, integer_bits: int) -> FixedPoint:
        """The same word read with another number of integer bits: an exact multiplication by a power of two."""
        return FixedPoint(self.raw, integer_bits, self.bits)

    def constant(self, value: float, integer_bits: int | None = None) -> FixedPoint:
        """``value`` in the format of this number; the largest word where it is 1 and 1 is just out of reach."""
        integer_bits = self.integer_bits if integer_bits is None else integer_bits
        raw = np.array(min(round(value * 2.0 ** (31 - integer_bits)), (1 << 31) - 1), np.int64)
        if self.bits == 16:
            raw = np.minimum(rounding_shift_right(raw, 16), (1 << 15) - 1)
        return FixedPoint(raw, integer_bits, self.bits)

    def where(self, mask: np.ndarray, other: FixedPoint) -> FixedPoint:
        """This where ``mask``, else ``other``."""
        return FixedPoint(np.where(mask, self.raw, other.raw), self.integer_bits, self.bits)


def exp_on_negative(a: FixedPoint) -> FixedPoint:
    """exp(a) for a <= 0, without integer bits; ``a`` has 5 integer bits or fewer."""
    quarter = 1 << (a.fraction_bits - 2)
    within = (a.raw & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(FixedPoint(within, a.integer_bits, a.bits).rescaled(0))
    remainder = within - a.raw
    for exponent in range(-2, a.integer_bits):
        bit = remainder & (1 << (a.fraction_bits + exponent))
        result = (result * result.constant(math.exp(-(2.0**exponent)))).where(bit != 0, result)
    return result.constant(1.0).where(a.raw == 0, result)


def _exp_on_last_quarter(a: FixedPoint) -> FixedPoint:
    """exp(a) for -1/4 <= a < 0: Taylor's polynomial of degree 4 about -1/8."""
    x = a + a.constant(0.125)
    x2 = x * x
    x3, x4 = x2 * x, x2 * x2
    tail = ((x4.scaled(-2) + x3) * a.constant(1 / 3) + x2).scaled(-1)
    centre = a.constant(math.exp(-0.125))
    return centre + centre * (x + tail)


def _two_over_one_plus(a: FixedPoint) -> FixedPoint:
    """2 / (1 + a) for 0 <= a < 1, with 2 integer bits: three steps of Newton and Raphson from a line."""
    total = np.asarray(a.raw) + a.constant(1.0).raw
    half = FixedPoint(divide_toward_zero(total + np.where(total >= 0, 1, -1), 1), 0, a.bits)
    x = a.constant(48 / 17, 2) + half * a.constant(-32 / 17, 2)
    one = a.constant(1.0, 2)
    for _ in range(3):
        x = x + (x * (one - half * x)).rescaled(2)
    return x


def one_over_one_plus(a: FixedPoint) -> FixedPoint:
    """1 / (1 + a) for 0 <= a < 1, both without integer bits."""
    return _two_over_one_plus(a).read_as(1).rescaled(0)


def logistic(a: FixedPoint) -> FixedPoint:
    """1 / (1 + exp(-a)), without integer bits."""
    positive = one_over_one_plus(exp_on_negative(FixedPoint(-np.abs(a.raw), a.integer_bits, a.bits)))
    result = positive.where(a.raw > 0, positive.constant(1.0) - positive)
    return result.constant(0.5).where(a.raw == 0, result)


def tanh(a: FixedPoint) -> FixedPoint:
    """tanh(a), without integer bits."""
    doubled = FixedPoint(-np.abs(a.raw), a.integer_bits, a.bits).read_as(a.integer_bits + 1)
    quotient = _two_over_one_plus(exp_on_negative(doubled))
    positive = (quotient - quotient.constant(1.0)).rescaled(0)
    return FixedPoint(np.where(a.raw == 0, 0, np.where(a.raw < 0, -positive.raw, positive.raw)), 0, a.bits)


def leading_zeros(x: np.ndarray) -> np.ndarray:
    """Zeros above the highest one of 32 bit words that are greater than 0."""
    return 32 - np.frexp(np.asarray(x, np.float64))[1]


def reciprocal(x: np.ndarray, integer_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """1/x of a positive word: a word without integer bits, and the power of two by which it is too large."""
    headroom = leading_zeros(x)
    return one_over_one_plus(FixedPoint((x << headroom) - (1 << 31), 0)).raw, integer_bits - headroom


TABLE_STEPS = 512
"""Intervals of a table over the 16 bit words; each is 128 words wide."""


def table_of(
    function: Callable[[np.ndarray], np.ndarray], low: float, high: float, output_scale: float
) -> np.ndarray:
    """513 words of ``function`` at equal steps from ``low`` to ``high``; straight lines between them err as little as possible.

    ``output_scale``: the real value of one step of the output, whose words are symmetric about 0.
    """
    step = (high - low) / TABLE_STEPS
    at = low + np.arange(TABLE_STEPS + 1) * step
    inverse = 65536.0 / (output_scale * 32767 - output_scale * -32768)
    exact = function(at) * inverse
    sample = round_half_away(exact)
    middle = round_half_away((exact[1:] + sample[:-1]) / 2)
    bias = round_half_away((middle - round_half_away(function(at[:-1] + step / 2) * inverse)) / 2)
    sample[:-1] -= bias
    return saturate(sample, 16).astype(np.int64)


def exponential_table() -> np.ndarray:
    """exp from -10 to 0, as the softmax of 16 bits looks it up."""
    return table_of(np.exp, 10.0 / 65535 * -65535, 0.0, 2.0 / 65535)


def reciprocal_table() -> np.ndarray:
    """1 / (1 + x) from 0 to 1, as the softmax of 16 bits looks it up."""
    return table_of(lambda x: 1.0 / (1.0 + x), 0.0, 1.0 / 65535 * 65535, 2.0 / 65535)


def look_up(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Value of a table of 513 words at 16 bit words, on straight lines between its entries."""
    index = 256 + (x >> 7)
    return table[index] + (((table[index + 1] - table[index]) * (x & 127) + 64) >> 7)


def sigmoid_table() -> np.ndarray:
    """65536 / (1 + exp(-i/24)) for i of 0 to 255, raised by half of what straight lines between the entries fall short."""
    y = 1 / (1 + np.exp(-np.arange(256) / 24))
    curvature = y * (1 - y) * (1 - 2 * y)
    table = np.round(65536 * (y - curvature / (16 * 24 * 24))).astype(np.int64)
    table[255] = 65535
    return table
