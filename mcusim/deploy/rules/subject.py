"""Subject: a layer with its tensors at hand, and the pieces of calls that most rules need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

import numpy as np

from mcusim.deploy.call import C_TYPES, Constant, Pointer, Struct
from mcusim.deploy.kernels import Kernels
from mcusim.network import ElementType, Layer, Network, NetworkError, Tensor
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Activation, Padding
from mcusim.network.reference.call import activation_range, limits

Kernel = TypeVar("Kernel")
"""What a table of kernels holds for element types: a name, the end of one, a function that makes a call."""


def alike(tensors: int) -> Mapping[tuple[str, ...], str]:
    """Ends of the names of kernels whose tensors are all int8 or all int16."""
    return {("int8",) * tensors: "s8", ("int16",) * tensors: "s16"}


@dataclass(frozen=True, slots=True)
class Subject:
    """``layer`` of ``network``, and the kernels that it is lowered to."""

    network: Network
    layer: Layer
    kernels: Kernels

    @property
    def operator(self) -> Any:
        """What the layer computes; its type is the key of the rule that is called with it."""
        return self.layer.operator

    def input(self, place: int = 0) -> Tensor:
        """The input at ``place``; NetworkError where it is left out."""
        tensor = self.optional_input(place)
        if tensor is None:
            raise self.refused(f"input {place} is missing")
        return tensor

    def optional_input(self, place: int) -> Tensor | None:
        """The input at ``place``, None where it is left out."""
        tensors = self.network.inputs_of(self.layer)
        return tensors[place] if place < len(tensors) else None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """All inputs that are not left out."""
        return tuple(tensor for tensor in self.network.inputs_of(self.layer) if tensor is not None)

    @property
    def output(self) -> Tensor:
        """The only output."""
        (tensor,) = self.outputs
        return tensor

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """All outputs."""
        return self.network.outputs_of(self.layer)

    def refused(self, why: str) -> NetworkError:
        """An error about this layer."""
        return NetworkError(f"{self.network.name}, layer {self.layer.name} ({type(self.operator).__name__}): {why}")

    def types(self, *tensors: Tensor | None) -> tuple[str, ...]:
        """Element types as NumPy calls them; "" for a tensor that is left out."""
        return tuple(tensor.type.value if tensor is not None else "" for tensor in tensors)

    def require(self, wanted: tuple[str, ...], *tensors: Tensor | None) -> None:
        """NetworkError unless the tensors have these element types."""
        self.among({wanted: None}, *tensors)

    def among(self, kernels: Mapping[tuple[str, ...], Kernel], *tensors: Tensor | None) -> Kernel:
        """The entry of a table for the element types of the tensors; NetworkError where it has none."""
        met = self.types(*tensors)
        if met not in kernels:
            verb = "there is a kernel for" if len(kernels) == 1 else "there are kernels for"
            wanted = ", and for ".join(", ".join(each) for each in kernels)
            quantise = "; quantise the network, with calibration data" if ElementType.FLOAT32.value in met else ""
            raise self.refused(f"its tensors are {', '.join(met)}; {verb} {wanted}{quantise}")
        return kernels[met]

    def four_axes(self, tensor: Tensor) -> tuple[int, ...]:
        """The shape of a tensor, axes of length 1 in front; NetworkError for more than four axes."""
        if len(tensor.shape) > 4:
            raise self.refused(f"tensor {tensor.name!r} has {len(tensor.shape)} axes; allowed: four at most")
        return (1,) * (4 - len(tensor.shape)) + tensor.shape

    def c_type(self, tensor: Tensor) -> str:
        """Type of a tensor's elements in C."""
        return C_TYPES[tensor.type.value]

    def constant(self, name: str, data: Any, dtype: str = "int32") -> Constant:
        """An array of the layer's own."""
        return Constant(name, np.ascontiguousarray(np.asarray(data), dtype=dtype))

    def value(self, tensor: Tensor, name: str = "constant") -> Pointer | Constant:
        """Where a tensor is: an array of the program, or a place that the plan knows."""
        if tensor.constant:
            assert tensor.data is not None
            return Constant(name, np.ascontiguousarray(tensor.data))
        return Pointer(tensor.name)

    def weights(self, place: int, name: str) -> Constant:
        """The constant input at ``place``; NetworkError where it is none."""
        tensor = self.input(place)
        if not tensor.constant or tensor.data is None:
            raise self.refused(f"{name} ({tensor.name!r}) is computed by the network; allowed: a constant")
        return Constant(name, np.ascontiguousarray(tensor.data))

    def bias(self, place: int) -> Constant | None:
        """The bias at ``place``, None where it is left out."""
        return None if self.optional_input(place) is None else self.weights(place, "bias")


def dims(name: str, shape: tuple[int, ...]) -> Struct:
    """``cmsis_nn_dims`` of a shape of at most four axes, ones in front."""
    return Struct("cmsis_nn_dims", f"{name}_dims", (1,) * (4 - len(shape)) + tuple(int(n) for n in shape))


def tile(pair: tuple[int, int]) -> tuple[int, int]:
    """``cmsis_nn_tile`` (width first) of a pair (height first)."""
    return int(pair[1]), int(pair[0])


def near_padding(padding: Padding) -> tuple[int, int]:
    """``cmsis_nn_tile`` of the padding in front; what lies behind follows from the output's shape."""
    return padding.left, padding.top


def rows_of(tensor: Tensor) -> tuple[int, int]:
    """Number of rows along the last axis, and their length."""
    length = tensor.shape[-1] if tensor.shape else 1
    return prod(tensor.shape[:-1]), length


def bounds(subject: Subject, activation: Activation) -> tuple[int, int]:
    """Smallest and largest stored value of the output under an activation."""
    return activation_range(activation, subject.output)


def limits_of(tensor: Tensor) -> tuple[int, int]:
    """Least and greatest value that the elements of a tensor can hold."""
    return limits(tensor.type)


def scale_of(tensor: Tensor, subject: Subject) -> float:
    """The scale of a tensor quantised as a whole: a float32, as files and runtimes have it."""
    if tensor.quantization is None or len(tensor.quantization.scales) != 1:
        raise subject.refused(f"tensor {tensor.name!r} is not quantised as a whole (one scale)")
    return float(np.float32(tensor.quantization.scale))


def zero_of(tensor: Tensor, subject: Subject) -> int:
    """The zero point of a tensor quantised as a whole."""
    scale_of(tensor, subject)
    assert tensor.quantization is not None
    return tensor.quantization.zero_point


def channel_scales(subject: Subject, weights: Tensor, channels: int) -> tuple[list[int], list[int]]:
    """Multiplier and shift of each output channel: input scale * filter scale / output scale, in double precision."""
    if weights.quantization is None:
        raise subject.refused(f"weights {weights.name!r} are not quantised")
    scales = np.asarray(weights.quantization.scales, np.float32)
    if any(weights.quantization.zero_points):
        raise subject.refused(f"weights {weights.name!r} have a zero point; allowed: symmetric ones")
    scales = np.broadcast_to(scales, (channels,))
    source, target = scale_of(subject.input(), subject), scale_of(subject.output, subject)
    pairs = [quantize_multiplier(source * float(scale) / target) for scale in scales]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
