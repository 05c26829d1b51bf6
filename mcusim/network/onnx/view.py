"""View: a node of an ONNX graph with what it reads, asked for with what it must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcusim.network.builder import Builder, Constant, Operand
from mcusim.network.layout import Value
from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.onnx.file import Node
from mcusim.network.shapes import same_padding
from mcusim.network.tensor import Quantization


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of 8 bit integers: the real values and their scales (None: not said yet). ``type``: int8 or uint8."""

    operand: Operand
    scales: Quantization | None
    type: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.operand.shape


Item = Value | Constant | Stored


@dataclass(frozen=True, slots=True)
class View:
    """A node with what it reads, asked for with what it must be."""

    node: Node
    inputs: tuple[Item | None, ...]
    builder: Builder
    opset: int

    @property
    def output(self) -> str:
        return self.node.outputs[0]

    def get(self, name: str, default: Any = None) -> Any:
        value = self.node.attributes.get(name, default)
        if default is not None and type(value) is not type(default) and not isinstance(value, int | float):
            raise Unsupported(f"its attribute {name!r} is {value!r}")
        return value

    def folds(self) -> bool:
        """Whether all that it reads is constant."""
        return all(x is None or isinstance(x, Constant) for x in self.inputs) and any(self.inputs)

    def item(self, index: int) -> Item:
        item = self.optional(index)
        if item is None:
            raise Unsupported(f"its input {index} is left out")
        return item

    def optional(self, index: int) -> Item | None:
        return self.inputs[index] if index < len(self.inputs) else None

    def optional_operand(self, index: int) -> Operand | None:
        return None if self.optional(index) is None else self.operand(index)

    def operand(self, index: int) -> Operand:
        """An input of real numbers."""
        item = self.item(index)
        if isinstance(item, Stored):
            raise Unsupported(f"its input {index} is of {item.type}; put a DequantizeLinear before it")
        return item

    def value(self, index: int) -> Value:
        """An input that is known only when the network runs."""
        item = self.operand(index)
        if isinstance(item, Constant):
            raise Unsupported(f"its input {index} ({item.name!r}) is constant")
        return item

    def constant(self, index: int, what: str) -> np.ndarray:
        item = self.operand(index)
        if isinstance(item, Value):
            raise Unsupported(f"its {what} ({item.name!r}) is not constant; dynamic shapes are not supported")
        return item.data

    def whole(self, index: int, what: str) -> list[int]:
        data = self.constant(index, what)
        if data.size > 64 or data.dtype.kind not in "iu":
            raise Unsupported(f"its {what} is {data.size} values of {data.dtype}, not up to 64 whole numbers")
        return [int(value) for value in data.reshape(-1)]

    def number(self, index: int, what: str) -> float:
        data = self.constant(index, what)
        if data.size != 1:
            raise Unsupported(f"its {what} is {data.size} values, not one")
        return float(data.reshape(-1)[0])

    def listed(self, attribute: str, index: int, what: str) -> list[int] | None:
        """Whole numbers: an attribute in older versions, an input in newer ones; None where they are left out."""
        if self.optional(index) is not None:
            return self.whole(index, what)
        value = self.node.attributes.get(attribute)
        return None if value is None else [int(n) for n in value]


def ranges(view: View) -> dict[int, range]:
    """What Slice takes of each axis that it cuts."""
    shape = view.item(0).shape
    starts, ends = view.listed("starts", 1, "starts"), view.listed("ends", 2, "ends")
    if starts is None or ends is None:
        raise Unsupported("its starts or ends are left out")
    axes = view.listed("axes", 3, "axes") or list(range(len(starts)))
    steps = view.listed("steps", 4, "steps") or [1] * len(starts)
    result = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = axis_of(axis, len(shape))
        size = shape[axis]
        low = max(start + size if start < 0 else start, 0)
        high: int | None = max(end + size if end < 0 else end, -1 if step < 0 else 0)
        high = None if high == -1 else high
        result[axis] = range(*slice(min(low, size - 1 if step < 0 else size), high, step).indices(size))
    return result


def pads_of(
    view: View, size: Sequence[int], window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[int]:
    """Padding of a window at the begins and then at the ends of the axes."""
    rank, kind = len(size), view.get("auto_pad", "NOTSET")
    if kind == "NOTSET":
        pads = view.get("pads", [0] * 2 * rank)
        if len(pads) != 2 * rank:
            raise Unsupported(f"it has {len(pads)} pads for {rank} axes")
        return list(pads)
    if kind == "VALID":
        return [0] * 2 * rank
    if kind not in ("SAME_UPPER", "SAME_LOWER"):
        raise Unsupported(f"its auto_pad is {kind}")
    view.builder.pair(stride, "stride")
    pairs = [same_padding(*numbers) for numbers in zip(size, window, stride, dilation, strict=True)]
    pairs = [pair[::-1] for pair in pairs] if kind == "SAME_LOWER" else pairs
    return [pair[0] for pair in pairs] + [pair[1] for pair in pairs]


Translation = Callable[[View], list[Item]]
