"""Quantise, dequantise, requantise, tables: every core gives what the NumPy twin gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Dequantize, Quantize
from tests.kernels.cases import CORES, Case, check_on_host, check_on_target, literal
from tests.kernels.twin import answer, random_coding

KERNELS = ("nn_quantize_f32", "nn_dequantize_f32", "nn_requantize_s16", "nn_flip_top_bits", "nn_lookup_8")
SUFFIXES = {"int8": "s8", "uint8": "u8", "int16": "s16"}
REQUANTIZED = (("int8", "int16"), ("int16", "int8"), ("int16", "int16"))


def any_values(random: np.random.Generator, kind: str, count: int) -> np.ndarray:
    info = np.iinfo(kind)
    return random.integers(info.min, info.max, count, kind, endpoint=True)


def floats_near_halves(random: np.random.Generator, scale: float, count: int) -> np.ndarray:
    """Floats beside the points where rounding turns, on them, and far away."""
    steps = random.integers(-300, 300, count) + random.choice([0, 0.5, 0.49999997, 0.50000006], count)
    values = (steps * scale).astype(np.float32)
    values[:6] = [0.0, -0.0, 1e30, -1e30, np.inf, -np.inf]
    return values


def quantised(random: np.random.Generator, kind: str, number: int) -> Case:
    scale, zero = coding = random_coding(random, kind)
    values = floats_near_halves(random, scale, 60)
    wanted = answer(Quantize(), values, kind, values.shape, (None, coding))
    finite = values.copy()
    finite[np.isinf(values)] = np.copysign(np.float32(3e38), values[np.isinf(values)])
    call = f"(nn_quantize_f32_{SUFFIXES[kind]}(input, {literal(np.float32(scale))}, {zero}, output, {wanted.size}), 0)"
    return Case(f"quantize_{kind}_{number}", call, wanted, {"input": finite}, shift=number % 4)


def dequantised(random: np.random.Generator, kind: str, number: int) -> Case:
    scale, zero = coding = random_coding(random, kind)
    values = any_values(random, kind, 41)
    wanted = answer(Dequantize(), values, "float32", values.shape, (coding, None))
    call = f"(nn_dequantize_{SUFFIXES[kind]}_f32(input, {literal(np.float32(scale))}, {zero}, output, {wanted.size}), 0)"
    return Case(f"dequantize_{kind}_{number}", call, wanted, {"input": values}, shift=number % 4)


def requantised(random: np.random.Generator, kinds: tuple[str, str], number: int) -> Case:
    source, target = kinds
    codings = random_coding(random, source), random_coding(random, target)
    values = any_values(random, source, 50)
    wanted = answer(Quantize(), values, target, values.shape, codings)
    multiplier, shift = quantize_multiplier(codings[0][0] / codings[1][0])
    declared = f"const nn_requantize_params params = {{{-codings[0][1]}, {codings[1][1]}, {multiplier}, {shift}}};"
    call = f"(nn_requantize_{SUFFIXES[source]}_{SUFFIXES[target]}(&params, input, output, {wanted.size}), 0)"
    return Case(f"requantize_{source}_{target}_{number}", call, wanted, {"input": values}, declared, number % 4)


def byte_cases(random: np.random.Generator) -> list[Case]:
    found = []
    for number, size in enumerate((1, 3, 4, 15, 16, 17, 64, 75)):
        values = any_values(random, "uint8", size)
        flipped = answer(Quantize(), values, "int8", values.shape, ((0.5, 130), (0.5, 2)))
        call = f"(nn_flip_top_bits(input, output, {size}), 0)"
        found.append(Case(f"flip_{number}", call, flipped, {"input": values}))
        found.append(Case(f"flip_odd_{number}", call, flipped, {"input": values}, shift=1))
        table = any_values(random, "int8", 256)
        call = f"(nn_lookup_8(input, table, output, {size}), 0)"
        arrays = {"input": values.view(np.int8), "table": table}
        found.append(Case(f"lookup_{number}", call, table[values], arrays, shift=number % 4))
    return found


def cases() -> list[Case]:
    random = np.random.default_rng(40)
    found = []
    for number in range(6):
        found += [quantised(random, kind, number) for kind in SUFFIXES]
        found += [dequantised(random, kind, number) for kind in SUFFIXES]
        found += [requantised(random, kinds, number) for kinds in REQUANTIZED]
    return [*found, *byte_cases(random)]


def test_plain_c_equals_the_twin(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_twin(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


def test_what_is_no_number_counts_as_0(tmp_path: Path) -> None:
    call = "(nn_quantize_f32_s8(&(const float){__builtin_nanf(\"\")}, 0.5f, 7, output, 1), 0)"
    check_on_host([Case("nothing", call, np.array([7], np.int8))], KERNELS, tmp_path)


def test_elements_may_be_written_over_those_that_were_read(tmp_path: Path) -> None:
    values = np.arange(-20, 20, dtype=np.float32)
    wanted = answer(Quantize(), values, "int8", values.shape, (None, (0.3, 5)))
    declared = ("float work[40]; memcpy(work, input, sizeof work); nn_quantize_f32_s8(work, 0.3f, 5, (int8_t *)work, 40); "
                "memcpy(output, work, 40);")
    down = Case("down", "0", wanted, {"input": values}, declared)
    floats = answer(Dequantize(), wanted, "float32", wanted.shape, ((0.3, 5), None))
    declared = ("float work[40]; memcpy((char *)work + 120, input, 40); "
                "nn_dequantize_s8_f32((int8_t *)work + 120, 0.3f, 5, work, 40); memcpy(output, work, sizeof work);")
    check_on_host([down, Case("up", "0", floats, {"input": wanted}, declared)], KERNELS, tmp_path)
