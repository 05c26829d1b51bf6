"""SVDF with states of int16 and int8, over several steps: C, NumPy and TensorFlow Lite's kernel agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.kernels import tflite_operator
from tests.kernels.calls import CORES, PLAIN, Case, check_on_host, check_on_target, dims
from tests.kernels.fixed_point import quantized_multiplier, requantized
from tests.kernels.tflite_operator import Operand

KERNELS = ("arm_svdf_state_s16_s8", "arm_svdf_s8")


@dataclass(frozen=True)
class Svdf:
    """A layer; scales of input, feature weights, time weights, state and output."""

    batches: int
    inputs: int
    units: int
    rank: int
    memory: int
    bits: int
    scales: tuple[float, float, float, float, float] = (0.05, 0.01, 0.002, 0.001, 6.0)
    zeros: tuple[int, int] = (7, -3)

    @property
    def filters(self) -> int:
        return self.units * self.rank

    def multipliers(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Into the state and out of it: TensorFlow Lite works the ratios out in float32."""
        source, feature, time, state, output = (np.float32(scale) for scale in self.scales)
        ratios = (source * feature / state, state * time / output)
        return quantized_multiplier(float(ratios[0])), quantized_multiplier(float(ratios[1]))


SMALL = (0.05, 0.01, 0.01, 0.2, 0.5)  # of a state of int8
LAYERS = [
    Svdf(1, 10, 4, 1, 8, 16), Svdf(2, 13, 3, 2, 5, 16), Svdf(1, 7, 6, 3, 1, 16), Svdf(1, 22, 5, 1, 9, 16),
    Svdf(1, 10, 4, 1, 8, 8, SMALL), Svdf(2, 13, 3, 2, 5, 8, SMALL), Svdf(1, 7, 6, 3, 1, 8, SMALL),
]  # fmt: skip


@dataclass(frozen=True)
class Tensors:
    feature: np.ndarray
    time: np.ndarray
    bias: np.ndarray
    steps: list[np.ndarray]


def tensors(layer: Svdf) -> Tensors:
    random = np.random.default_rng(80 + layer.inputs)
    kind = np.dtype(f"int{layer.bits}")
    time_bound = 3000 if layer.bits == 16 else 127
    return Tensors(
        random.integers(-127, 128, (layer.filters, layer.inputs), np.int8),
        random.integers(-time_bound, time_bound, (layer.filters, layer.memory)).astype(kind),
        random.integers(-100000, 100000, layer.units, np.int32),
        [random.integers(-128, 128, (layer.batches, layer.inputs), np.int8) for _ in range(4)],
    )


def expected(layer: Svdf, given: Tensors) -> list[np.ndarray]:
    """Outputs of the steps, the state being zero in front of the first."""
    into_state, into_output = layer.multipliers()
    bound = 2 ** (layer.bits - 1)
    state = np.zeros((layer.batches, layer.filters, layer.memory), np.int64)
    answers = []
    for step in given.steps:
        dots = (step.astype(np.int64) - layer.zeros[0]) @ given.feature.astype(np.int64).T
        response = np.clip(requantized(dots, *into_state), -bound, bound - 1)
        state = np.concatenate([state[:, :, 1:], response[:, :, None]], axis=2)
        sums = (state * given.time.astype(np.int64)).sum(axis=2)
        sums = sums.reshape(layer.batches, layer.units, layer.rank).sum(axis=2) + given.bias
        answers.append(np.clip(requantized(sums, *into_output) + layer.zeros[1], -128, 127).astype(np.int8))
    return answers


def case(layer: Svdf, name: str) -> Case:
    given = tensors(layer)
    (into_multiplier, into_shift), (out_multiplier, out_shift) = layer.multipliers()
    bound = 2 ** (layer.bits - 1)
    state = layer.batches * layer.filters * layer.memory
    declarations = (
        "const cmsis_nn_context none = {0, 0}; "
        f"const cmsis_nn_svdf_params params = {{{layer.rank}, {layer.zeros[0]}, {layer.zeros[1]}, "
        f"{{{-bound}, {bound - 1}}}, {{-128, 127}}}}; "
        f"const cmsis_nn_per_tensor_quant_params into = {{{into_multiplier}, {into_shift}}}, "
        f"out = {{{out_multiplier}, {out_shift}}}; "
        f"const cmsis_nn_dims from = {{{layer.batches}, {layer.inputs}, 1, 1}}, any = {dims(())}, "
        f"features = {{{layer.filters}, {layer.inputs}, 1, 1}}, times = {{{layer.filters}, {layer.memory}, 1, 1}}; "
        f"int{layer.bits}_t state[{state}]; __builtin_memset(state, 0, sizeof state);"
    )
    function = "arm_svdf_state_s16_s8(" if layer.bits == 16 else "arm_svdf_s8(&none, "
    calls = [
        f"{function}&none, &none, &params, &into, &out, &from, step{i}, &any, state, &features, feature, &times, time, "
        f"&any, bias, &any, output + {i * layer.batches * layer.units})"
        for i in range(len(given.steps))
    ]
    arrays = {f"step{i}": step for i, step in enumerate(given.steps)}
    arrays |= {"feature": given.feature, "time": given.time, "bias": given.bias}
    return Case(name, " | ".join(calls).replace(" | ", " || "), np.stack(expected(layer, given)), arrays, declarations, 1)


def cases() -> list[Case]:
    return [case(layer, f"svdf_{i}") for i, layer in enumerate(LAYERS)]


def test_plain_c_equals_the_definition(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_definition(core: str) -> None:
    check_on_target(cases(), KERNELS, core)


@pytest.mark.slow
def test_plain_c_on_a_core_with_dsp_equals_the_definition() -> None:
    check_on_target(cases(), KERNELS, "m4", PLAIN)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer.bits == 16])
def test_the_definition_equals_tensorflow_lites_reference_kernel(layer: Svdf) -> None:
    given = tensors(layer)
    source, feature, time, state, output = layer.scales
    inputs = [
        Operand((layer.batches, layer.inputs), "int8", source, layer.zeros[0]),
        Operand(given.feature.shape, "int8", feature, 0, given.feature),
        Operand(given.time.shape, "int16", time, 0, given.time),
        Operand(given.bias.shape, "int32", state * time, 0, given.bias),
        Operand((layer.batches, layer.filters * layer.memory), "int16", state, 0, variable=True),
    ]
    outputs = [Operand((layer.batches, layer.units), "int8", output, layer.zeros[1])]
    options = ("SVDFOptions", {"rank": layer.rank, "fusedActivationFunction": 1})
    wanted = tflite_operator.run_steps("SVDF", inputs, outputs, [[step] for step in given.steps], options, version=3)
    for answer, (step,) in zip(expected(layer, given), wanted, strict=True):
        np.testing.assert_array_equal(answer, step)
