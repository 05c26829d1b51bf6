"""Sums, differences, products, least and greatest: plain C, DSP code, NumPy and TensorFlow Lite's kernels agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, PLAIN, Case, check_on_host, check_on_target, dims
from tests.kernels.fixed_point import quantized_multiplier, requantized
from tests.kernels.tflite_operator import Operand

KERNELS = (
    "arm_elementwise_add_s8", "arm_elementwise_mul_s8", "arm_minimum_s8", "arm_maximum_s8", "nn_add_s8", "nn_sub_s8",
    "nn_mul_s8", "nn_add_row_s8", "nn_mul_row_s8", "nn_minimum_maximum_row_s8", "nn_broadcast",
)  # fmt: skip
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Binary:
    """Two tensors and what joins them; (scale, zero point) of left, right and output."""

    function: str
    left: Shape
    right: Shape
    scales: tuple[tuple[float, int], tuple[float, int], tuple[float, int]]
    activation: tuple[int, int] = (-128, 127)

    @property
    def output(self) -> Shape:
        return np.broadcast_shapes(self.left, self.right)


def random_binary(random: np.random.Generator, function: str, *, same: bool = False) -> Binary:
    rank = int(random.integers(1, 5))
    output = [int(random.integers(1, 7)) for _ in range(rank)]
    output[-1] = int(random.integers(1, 40))
    left, right = (
        tuple(1 if not same and random.integers(3) == 0 else size for size in output) for _ in range(2)
    )
    scales = [(float(np.float32(10 ** random.uniform(-2.5, 0.5))), int(random.integers(-128, 128))) for _ in range(3)]
    if random.integers(4) == 0:
        scales[1] = (scales[0][0], scales[1][1])  # equal scales: both inputs count exactly half
    bounds = [(-128, 127), (scales[2][1], 127), (-5, 60)][int(random.integers(3))]
    return Binary(function, left, right, (scales[0], scales[1], scales[2]), bounds)


def sum_parameters(binary: Binary) -> list[int]:
    """input_1_offset ... output_shift of nn_add_params."""
    (left, left_zero), (right, right_zero), (output, output_zero) = binary.scales
    twice = 2.0 * max(left, right)
    one, two = quantized_multiplier(left / twice), quantized_multiplier(right / twice)
    out = quantized_multiplier(twice / (2**20 * output))
    return [-left_zero, *one, -right_zero, *two, 20, output_zero, *out]


def product_parameters(binary: Binary) -> list[int]:
    """input_1_offset ... output_shift of nn_mul_params; TensorFlow Lite works the ratio out in float32."""
    (left, left_zero), (right, right_zero), (output, output_zero) = binary.scales
    ratio = np.float32(left) * np.float32(right) / np.float32(output)
    return [-left_zero, -right_zero, output_zero, *quantized_multiplier(float(ratio))]


def expected(binary: Binary, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    a, b = left.astype(np.int64), right.astype(np.int64)
    if binary.function in ("minimum", "maximum"):
        return getattr(np, binary.function)(left, right)
    if binary.function == "mul":
        one, two, zero, multiplier, shift = product_parameters(binary)
        answer = requantized((a + one) * (b + two), multiplier, shift) + zero
    else:
        one, mult_1, shift_1, two, mult_2, shift_2, left_shift, zero, multiplier, shift = sum_parameters(binary)
        a = requantized((a + one) << left_shift, mult_1, shift_1)
        b = requantized((b + two) << left_shift, mult_2, shift_2)
        answer = requantized(a + b if binary.function == "add" else a - b, multiplier, shift) + zero
    return np.clip(answer, *binary.activation).astype(np.int8)


def values_of(binary: Binary, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.integers(-128, 128, binary.left, np.int8), random.integers(-128, 128, binary.right, np.int8)


def case(binary: Binary, name: str, random: np.random.Generator, shift: int) -> Case:
    left, right = values_of(binary, random)
    shapes = (
        f"const cmsis_nn_dims a = {dims(binary.left)}, b = {dims(binary.right)}, c = {dims(binary.output)};"
    )
    arrays = {"left": left, "right": right}
    low, high = binary.activation
    if binary.function in ("minimum", "maximum"):
        shapes += " const cmsis_nn_context none = {0, 0};"
        call = f"arm_{binary.function}_s8(&none, left, &a, right, &b, output, &c)"
    else:
        kind, numbers = (
            ("mul", product_parameters(binary)) if binary.function == "mul" else ("add", sum_parameters(binary))
        )
        listed = ", ".join(map(str, numbers))
        shapes += f" const nn_{kind}_params params = {{{listed}, {{{low}, {high}}}}};"
        call = f"nn_{binary.function}_s8(&params, left, &a, right, &b, output, &c)"
    return Case(name, call, expected(binary, left, right), arrays, shapes, shift)


def vector_case(binary: Binary, name: str, random: np.random.Generator, shift: int) -> Case:
    """The same through CMSIS-NN's functions, which take vectors of one length."""
    left, right = values_of(binary, random)
    wanted = expected(binary, left, right)
    numbers = product_parameters(binary) if binary.function == "mul" else sum_parameters(binary)
    cut = 2 if binary.function == "mul" else 7  # where these functions have the output among their arguments
    before, after = (", ".join(map(str, part)) for part in (numbers[:cut], numbers[cut:]))
    low, high = binary.activation
    call = f"arm_elementwise_{binary.function}_s8(left, right, {before}, output, {after}, {low}, {high}, {wanted.size})"
    return Case(name, call, wanted, {"left": left, "right": right}, shift=shift)


