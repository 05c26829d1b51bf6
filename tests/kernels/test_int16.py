"""The int16 variants: C, NumPy and TensorFlow Lite's reference kernels agree."""

from __future__ import annotations

from math import exp
from pathlib import Path

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, Case, check_on_host, check_on_target, dims
from tests.kernels.fixed_point import quantized_multiplier, requantized
from tests.kernels.tflite_operator import Operand

KERNELS = (
    "arm_elementwise_add_s16", "arm_elementwise_mul_s16", "arm_pool_s16", "arm_softmax_s16", "arm_nn_activation_s16",
    "nn_activation_s16", "nn_sigmoid", "nn_add_s16", "nn_sub_s16", "nn_mul_s16", "nn_rows_s16", "nn_broadcast", "nn_mean_s16",
    "nn_reduce", "nn_requantize_s16", "nn_lookup_s16",
)  # fmt: skip
BOUNDS = (-32768, 32767)
SCALES = tuple(float(np.float32(scale)) for scale in (0.0003, 0.0007, 0.0009))


def clipped(values: np.ndarray, kind: type = np.int16) -> np.ndarray:
    return np.clip(values, np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)


def sum_parameters() -> list[int]:
    twice = 2 * max(SCALES[:2])
    one, two = quantized_multiplier(SCALES[0] / twice), quantized_multiplier(SCALES[1] / twice)
    return [0, *one, 0, *two, 15, 0, *quantized_multiplier(twice / (2**15 * SCALES[2]))]


def product_parameters() -> list[int]:
    one, two, out = (np.float32(scale) for scale in SCALES)
    return [0, 0, 0, *quantized_multiplier(float(one * two / out))]


def joined(function: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    a, b = left.astype(np.int64), right.astype(np.int64)
    if function == "mul":
        return clipped(requantized(a * b, *product_parameters()[3:]))
    _, mult_1, shift_1, _, mult_2, shift_2, left_shift, _, multiplier, shift = sum_parameters()
    a, b = requantized(a << left_shift, mult_1, shift_1), requantized(b << left_shift, mult_2, shift_2)
    return clipped(requantized(a + b if function == "add" else a - b, multiplier, shift))


def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(90)
    shapes = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((1,), (5,))]
    return [tuple(random.integers(*BOUNDS, shape, np.int16) for shape in pair) for pair in shapes]  # type: ignore[misc]


def elementwise_cases() -> list[Case]:
    result = []
    for i, (left, right) in enumerate(pairs()):
        for function in ("add", "sub", "mul"):
            answer = joined(function, left, right)
            numbers = product_parameters() if function == "mul" else sum_parameters()
            kind = "mul" if function == "mul" else "add"
            declarations = (
                f"const nn_{kind}_params params = {{{', '.join(map(str, numbers))}, {{{BOUNDS[0]}, {BOUNDS[1]}}}}}; "
                f"const cmsis_nn_dims a = {dims(left.shape)}, b = {dims(right.shape)}, c = {dims(answer.shape)};"
            )
            call = f"nn_{function}_s16(&params, left, &a, right, &b, output, &c)"
            arrays = {"left": left, "right": right}
            result.append(Case(f"{function}_{i}", call, answer, arrays, declarations))
            if left.shape == right.shape and function != "sub":
                cut = 2 if function == "mul" else 7
                before, after = (", ".join(map(str, part)) for part in (numbers[:cut], numbers[cut:]))
                call = f"arm_elementwise_{function}_s16(left, right, {before}, output, {after}, -32768, 32767, {left.size})"
                result.append(Case(f"vector_{function}_{i}", call, answer, arrays))
    return result


