"""Draft: what a network consists of while it is made: tensors, layers, and the scales of tensors beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.element_types import check_element_types
from mcusim.network.layout import Axes, Shape, Value, value_of
from mcusim.network.limits import MAX_RANK, MAX_TENSOR_BYTES
from mcusim.network.network import Layer, NetworkError, Unsupported
from mcusim.network.shapes import output_shapes
from mcusim.network.tensor import ElementType, Quantization, Tensor


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of the source. ``quantization``: the scales that it is stored with (``data`` are the real numbers)."""

    name: str
    data: np.ndarray = field(repr=False)
    quantization: Quantization | None = None

    @property
    def shape(self) -> Shape:
        return self.data.shape


Operand = Value | Constant


class Draft:
    """Tensors have their final names; ``label`` is the name of the next layer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tensors: dict[str, Tensor] = {}
        self.layers: list[Layer] = []
        self.inputs: list[str] = []
        self.annotations: dict[str, Quantization] = {}
        self.label = "layer"
        self.labels: dict[str, int] = {}
        self.moved: dict[tuple[str, Shape, Axes, Shape], str] = {}

    def fresh(self, name: str) -> str:
        name = name or "tensor"
        while name in self.tensors:
            name += "_"
        return name

    def bounded(self, tensor: Tensor) -> Tensor:
        if min(tensor.shape, default=1) < 1:
            raise Unsupported(f"{tensor.name!r} of shape {tensor.shape} is empty")
        if tensor.size_bytes > MAX_TENSOR_BYTES or len(tensor.shape) > MAX_RANK:
            raise Unsupported(f"{tensor.name!r} of shape {tensor.shape} is more than can be handled")
        return tensor

    def input(self, name: str, shape: Shape, axes: Axes, kind: ElementType = ElementType.FLOAT32) -> Value:
        """An input of the network, whose axes are stored in the order ``axes``."""
        self.tensors[name] = self.bounded(Tensor(name, tuple(shape[axis] for axis in axes), kind))
        self.inputs.append(name)
        return value_of(name, shape, axes)

    def constant(self, constant: Constant, data: np.ndarray, axis: int | None = None) -> str:
        """A constant as it is stored, and the axis of its scales there."""
        data = np.ascontiguousarray(data, np.float32).reshape(data.shape)
        if not np.isfinite(data).all():
            raise Unsupported(f"its constant {constant.name!r} has values that are not finite")
        name = constant.name or "constant"
        while name in self.tensors:
            other = self.tensors[name].data
            if other is not None and other.shape == data.shape and np.array_equal(other, data):
                return name
            name += "_"
        data.flags.writeable = False
        self.tensors[name] = self.bounded(Tensor(name, data.shape, ElementType.FLOAT32, data=data))
        scales = constant.quantization
        if scales is not None:
            self.annotations[name] = replace(scales, axis=None if scales.axis is None else axis)
        return name

    def emit(self, operator: ops.Operator, inputs: Sequence[str], *outputs: str) -> list[str]:
        """A layer; the names of its outputs, made unique."""
        count = self.labels.get(self.label, 0)
        self.labels[self.label] = count + 1
        names: list[str] = []
        for name in outputs:
            name = self.fresh(name)
            while name in names:
                name += "_"
            names.append(name)
        layer = Layer(self.label + (f".{count}" if count else ""), operator, tuple(inputs), tuple(names))
        read = [self.tensors[name] if name else None for name in inputs]
        try:
            shapes = output_shapes(layer, [None if t is None else t.shape for t in read])
            if len(shapes) != len(names):
                raise Unsupported(f"it has {len(names)} outputs, not {len(shapes)}")
            made = [
                self.bounded(Tensor(name, shape, ElementType.FLOAT32)) for name, shape in zip(names, shapes, strict=True)
            ]
            check_element_types(layer, read, made)
        except NetworkError as error:
            raise Unsupported(str(error)) from None
        self.tensors |= {tensor.name: tensor for tensor in made}
        self.layers.append(layer)
        return names
