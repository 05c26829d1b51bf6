"""Kernels of int16 with weights of int8 that code generation does not call, or not in this way: C and the NumPy twin agree."""

from __future__ import annotations

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
    "nn_add_four", "nn_convolve_s16_any", "nn_convolve_s16_gathered",
)  # fmt: skip
INPUT, WEIGHTS, OUTPUT = (float(np.float32(scale)) for scale in (0.003, 0.004, 0.02))
MULTIPLIER, SHIFT = quantize_multiplier(INPUT * WEIGHTS / OUTPUT)
BOUNDS = "{-32768, 32767}"


Arrays = dict[str, np.ndarray]


def answer(operator: ops.Operator, given: Arrays, shape: tuple[int, ...]) -> np.ndarray:
    """What the twin gives with one scale for all channels, rounded as TensorFlow Lite Micro does."""
    values, weights, bias = given["values"], given["weights"], given["bias"]
    tensors = [
        Tensor("in", values.shape, ElementType.INT16, Quantization((INPUT,), (0,))),
        Tensor("weights", weights.shape, ElementType.INT8, Quantization((WEIGHTS,), (0,)), weights),
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


def cases() -> list[Case]:
    found = [connected(rows, depth) for rows, depth in ((1, 3), (5, 22), (8, 1021))]
    for padding in (0, 1, 5):
        found += [windows("arm_depthwise_conv_fast_s16", channels, channels, padding) for channels in (1, 6, 8)]
        found += [windows("arm_convolve_s16", channels, outputs, padding) for channels, outputs in ((3, 5), (7, 4))]
    return [*found, *refused()]


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
