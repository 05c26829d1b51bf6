"""Layers whose weights are kept without zeros: what an arrangement has of them, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mcusim.deploy.call import Call, Constant, Step, Struct
from mcusim.deploy.sparse import FORMATS
from mcusim.network import Network

STRUCT = "nn_sparse_weights"


@dataclass(frozen=True, slots=True)
class KeptWeights:
    """Weights of a layer. ``size_bytes``: of all their tables, ``dense_bytes``: of the same weights with their zeros."""

    layer: str
    format: str
    size_bytes: int
    dense_bytes: int

    @property
    def text(self) -> str:
        """Format and bytes."""
        return f"weights as {self.format}, {self.size_bytes:,} bytes instead of {self.dense_bytes:,}"

    def __str__(self) -> str:
        return f"{self.layer}: {self.text}"


def kept_weights(network: Network, steps: Iterable[Step]) -> Iterator[KeptWeights]:
    """The sparse ones of the layers that ``steps`` compute."""
    names = {width: name for name, width in FORMATS.items()}
    for step in steps:
        for struct in _structs(step):
            *arrays, width = struct.fields
            size = sum(array.data.nbytes for array in arrays if isinstance(array, Constant))
            dense = network.tensors[step.layer.inputs[1]]
            yield KeptWeights(step.layer.name, names[int(str(width))], size, dense.size_bytes)


def _structs(step: Step) -> Iterator[Struct]:
    arguments = (argument for call in step.calls if isinstance(call, Call) for argument in call.arguments)
    return (argument for argument in arguments if isinstance(argument, Struct) and argument.type == STRUCT)
