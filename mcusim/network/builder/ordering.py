"""Ordering: where the elements of a value lie, and what is moved so that a layer finds them in the order that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from mcusim.network import operators as ops
from mcusim.network.builder.draft import Constant, Draft, Operand
from mcusim.network.layout import Axes, Shape, Value, arranged, blocks, refined, stored_axes, transposed, value_of
from mcusim.network.network import Unsupported


class Ordering(Draft):
    """Reshapes and transposes are seen and not made, until a layer asks for a tensor (``stored``)."""

    def axes(self, value: Value) -> Axes:
        """The order in which an operator that does not mind takes a value: as it is stored, if that can be said."""
        return stored_axes(value) or tuple(range(len(value.shape)))

    def stored(self, operand: Operand, axes: Axes) -> str:
        """The tensor that holds a value with its axes in the order ``axes``; moved there if need be."""
        if isinstance(operand, Constant):
            scales = operand.quantization
            axis = axes.index(scales.axis) if scales is not None and scales.axis is not None else None
            return self.constant(operand, operand.data.transpose(axes), axis)
        shape = tuple(operand.shape[axis] for axis in axes)
        fine = refined(operand) or refined(self.natural(operand))
        assert fine is not None
        return self.moved_to(fine, arranged(fine, axes), shape)

    def natural(self, value: Value) -> Value:
        """A value in the source's order of elements and shape."""
        name = self.moved_to(value, tuple(range(len(value.parts))), value.shape)
        return value_of(name, value.shape)

    def moved_to(self, value: Value, order: Axes, shape: Shape) -> str:
        """The tensor with a value's parts in ``order``, under ``shape``."""
        moves = tuple(value.order.index(part) for part in order)
        key = (value.name, tuple(value.parts[part] for part in value.order), moves, shape)
        if key not in self.moved:
            self.moved[key] = self.reshaped(self.permuted(value, order), shape, value.name)
        return self.moved[key]

    def permuted(self, value: Value, order: Axes) -> str:
        if value.order == order:
            return value.name
        runs = blocks(value.order, order)
        name = self.reshaped(value.name, tuple(prod(value.parts[p] for p in run) for run in runs), value.name)
        permutation = tuple(sorted(range(len(runs)), key=lambda i: order.index(runs[i][0])))
        return self.emit(ops.Transpose(permutation), [name], f"{value.name}/transpose")[0]

    def reshaped(self, name: str, shape: Shape, source: str) -> str:
        if self.tensors[name].shape == shape:
            return name
        return self.emit(ops.Reshape(shape), [name], f"{source}/reshape")[0]

    def reshape(self, x: Operand, shape: Sequence[int]) -> Operand:
        """Seen under another shape."""
        shape = tuple(shape)
        if prod(shape) != prod(x.shape):
            raise Unsupported(f"{prod(x.shape)} elements do not fill {shape}")
        if isinstance(x, Value):
            return replace(x, shape=shape)
        scales = x.quantization
        kept = scales is None or scales.axis is None
        if not kept and scales is not None and scales.axis is not None:
            places = [i for i, size in enumerate(shape) if prod(shape[:i]) == prod(x.shape[: scales.axis])]
            axis = next((i for i in places if shape[i] == x.shape[scales.axis]), None)
            scales = None if axis is None else replace(scales, axis=axis)
        return Constant(x.name, x.data.reshape(shape), scales)

    def transpose(self, x: Operand, permutation: Sequence[int]) -> Operand:
        """Seen with its axes in another order."""
        permutation = tuple(permutation)
        if sorted(permutation) != list(range(len(x.shape))):
            raise Unsupported(f"{permutation} is no order of {len(x.shape)} axes")
        if isinstance(x, Value):
            fine = refined(x) or refined(self.natural(x))
            assert fine is not None
            return transposed(fine, permutation)
        scales = x.quantization
        if scales is not None and scales.axis is not None:
            scales = replace(scales, axis=permutation.index(scales.axis))
        return Constant(x.name, x.data.transpose(permutation), scales)
