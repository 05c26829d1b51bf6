"""Sums, means, greatest and least along axes: plain C, DSP code and the NumPy twin agree."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import pytest

from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Reduce, Reduction
from mcusim.network.reference.windows import divided
from tests.kernels.cases import CORES, PLAIN, Case, check_on_host, check_on_target
from tests.kernels.twin import answer, random_coding

KERNELS = ("nn_sum_s8", "nn_reduce_max_min_s8", "nn_reduce")
FUNCTIONS = {
    Reduction.MEAN: "nn_mean_s8", Reduction.SUM: "nn_sum_s8", Reduction.MAX: "nn_reduce_max_s8",
    Reduction.MIN: "nn_reduce_min_s8",
}  # fmt: skip
Shape = tuple[int, ...]


def case(
    function: Reduction, shape: Shape, axes: Shape, random: np.random.Generator, name: str, shift: int = 0, low: int = -128
) -> Case:
    values = random.integers(low, 128, shape, np.int8)
    coding = random_coding(random, "int8")
    scaled = function in (Reduction.MEAN, Reduction.SUM)
    result = random_coding(random, "int8") if scaled else coding
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    wanted = answer(Reduce(function, axes, True), values, "int8", kept, (coding, result))
    dims = f"const cmsis_nn_dims from = {{{', '.join(map(str, shape))}}}, to = {{{', '.join(map(str, kept))}}};"
    if not scaled:
        return Case(name, f"{FUNCTIONS[function]}(input, &from, output, &to)", wanted, {"input": values}, dims, shift)
    factor = quantize_multiplier(coding[0] / result[0])
    if function is Reduction.MEAN:
        factor = divided(factor, prod(shape[axis] for axis in axes))
    params = f" const nn_reduce_params params = {{{-coding[1]}, {result[1]}, {factor.value}, {factor.shift}}};"
    call = f"{FUNCTIONS[function]}(&params, input, &from, output, &to)"
    return Case(name, call, wanted, {"input": values}, dims + params, shift)


LARGE = (
    ((1, 16, 16, 9), (1, 2)),  # as many as a pair holds
    ((1, 17, 16, 9), (1, 2)),
    ((1, 2, 300, 6), (2,)),
    ((3, 5, 7, 11), (0, 2)),
    ((3, 5, 7, 11), (1, 3)),
    ((2, 3, 4, 5), (0, 1, 2, 3)),
    ((2, 3, 4, 5), ()),
)


def cases() -> list[Case]:
    random = np.random.default_rng(41)
    found = []
    for function in FUNCTIONS:
        for number in range(20):
            shape = tuple(int(n) for n in (*random.integers(1, 6, 3), random.integers(1, 20)))
            axes = tuple(int(axis) for axis in range(4) if random.integers(2))
            found.append(case(function, shape, axes, random, f"{function.value}_{number}", number % 4))
        for number, (shape, axes) in enumerate(LARGE):
            for low in (-128, 127):
                name = f"{function.value}_large_{number}_{low + 128}"
                found.append(case(function, shape, axes, random, name, 1, low))
    return found


def test_plain_c_equals_the_twin(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_twin(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_the_twin() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(42)
    bad = []
    for function in FUNCTIONS:
        good = case(function, (1, 3, 4, 5), (1, 2), random, function.value)
        for number, wrong in enumerate(("to = {1, 1, 2, 5}", "to = {2, 1, 1, 5}", "to = {1, 1, 1, 6}")):
            declared = good.declarations.replace("to = {1, 1, 1, 5}", wrong)
            assert declared != good.declarations
            bad.append(replace(good, name=f"{function.value}_{number}", declarations=declared, status=-1))
    check_on_host(bad, KERNELS, tmp_path)
