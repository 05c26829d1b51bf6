"""Sparse kernels of float32 in plain C give what the dense twin gives, and refuse what is no layer of theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mcusim.deploy.sparse import encoded, kept_bytes
from mcusim.network import ElementType, Layer, Network, Tensor
from mcusim.network import operators as ops
from mcusim.network.reference import run
from tests.kernels.calls import Case, check_on_host, dims

KERNELS = ("nn_convolve_sparse_f32", "nn_fully_connected_sparse_f32")
ARGUMENT_ERROR = -1
"""ARM_CMSIS_NN_ARG_ERROR."""
OPENING = (
    "static float windows[4096]; const cmsis_nn_context ctx = {windows, sizeof windows}; (void)ctx; "
    "const nn_sparse_weights_f32 weights = {(uint16_t *)counts, (uint8_t *)steps, (float *)kept}; "
)
BOUNDS = "{-0.5f, 2.0f}"
WITHIN = np.float32(-0.5), np.float32(2.0)


def case_of(name: str, call: str, declarations: str, operator: ops.Operator, shapes: tuple[tuple[int, ...], ...]) -> Case:
    """A layer with a tenth of its weights; ``shapes``: of input, weights and output. The twin's output is bounded here."""
    random = np.random.default_rng(len(name))
    values, weights, bias = (random.normal(size=shape).astype(np.float32) for shape in (*shapes[:2], shapes[1][:1]))
    weights[random.random(weights.shape) > 0.1] = 0
    sparse = encoded(weights.reshape(len(weights), -1), "rows")
    assert sparse is not None
    data = {"weights": weights, "bias": bias}
    tensors = {name: Tensor(name, each.shape, ElementType.FLOAT32, data=each) for name, each in data.items()}
    tensors |= {name: Tensor(name, shape, ElementType.FLOAT32) for name, shape in (("in", shapes[0]), ("out", shapes[2]))}
    network = Network("one", tensors, (Layer("one", operator, ("in", *data), ("out",)),), ("in",), ("out",))
    arrays = {"counts": sparse.counts, "steps": kept_bytes(sparse.steps), "kept": kept_bytes(sparse.values)}
    wanted = np.clip(run(network, {"in": values})["out"], *WITHIN)
    return Case(name, call, wanted, {**arrays, "bias": bias, "values": values}, OPENING + declarations)


def connected(outputs: int, depth: int) -> Case:
    """Three vectors."""
    call = f"(nn_fully_connected_sparse_f32(&bounds, 3, {depth}, {outputs}, values, &weights, bias, output), 0)"
    shapes = (3, depth), (outputs, depth), (3, outputs)
    return case_of(f"connected_{depth}", call, f"const nn_activation_f32 bounds = {BOUNDS};", ops.FullyConnected(), shapes)


def convolution(channels: int, dilation: int) -> Case:
    """Taps of 3 x 3 over 5 x 4 pixels, padded all around."""
    shapes = (2, 5, 4, channels), (6, 3, 3, channels), (2, 5, 4, 6)
    declarations = (
        f"nn_conv_params_f32 params = {{{{1, 1}}, {{{dilation}, {dilation}}}, {{{dilation}, {dilation}}}, {BOUNDS}}}; "
        f"const cmsis_nn_dims from = {dims(shapes[0])}, to = {dims(shapes[2])}; cmsis_nn_dims filter = {dims(shapes[1])};"
    )
    operator = ops.Conv2D(padding=ops.Padding(*(dilation,) * 4), dilation=(dilation, dilation))
    call = "nn_convolve_sparse_f32(&ctx, &params, &from, values, &filter, &weights, bias, &to, output)"
    return case_of(f"convolution_{channels}_{dilation}", call, declarations, operator, shapes)


def refused() -> list[Case]:
    """No scratch memory, channels in groups, no stride."""
    changes = {"scratch": "((cmsis_nn_context *)&ctx)->buf = 0;", "groups": "filter.c = 1;", "stride": "params.stride.w = 0;"}
    made = convolution(4, 1)
    return [
        replace(made, name=f"refused_{name}", declarations=f"{made.declarations} {change}", status=ARGUMENT_ERROR)
        for name, change in changes.items()
    ]


def test_plain_c_gives_what_the_dense_twin_gives(tmp_path: Path) -> None:
    cases = [connected(7, 60), connected(4, 700), convolution(1, 1), convolution(5, 2), convolution(40, 1), *refused()]
    check_on_host(cases, KERNELS, tmp_path, include="nn_float.h")
