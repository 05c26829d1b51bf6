"""Kernels of int16 with weights of int8 that code generation does not call, or not in this way: C and the NumPy twin agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mcusim.network import ElementType, Layer, Network, Quantization, Tensor
from mcusim.network import operators as ops
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.reference import Rules, run
from tests.kernels.calls import CORES, Case, check_on_host, check_on_target, dims

KERNELS = (
    "arm_fully_connected_s16", "arm_convolve_s16", "arm_depthwise_conv_s16", "nn_wide_runs", "nn_narrow", "nn_add_octet",
    "nn_fully_connected_s16", "nn_add_four", "nn_convolve_s16_any", "nn_convolve_s16_gathered", "nn_depthwise_s16_tiles",
    "nn_depthwise_s16_taps", "nn_depthwise_tiles",
)  # fmt: skip
INPUT, WEIGHTS, OUTPUT = (float(np.float32(scale)) for scale in (0.003, 0.004, 0.02))
MULTIPLIER, SHIFT = quantize_multiplier(INPUT * WEIGHTS / OUTPUT)
BOUNDS = "{-32768, 32767}"


Arrays = dict[str, np.ndarray]


def answer(operator: ops.Operator, given: Arrays, shape: tuple[int, ...], factors: Sequence[float] = (WEIGHTS,)) -> np.ndarray:
    """What the twin gives, rounded as TensorFlow Lite Micro does; ``factors``: the weights' scale, or one for each channel."""
    values, weights, bias = given["values"], given["weights"], given["bias"]
    axis = None if len(factors) == 1 else 3 if isinstance(operator, ops.DepthwiseConv2D) else 0
    tensors = [
        Tensor("in", values.shape, ElementType.INT16, Quantization((INPUT,), (0,))),
        Tensor("weights", weights.shape, ElementType.INT8, Quantization(tuple(factors), (0,) * len(factors), axis), weights),
        Tensor("bias", bias.shape, ElementType(bias.dtype.name), Quantization((1.0,), (0,)), bias),
        Tensor("out", shape, ElementType.INT16, Quantization((OUTPUT,), (0,))),
    ]
    layer = Layer("one", operator, ("in", "weights", "bias"), ("out",))
    network = Network("one", {tensor.name: tensor for tensor in tensors}, (layer,), ("in",), ("out",))
    return run(network, {"in": values}, rules=Rules.MICRO)["out"]


def arrays(seed: int, values: tuple[int, ...], weights: tuple[int, ...], channels: int) -> Arrays:
    """Any inputs and weights, and biases of more than 32 bits."""
    random = np.random.default_rng(seed)
    return {
        "values": random.integers(-32768, 32767, values, np.int16, endpoint=True),
        "weights": random.integers(-128, 127, weights, np.int8, endpoint=True),
        "bias": random.integers(-(2**36), 2**36, channels),
    }


def connected(rows: int, depth: int) -> Case:
    """Vectors of ``depth`` times a matrix."""
    found = arrays(depth, (3, depth), (rows, depth), rows)
    declarations = (
        "const cmsis_nn_context none = {0, 0}; "
        f"const cmsis_nn_fc_params params = {{0, 0, 0, {BOUNDS}}}; "
        f"const cmsis_nn_per_tensor_quant_params scale = {{{MULTIPLIER}, {SHIFT}}}; "
        f"const cmsis_nn_dims from = {{3, 1, 1, {depth}}}, filter = {{{depth}, 1, 1, {rows}}}, to = {{3, 1, 1, {rows}}};"
    )
    call = "arm_fully_connected_s16(&none, &params, &scale, &from, values, &filter, weights, &to, bias, &to, output)"
    result = answer(ops.FullyConnected(), found, (3, rows))
    return Case(f"connected_{rows}_{depth}", call, result, found, declarations)


def rounded_once() -> Case:
    """Products at and beside halves, whose neighbours in double precision decide; and factors and sums of many sizes."""
    powers = [2.0**-power for power in (1, 4, 9, 17, 29, 33)]
    beside = [np.nextafter(power, end) for power in powers for end in (0, power, 1)]
    factors = np.array([*beside, 3e-4, 0.7, 1.9])
    rows, random = factors.size, np.random.default_rng(7)
    values, weights = random.integers(-99, 99, (64, 1), np.int16), random.integers(-128, 127, (rows, 1), np.int8)
    halves = np.minimum(np.floor(0.5 / factors), 2.0**40).astype(np.int64)
    sums = values.astype(np.int64) * weights[:, 0] + halves
    real = sums * factors
    rest = real - np.trunc(real)
    result = np.clip(np.trunc(real) + (rest >= 0.5) - (rest <= -0.5), -32768, 32767).astype(np.int16)
    declarations = (
        f"const cmsis_nn_fc_params params = {{0, 0, 0, {BOUNDS}}}; const cmsis_nn_bias_data bias = {{halves, false}}; "
        f"const cmsis_nn_dims filter = {{1, 1, 1, {rows}}}, to = {{64, 1, 1, {rows}}}; "
        f"const double factors[] = {{{', '.join(map(float.hex, factors))}}};"
    )
    call = "nn_fully_connected_s16(&params, factors, 1, values, &filter, weights, &bias, &to, output)"
    return Case("rounded_once", call, result, {"values": values, "weights": weights, "halves": halves}, declarations)


