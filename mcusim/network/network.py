"""Network: layers in the order of execution, and the tensors between them, as frozen data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mcusim.errors import McusimError
from mcusim.network.operators import Operator
from mcusim.network.tensor import Tensor


class NetworkError(McusimError):
    """A network that is wrong in itself, or that something here does not support; names the layer."""


class Unsupported(Exception):
    """What a node of a source asks for and is not supported, or what is wrong with it; the importer says which node."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An operator and the names of its tensors; an optional input that is left out is ""."""

    name: str
    operator: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """``layers`` in an order in which they can run. Every tensor has one writer: a layer, the caller, or none (constants).

    Raises NetworkError for a layer that reads what is not there yet, writes what has been written, or names an unknown tensor.
    """

    name: str
    tensors: Mapping[str, Tensor]
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", MappingProxyType(dict(self.tensors)))
        _check(self)

    def inputs_of(self, layer: Layer) -> tuple[Tensor | None, ...]:
        """Tensors that a layer reads, in the operator's order; None for an optional one that is left out."""
        return tuple(self.tensors[name] if name else None for name in layer.inputs)

    def outputs_of(self, layer: Layer) -> tuple[Tensor, ...]:
        """Tensors that a layer writes."""
        return tuple(self.tensors[name] for name in layer.outputs)

    def readers(self, name: str) -> Iterator[Layer]:
        """Layers that read a tensor."""
        return (layer for layer in self.layers if name in layer.inputs)


def _check(network: Network) -> None:
    for name in (*network.inputs, *network.outputs):
        if name not in network.tensors:
            raise NetworkError(f"{network.name}: its input or output {name!r} is no tensor of it")
    written = {name for name, t in network.tensors.items() if t.data is not None or t.variable} | set(network.inputs)
    for layer in network.layers:
        for name in filter(None, layer.inputs):
            if name not in network.tensors:
                raise NetworkError(f"{network.name}, layer {layer.name}: reads {name!r}, which is no tensor of the network")
            if name not in written:
                raise NetworkError(f"{network.name}, layer {layer.name}: reads {name!r} before any layer wrote it")
        for name in layer.outputs:
            if name not in network.tensors:
                raise NetworkError(f"{network.name}, layer {layer.name}: writes {name!r}, which is no tensor of the network")
            if name in written:
                raise NetworkError(f"{network.name}, layer {layer.name}: writes {name!r}, which has its value already")
        written |= set(layer.outputs)
    for name in network.outputs:
        if name not in written:
            raise NetworkError(f"{network.name}: its output {name!r} is written by no layer")
