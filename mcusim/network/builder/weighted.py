"""Weighted: convolutions and products of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder.draft import Constant, Operand
from mcusim.network.builder.images import Images
from mcusim.network.layout import Value, arranged, channels_last, refined, value_of
from mcusim.network.network import Unsupported


class Weighted(Images):
    """Filters and biases are constants, and stored as the kernels take them."""

    def known(self, operand: Operand, what: str) -> Constant:
        if isinstance(operand, Value):
            raise Unsupported(f"its {what} ({operand.name!r}) is not constant")
        return operand

    def per_output(self, weights: Constant, axis: int) -> None:
        scales = weights.quantization
        if scales is not None and scales.axis not in (None, axis):
            raise Unsupported(f"its weights {weights.name!r} have scales along axis {scales.axis}; along {axis} is supported")
        if scales is not None and len(scales.scales) > 1 and any(scales.zero_points):
            raise Unsupported(f"its weights {weights.name!r} have zero points per channel that are not 0")

    def bias(self, operand: Operand | None) -> str:
        if operand is None:
            return ""
        constant = self.known(operand, "bias")
        return self.constant(replace(constant, quantization=None), constant.data.reshape(-1))

    def conv(
        self,
        output: str,
        x: Operand,
        weights: Operand,
        bias: Operand | None,
        *,
        stride: Sequence[int],
        dilation: Sequence[int],
        pads: Sequence[int],
        groups: int,
    ) -> Value:
        rank = len(x.shape)
        weights = self.known(weights, "filter")
        if len(weights.shape) != rank:
            raise Unsupported(f"its input has {rank} dimensions, its filter {len(weights.shape)}")
        image, filters = self.image(x), self.image(weights)
        assert isinstance(filters, Constant)
        channels, depth = image.shape[1], filters.shape[1]
        if groups < 1 or depth * groups != channels or filters.shape[0] % groups:
            raise Unsupported(f"{channels} channels, {groups} groups and a filter of {weights.shape} do not go together")
        steps = self.pair(stride, "stride"), self.pair(dilation, "dilation"), self.padding(pads)
        self.pair(filters.shape[2:], "filter")
        operator: ops.Operator
        if groups > 1 and depth == 1:
            operator, axis = ops.DepthwiseConv2D(*steps, multiplier=filters.shape[0] // channels), 3
            turned = filters.data.transpose(1, 2, 3, 0)
        else:
            operator, axis = ops.Conv2D(*steps), 0
            turned = filters.data.transpose(0, 2, 3, 1)
        self.per_output(filters, 0)
        names = [self.stored(image, channels_last(4)), self.constant(filters, turned, axis), self.bias(bias)]
        return self.over_image(operator, names, output, rank)

    def conv_transpose(
        self,
        output: str,
        x: Operand,
        weights: Operand,
        bias: Operand | None,
        *,
        stride: Sequence[int],
        pads: Sequence[int],
        extra: Sequence[int],
    ) -> Value:
        """``extra``: rows and columns more at the end of the output."""
        rank, filters = len(x.shape), self.known(weights, "filter")
        image, turned = self.image(x), self.image(filters)
        assert isinstance(turned, Constant)
        self.per_output(turned, 1)
        steps, edge = self.pair(stride, "stride"), self.padding(pads)
        more = tuple(extra) if len(extra) == 2 else (0, *extra)
        if not all(0 <= a < max(s, 2) for a, s in zip(more, steps, strict=True)):
            raise Unsupported(f"its output padding is {more}; less than the stride {steps} is allowed")
        kernel = self.pair(turned.shape[2:], "filter")
        height = (image.shape[2] - 1) * steps[0] + kernel[0] - edge.top - edge.bottom + more[0]
        width = (image.shape[3] - 1) * steps[1] + kernel[1] - edge.left - edge.right + more[1]
        lacks = replace(edge, bottom=max(edge.bottom - more[0], 0), right=max(edge.right - more[1], 0))
        operator = ops.TransposeConv2D(steps, lacks, (height, width))
        names = [
            self.stored(image, channels_last(4)),
            self.constant(turned, turned.data.transpose(1, 2, 3, 0), 0),
            self.bias(bias),
        ]
        return self.over_image(operator, names, output, rank)

    def linear(self, output: str, x: Value, weights: Constant, bias: Operand | None) -> Value:
        """x times the transpose of ``weights`` [C_out,C]: their columns follow the order in which x is stored."""
        if len(weights.shape) != 2 or not x.shape or x.shape[-1] != weights.shape[1]:
            raise Unsupported(f"an input of {x.shape} and weights of {weights.shape} do not go together")
        self.per_output(weights, 0)
        data, rows = self.as_stored(x, weights.data)
        operator = ops.FullyConnected(keep_dimensions=len(x.shape) != 2)
        (name,) = self.emit(operator, [data, self.constant(weights, rows, 0), self.bias(bias)], output)
        return value_of(name, (*x.shape[:-1], weights.shape[0]))

    def as_stored(self, x: Value, rows: np.ndarray) -> tuple[str, np.ndarray]:
        """The tensor of x, and the columns of its weights in its order; x is moved only where the columns cannot be."""
        fine = refined(x)
        lead = 0 if fine is None else len(arranged(fine, (0,)))
        if len(x.shape) != 2 or fine is None or set(fine.order[:lead]) != set(range(lead)):
            return self.stored(x, tuple(range(len(x.shape)))), rows
        columns = fine.order[lead:]
        turned = rows.reshape(-1, *fine.parts[lead:]).transpose(0, *(1 + part - lead for part in columns))
        return self.moved_to(fine, (*range(lead), *columns), x.shape), turned.reshape(rows.shape)

    def matmul(self, output: str, left: Operand, right: Operand) -> Value:
        if min(len(left.shape), len(right.shape)) < 2:
            raise Unsupported(f"a product of {left.shape} and {right.shape} is not supported; both need 2 dimensions or more")
        if isinstance(right, Constant) and len(right.shape) == 2 and isinstance(left, Value):
            weights = self.transpose(right, (1, 0))
            assert isinstance(weights, Constant)
            return self.linear(output, left, weights, None)
        names = [self.stored(x, tuple(range(len(x.shape)))) for x in (left, right)]
        (name,) = self.emit(ops.BatchMatMul(), names, output)
        return value_of(name, self.tensors[name].shape)
