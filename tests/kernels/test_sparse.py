"""Sparse kernels in plain C, here and on targets, give what the dense twin gives, and refuse what is no layer of theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcusim.deploy.sparse import FORMATS, encoded, kept_bytes
from mcusim.network import Layer, Network
from mcusim.network import operators as ops
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.reference import run
from tests.deploy.target import constant, quantized
from tests.deploy.test_sparse import pruned
from tests.kernels.calls import PLAIN, Case, check_on_host, check_on_target, dims

KERNELS = ("nn_sparse", "nn_sparse_pixels", "nn_convolve_sparse_s8", "nn_fully_connected_sparse_s8")
INPUT, WEIGHTS, OUTPUT = 0.02, 0.004, 0.03
ZERO, TARGET = -7, 5
MULTIPLIER, SHIFT = quantize_multiplier(float(np.float32(INPUT)) * float(np.float32(WEIGHTS)) / float(np.float32(OUTPUT)))
ARGUMENT_ERROR = -1
"""ARM_CMSIS_NN_ARG_ERROR."""
OPENING = (
    "static int32_t scratch[4096]; const cmsis_nn_context ctx = {scratch, sizeof scratch}; (void)ctx; "
    "nn_sparse_weights weights = {(uint16_t *)counts, (uint8_t *)steps, (int8_t *)kept, %d}; "
)


def answer(
    operator: ops.Operator, values: np.ndarray, weights: np.ndarray, bias: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """What the twin gives."""
    axis, scales = (0, [WEIGHTS] * len(bias)) if isinstance(operator, ops.Conv2D) else (None, [WEIGHTS])
    tensors = [
        quantized("in", values.shape, INPUT, ZERO), constant("weights", weights, scales, axis),
        constant("bias", bias, [1.0]), quantized("out", shape, OUTPUT, TARGET),
    ]  # fmt: skip
    layer = Layer("one", operator, ("in", "weights", "bias"), ("out",))
    return run(Network("one", {t.name: t for t in tensors}, (layer,), ("in",), ("out",)), {"in": values})["out"]


def arrays_of(form: str, weights: np.ndarray, bias: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """What the kernels are given: the input's zero point is in the bias."""
    rows = weights.reshape(len(weights), -1)
    sparse = encoded(rows, form)
    assert sparse is not None
    folded = bias - ZERO * rows.sum(axis=1, dtype=np.int32)
    parts = {"counts": sparse.counts, "steps": kept_bytes(sparse.steps), "kept": kept_bytes(sparse.values)}
    return {**parts, "bias": folded.astype(np.int32), "values": values}


def connected(form: str, outputs: int, depth: int, density: float) -> Case:
    """Three vectors, one scale."""
    random = np.random.default_rng(depth)
    weights, bias = pruned(outputs, depth, density, depth), random.integers(-900, 900, outputs).astype(np.int32)
    values = random.integers(-128, 128, (3, depth)).astype(np.int8)
    declarations = OPENING % FORMATS[form] + (
        f"int32_t multiplier = {MULTIPLIER}, shift = {SHIFT}; const cmsis_nn_quant_params scale = {{&multiplier, &shift, 0}}; "
        f"const cmsis_nn_fc_params params = {{{-ZERO}, 0, {TARGET}, {{-128, 127}}}}; "
        f"const cmsis_nn_dims from = {dims((3, 1, 1, depth))}, to = {dims((3, 1, 1, outputs))};"
    )
    call = "nn_fully_connected_sparse_s8(&params, &scale, &from, values, &weights, bias, &to, output)"
    wanted = answer(ops.FullyConnected(), values, weights, bias, (3, outputs))
    return Case(f"connected_{form}_{outputs}_{depth}", call, wanted, arrays_of(form, weights, bias, values), declarations)


def convolution(form: str, outputs: int, taps: int, density: float, channels: int = 5) -> Case:
    """Of 5 x 4 pixels, padded all around."""
    random = np.random.default_rng(taps)
    flat, bias = pruned(outputs, taps**2 * channels, density, outputs), random.integers(-900, 900, outputs).astype(np.int32)
    weights = flat.reshape(outputs, taps, taps, channels)
    values = random.integers(-128, 128, (1, 5, 4, channels)).astype(np.int8)
    scales = f"{{{', '.join([str(MULTIPLIER)] * outputs)}}}", f"{{{', '.join([str(SHIFT)] * outputs)}}}"
    side = taps // 2
    shape = (1, 5 + 2 * side - taps + 1, 4 + 2 * side - taps + 1, outputs)
    declarations = OPENING % FORMATS[form] + (
        f"int32_t multiplier[] = {scales[0]}, shift[] = {scales[1]}; "
        "const cmsis_nn_per_channel_quant_params scale = {multiplier, shift}; "
        f"const cmsis_nn_conv_params params = {{{-ZERO}, {TARGET}, {{1, 1}}, {{{side}, {side}}}, {{1, 1}}, {{-128, 127}}}}; "
        f"const cmsis_nn_dims from = {dims(values.shape)}, filter = {dims(weights.shape)}, to = {dims(shape)};"
    )
    call = "nn_convolve_sparse_s8(&ctx, &params, &scale, &from, values, &filter, &weights, bias, &to, output)"
    wanted = answer(ops.Conv2D(padding=ops.Padding(*(side,) * 4)), values, weights, bias, shape)
    return Case(f"convolution_{form}_{outputs}_{taps}", call, wanted, arrays_of(form, flat, bias, values), declarations)


def refused() -> list[Case]:
    """Other numbers of rows, no scratch memory, channels in groups."""
    dense, image = connected("rows", 7, 60, 0.3), convolution("rows", 6, 3, 0.4)
    changes = {
        "rows": (dense, "weights.rows = 2;"), "pixels": (image, "weights.rows = 3;"),
        "scratch": (image, "((cmsis_nn_context *)&ctx)->buf = 0;"), "groups": (image, "((cmsis_nn_dims *)&filter)->c = 1;"),
    }  # fmt: skip
    return [
        replace(case, name=f"refused_{name}", declarations=f"{case.declarations} {change}", status=ARGUMENT_ERROR)
        for name, (case, change) in changes.items()
    ]


def cases() -> list[Case]:
    made = [case for form in FORMATS for case in (connected(form, 7, 60, 0.3), connected(form, 4, 700, 0.004))]
    made += [case for form in FORMATS for case in (convolution(form, 6, 3, 0.4), convolution(form, 5, 1, 0.5))]
    return made + refused()


def test_plain_c_gives_what_the_dense_twin_gives(tmp_path: Path) -> None:
    check_on_host(cases(), KERNELS, tmp_path)


@pytest.mark.parametrize(("core", "flags"), [("m0", ("-O2",)), ("m4", PLAIN), ("m33", ("-Os",)), ("m4", ("-O0",))])
def test_targets_give_what_the_dense_twin_gives(core: str, flags: tuple[str, ...]) -> None:
    check_on_target(cases(), KERNELS, core, flags)