def cases() -> list[Case]:
    random = np.random.default_rng(30)
    result = []
    for function in ("add", "sub", "mul", "minimum", "maximum"):
        for i in range(25):
            result.append(case(random_binary(random, function), f"{function}_{i}", random, i % 4))
    for function in ("add", "mul"):
        for i in range(15):
            binary = random_binary(random, function, same=True)
            result.append(vector_case(binary, f"vector_{function}_{i}", random, i % 4))
    far = Binary("mul", (40,), (40,), ((0.9, 5), (0.9, -7), (0.05, 3)))  # scales up: a shift to the left
    close = replace(far, function="add", scales=((0.9, 5), (0.9, -7), (1e-6, 3)))  # a sum's shift beyond the fast ones
    return [*result, *(case(binary, f"odd_{i}", random, 1) for i, binary in enumerate((far, close)))]


def test_plain_c_equals_the_definition(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_definition(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_the_definition() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(31)
    bad = []
    for function in ("add", "sub", "mul", "minimum", "maximum"):
        good = case(Binary(function, (2, 3), (2, 3), ((0.1, 0), (0.2, 0), (0.3, 0))), function, random, 0)
        assert "a = {1, 1, 2, 3}" in good.declarations
        for i, wrong in enumerate(("a = {1, 1, 2, 2}", "a = {1, 1, 3, 3}", "a = {2, 1, 2, 3}")):
            declarations = good.declarations.replace("a = {1, 1, 2, 3}", wrong)
            bad.append(replace(good, name=f"{function}_{i}", declarations=declarations, status=-1))
    check_on_host(bad, KERNELS, tmp_path)


@pytest.mark.parametrize("function", ["add", "sub", "mul", "minimum", "maximum"])
def test_the_definition_equals_tensorflow_lites_reference_kernel(function: str) -> None:
    random = np.random.default_rng(32)
    options = {"add": "AddOptions", "sub": "SubOptions", "mul": "MulOptions", "minimum": "MaximumMinimumOptions",
               "maximum": "MaximumMinimumOptions"}[function]  # fmt: skip
    for _ in range(25):
        binary = replace(random_binary(random, function), activation=(-128, 127))
        if function in ("minimum", "maximum"):
            binary = replace(binary, scales=(binary.scales[0],) * 3)
        left, right = values_of(binary, random)
        shapes = (binary.left, binary.right, binary.output)
        operands = [Operand(shape, "int8", *scale) for shape, scale in zip(shapes, binary.scales, strict=True)]
        (wanted,) = tflite_operator.run(
            function.upper(), operands[:2], operands[2:], [left, right], (options, {}), version=2
        )
        np.testing.assert_array_equal(expected(binary, left, right), wanted)
