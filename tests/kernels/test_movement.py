"""Kernels that move elements and change none: pad, concatenate, split, slice, transpose, resize, reshape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, PLAIN, Case, check_on_host, check_on_target, dims
from tests.kernels.tflite_operator import Operand

KERNELS = (
    "arm_pad_s8", "arm_concatenation_s8", "arm_reshape_s8", "arm_transpose_s8", "nn_transpose", "nn_strided_slice",
    "nn_gather", "nn_copy_rows", "nn_resize_nearest",
)  # fmt: skip
TYPES = {1: np.int8, 2: np.int16, 4: np.int32}


def numbers(random: np.random.Generator, shape: tuple[int, ...], size: int = 1) -> np.ndarray:
    return random.integers(-128, 128, shape, TYPES[size])


def shape_of(random: np.random.Generator, rank: int = 4) -> tuple[int, ...]:
    return (*(int(random.integers(1, 7)) for _ in range(rank - 1)), int(random.integers(1, 24)))


def padding_cases(random: np.random.Generator) -> list[Case]:
    result = []
    for i in range(12):
        values = numbers(random, shape_of(random))
        widths = random.integers(0, 3, (4, 2)) * (random.integers(0, 2, (4, 1)) if i else 0)
        answer = np.pad(values, widths, constant_values=-7)
        sizes = (
            f"const cmsis_nn_dims size = {dims(values.shape)}, before = {dims(list(widths[:, 0]))}, "
            f"after = {dims(list(widths[:, 1]))};"
        )
        call = "arm_pad_s8(input, output, -7, &size, &before, &after)"
        result.append(Case(f"pad_{i}", call, answer, {"input": values}, sizes, i % 4))
    return result


def concatenation_cases(random: np.random.Generator) -> list[Case]:
    """Axes of the library are [w][z][y][x]."""
    result = []
    for axis, name in enumerate("wzyx"):
        shape = shape_of(random)
        parts = [numbers(random, (*shape[:axis], length, *shape[axis + 1 :])) for length in (3, 1, 5)]
        answer = np.concatenate(parts, axis)
        calls, offset = [], 0
        for i, part in enumerate(parts):
            lengths = ", ".join(map(str, part.shape[::-1]))
            whole = "" if name == "w" else f"{answer.shape[axis]}, "
            calls.append(f"arm_concatenation_s8_{name}(part{i}, {lengths}, output, {whole}{offset})")
            offset += part.shape[axis]
        arrays = {f"part{i}": part for i, part in enumerate(parts)}
        result.append(Case(f"concatenate_{name}", f"({', '.join(calls)}, 0)", answer, arrays, shift=axis))
    return result


def split_cases(random: np.random.Generator) -> list[Case]:
    values = numbers(random, (3, 4, 10), 2)
    taken = values[:, 1:3, :].copy()
    call = "nn_copy_rows(input + 10, 80, output, 40, 40, 3)"
    whole = numbers(random, (3, 9))
    return [
        Case("split", call, taken, {"input": values}),
        Case("whole", "nn_copy_rows(input, 9, output, 9, 9, 3)", whole, {"input": whole}, shift=1),
        Case("reshape", "(arm_reshape_s8(input, output, 27), 0)", whole, {"input": whole}, shift=3),
        Case("in_place", "(arm_reshape_s8(output, output, 1), 0)", np.array([-91], np.int8)),
        Case("negative", "nn_copy_rows(input, 9, output, 9, -1, 3)", whole, {"input": whole}, status=-1),
    ]


def transpose_cases(random: np.random.Generator) -> list[Case]:
    result = []
    for i in range(20):
        rank, size = int(random.integers(1, 5)), (1, 1, 2, 4)[i % 4]
        values = numbers(random, shape_of(random, rank), size)
        order = [int(axis) for axis in random.permutation(rank)]
        answer = np.ascontiguousarray(values.transpose(order))
        shapes = [f"{{{', '.join(map(str, array.shape + (1,) * (4 - rank)))}}}" for array in (values, answer)]
        declarations = (
            f"const cmsis_nn_dims from = {shapes[0]}, to = {shapes[1]}; "
            f"const uint32_t order[] = {{{', '.join(map(str, order))}}}; "
            f"const cmsis_nn_transpose_params params = {{{rank}, order}};"
        )
        call = f"nn_transpose(input, &from, output, &to, &params, {size})"
        if size == 1:
            call = "arm_transpose_s8(input, output, &from, &to, &params)"
        result.append(Case(f"transpose_{i}", call, answer, {"input": values}, declarations, i % 3))
    good = result[0]
    wrong = good.declarations.replace("order[] = {", "order[] = {9, ")
    return [*result, replace(good, name="transpose_bad", declarations=wrong, status=-1)]


def slice_cases(random: np.random.Generator) -> list[Case]:
    result = []
    for i in range(15):
        size = (1, 2, 4)[i % 3]
        values = numbers(random, shape_of(random), size)
        begin, stride, slices = [], [], []
        for length in values.shape:
            first, last = sorted(int(place) for place in random.integers(0, length, 2))
            step = int(random.integers(1, 4)) if random.integers(2) else 1
            backwards = random.integers(3) == 0
            begin.append(last if backwards else first)
            stride.append(-step if backwards else step)
            end = first - 1 if backwards else last + 1
            slices.append(slice(begin[-1], None if end < 0 else end, stride[-1]))
        answer = np.ascontiguousarray(values[tuple(slices)])
        declarations = (
            f"const cmsis_nn_dims from = {dims(values.shape)}, begin = {dims(begin)}, stride = {dims(stride)}, "
            f"to = {dims(answer.shape)};"
        )
        call = f"nn_strided_slice(input, &from, &begin, &stride, output, &to, {size})"
        result.append(Case(f"slice_{i}", call, answer, {"input": values}, declarations, i % 4))
    good = result[0]
    wrong = good.declarations.replace("from = {", "from = {0 * ")
    return [*result, replace(good, name="slice_bad", declarations=wrong, status=-1)]


def nearest(length: int, output: int, corners: bool, half: bool) -> np.ndarray:
    """Source of each output place, in float32 as TensorFlow Lite works it out."""
    one = np.float32
    scale = one(length - 1) / one(output - 1) if corners and output > 1 else one(length) / one(output)
    places = (np.arange(output, dtype=np.float32) + one(0.5 if half else 0)) * scale
    rounded = np.floor(places) + (corners & (places - np.floor(places) >= 0.5))
    return np.minimum(rounded.astype(np.int64), length - 1)


def resized(values: np.ndarray, size: tuple[int, int], corners: bool, half: bool) -> np.ndarray:
    rows, columns = (nearest(values.shape[i + 1], size[i], corners, half) for i in range(2))
    return np.ascontiguousarray(values[:, rows][:, :, columns])


def resizes(random: np.random.Generator) -> list[tuple[np.ndarray, tuple[int, int], bool, bool]]:
    result = []
    for i in range(16):
        height, width = (int(length) for length in random.integers(1, 12, 2))
        result.append((numbers(random, shape_of(random)), (height, width), bool(i & 1), bool(i & 2)))
    return result


def resize_cases(random: np.random.Generator) -> list[Case]:
    result = []
    for i, (values, size, corners, half) in enumerate(resizes(random)):
        answer = resized(values, size, corners, half)
        declarations = f"const cmsis_nn_dims from = {dims(values.shape)}, to = {dims(answer.shape)};"
        call = f"nn_resize_nearest(input, &from, output, &to, {int(corners)}, {int(half)}, 1)"
        result.append(Case(f"resize_{i}", call, answer, {"input": values}, declarations, i % 4))
    return result


def cases() -> list[Case]:
    random = np.random.default_rng(60)
    makers = (padding_cases, concatenation_cases, split_cases, transpose_cases, slice_cases, resize_cases)
    return [case for maker in makers for case in maker(random)]


def test_plain_c_equals_numpy(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_numpy(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_numpy() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


def test_the_nearest_neighbour_is_that_of_tensorflow_lite() -> None:
    for values, size, corners, half in resizes(np.random.default_rng(61)):
        answer = resized(values, size, corners, half)
        (wanted,) = tflite_operator.run(
            "RESIZE_NEAREST_NEIGHBOR",
            [Operand(values.shape, "int8", 0.1, 0), Operand((2,), "int32", data=np.array(size, np.int32))],
            [Operand(answer.shape, "int8", 0.1, 0)],
            [values],
            ("ResizeNearestNeighborOptions", {"alignCorners": corners, "halfPixelCenters": half}),
            version=3,
        )
        np.testing.assert_array_equal(answer, wanted)
