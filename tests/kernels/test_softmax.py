"""Softmax of int8: plain C, DSP code, the arithmetic in exact integers and TensorFlow Lite's kernels agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, PLAIN, Case, check_on_host, check_on_target
from tests.kernels.fixed_point import quantized_multiplier, rounded_half_away
from tests.kernels.tflite_operator import Operand

KERNELS = ("arm_softmax_s8", "arm_softmax_s8_s16")
LARGEST = 2**31 - 1


def parameters(scale: float, beta: float) -> tuple[int, int, int]:
    """Multiplier, shift and least difference (PreprocessSoftmaxScaling and CalculateInputRadius, 5 integer bits)."""
    multiplier, shift = quantized_multiplier(min(beta * scale * 2**26, 2.0**31 - 1))
    return multiplier, shift, -int(np.floor(31.0 * 2**26 / 2**shift))


def high(left: int, right: int) -> int:
    return (left * right + (1 << 30)) >> 31


def divided(value: int, exponent: int) -> int:
    return int(rounded_half_away(np.int64(value), exponent))


def exponential(x: int) -> int:
    """e^x of Q5.26 in Q0.31: the polynomial and the factors e^(-2^k / 4)."""
    if x == 0:
        return LARGEST
    quarter = x % 2**24 - 2**24
    a = quarter * 32 + 2**28
    square = high(a, a)
    terms = high(divided(high(square, square), 2) + high(square, a), round(2**31 / 3))
    result = 1895147668 + high(1895147668, a + divided(terms + square, 1))
    for k in range(7):
        if (quarter - x) >> (24 + k) & 1:
            result = high(result, (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)[k])
    return result


def reciprocal(x: int) -> int:
    """1 / (1 + x) in Q0.31, by Newton's method in Q2.29."""
    half = (x + LARGEST + 1) // 2
    guess = 1515870810 + high(half, -1010580540)
    for _ in range(3):
        guess += high(guess, 2**29 - high(half, guess)) * 4
    return min(guess * 2, LARGEST)


def expected(values: np.ndarray, scale: float, beta: float, bits: int) -> np.ndarray:
    multiplier, shift, least = parameters(scale, beta)
    result = np.full(values.shape, -(2 ** (bits - 1)), np.dtype(f"int{bits}"))
    for row, output in zip(values.reshape(-1, values.shape[-1]), result.reshape(-1, values.shape[-1]), strict=True):
        differences = [int(value) - int(row.max()) for value in row]
        powers = [exponential(high(d << shift, multiplier)) if d >= least else 0 for d in differences]
        total = sum(divided(power, 12) for power in powers)
        headroom = 32 - total.bit_length()
        inverse = reciprocal((total << headroom) - 2**31)
        for i, power in enumerate(powers):
            share = divided(high(inverse, power), 12 - headroom + 31 - bits) - 2 ** (bits - 1)
            output[i] = min(max(share, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)
    return result


def layers() -> list[tuple[np.ndarray, float, float]]:
    random = np.random.default_rng(40)
    result = []
    for i in range(30):
        shape = (int(random.integers(1, 4)), int(random.integers(1, 30)))
        scale, beta = float(np.float32(10 ** random.uniform(-3, 0.6))), (1.0, 0.5, 3.0)[i % 3]
        result.append((random.integers(-128, 128, shape, np.int8), scale, beta))
    result.append((random.integers(-128, 128, (2, 100), np.int8), 0.05, 1.0))  # more than are kept between the passes
    result.append((np.full((1, 200), 5, np.int8), 0.1, 1.0))
    return result


def cases() -> list[Case]:
    result = []
    for i, (values, scale, beta) in enumerate(layers()):
        rows, count = values.shape
        numbers = ", ".join(map(str, (rows, count, *parameters(scale, beta))))
        for name, bits in (("s8", 8), ("s8_s16", 16)):
            call = f"(arm_softmax_{name}(input, {numbers}, output), 0)"
            wanted = expected(values, scale, beta, bits)
            result.append(Case(f"{name}_{i}", call, wanted, {"input": values}, shift=i % 4))
    return result


def test_plain_c_equals_the_arithmetic(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_arithmetic(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_the_arithmetic() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_arithmetic_equals_tensorflow_lites_reference_kernel(bits: int) -> None:
    output = ("int8", 1 / 256, -128) if bits == 8 else ("int16", 1 / 65536, -32768)
    for values, scale, beta in layers():
        (wanted,) = tflite_operator.run(
            "SOFTMAX", [Operand(values.shape, "int8", scale, 4)], [Operand(values.shape, *output)], [values],
            ("SoftmaxOptions", {"beta": beta}), version=3,
        )  # fmt: skip
        np.testing.assert_array_equal(expected(values, scale, beta, bits), wanted)
