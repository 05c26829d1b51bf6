"""QOperators (QLinearConv and others): a float operator between scaled inputs and a scaled output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mcusim.network.builder import Constant
from mcusim.network.layout import Value
from mcusim.network.onnx import convolution as products
from mcusim.network.onnx import shaping
from mcusim.network.onnx.quantization import dequantized, quantized, scales_of
from mcusim.network.onnx.view import Item, Stored, Translation, View

Triple = tuple[int, int, int]
"""Places of a tensor, its scale and its zero point among the inputs."""


def integer(operator: Translation, *triples: Triple, output: int, bias: int | None = None) -> Translation:
    """A QOperator: the float ``operator`` between ``triples`` and an output, whose scale is the input ``output``."""

    def translate(view: View) -> list[Item]:
        inputs: list[Item | None] = [dequantized(view, *triple) for triple in triples]
        if bias is not None and view.optional(bias) is not None:
            steps = view.constant(1, "scale").reshape(-1).astype(np.float64) * view.constant(4, "scale").reshape(-1)
            offset = view.operand(bias)
            inputs.append(Constant(getattr(offset, "name", ""), view.constant(bias, "bias").astype(np.float64) * steps))
        (result,) = operator(replace(view, inputs=tuple(inputs)))
        assert not isinstance(result, Stored)
        scales, kind = scales_of(view, output, output + 1, len(result.shape))
        return [quantized(view, result, scales, kind, view.output)]

    return translate


_CONVOLUTION = integer(products.convolution, (0, 1, 2), (3, 4, 5), output=6, bias=8)
_MATMUL = integer(products.matmul, (0, 1, 2), (3, 4, 5), output=6)
_GEMM = integer(products.gemm, (0, 1, 2), (3, 4, 5), output=7, bias=6)


def _scaled_along(view: View, axis: int) -> View:
    """The node with the axis of its weights' scales, which these operators do not say."""
    return replace(view, node=replace(view.node, attributes={**view.node.attributes, "axis": axis}))


def convolution(view: View) -> list[Item]:
    return _CONVOLUTION(_scaled_along(view, 0))


def matmul(view: View) -> list[Item]:
    return _MATMUL(_scaled_along(view, -1))


def gemm(view: View) -> list[Item]:
    return _GEMM(_scaled_along(view, 0 if view.get("transB", 0) else 1))


def concatenation(view: View) -> list[Item]:
    parts = tuple(dequantized(view, i, i + 1, i + 2) for i in range(2, len(view.inputs), 3))
    (result,) = shaping.concatenation(replace(view, inputs=parts))
    assert isinstance(result, Value)
    scales, kind = scales_of(view, 0, 1, len(result.shape))
    return [quantized(view, result, scales, kind, view.output)]
