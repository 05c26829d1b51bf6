"""load_tflite: a .tflite file as a Network. What operators become is in table.py."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np

from mcusim.network.element_types import check_element_types
from mcusim.network.limits import MAX_TENSOR_BYTES
from mcusim.network.network import Layer, Network, NetworkError, Unsupported
from mcusim.network.shapes import output_shapes
from mcusim.network.tensor import Tensor
from mcusim.network.tflite.file import DAMAGE, Graph, Node, TensorRecord, read_graph
from mcusim.network.tflite.folds import FOLDS
from mcusim.network.tflite.table import TRANSLATIONS
from mcusim.network.tflite.view import View

MAX_FOLDED_ELEMENTS = 4096
"""Folding is for arithmetic on shapes; what is larger than this stays a layer."""


def load_tflite(path: str | os.PathLike[str]) -> Network:
    """The network of a .tflite file; layers are named after their operator and node number (``conv_2d_4``).

    Arithmetic on shapes is folded; SAME and VALID become explicit padding; duplicate names of tensors get their index.
    NetworkError names the file, and the node or tensor, for a damaged file or for what is not supported.
    """
    path = Path(path)
    return _Import(path.name, read_graph(path)).network()


class _Import:
    """One file on its way to a Network."""

    def __init__(self, name: str, graph: Graph) -> None:
        self.name, self.graph = name, graph
        names = _unique([record.name for record in graph.tensors])
        self.names = set(names)
        self.tensors = [self.tensor(name, record) for name, record in zip(names, graph.tensors, strict=True)]
        self.layers: list[Layer] = []
        self.between: dict[str, Tensor] = {}
        self.known = set(graph.inputs) | {i for i, t in enumerate(self.tensors) if t.data is not None or t.variable}

    def network(self) -> Network:
        for index in self.graph.inputs:
            self.fixed(self.graph.tensors[index], self.tensors[index])
        for node in self.graph.nodes:
            self.add(node)
        used = {name for layer in self.layers for name in (*layer.inputs, *layer.outputs)}
        ends = {self.tensors[i].name for i in (*self.graph.inputs, *self.graph.outputs)}
        tensors = {t.name: t for t in self.tensors if t.name in used | ends} | self.between
        return Network(
            Path(self.name).stem,
            tensors,
            tuple(self.layers),
            tuple(self.tensors[i].name for i in self.graph.inputs),
            tuple(self.tensors[i].name for i in self.graph.outputs),
        )

    def tensor(self, name: str, record: TensorRecord) -> Tensor:
        if record.quantization is not None and record.quantization.axis is not None:
            axis, count = record.quantization.axis, len(record.quantization.scales)
            if not 0 <= axis < len(record.shape) or record.shape[axis] != count:
                raise NetworkError(f"{self.name}, tensor {name!r}: {count} scales for axis {axis} of shape {record.shape}")
        return Tensor(name, record.shape, record.type, record.quantization, record.data, record.variable)

    def fixed(self, record: TensorRecord, tensor: Tensor) -> None:
        """NetworkError for an input of open shape; an open batch is the one of the file."""
        if min(record.shape, default=1) < 1 or min(record.signature[1:], default=1) < 1:
            shape = "x".join("?" if size < 1 else str(size) for size in record.signature or record.shape)
            raise NetworkError(
                f"{self.name}, input {tensor.name!r}: its shape {shape} is dynamic; export the network with a fixed shape"
            )
        self.bounded(tensor)

    def bounded(self, tensor: Tensor) -> Tensor:
        if tensor.size_bytes > MAX_TENSOR_BYTES:
            raise NetworkError(f"{self.name}, tensor {tensor.name!r}: {tensor.size_bytes} bytes are more than can be handled")
        return tensor

    def add(self, node: Node) -> None:
        """Translates a node: a layer, or constants where it is arithmetic on shapes."""
        where = self.where(node)
        self.ready(node, where)
        view = View(node, self.at(node.inputs), self.outputs_of(node), self.at(node.intermediates), self.names)
        try:
            if not self.folded(node, view):
                self.layers_of(node, view)
        except Unsupported as error:
            raise NetworkError(f"{where}: {error}") from None
        except DAMAGE as error:
            raise NetworkError(f"{where}: damaged: its options cannot be read ({error})") from None

    def where(self, node: Node) -> str:
        output = self.tensors[node.outputs[0]].name if node.outputs else "nothing"
        return f"{self.name}, node {node.number} ({node.name}), which writes {output!r}"

    def at(self, indices: Sequence[int]) -> tuple[Tensor | None, ...]:
        return tuple(self.tensors[i] if i >= 0 else None for i in indices)

    def outputs_of(self, node: Node) -> tuple[Tensor, ...]:
        return tuple(self.tensors[i] for i in node.outputs)

    def ready(self, node: Node, where: str) -> None:
        if not node.outputs:
            raise NetworkError(f"{where}: damaged: it has no output")
        for index in node.inputs:
            if index >= 0 and index not in self.known:
                raise NetworkError(f"{where}: it reads {self.tensors[index].name!r} before any node wrote it")
        for index in node.outputs:
            if index in self.known:
                raise NetworkError(f"{where}: it writes {self.tensors[index].name!r}, which has its value already")
        if len(set(node.outputs)) != len(node.outputs):
            raise NetworkError(f"{where}: it writes a tensor twice")

    def folded(self, node: Node, view: View) -> bool:
        """Whether the node's output is known now: its inputs are constants, or their shapes alone matter."""
        fold = FOLDS.get(node.name)
        if fold is None or len(node.outputs) != 1:
            return False
        constant = all(t is None or (t.constant and t.elements <= MAX_FOLDED_ELEMENTS) for t in view.inputs)
        if not constant and not fold.needs_shapes_only:
            return False
        value = np.asarray(fold.value(view))
        if value.size > MAX_FOLDED_ELEMENTS:
            return False
        (index,) = node.outputs
        value = np.array(value, self.tensors[index].type.value)
        value.flags.writeable = False
        self.tensors[index] = replace(self.tensors[index], shape=value.shape, data=value)
        self.known.add(index)
        return True

    def layers_of(self, node: Node, view: View) -> None:
        """The layers of a node; those after the first, if several, are numbered behind a point."""
        translate = TRANSLATIONS.get(node.name)
        if translate is None:
            raise Unsupported(f"the operator is not supported; supported are {', '.join(sorted({*TRANSLATIONS, *FOLDS}))}")
        current: dict[str, Tensor] = {}
        known = set(self.names)
        for number, step in enumerate(translate(view)):
            self.between |= {t.name: t for t in step.inputs if t is not None and t.constant and t.name not in known}
            inputs = tuple(None if tensor is None else current.get(tensor.name, tensor) for tensor in step.inputs)
            layer = Layer(
                f"{node.name.lower()}_{node.number}" + (f".{number}" if number else ""),
                step.operator,
                tuple("" if tensor is None else tensor.name for tensor in inputs),
                tuple(tensor.name for tensor in step.outputs),
            )
            for tensor in self.shaped(layer, inputs, step.outputs):
                current[tensor.name] = tensor
            self.layers.append(layer)
        for index in node.outputs:
            self.tensors[index] = current.pop(self.tensors[index].name)
            self.known.add(index)
        self.between.update(current)

    def shaped(self, layer: Layer, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> list[Tensor]:
        """The layer's outputs in the shapes that follow from its inputs, as the interpreter gives them."""
        try:
            check_element_types(layer, inputs, outputs)
            shapes = output_shapes(layer, [None if t is None else t.shape for t in inputs])
        except NetworkError as error:
            raise Unsupported(str(error)) from None
        if len(shapes) != len(outputs):
            raise Unsupported(f"it has {len(outputs)} outputs, not {len(shapes)}")
        if any(prod(shape) < 1 for shape in shapes):
            raise Unsupported(f"its output of shape {shapes} is empty")
        return [self.bounded(replace(t, shape=shape)) for t, shape in zip(outputs, shapes, strict=True)]


def _unique(names: list[str]) -> list[str]:
    """Names made unique: an empty or repeated one gets its index, and further marks where that is taken too."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    taken = {name for name, count in counts.items() if count == 1 and name}
    result = []
    for index, name in enumerate(names):
        if name in taken and counts[name] == 1:
            result.append(name)
            continue
        unique = f"{name or 'tensor'}_{index}"
        while unique in taken:
            unique += "_"
        taken.add(unique)
        result.append(unique)
    return result
