"""Quantise, dequantise, requantise, leaky ReLU, lookup tables: C, NumPy and TensorFlow Lite's kernels agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, PLAIN, Case, check_on_host, check_on_target
from tests.kernels.fixed_point import quantized_multiplier, requantized
from tests.kernels.tflite_operator import Operand

KERNELS = (
    "nn_quantize", "nn_requantize_s8", "nn_requantize_u8", "nn_requantize_u8_s8", "nn_requantize_s8_u8",
    "nn_requantize_row", "nn_leaky_relu_s8", "nn_lookup_s8",
)  # fmt: skip
SHORT = {"int8": "s8", "uint8": "u8", "int16": "s16"}
Scale = tuple[float, int]


def bounds(kind: str) -> tuple[int, int]:
    return int(np.iinfo(kind).min), int(np.iinfo(kind).max)


def every(kind: str, random: np.random.Generator) -> np.ndarray:
    """All values of 8 bits, and three more, so that fours do not suffice; or some of 16."""
    low, high = bounds(kind)
    if kind == "int16":
        return random.integers(low, high + 1, 100, np.int16)
    return np.concatenate([np.arange(low, high + 1), [low, high, 1]]).astype(kind)


def rescaled(values: np.ndarray, scales: tuple[Scale, Scale], kind: str, activation: tuple[int, int]) -> np.ndarray:
    (source, source_zero), (target, target_zero) = scales
    multiplier, shift = quantized_multiplier(source / target)
    answer = requantized(values.astype(np.int64) - source_zero, multiplier, shift) + target_zero
    return np.clip(answer, *activation).astype(kind)


def leaky(values: np.ndarray, scales: tuple[Scale, Scale], alpha: float) -> np.ndarray:
    (source, source_zero), (target, target_zero) = scales
    shifted = values.astype(np.int64) - source_zero
    slopes = [quantized_multiplier(source / target), quantized_multiplier(abs(source * alpha / target))]
    above, below = (requantized(shifted, *slope) for slope in slopes)
    answer = np.where(shifted >= 0, above, np.sign(alpha).astype(np.int64) * below) + target_zero
    return np.clip(answer, -128, 127).astype(np.int8)


def quantized(values: np.ndarray, scale: float, zero: int, kind: str) -> np.ndarray:
    exact = values / np.float32(scale)
    rounded = np.trunc(exact)
    rest = exact - rounded
    return np.clip(rounded + (rest >= 0.5) - (rest <= -0.5) + zero, *bounds(kind)).astype(kind)


def dequantized(values: np.ndarray, scale: float, zero: int) -> np.ndarray:
    return (float(np.float32(scale)) * (values.astype(np.int64) - zero)).astype(np.float32)


def floats(random: np.random.Generator) -> np.ndarray:
    halves = np.arange(-20, 20) * np.float32(0.125)  # exact halves of scale 0.25
    return np.concatenate([random.normal(0, 4, 60), halves, [1e6, -1e6, 0.0]]).astype(np.float32)


def ratios(kinds: tuple[str, str]) -> list[tuple[Scale, Scale]]:
    """Scales up and down, equal, and exact powers of two; zero points at the ends of the types."""
    zeros = [(bounds(kind)[0], 3, bounds(kind)[1]) for kind in kinds]
    pairs = [(0.1, 0.1), (0.1, 0.0731), (0.1, 0.17), (0.1, 0.2), (0.1, 0.05), (0.1, 0.9), (0.1, 0.0001), (1e-5, 3.0)]
    return [
        ((float(np.float32(a)), zeros[0][i % 3]), (float(np.float32(b)), zeros[1][(i // 2) % 3]))
        for i, (a, b) in enumerate(pairs)
    ]


EIGHT_BITS = [("int8", "int8"), ("uint8", "uint8"), ("uint8", "int8"), ("int8", "uint8")]


def requantize_cases(random: np.random.Generator) -> list[Case]:
    result = []
    for kinds in EIGHT_BITS:
        short = SHORT[kinds[0]] if kinds[0] == kinds[1] else f"{SHORT[kinds[0]]}_{SHORT[kinds[1]]}"
        for i, scales in enumerate(ratios(kinds)):
            values = every(kinds[0], random)
            low, high = bounds(kinds[1])
            activation = (low, high) if i % 2 else (low + 20, high - 30)
            (source, source_zero), (target, target_zero) = scales
            multiplier, shift = quantized_multiplier(source / target)
            declarations = (
                f"const nn_requantize_params params = {{{-source_zero}, {target_zero}, {multiplier}, {shift}, "
                f"{{{activation[0]}, {activation[1]}}}}};"
            )
            call = f"(nn_requantize_{short}(&params, input, {values.size}, output), 0)"
            wanted = rescaled(values, scales, kinds[1], activation)
            result.append(Case(f"requantize_{short}_{i}", call, wanted, {"input": values}, declarations, i % 4))
    return result


def leaky_cases(random: np.random.Generator) -> list[Case]:
    result = []
    for i, scales in enumerate(ratios(("int8", "int8"))):
        values, alpha = every("int8", random), (0.1, -0.3, 1.5)[i % 3]
        (source, source_zero), (target, target_zero) = scales
        multiplier, shift = quantized_multiplier(abs(source * alpha / target))
        one = quantized_multiplier(source / target)
        signed = multiplier if alpha > 0 else -multiplier
        declarations = (
            f"const nn_leaky_relu_params params = {{{-source_zero}, {target_zero}, {one[0]}, {one[1]}, {signed}, {shift}}};"
        )
        call = f"(nn_leaky_relu_s8(&params, input, {values.size}, output), 0)"
        result.append(Case(f"leaky_{i}", call, leaky(values, scales, alpha), {"input": values}, declarations, i % 4))
    return result


def float_cases(random: np.random.Generator) -> list[Case]:
    result = []
    for kind, short in SHORT.items():
        for i, (scale, zero) in enumerate(((0.25, 0), (0.0371, 3), (1.7, 11))):
            values = floats(random)
            scale = float(np.float32(scale))
            written = f"{scale.hex()}f, {zero}"
            call = f"(nn_quantize_f32_{short}(input, {values.size}, {written}, output), 0)"
            result.append(Case(f"quantize_{short}_{i}", call, quantized(values, scale, zero, kind), {"input": values}))
            stored = every(kind, random)
            call = f"(nn_dequantize_{short}_f32(input, {stored.size}, {written}, output), 0)"
            result.append(Case(f"dequantize_{short}_{i}", call, dequantized(stored, scale, zero), {"input": stored}))
    return result


def cases() -> list[Case]:
    random = np.random.default_rng(70)
    table = random.integers(-128, 128, 256, np.int8)
    values = every("int8", random)
    call = f"(nn_lookup_s8(input, table, {values.size}, output), 0)"
    arrays = {"input": values, "table": table}
    lookup = Case("lookup", call, table[values.view(np.uint8)], arrays, shift=1)
    return [lookup, *requantize_cases(random), *leaky_cases(random), *float_cases(random)]


def test_plain_c_equals_the_definition(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_definition(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_the_definition() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


def reference(operator: str, values: np.ndarray, scales: tuple[Scale, Scale], kind: str, **options: Any) -> np.ndarray:
    inputs = Operand(values.shape, values.dtype.name, *(scales[0] if values.dtype != np.float32 else (0.0, 0)))
    outputs = Operand(values.shape, kind, *(scales[1] if kind != "float32" else (0.0, 0)))
    table, options_version = options.pop("table", None), options.pop("version", 2)
    return tflite_operator.run(operator, [inputs], [outputs], [values], table and (table, options), version=options_version)[0]


@pytest.mark.parametrize("kinds", EIGHT_BITS)
def test_requantising_equals_tensorflow_lites_reference_kernel(kinds: tuple[str, str]) -> None:
    random = np.random.default_rng(71)
    for scales in ratios(kinds):
        values = every(kinds[0], random)
        wanted = reference("QUANTIZE", values, scales, kinds[1])
        np.testing.assert_array_equal(rescaled(values, scales, kinds[1], bounds(kinds[1])), wanted)


@pytest.mark.parametrize(
    ("operator", "low", "high", "version"), [("RELU", 0, 1e9, 2), ("RELU6", 0, 6, 2), ("RELU_N1_TO_1", -1, 1, 1)]
)
def test_relus_equal_tensorflow_lites_reference_kernel(operator: str, low: float, high: float, version: int) -> None:
    random = np.random.default_rng(72)
    for scales in ratios(("int8", "int8")):
        values, (scale, zero) = every("int8", random), scales[1]
        least, most = (int(np.clip(zero + np.floor(end / scale + 0.5), -128, 127)) for end in (low, high))
        wanted = reference(operator, values, scales, "int8", version=version)
        np.testing.assert_array_equal(rescaled(values, scales, "int8", (least, most)), wanted)


@pytest.mark.parametrize("alpha", [0.1, 1.5])
def test_leaky_relu_equals_tensorflow_lites_reference_kernel(alpha: float) -> None:
    random = np.random.default_rng(73)
    for scales in ratios(("int8", "int8")):
        values = every("int8", random)
        wanted = reference("LEAKY_RELU", values, scales, "int8", table="LeakyReluOptions", alpha=alpha)
        np.testing.assert_array_equal(leaky(values, scales, float(np.float32(alpha))), wanted)


@pytest.mark.parametrize("kind", SHORT)
def test_quantising_and_back_equal_tensorflow_lites_reference_kernels(kind: str) -> None:
    random = np.random.default_rng(74)
    for scale, zero in ((0.25, 0), (0.0371, 0 if kind == "int16" else 3)):
        one = (float(np.float32(scale)), zero)
        values, stored = floats(random), every(kind, random)
        np.testing.assert_array_equal(quantized(values, *one, kind), reference("QUANTIZE", values, (one, one), kind))
        np.testing.assert_array_equal(dequantized(stored, *one), reference("DEQUANTIZE", stored, (one, one), "float32"))
