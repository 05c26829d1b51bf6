"""View: a node of a .tflite file with its tensors, asked for with what they must be; Step: a layer that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.network import Unsupported
from mcusim.network.tensor import Tensor
from mcusim.network.tflite.file import Node


@dataclass(frozen=True, slots=True)
class Step:
    """A layer to be: a node becomes one, or several in turn."""

    operator: ops.Operator
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A node with its tensors, asked for with what they must be."""

    node: Node
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    intermediates: tuple[Tensor | None, ...]
    taken: set[str]

    def fresh(self, suffix: str, output: int = 0) -> str:
        """A name for a tensor that the file does not have."""
        name = f"{self.outputs[output].name}/{suffix}"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def input(self, index: int) -> Tensor:
        tensor = self.optional(index)
        if tensor is None:
            raise Unsupported(f"its input {index} is left out")
        return tensor

    def optional(self, index: int) -> Tensor | None:
        return self.inputs[index] if index < len(self.inputs) else None

    def image(self, index: int, what: str = "input") -> Tensor:
        """An input of four dimensions."""
        tensor = self.input(index)
        if len(tensor.shape) != 4:
            raise Unsupported(f"its {what} has {len(tensor.shape)} dimensions, not 4")
        return tensor

    def constant(self, index: int, what: str) -> np.ndarray:
        """Values of an input that must be known."""
        tensor = self.input(index)
        if tensor.data is None or tensor.variable:
            raise Unsupported(f"its {what} ({tensor.name!r}) is not constant; dynamic shapes are not supported")
        return tensor.data

    def whole(self, index: int, what: str, most: int = 64) -> tuple[int, ...]:
        """A short constant of whole numbers, flat."""
        data = self.constant(index, what)
        if data.size > most or data.dtype.kind not in "iu":
            raise Unsupported(f"its {what} is {data.size} values of {data.dtype}, not up to {most} whole numbers")
        return tuple(int(value) for value in data.reshape(-1))

    def options(self, kind: Any) -> Any:
        options = self.node.options(kind)
        if options is None:
            raise Unsupported(f"its options ({kind.__name__}) are missing")
        return options

    def step(self, operator: ops.Operator, *inputs: Tensor | None) -> list[Step]:
        """The node as one layer."""
        return [Step(operator, inputs, self.outputs)]


Translation = Callable[[View], list[Step]]
