"""Shaping: reductions, padding, joining, splitting and cutting, along axes in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from mcusim.network import operators as ops
from mcusim.network.builder.draft import Constant, Operand
from mcusim.network.builder.ordering import Ordering
from mcusim.network.layout import Value, value_of
from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported


class Shaping(Ordering):
    """Layers that change the length of axes."""

    def reduce(self, output: str, function: ops.Reduction, x: Value, axes: Sequence[int], keep: bool) -> Value:
        rank, order = len(x.shape), self.axes(x)
        gone = {axis_of(axis, rank) for axis in axes}
        places = tuple(i for i, axis in enumerate(order) if axis in gone)
        (name,) = self.emit(ops.Reduce(function, places, keep), [self.stored(x, order)], output)
        if keep:
            return value_of(name, [1 if i in gone else n for i, n in enumerate(x.shape)], order)
        left = [axis for axis in range(rank) if axis not in gone]
        return value_of(name, [x.shape[axis] for axis in left], [left.index(axis) for axis in order if axis not in gone])

    def pad(self, output: str, x: Operand, before: Sequence[int], after: Sequence[int], value: float) -> Value:
        if isinstance(x, Constant) or len(before) != len(x.shape) or len(after) != len(x.shape):
            raise Unsupported(f"its paddings {tuple(before)}, {tuple(after)} do not go with {len(x.shape)} dimensions")
        axes = self.axes(x)
        operator = ops.Pad(tuple(before[a] for a in axes), tuple(after[a] for a in axes), value)
        (name,) = self.emit(operator, [self.stored(x, axes)], output)
        shape = [b + n + a for b, n, a in zip(before, x.shape, after, strict=True)]
        return value_of(name, shape, axes)

    def concatenation(self, output: str, parts: Sequence[Operand], axis: int) -> Value:
        first = max((x for x in parts if isinstance(x, Value)), key=lambda x: prod(x.shape))
        rank, axes = len(first.shape), self.axes(first)
        axis = axis_of(axis, rank)
        if any(len(x.shape) != rank for x in parts):
            raise Unsupported(f"it joins {', '.join(str(x.shape) for x in parts)}")
        operator = ops.Concatenation(axes.index(axis))
        (name,) = self.emit(operator, [self.stored(x, axes) for x in parts], output)
        shape = [sum(x.shape[axis] for x in parts) if i == axis else n for i, n in enumerate(first.shape)]
        return value_of(name, shape, axes)

    def split(self, outputs: Sequence[str], x: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
        axes, axis = self.axes(x), axis_of(axis, len(x.shape))
        if not sizes or len(sizes) != len(outputs):
            raise Unsupported(f"it has {len(sizes)} sizes for {len(outputs)} outputs")
        names = self.emit(ops.Split(axes.index(axis), tuple(sizes)), [self.stored(x, axes)], *outputs)
        shapes = [[size if i == axis else n for i, n in enumerate(x.shape)] for size in sizes]
        return [value_of(name, shape, axes) for name, shape in zip(names, shapes, strict=True)]

    def cut(self, output: str, x: Value, ranges: Mapping[int, range]) -> Value:
        """The elements at ``ranges`` of some axes, and all of the others."""
        taken = [ranges.get(axis, range(size)) for axis, size in enumerate(x.shape)]
        if any(not r for r in taken):
            raise Unsupported("it takes no elements")
        shape = [len(r) for r in taken]
        if all(r == range(n) for r, n in zip(taken, x.shape, strict=True)):
            return x
        axes = self.axes(x)
        begin, size, step = (tuple(f(taken[a]) for a in axes) for f in (lambda r: r.start, len, lambda r: r.step))
        (name,) = self.emit(ops.Slice(begin, size, step), [self.stored(x, axes)], output)
        return value_of(name, shape, axes)
