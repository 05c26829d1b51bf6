"""Requantisation from and to 16 bits, tables of uint8, flipped bits: every core gives what the NumPy twin gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Dequantize, Quantize
from tests.kernels.calls import CORES, Case, check_on_host, check_on_target
from tests.kernels.twin import answer, random_coding

KERNELS = ("nn_requantize_s16", "nn_flip_top_bits", "nn_lookup_u8", "nn_lookup_s8")
FUNCTIONS = {
    ("int8", "int16"): "nn_requantize_s8_s16",
    ("int16", "int8"): "nn_requantize_s16_s8",
    ("int16", "int16"): "nn_requantize_s16",
}
SIZES = (1, 3, 4, 15, 16, 17, 64, 75)


def any_values(random: np.random.Generator, kind: str, count: int) -> np.ndarray:
    info = np.iinfo(kind)
    return random.integers(info.min, info.max, count, kind, endpoint=True)


def requantised(random: np.random.Generator, kinds: tuple[str, str], number: int) -> Case:
    codings = [random_coding(random, kind) for kind in kinds]
    values = any_values(random, kinds[0], 50)
    wanted = answer(Quantize(), values, kinds[1], values.shape, (codings[0], codings[1]))
    multiplier, shift = quantize_multiplier(codings[0][0] / codings[1][0])
    info = np.iinfo(kinds[1])
    numbers = f"{-codings[0][1]}, {codings[1][1]}, {multiplier}, {shift}, {{{info.min}, {info.max}}}"
    call = f"({FUNCTIONS[kinds]}(&params, input, {wanted.size}, output), 0)"
    declared = f"const nn_requantize_params params = {{{numbers}}};"
    return Case(f"requantize_{kinds[0]}_{kinds[1]}_{number}", call, wanted, {"input": values}, declared, number % 4)


def bytes_of(random: np.random.Generator, size: int) -> list[Case]:
    values, table = any_values(random, "uint8", size), any_values(random, "uint8", 256)
    flipped = answer(Quantize(), values, "int8", values.shape, ((0.5, 130), (0.5, 2)))
    flip, lookup = f"(nn_flip_top_bits(input, {size}, output), 0)", f"(nn_lookup_u8(input, table, {size}, output), 0)"
    return [
        Case(f"flip_{size}", flip, flipped, {"input": values}),
        Case(f"flip_{size}_off_alignment", flip, flipped, {"input": values}, shift=1),
        Case(f"lookup_{size}", lookup, table[values], {"input": values, "table": table}, shift=size % 4),
    ]


def cases() -> list[Case]:
    random = np.random.default_rng(40)
    found = [requantised(random, kinds, number) for number in range(8) for kinds in FUNCTIONS]
    return [*found, *(case for size in SIZES for case in bytes_of(random, size))]


def test_plain_c_equals_the_twin(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_twin(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


def test_elements_may_be_written_over_those_that_were_read(tmp_path: Path) -> None:
    values = np.arange(-20, 20, dtype=np.float32)
    wanted = answer(Quantize(), values, "int8", values.shape, (None, (0.3, 5)))
    declared = ("float work[40]; __builtin_memcpy(work, input, sizeof work); "
                "nn_quantize_f32_s8(work, 40, 0.3f, 5, (int8_t *)work); __builtin_memcpy(output, work, 40);")
    down = Case("down", "0", wanted, {"input": values}, declared)
    floats = answer(Dequantize(), wanted, "float32", wanted.shape, ((0.3, 5), None))
    declared = ("float work[40]; __builtin_memcpy((char *)work + 120, input, 40); "
                "nn_dequantize_s8_f32((int8_t *)work + 120, 40, 0.3f, 5, work); __builtin_memcpy(output, work, sizeof work);")
    check_on_host([down, Case("up", "0", floats, {"input": wanted}, declared)], ("nn_quantize",), tmp_path)