def windows(kernel: str, channels: int, outputs: int, padding: int) -> Case:
    """3 x 3 taps over 4 x 4 pixels; with much padding, windows that see nothing of them."""
    depthwise = kernel != "arm_convolve_s16"
    size = 4 + 2 * padding - 2
    shape = (1, 3, 3, channels) if depthwise else (outputs, 3, 3, channels)
    found = arrays(channels + padding, (1, 4, 4, channels), shape, outputs)
    numbers = {"multiplier": np.full(outputs, MULTIPLIER, np.int32), "shift": np.full(outputs, SHIFT, np.int32)}
    kind, ratio = ("dw_conv", "1, ") if depthwise else ("conv", "")
    declarations = (
        "const cmsis_nn_context none = {0, 0}; "
        f"const cmsis_nn_{kind}_params params = {{0, 0, {ratio}{{1, 1}}, {{{padding}, {padding}}}, {{1, 1}}, {BOUNDS}}}; "
        "const cmsis_nn_per_channel_quant_params scales = {(int32_t *)multiplier, (int32_t *)shift}; "
        "const cmsis_nn_bias_data wide = {bias, false}; (void)wide; "
        f"const cmsis_nn_dims from = {dims((1, 4, 4, channels))}, filter = {dims(shape)}; "
        f"const cmsis_nn_dims to = {dims((1, size, size, outputs))};"
    )
    given = "bias" if depthwise else "&wide"
    call = f"{kernel}(&none, &params, &scales, &from, values, &filter, weights, &to, {given}, &to, output)"
    operator = (ops.DepthwiseConv2D if depthwise else ops.Conv2D)(padding=ops.Padding(*[padding] * 4))
    result = answer(operator, found, (1, size, size, outputs))
    return Case(f"{kernel}_{channels}_{outputs}_{padding}", call, result, found | numbers, declarations)