def pooled(function: str, values: np.ndarray) -> np.ndarray:
    """Windows of 2x3 at strides 2 and 1, no padding."""
    windows = np.lib.stride_tricks.sliding_window_view(values, (2, 3), (1, 2))[:, ::2].astype(np.int64)
    if function == "max_pool":
        return windows.max(axis=(-2, -1)).astype(np.int16)
    sums = windows.sum(axis=(-2, -1))
    return (np.sign(sums) * ((np.abs(sums) + 3) // 6)).astype(np.int16)


def image() -> np.ndarray:
    return np.random.default_rng(91).integers(*BOUNDS, (2, 5, 6, 3), np.int16)


def pool_cases() -> list[Case]:
    result = []
    for function in ("avgpool", "max_pool"):
        answer = pooled(function, image())
        declarations = (
            "const cmsis_nn_context none = {0, 0}; "
            "const cmsis_nn_pool_params params = {{1, 2}, {0, 0}, {-32768, 32767}}; "
            f"const cmsis_nn_dims from = {dims(image().shape)}, filter = {{1, 2, 3, 1}}, to = {dims(answer.shape)};"
        )
        call = f"arm_{function}_s16(&none, &params, &from, input, &filter, &to, output)"
        result.append(Case(function, call, answer, {"input": image()}, declarations))
    return result


def averaged(values: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    multiplier, shift = quantized_multiplier(SCALES[0] / SCALES[1])
    count = values.shape[1] * values.shape[2]
    more = min(count.bit_length() - 1, 31 + shift)
    folded = (multiplier << more) // count, shift - more
    return clipped(requantized(values.astype(np.int64).sum(axis=(1, 2)), *folded)), folded


def interpolated(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    index = 256 + (values >> 7)
    here, after = table.astype(np.int64)[index], table.astype(np.int64)[index + 1]
    return here + (((after - here) * (values & 127) + 64) >> 7)


def table_of(function: object, low: float, high: float) -> np.ndarray:
    """513 entries, each moved by half of what the straight line misses half-way (LUTPopulateInt16)."""
    step = (high - low) / 512
    values = [function(low + i * step) * 32768 for i in range(513)]  # type: ignore[operator]
    middles = [function(low + i * step + step / 2) * 32768 for i in range(512)]  # type: ignore[operator]

    def rounded(value: float) -> float:
        return float(np.sign(value) * np.floor(abs(value) + 0.5))

    entries = []
    for i in range(512):
        line = rounded((values[i + 1] + rounded(values[i])) / 2)
        entries.append(rounded(values[i]) - rounded((line - rounded(middles[i])) / 2))
    return np.clip([*entries, rounded(values[512])], *BOUNDS).astype(np.int16)


EXPONENTIALS = table_of(exp, -10.0, 0.0)
INVERSES = table_of(lambda x: 1 / (1 + x), 0.0, 1.0)


def rows() -> list[np.ndarray]:
    random = np.random.default_rng(92)
    return [random.integers(low, 32768, (2, count), np.int16) for low, count in ((-32768, 10), (30000, 7), (0, 33), (5, 1))]


def softmax(values: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    scale = quantized_multiplier(SCALES[0] / (10 / 65535))
    differences = values.astype(np.int64) - values.max(axis=1, keepdims=True)
    powers = interpolated(EXPONENTIALS, np.clip(requantized(differences, *scale) + 32767, *BOUNDS))
    result = np.zeros_like(values)
    for row, output in zip(powers, result, strict=True):
        total = int(row.sum())
        headroom = 32 - total.bit_length()
        shifted = (((total << (headroom - 1)) + (1 << 13)) >> 14) - 3 * 2**15
        inverse = int(interpolated(INVERSES, np.array(np.clip(shifted, *BOUNDS))))
        right = 31 - headroom
        output[:] = np.clip((row * inverse + (1 << (right - 1))) >> right, 0, 32767)
    return result, scale


SIGMOIDS = [
    min(65535, int(np.floor(here + (middle - (here + after) / 2) / 2 + 0.5)) + (i == 255))
    for i, (here, middle, after) in enumerate(
        tuple(65536 / (1 + exp(-(i + part) / 24)) for part in (0.0, 0.5, 1.0)) for i in range(256)
    )
]


def activation(values: np.ndarray, multiplier: int, right: int, kind: str) -> np.ndarray:
    inputs = (values.astype(np.int64) * multiplier + ((1 << right) >> 1)) >> right
    bits = 9 if kind == "LOGISTIC" else 8
    table = np.array([*SIGMOIDS, SIGMOIDS[-1]], np.int64)
    size = np.abs(inputs)
    index = np.minimum(size >> bits, 255)
    line = (table[index] << bits) + (size & ((1 << bits) - 1)) * (table[index + 1] - table[index])
    if kind == "LOGISTIC":
        above = np.where(size >> bits >= 255, 0x7FFF << 10, line)
        return (np.where(inputs >= 0, above + 512, (1 << 25) - above + 511) >> 10).astype(np.int16)
    above = np.where(size >> bits >= 255, 0xFFFF << 8, line) - (1 << 23)
    return (np.where(inputs >= 0, above + 128, -above + 127) >> 8).astype(np.int16)


def activation_inputs() -> np.ndarray:
    return np.concatenate([np.arange(-32768, 32768, 257), [0, 1, -1, 32767]]).astype(np.int16)


def other_cases() -> list[Case]:
    result = []
    answer, (multiplier, shift) = averaged(image())
    declarations = (
        f"const nn_reduce_params params = {{0, 0, {multiplier}, {shift}}}; "
        f"const cmsis_nn_dims from = {dims(image().shape)}, axes = {{0, 1, 1, 0}};"
    )
    call = "nn_mean_s16(&params, input, &from, &axes, output)"
    result.append(Case("mean", call, answer, {"input": image()}, declarations))
    for i, values in enumerate(rows()):
        answer, scale = softmax(values)
        call = f"arm_softmax_s16(input, 2, {values.shape[1]}, {scale[0]}, {scale[1]}, &tables, output)"
        arrays = {"input": values, "exponentials": EXPONENTIALS, "inverses": INVERSES}
        declarations = "const cmsis_nn_softmax_lut_s16 tables = {exponentials, inverses};"
        result.append(Case(f"softmax_{i}", call, answer, arrays, declarations))
    values = activation_inputs()
    for kind, name in (("LOGISTIC", "SIGMOID"), ("TANH", "TANH")):
        for left in (-2, 0, 1):
            answer = activation(values, 3 << max(left, 0), max(-left, 0), kind)
            call = f"arm_nn_activation_s16(input, output, {values.size}, {left}, ARM_{name})"
            result.append(Case(f"{name}_{left + 2}", call, answer, {"input": values}))
        call = f"(nn_activation_s16(input, output, {values.size}, 19661, 14, ARM_{name}), 0)"
        result.append(Case(f"{name}_scaled", call, activation(values, 19661, 14, kind), {"input": values}))
    table = np.random.default_rng(93).integers(*BOUNDS, 513, np.int16)
    answer = interpolated(table, values.astype(np.int64)).astype(np.int16)
    wrapped = np.abs(np.diff(table.astype(np.int64)))[256 + (values >> 7).astype(np.int64)] > 32767
    call = f"(nn_lookup_s16(input, table, {values.size - int(wrapped.sum())}, output), 0)"
    result.append(Case("lookup", call, answer[~wrapped], {"input": values[~wrapped], "table": table}))
    return [*result, *requantize_cases()]


def requantize_cases() -> list[Case]:
    result = []
    for name, source, target, scale in (
        ("s16", np.int16, np.int16, 1.3), ("s8_s16", np.int8, np.int16, 100.0), ("s16_s8", np.int16, np.int8, 0.004),
    ):  # fmt: skip
        values = np.random.default_rng(94).integers(np.iinfo(source).min, np.iinfo(source).max, 50, source)
        multiplier, shift = quantized_multiplier(scale)
        answer = clipped(requantized(values.astype(np.int64), multiplier, shift), target)
        low, high = np.iinfo(target).min, np.iinfo(target).max
        declarations = f"const nn_requantize_params params = {{0, 0, {multiplier}, {shift}, {{{low}, {high}}}}};"
        call = f"(nn_requantize_{name}(&params, input, {values.size}, output), 0)"
        result.append(Case(f"requantize_{name}", call, answer, {"input": values}, declarations))
    return result


def cases() -> list[Case]:
    return [*elementwise_cases(), *pool_cases(), *other_cases()]


def test_plain_c_equals_the_definition(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_definition(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.parametrize("function", ["add", "sub", "mul"])
def test_elementwise_equals_tensorflow_lites_reference_kernel(function: str) -> None:
    options = (f"{function.capitalize()}Options", {"potScaleInt16": False} if function != "mul" else {})
    version = {"add": 3, "sub": 5, "mul": 5}[function]
    for left, right in pairs():
        answer = joined(function, left, right)
        shapes = (left.shape, right.shape, answer.shape)
        operands = [Operand(shape, "int16", scale, 0) for shape, scale in zip(shapes, SCALES, strict=True)]
        (wanted,) = tflite_operator.run(function.upper(), operands[:2], operands[2:], [left, right], options, version)
        np.testing.assert_array_equal(answer, wanted)


@pytest.mark.parametrize("function", ["avgpool", "max_pool"])
def test_pools_equal_tensorflow_lites_reference_kernel(function: str) -> None:
    operator = {"avgpool": "AVERAGE_POOL_2D", "max_pool": "MAX_POOL_2D"}[function]
    answer = pooled(function, image())
    fields = {"padding": 1, "strideH": 2, "strideW": 1, "filterHeight": 2, "filterWidth": 3}
    operands = [Operand(array.shape, "int16", SCALES[0], 0) for array in (image(), answer)]
    (wanted,) = tflite_operator.run(operator, operands[:1], operands[1:], [image()], ("Pool2DOptions", fields), 3)
    np.testing.assert_array_equal(answer, wanted)


def test_means_equal_tensorflow_lites_reference_kernel() -> None:
    answer, _ = averaged(image())
    axes = Operand((2,), "int32", data=np.array([1, 2], np.int32))
    operands = [Operand(image().shape, "int16", SCALES[0], 0), axes]
    output = Operand(answer.shape, "int16", SCALES[1], 0)
    (wanted,) = tflite_operator.run("MEAN", operands, [output], [image()], ("ReducerOptions", {}), 3)
    np.testing.assert_array_equal(answer, wanted)


def test_softmax_equals_tensorflow_lites_reference_kernel() -> None:
    for values in rows():
        operands = [Operand(values.shape, "int16", SCALES[0], 0), Operand(values.shape, "int16", 1 / 32768, 0)]
        (wanted,) = tflite_operator.run(
            "SOFTMAX", operands[:1], operands[1:], [values], ("SoftmaxOptions", {"beta": 1.0}), 3
        )
        np.testing.assert_array_equal(softmax(values)[0], wanted)


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
@pytest.mark.parametrize("scale", [2.0**-12, 0.0004])
def test_activations_equal_tensorflow_lites_reference_kernel(kind: str, scale: float) -> None:
    values, scale = activation_inputs(), float(np.float32(scale))
    multiplier, right = (3.0, 0) if scale == 2.0**-12 else (scale * 3 * 4096, 0)
    while scale != 2.0**-12 and multiplier <= 32767 / 2:
        multiplier, right = multiplier * 2, right + 1
    operands = [Operand(values.shape, "int16", scale, 0), Operand(values.shape, "int16", 2.0**-15, 0)]
    (wanted,) = tflite_operator.run(kind, operands[:1], operands[1:], [values], version=3)
    np.testing.assert_array_equal(activation(values, int(multiplier), right, kind), wanted)
