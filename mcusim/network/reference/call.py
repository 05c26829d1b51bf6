"""Call: one layer with the values of its inputs, as the kernels see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from mcusim.network.fixed_point import Multiplier, quantize_multiplier, round_half_away
from mcusim.network.network import Layer, NetworkError
from mcusim.network.operators import Activation
from mcusim.network.tensor import ElementType, Tensor

SMALL = (ElementType.INT8, ElementType.UINT8)
QUANTIZED = (*SMALL, ElementType.INT16)


class Rules(Enum):
    """Whose reference kernels decide where there are two answers.

    They differ in the requantisation of fully connected layers (TensorFlow Lite rounds once, in double precision; the kernels
    for microcontrollers use a fixed-point multiplier and round twice), and in logistic and tanh of 8 bits (a table from
    float32 against fixed point).
    """

    LITE = "TensorFlow Lite"
    MICRO = "TensorFlow Lite Micro"


@dataclass(frozen=True, slots=True)
class Call:
    """``values`` are those of ``inputs``; None for what is left out. ``updates``: new values of variables, by name."""

    layer: Layer
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    values: tuple[np.ndarray | None, ...]
    updates: dict[str, np.ndarray] = field(default_factory=dict)
    rules: Rules = Rules.LITE

    @property
    def operator(self) -> Any:
        return self.layer.operator

    @property
    def output(self) -> Tensor:
        return self.outputs[0]

    def tensor(self, index: int) -> Tensor:
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise self.error(f"needs input {index}")
        return tensor

    def value(self, index: int) -> np.ndarray:
        self.tensor(index)
        value = self.values[index]
        assert value is not None
        return value

    def optional(self, index: int) -> np.ndarray | None:
        return self.values[index] if index < len(self.values) else None

    def integers(self, index: int) -> np.ndarray:
        """Values of a quantised input less its zero point, in int64."""
        return self.value(index).astype(np.int64) - zero_point(self.tensor(index))

    def error(self, text: str) -> NetworkError:
        return NetworkError(f"layer {self.layer.name} ({type(self.operator).__name__}): {text}")

    def among(self, table: Mapping[ElementType, Callable[[Call], Any]]) -> Any:
        """What the kernel for the type of the first input gives."""
        kernel = table.get(self.tensor(0).type)
        if kernel is None:
            allowed = ", ".join(kind.value for kind in table)
            raise self.error(f"no arithmetic for {self.tensor(0).type.value}; there is one for {allowed}")
        return kernel(self)


def scale(tensor: Tensor) -> np.float32:
    """The one scale of a quantised tensor."""
    if tensor.quantization is None or len(tensor.quantization.scales) != 1:
        raise NetworkError(f"tensor {tensor.name!r} of type {tensor.type.value} needs one scale and zero point")
    return np.float32(tensor.quantization.scale)


def zero_point(tensor: Tensor) -> int:
    """The one zero point of a quantised tensor."""
    scale(tensor)
    assert tensor.quantization is not None
    return tensor.quantization.zero_point


def limits(kind: ElementType) -> tuple[int, int]:
    """Least and largest value of an integer type."""
    info = np.iinfo(kind.value)
    return int(info.min), int(info.max)


def activation_range(activation: Activation, tensor: Tensor) -> tuple[int, int]:
    """Bounds that a fused activation sets on the stored values of a quantised output."""
    least, most = limits(tensor.type)
    low, high = (
        bound if np.isinf(bound) else zero_point(tensor) + int(round_half_away(np.float32(bound) / scale(tensor)))
        for bound in activation.value
    )
    return int(max(least, low)), int(min(most, high))


def clamp(call: Call, x: np.ndarray, activation: Activation = Activation.NONE) -> np.ndarray:
    """int64 values as stored in the layer's output: zero point added, bounded by the type and by the activation."""
    low, high = activation_range(activation, call.output)
    return np.minimum(np.maximum(x + zero_point(call.output), low), high).astype(call.output.type.value)


def clamp_float(x: np.ndarray, activation: Activation) -> np.ndarray:
    """Floats (or plain integers) bounded by a fused activation."""
    low, high = activation.value
    return x if activation is Activation.NONE else np.minimum(np.maximum(x, x.dtype.type(low)), _top(x, high))


def _top(x: np.ndarray, high: float) -> Any:
    return np.iinfo(x.dtype).max if np.isinf(high) and x.dtype.kind in "iu" else x.dtype.type(high)


def output_multipliers(call: Call, data: Tensor, weights: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers and shifts from accumulators to the output, one or one for each output channel."""
    return stacked([quantize_multiplier(real) for real in output_factors(call, data, weights)])


def output_factors(call: Call, data: Tensor, weights: Tensor) -> list[float]:
    """The real factors from accumulators to the output, one or one for each output channel."""
    if weights.quantization is None:
        raise call.error(f"its weights {weights.name!r} have no quantisation")
    scales = (float(np.float32(s)) for s in weights.quantization.scales)
    return [float(scale(data)) * s / float(scale(call.output)) for s in scales]


def stacked(multipliers: list[Multiplier]) -> tuple[np.ndarray, np.ndarray]:
    """Values and shifts of multipliers as arrays."""
    array = np.array(multipliers, np.int64)
    return array[:, 0], array[:, 1]