@dataclass(frozen=True)
class Shape:
    """A convolution with scratch memory: ``size`` is (height, width, input channels), pairs are (height, width)."""

    size: tuple[int, int, int]
    outputs: int
    taps: tuple[int, int] = (3, 3)
    stride: int = 1
    padding: tuple[int, int] = (1, 1)
    dilation: int = 1
    groups: int = 1
    bias: int = 2**20
    weights: int = 128
    up: int = 0
    bounds: tuple[int, int] = (-32768, 32767)

    def arrays(self, depthwise: bool) -> Arrays:
        """Inputs, weights and biases up to the sizes that are given."""
        inputs, random = self.size[2], np.random.default_rng(self.outputs)
        shape = (1, *self.taps, self.outputs) if depthwise else (self.outputs, *self.taps, inputs // self.groups)
        return {
            "values": random.integers(-32768, 32767, (2, *self.size), np.int16, endpoint=True),
            "weights": random.integers(-self.weights, self.weights - 1, shape, np.int8, endpoint=True),
            "bias": random.integers(-self.bias, self.bias, self.outputs),
        }

    def reach(self, axis: int) -> int:
        """Outputs along an axis."""
        taken = (self.taps[axis] - 1) * self.dilation + 1
        return (self.size[axis] + 2 * self.padding[axis] - taken) // self.stride + 1


SHAPES = (
    Shape((6, 7, 4), 8),
    Shape((5, 6, 6), 6, stride=2),
    Shape((7, 5, 5), 5, bounds=(-900, 1000)),
    Shape((9, 4, 9), 9, padding=(0, 2)),
    Shape((6, 6, 8), 8, dilation=2, padding=(2, 1)),
    Shape((8, 7, 1), 6, (4, 3), 2, (2, 1)),
    Shape((5, 5, 16), 7, padding=(1, 0)),
    Shape((3, 5, 22), 10, (1, 1), padding=(0, 0)),
    Shape((3, 3, 13), 4, (1, 1), padding=(1, 1)),
    Shape((5, 4, 8), 12, groups=2),
    Shape((4, 4, 60), 5, weights=100),
    Shape((4, 5, 72), 5, weights=128),
    Shape((6, 7, 4), 4, bias=2**33),
    Shape((6, 7, 4), 4, up=1),
    Shape((6, 7, 4), 4, up=-1),
    Shape((6, 7, 4), 4, up=-3),
    Shape((6, 7, 4), 4, bias=2**31 - 2**24),
)
"""Of the last ones some sums have more than 32 bits, and some shifts ask for the general way."""


def scales(outputs: int, up: int) -> tuple[list[float], Arrays]:
    """A scale of the weights for each channel, so that shifts are -16 to -1, plus ``up``."""
    factors = [1.9 * 2.0 ** (up - i * 5 % 16) for i in range(outputs)]
    pairs = [quantize_multiplier(INPUT * float(np.float32(factor)) / OUTPUT) for factor in factors]
    multipliers, shifts = (np.array(numbers, np.int32) for numbers in zip(*pairs, strict=True))
    return factors, {"multiplier": multipliers, "shift": shifts}


def shaped(number: int, shape: Shape, depthwise: bool) -> Case:
    """A convolution with scratch memory, scales that differ, and bounds."""
    found = shape.arrays(depthwise)
    factors, numbers = scales(shape.outputs, shape.up)
    out = (2, shape.reach(0), shape.reach(1), shape.outputs)
    kernel, kind, ratio = ("arm_depthwise_conv_wrapper_s16", "dw_conv", "1, ") if depthwise else (
        "arm_convolve_wrapper_s16", "conv", "")  # fmt: skip
    declarations = (
        f"const cmsis_nn_{kind}_params params = {{0, 0, {ratio}{{{shape.stride}, {shape.stride}}}, {{{shape.padding[1]}, "
        f"{shape.padding[0]}}}, {{{shape.dilation}, {shape.dilation}}}, {{{shape.bounds[0]}, {shape.bounds[1]}}}}}; "
        "const cmsis_nn_per_channel_quant_params scales = {(int32_t *)multiplier, (int32_t *)shift}; "
        "const cmsis_nn_bias_data wide = {bias, false}; (void)wide; "
        f"const cmsis_nn_dims from = {dims(found['values'].shape)}, filter = {dims(found['weights'].shape)}; "
        f"const cmsis_nn_dims to = {dims(out)}; static int32_t scratch[4096]; const cmsis_nn_context context = {{scratch, "
        f"{kernel}_get_buffer_size(&params, &from, &filter, &to)}}; __builtin_memset(scratch, 85, sizeof scratch);"
    )
    given = "bias" if depthwise else "&wide"
    call = f"{kernel}(&context, &params, &scales, &from, values, &filter, weights, &to, {given}, &to, output)"
    pads = ops.Padding(shape.padding[0], shape.padding[0], shape.padding[1], shape.padding[1])
    operator = (ops.DepthwiseConv2D if depthwise else ops.Conv2D)(
        stride=(shape.stride,) * 2, dilation=(shape.dilation,) * 2, padding=pads)  # fmt: skip
    result = np.clip(answer(operator, found, out, factors), *shape.bounds)
    return Case(f"shape_{number}_{kind}", call, result, found | numbers, declarations)


def shaped_cases() -> list[Case]:
    """Each shape, and those with as many outputs as inputs as depthwise ones too."""
    found = []
    for number, shape in enumerate(SHAPES):
        found.append(shaped(number, shape, False))
        if shape.size[2] == shape.outputs:
            found.append(shaped(number, shape, True))
    return found


def cases() -> list[Case]:
    found = [connected(rows, depth) for rows, depth in ((1, 3), (5, 22), (8, 1021))]
    for padding in (0, 1, 5):
        found += [windows("arm_depthwise_conv_fast_s16", channels, channels, padding) for channels in (1, 6, 8)]
        found += [windows("arm_convolve_s16", channels, outputs, padding) for channels, outputs in ((3, 5), (7, 4))]
    return [*found, *shaped_cases(), rounded_once(), *refused()]


def refused() -> list[Case]:
    """Offsets, which int16 has not, and more channels than fast ones."""
    nothing = np.zeros(1, np.int16)
    one = windows("arm_depthwise_conv_fast_s16", 2, 2, 0)
    texts = {"offset": ("{0, 0, 1,", "{1, 0, 1,"), "multiplied": ("{0, 0, 1,", "{0, 0, 2,")}
    return [
        Case(f"refused_{name}", one.call, nothing, one.arrays, one.declarations.replace(*text), status=-1)
        for name, text in texts.items()
    ]


def test_plain_c_equals_the_twin(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_every_core_equals_the_twin(core: str) -> None:
    check_on_target(cases(), KERNELS, core)
