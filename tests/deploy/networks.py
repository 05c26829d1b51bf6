"""Small networks of int8 tensors for the tests of the planner."""

from __future__ import annotations

import numpy as np

from mcusim.network import ElementType, Layer, Network, Quantization, Tensor
from mcusim.network.operators import Operator

CODING = Quantization((0.5,), (0,))


class Sketch:
    """A network in the making: constants first, then layer by layer."""

    def __init__(self, **inputs: tuple[int, ...]) -> None:
        self.tensors = {name: Tensor(name, shape, ElementType.INT8, CODING) for name, shape in inputs.items()}
        self.inputs = tuple(inputs)
        self.layers: list[Layer] = []

    def constant(self, name: str, shape: tuple[int, ...]) -> str:
        self.tensors[name] = Tensor(name, shape, ElementType.INT8, CODING, np.zeros(shape, np.int8))
        return name

    def variable(self, name: str, shape: tuple[int, ...]) -> str:
        self.tensors[name] = Tensor(name, shape, ElementType.INT8, CODING, variable=True)
        return name

    def layer(
        self,
        operator: Operator,
        inputs: tuple[str, ...],
        name: str,
        shape: tuple[int, ...],
        type_: ElementType = ElementType.INT8,
        coding: Quantization = CODING,
    ) -> str:
        """Add a layer that is called after its output; the name of that."""
        self.tensors[name] = Tensor(name, shape, type_, coding)
        self.layers.append(Layer(f"make_{name}", operator, inputs, (name,)))
        return name

    def split(self, operator: Operator, input_: str, outputs: dict[str, tuple[int, ...]]) -> None:
        """Add a layer with several outputs."""
        self.tensors |= {name: Tensor(name, shape, ElementType.INT8, CODING) for name, shape in outputs.items()}
        self.layers.append(Layer("split", operator, (input_,), tuple(outputs)))

    def network(self, *outputs: str) -> Network:
        return Network("sketch", self.tensors, tuple(self.layers), self.inputs, outputs)
