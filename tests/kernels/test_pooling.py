"""Average and max pooling: plain C, DSP code, a NumPy definition and TensorFlow Lite's reference kernels agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, PLAIN, Case, check_on_host, check_on_target
from tests.kernels.tflite_operator import Operand

KERNELS = ("arm_avgpool_s8", "arm_max_pool_s8")


@dataclass(frozen=True)
class Pool:
    """A pooling layer; sizes are (height, width)."""

    function: str
    batches: int
    size: tuple[int, int]
    channels: int
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    output: tuple[int, int]
    activation: tuple[int, int] = (-128, 127)


def random_pool(random: np.random.Generator, function: str) -> Pool:
    """Any legal layer: windows that stick out on all sides too."""
    size, window, stride, padding, output = [], [], [], [], []
    for _ in range(2):
        size.append(int(random.integers(1, 9)))
        window.append(int(random.integers(1, 5)))
        stride.append(int(random.integers(1, 4)))
        padding.append(int(random.integers(0, min(2, window[-1] - 1) + 1)))
        output.append(int(random.integers(1, (size[-1] - 1 + padding[-1]) // stride[-1] + 2)))
    bounds = [(-128, 127), (-20, 127), (-128, 30), (-5, 5)][int(random.integers(4))]
    channels = int(random.integers(1, 15))
    batches = int(random.integers(1, 3))
    pairs = [(int(a), int(b)) for a, b in (size, window, stride, padding, output)]
    return Pool(function, batches, pairs[0], channels, pairs[1], pairs[2], pairs[3], pairs[4], bounds)


def expected(pool: Pool, values: np.ndarray) -> np.ndarray:
    """The definition, window by window."""
    result = np.zeros((pool.batches, *pool.output, pool.channels), np.int8)
    for y, x in np.ndindex(pool.output):
        rows, columns = (
            slice(max(at * stride - padding, 0), at * stride - padding + window)
            for at, stride, padding, window in zip((y, x), pool.stride, pool.padding, pool.window, strict=True)
        )
        inside = values[:, rows, columns, :].astype(np.int64)
        if pool.function == "max_pool":
            answer = inside.max(axis=(1, 2))
        else:
            sums, count = inside.sum(axis=(1, 2)), inside.shape[1] * inside.shape[2]
            answer = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
        result[:, y, x, :] = np.clip(answer, *pool.activation)
    return result


def case(pool: Pool, name: str, values: np.ndarray, shift: int) -> Case:
    def dims(n: int, size: tuple[int, int], c: int) -> str:
        return f"{{{n}, {size[0]}, {size[1]}, {c}}}"

    declarations = (
        "const cmsis_nn_context none = {0, 0}; "
        f"const cmsis_nn_pool_params params = {{{{{pool.stride[1]}, {pool.stride[0]}}}, "
        f"{{{pool.padding[1]}, {pool.padding[0]}}}, {{{pool.activation[0]}, {pool.activation[1]}}}}}; "
        f"const cmsis_nn_dims from = {dims(pool.batches, pool.size, pool.channels)}, "
        f"filter = {dims(1, pool.window, 1)}, to = {dims(pool.batches, pool.output, pool.channels)};"
    )
    call = f"arm_{pool.function}_s8(&none, &params, &from, input, &filter, &to, output)"
    return Case(name, call, expected(pool, values), {"input": values}, declarations, shift)


def values_of(pool: Pool, random: np.random.Generator) -> np.ndarray:
    low = -128 if random.integers(2) else 100  # sums far from zero, too
    return random.integers(low, 128, (pool.batches, *pool.size, pool.channels), np.int8)


LARGE = [
    Pool("avgpool", 1, (19, 19), 5, (19, 19), (1, 1), (0, 0), (1, 1)),  # 361 elements: the last with a reciprocal
    Pool("avgpool", 1, (2, 181), 5, (2, 181), (1, 1), (0, 0), (1, 1)),  # 362: the first without
    Pool("avgpool", 1, (3, 300), 4, (2, 280), (1, 7), (0, 0), (2, 3)),  # rows longer than a pair holds
    Pool("avgpool", 1, (16, 16), 8, (16, 16), (1, 1), (0, 0), (1, 1)),  # 256: as many as a pair holds
    Pool("max_pool", 1, (20, 20), 9, (20, 20), (1, 1), (0, 0), (1, 1)),
]


def cases() -> list[Case]:
    random = np.random.default_rng(20)
    pools = [random_pool(random, function) for function in ("avgpool", "max_pool") for _ in range(60)] + LARGE
    result = [case(pool, f"pool_{i}", values_of(pool, random), i % 4) for i, pool in enumerate(pools)]
    for i, value in enumerate((-128, 127)):
        for j, pool in enumerate(LARGE):
            everywhere = np.full((1, *pool.size, pool.channels), value, np.int8)
            result.append(case(pool, f"extreme_{i}_{j}", everywhere, 1))
    return result


def test_plain_c_equals_the_definition(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_definition(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_the_definition() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


def test_every_mean_by_a_reciprocal_equals_the_division(tmp_path: Path) -> None:
    body = "int ok = 1; for (int n = 1; n <= 400; n++) for (int s = -128 * n; s <= 127 * n; s++) {" \
           " const int half = n / 2, mean = s > 0 ? (s + half) / n : (s - half) / n;" \
           " ok &= nn_average(s, nn_divisor_of(n)) == mean; } *output = (int8_t)ok;"
    check_on_host([Case("means", "0", np.array([1], np.int8), declarations=body)], ("arm_avgpool_s8",), tmp_path,
                  include="nn_average.h")


def test_windows_without_an_element_are_refused(tmp_path: Path) -> None:
    good = Pool("avgpool", 1, (3, 3), 2, (2, 2), (1, 1), (0, 0), (2, 2))
    values = np.zeros((1, 3, 3, 2), np.int8)
    bad: list[Case] = []
    changes = [("to = {1, 2, 2, 2}", "to = {1, 4, 2, 2}"), ("to = {1, 2, 2, 2}", "to = {1, 2, 2, 3}"),
               ("filter = {1, 2, 2, 1}", "filter = {1, 0, 2, 1}"), ("from = {1, 3", "from = {0, 3")]  # fmt: skip
    for i, (old, new) in enumerate(changes):
        base = case(good, f"bad_{i}", values, 0)
        assert old in base.declarations
        declarations = base.declarations.replace(old, new)
        bad += [
            Case(f"{function}_{i}", base.call.replace("avgpool", function), base.output, base.arrays, declarations,
                 status=-1)
            for function in ("avgpool", "max_pool")
        ]
    check_on_host(bad, KERNELS, tmp_path)


@pytest.mark.parametrize("function", ["avgpool", "max_pool"])
@pytest.mark.parametrize("same", [False, True])
def test_the_definition_equals_tensorflow_lites_reference_kernel(function: str, same: bool) -> None:
    random = np.random.default_rng(21)
    operator = {"avgpool": "AVERAGE_POOL_2D", "max_pool": "MAX_POOL_2D"}[function]
    for _ in range(25):
        pool = random_pool(random, function)
        sizes = [tflite_window(*numbers, same=same) for numbers in zip(pool.size, pool.window, pool.stride, strict=True)]
        if min(output for output, _ in sizes) < 1:
            continue
        (height, top), (width, left) = sizes
        pool = Pool(function, pool.batches, pool.size, pool.channels, pool.window, pool.stride, (top, left),
                    (height, width))
        values = values_of(pool, random)
        options = {"padding": 0 if same else 1, "strideH": pool.stride[0], "strideW": pool.stride[1],
                   "filterHeight": pool.window[0], "filterWidth": pool.window[1]}  # fmt: skip
        answer = expected(pool, values)
        (wanted,) = tflite_operator.run(
            operator, [Operand(values.shape, scale=0.1, zero_point=3)], [Operand(answer.shape, scale=0.1, zero_point=3)],
            [values], ("Pool2DOptions", options), version=2,
        )  # fmt: skip
        np.testing.assert_array_equal(answer, wanted)


def tflite_window(size: int, window: int, stride: int, *, same: bool) -> tuple[int, int]:
    """Length of the output, and padding in front, of TensorFlow Lite's SAME and VALID."""
    output = -(-size // stride) if same else (size - window + stride) // stride
    return output, max((output - 1) * stride + window - size, 0) // 2
