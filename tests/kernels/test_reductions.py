"""Mean, greatest and least along axes, place of the greatest: C, NumPy and TensorFlow Lite's kernels agree."""

from __future__ import annotations

from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, PLAIN, Case, check_on_host, check_on_target, dims
from tests.kernels.fixed_point import quantized_multiplier, requantized
from tests.kernels.tflite_operator import Operand

KERNELS = ("nn_mean_s8", "nn_reduce_max_s8", "nn_reduce_min_s8", "nn_reduce", "nn_argmax_s8")
SCALES = ((0.05, 5), (0.03, -9))


def mean_multiplier(ratio: float, count: int) -> tuple[int, int]:
    """Multiplier and shift of ratio / count, as TensorFlow Lite folds the division into the multiplier."""
    multiplier, shift = quantized_multiplier(ratio)
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << more) // count, shift - more


def mean(values: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, ...]]:
    (from_scale, from_zero), (to_scale, to_zero) = SCALES
    count = prod(values.shape[axis] for axis in axes)
    multiplier, shift = mean_multiplier(from_scale / to_scale, count)
    sums = values.astype(np.int64).sum(axis=axes) - from_zero * count
    answer = np.clip(requantized(sums, multiplier, shift) + to_zero, -128, 127).astype(np.int8)
    return answer, (-from_zero, to_zero, multiplier, shift)


def tensors() -> list[tuple[np.ndarray, tuple[int, ...]]]:
    """Every choice of axes, on small tensors; and large ones."""
    random = np.random.default_rng(50)
    choices = [tuple(i for i in range(4) if chosen[i]) for chosen in product((0, 1), repeat=4)]
    result = []
    for axes in choices[1:]:
        shape = (*(int(random.integers(1, 6)) for _ in range(3)), int(random.integers(1, 14)))
        result.append((random.integers(-128, 128, shape, np.int8), axes))
    for shape, axes in (((1, 7, 7, 36), (1, 2)), ((1, 20, 20, 5), (1, 2)), ((2, 3, 300, 4), (0, 2))):
        result.append((random.integers(60, 128, shape, np.int8), axes))
    return result


def cases() -> list[Case]:
    result = []
    for i, (values, axes) in enumerate(tensors()):
        flags = dims([int(axis in axes) for axis in range(4)])
        shapes = f"const cmsis_nn_dims from = {dims(values.shape)}, axes = {flags};"
        answer, params = mean(values, axes)
        with_params = f"{shapes} const nn_reduce_params params = {{{', '.join(map(str, params))}}};"
        call = "nn_mean_s8(&params, input, &from, &axes, output)"
        result.append(Case(f"mean_{i}", call, answer, {"input": values}, with_params, i % 4))
        for name in ("max", "min"):
            call = f"nn_reduce_{name}_s8(input, &from, &axes, output)"
            answer = getattr(values, name)(axis=axes)
            result.append(Case(f"{name}_{i}", call, np.asarray(answer), {"input": values}, shapes, i % 4))
    random = np.random.default_rng(51)
    for i, (outer, count, inner) in enumerate(((1, 12, 1), (3, 5, 4), (2, 1, 3))):
        values = random.integers(-3, 3, (outer, count, inner), np.int8)
        call = f"(nn_argmax_s8(input, {outer}, {count}, {inner}, output), 0)"
        result.append(Case(f"argmax_{i}", call, values.argmax(axis=1).astype(np.int32), {"input": values}))
    return result


def test_plain_c_equals_the_definition(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_definition(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_the_definition() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


@pytest.mark.parametrize("operator", ["MEAN", "REDUCE_MAX", "REDUCE_MIN"])
def test_the_definition_equals_tensorflow_lites_reference_kernel(operator: str) -> None:
    for values, axes in tensors():
        answer = mean(values, axes)[0] if operator == "MEAN" else getattr(values, operator[7:].lower())(axis=axes)
        scales = SCALES if operator == "MEAN" else (SCALES[0], SCALES[0])
        (wanted,) = tflite_operator.run(
            operator,
            [Operand(values.shape, "int8", *scales[0]), Operand((len(axes),), "int32", data=np.array(axes, np.int32))],
            [Operand(np.shape(answer), "int8", *scales[1])],
            [values],
            ("ReducerOptions", {}),
            version=2,
        )
        np.testing.assert_array_equal(answer, wanted)
