"""Pooling by windows, and reductions along axes."""

from __future__ import annotations

from mcusim.network import operators as ops
from mcusim.network.network import Unsupported
from mcusim.network.onnx.view import Item, Translation, View, pads_of


def pool(function: ops.Pooling) -> Translation:
    def translate(view: View) -> list[Item]:
        x, window = view.operand(0), view.get("kernel_shape", [])
        rank = len(x.shape) - 2
        stride, dilation = view.get("strides", [1] * rank), view.get("dilations", [1] * rank)
        if set(dilation) - {1}:
            raise Unsupported(f"its dilation is {dilation}; pooling without is supported")
        if len([n for n in view.node.outputs if n]) > 1:
            raise Unsupported("the indices of its largest elements are not supported")
        made = view.builder.pool(
            view.output,
            function,
            x,
            window=window,
            stride=stride,
            pads=pads_of(view, x.shape[2:], window, stride, dilation),
            up=bool(view.get("ceil_mode", 0)),
            counted=bool(view.get("count_include_pad", 0)),
        )
        return [made]

    return translate


def whole(function: ops.Reduction) -> Translation:
    def translate(view: View) -> list[Item]:
        x = view.value(0)
        return [view.builder.reduce(view.output, function, x, range(2, len(x.shape)), True)]

    return translate


def reduce(function: ops.Reduction) -> Translation:
    def translate(view: View) -> list[Item]:
        x = view.value(0)
        axes = view.listed("axes", 1, "axes")
        if not axes and view.get("noop_with_empty_axes", 0):
            return [x]
        return [view.builder.reduce(view.output, function, x, axes or range(len(x.shape)), bool(view.get("keepdims", 1)))]

    return translate
