"""Fixed-point arithmetic: multipliers, roundings, functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mcusim.network.fixed_point import (
    FixedPoint,
    Multiplier,
    doubling_high_multiply,
    exp_on_negative,
    logistic,
    look_up,
    multiply,
    multiply_once,
    multiply_wide,
    one_over_one_plus,
    quantize_multiplier,
    reciprocal,
    round_half_away,
    rounding_shift_right,
    rounds_as_double,
    sigmoid_table,
    table_of,
    tanh,
    wrap,
)


@pytest.mark.parametrize(
    ("real", "multiplier"),
    [
        (1.0, Multiplier(1 << 30, 1)),
        (0.5, Multiplier(1 << 30, 0)),
        (0.75, Multiplier(3 << 29, 0)),
        (1 - 2.0**-40, Multiplier(1 << 30, 1)),
        (0.0, Multiplier(0, 0)),
        (2.0**-33, Multiplier(0, 0)),
        (1000.0, Multiplier(round(1000 / 1024 * 2**31), 10)),
    ],
)
def test_multipliers_have_their_leading_bit_at_30(real: float, multiplier: Multiplier) -> None:
    assert quantize_multiplier(real) == multiplier


@pytest.mark.parametrize("real", [math.inf, math.nan])
def test_a_scale_that_is_not_finite_is_refused(real: float) -> None:
    with pytest.raises(ValueError, match="a finite number is needed"):
        quantize_multiplier(real)


def test_halves_are_rounded_away_from_zero() -> None:
    assert round_half_away(np.array([-1.5, -0.5, 0.5, 1.5, 0.49999999999999994])).tolist() == [-2, -1, 1, 2, 0]
    assert rounding_shift_right(np.array([-6, -5, -2, 2, 5, 6]), 2).tolist() == [-2, -1, -1, 1, 1, 2]


def test_the_high_multiply_saturates_at_the_two_least_words() -> None:
    least = -(1 << 31)
    assert doubling_high_multiply(np.array([least, least, 3]), np.array([least, 1 << 30, 1 << 30])).tolist() == [
        (1 << 31) - 1,
        least >> 1,
        2,
    ]


def test_a_multiplication_is_within_one_of_the_real_product() -> None:
    x = np.random.default_rng(0).integers(-(1 << 20), 1 << 20, 2000)
    for real in (0.0007, 0.3, 1.7, 200.0):
        value, shift = quantize_multiplier(real)
        assert np.abs(multiply(x, value, shift) - x * real).max() <= 1
    for real in (0.0007, 0.3):
        value, shift = quantize_multiplier(real)
        assert np.abs(multiply_wide(x, value, shift) - x * real).max() <= 0.5 + np.abs(x * real).max() * 2.0**-14


def test_rounding_once_is_as_good_as_double_precision_for_bytes() -> None:
    """What a kernel needs to agree with fully connected layers that are rounded in double precision."""
    reals = np.exp(np.random.default_rng(0).uniform(np.log(1e-5), np.log(0.9), 200))
    assert all(rounds_as_double(real, -128, 127) for real in reals.tolist())
    x = np.arange(-2000, 2000)
    assert (multiply_once(x, *quantize_multiplier(0.13712345)) == round_half_away(x * 0.13712345)).all()
    assert (multiply(x, *quantize_multiplier(0.13712345)) != round_half_away(x * 0.13712345)).any()


def test_a_factor_for_which_rounding_once_is_not_enough_is_found() -> None:
    assert not rounds_as_double(0.5, -128, 127)  # halves go up, not away from zero


def test_words_wrap() -> None:
    assert wrap(np.array([1 << 31, -(1 << 31) - 1])).tolist() == [-(1 << 31), (1 << 31) - 1]


@pytest.mark.parametrize("bits", [16, 32])
def test_functions_are_near_the_real_ones(bits: int) -> None:
    one, tolerance = float(1 << (bits - 1)), 4e-4 if bits == 16 else 2e-7
    x = np.linspace(-7.99, 7.99, 501)
    words = FixedPoint(np.round(x * one / 8).astype(np.int64), 3, bits)
    x = words.raw * 8 / one
    assert np.abs(logistic(words).raw / one - 1 / (1 + np.exp(-x))).max() < tolerance
    assert np.abs(tanh(words).raw / one - np.tanh(x)).max() < tolerance
    below = FixedPoint(np.minimum(words.raw, 0), 3, bits)
    assert np.abs(exp_on_negative(below).raw / one - np.exp(np.minimum(x, 0))).max() < tolerance


def test_reciprocals_are_near_the_real_ones() -> None:
    x = np.arange(0, 1 << 31, 99_999_999)
    assert np.abs(one_over_one_plus(FixedPoint(x, 0)).raw / 2.0**31 - 1 / (1 + x / 2.0**31)).max() < 1e-8
    x = np.array([1 << 19, (1 << 19) + 12345, 77 << 19, (1 << 31) - 1])
    words, over = reciprocal(x, 12)
    assert np.allclose(words / 2.0**31 * 2.0 ** -over.astype(float), 2.0**19 / x, rtol=1e-8)


def test_tables_give_their_function_between_their_entries() -> None:
    table = table_of(np.exp, -10.0, 0.0, 2.0 / 65535)
    x = np.arange(-32768, 32768)
    assert np.abs(look_up(table, x) / 32768 - np.exp((x - 32767) * 10 / 65535)).max() < 2e-4
    assert len(sigmoid_table()) == 256
    assert np.abs(sigmoid_table() / 65536 - 1 / (1 + np.exp(-np.arange(256) / 24))).max() < 2.5e-5
