"""Nearest neighbours: every core gives what the NumPy twin gives."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from mcusim.network.operators import ResizeNearest
from mcusim.network.reference.places import nearest_places
from tests.kernels.cases import CORES, Case, check_on_host, check_on_target
from tests.kernels.twin import answer

KERNELS = ("nn_resize_nearest",)


def case(operator: ResizeNearest, values: np.ndarray, name: str) -> Case:
    n, height, width, channels = values.shape
    shape = n, *operator.size, channels
    coding = None if values.dtype == np.float32 else (0.1, 0)
    wanted = answer(operator, values, values.dtype.name, shape, (coding, coding))
    dims = (f"const cmsis_nn_dims from = {{{', '.join(map(str, values.shape))}}}, to = {{{', '.join(map(str, shape))}}};")
    arrays = {
        "input": values,
        "rows": nearest_places(operator, height, operator.size[0]).astype(np.int16),
        "columns": nearest_places(operator, width, operator.size[1]).astype(np.int16),
    }
    call = f"nn_resize_nearest({values.dtype.itemsize}, input, &from, rows, columns, output, &to)"
    return Case(name, call, wanted, arrays, dims)


def cases() -> list[Case]:
    random = np.random.default_rng(43)
    found = []
    sizes = ((7, 10), (2, 3), (5, 9), (1, 1))
    choices = product(sizes, ((False, False), (True, False), (False, True)), ("int8", "int16", "float32"), (1, 3))
    for number, (size, (corners, centers), kind, channels) in enumerate(choices):
        values = random.integers(-128, 128, (2, 4, 6, channels)).astype(kind)
        found.append(case(ResizeNearest(size, corners, centers), values, f"resize_{number}"))
    return found


def test_plain_c_equals_the_twin(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_twin(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


def test_places_outside_are_refused(tmp_path: Path) -> None:
    good = case(ResizeNearest((3, 2)), np.zeros((1, 4, 6, 1), np.int8), "good")
    bad = [
        replace(good, name=f"{name}_{number}", arrays={**good.arrays, name: good.arrays[name] + np.int16(step)}, status=-1)
        for name in ("rows", "columns")
        for number, step in enumerate((-1, 4))
    ]
    check_on_host(bad, KERNELS, tmp_path)
