"""Convolutions, normalisations and products of matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder import Constant
from mcusim.network.layout import Value
from mcusim.network.network import Unsupported
from mcusim.network.onnx.view import Item, View, pads_of


def convolution(view: View) -> list[Item]:
    x, weights = view.operand(0), view.operand(1)
    rank = len(x.shape) - 2
    window = weights.shape[2:]
    if view.get("kernel_shape", list(window)) != list(window):
        raise Unsupported(f"its kernel_shape {view.get('kernel_shape')} is not that of its filter {weights.shape}")
    stride, dilation = view.get("strides", [1] * rank), view.get("dilations", [1] * rank)
    result = view.builder.conv(
        view.output,
        x,
        weights,
        view.optional_operand(2),
        stride=stride,
        dilation=dilation,
        pads=pads_of(view, x.shape[2:], window, stride, dilation),
        groups=view.get("group", 1),
    )
    return [result]


def transposed(view: View) -> list[Item]:
    x, weights = view.operand(0), view.operand(1)
    rank = len(x.shape) - 2
    stride = view.get("strides", [1] * rank)
    if view.get("group", 1) != 1 or set(view.get("dilations", [1])) != {1}:
        raise Unsupported("a transposed convolution with groups or dilation is not supported")
    extra = view.get("output_padding", [0] * rank)
    pads = _transposed_pads(view, x.shape[2:], weights.shape[2:], stride, extra)
    bias = view.optional_operand(2)
    return [view.builder.conv_transpose(view.output, x, weights, bias, stride=stride, pads=pads, extra=extra)]


def _transposed_pads(
    view: View, size: Sequence[int], window: Sequence[int], stride: Sequence[int], extra: Sequence[int]
) -> Sequence[int]:
    """Padding at the begins and then at the ends: stated, or what is too much for the wanted size of the output."""
    stated: Sequence[int] = view.get("pads", [0] * 2 * len(size))
    wanted, kind = view.get("output_shape"), view.get("auto_pad", "NOTSET")
    if wanted is None and kind not in ("SAME_UPPER", "SAME_LOWER"):
        return stated
    sizes = [n * s for n, s in zip(size, stride, strict=True)] if wanted is None else list(wanted)[-len(size) :]
    axes = zip(size, window, stride, extra, sizes, strict=True)
    total = [(n - 1) * s + k + e - result for n, k, s, e, result in axes]
    before = [t // 2 if kind != "SAME_LOWER" else t - t // 2 for t in total]
    return [*before, *(t - b for t, b in zip(total, before, strict=True))]


def normalization(view: View) -> list[Item]:
    if view.get("training_mode", 0):
        raise Unsupported("it normalises by the batch (training_mode); export the network for inference")
    gamma, beta, mean, variance = (view.constant(i, "statistics").astype(np.float64).reshape(-1) for i in (1, 2, 3, 4))
    factor = gamma / np.sqrt(variance + float(view.get("epsilon", 1e-5)))
    return [view.builder.normalized(view.output, view.value(0), factor, beta - mean * factor)]


def gemm(view: View) -> list[Item]:
    builder = view.builder
    x, weights = view.operand(0), view.operand(1)
    alpha, beta = float(view.get("alpha", 1.0)), float(view.get("beta", 1.0))
    x = builder.transpose(x, (1, 0)) if view.get("transA", 0) else x
    weights = weights if view.get("transB", 0) else builder.transpose(weights, (1, 0))
    if isinstance(weights, Value) or isinstance(x, Constant):
        raise Unsupported("its second matrix is not constant; use MatMul and Add")
    if alpha != 1:
        weights = Constant(f"{weights.name}/scaled", weights.data * alpha)
    bias = view.optional_operand(2)
    if isinstance(bias, Constant):
        bias = bias if beta == 1 else Constant(f"{bias.name}/scaled", bias.data * beta)
        if bias.data.size in (1, weights.shape[0]):
            whole = np.broadcast_to(bias.data.reshape(-1), (weights.shape[0],))
            return [builder.linear(view.output, x, weights, Constant(bias.name, whole))]
    if bias is None:
        return [builder.linear(view.output, x, weights, None)]
    product = builder.linear(f"{view.output}/product", x, weights, None)
    if isinstance(bias, Value) and beta != 1:
        bias = builder.binary(f"{view.output}/scaled", ops.Arithmetic.MUL, bias, builder.number(beta))
    return [builder.binary(view.output, ops.Arithmetic.ADD, product, bias)]


def matmul(view: View) -> list[Item]:
    return [view.builder.matmul(view.output, view.operand(0), view.operand(1))]
