"""load_onnx: an .onnx file as a Network. What operators become is in table.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mcusim.network.builder import Builder, Constant
from mcusim.network.fusion import fused
from mcusim.network.layout import Axes, orders
from mcusim.network.lowering import lowered
from mcusim.network.network import Network, NetworkError, Unsupported
from mcusim.network.onnx.file import DAMAGE, Entry, Graph, Node, one_line, read_graph
from mcusim.network.onnx.folds import FOLDS
from mcusim.network.onnx.table import TRANSLATIONS
from mcusim.network.onnx.view import Item, Stored, View
from mcusim.network.operators import Transpose

INPUT_TYPES = ("float32", "int8", "uint8")


def load_onnx(path: str | os.PathLike[str]) -> Network:
    """The network of an .onnx file, float32 or quantised (QDQ or QOperator); layers are named ``conv_3`` by operator and node.

    Images become channels last, at inputs and outputs too (N,C,H,W is N,H,W,C), unless the file does that itself. Tensors of
    uint8 become int8, 128 less. Normalisations and rectifiers are fused, arithmetic on shapes is folded, an open batch is 1.
    NetworkError names the file, and the node and its output, for a damaged file or for what is not supported.
    """
    path = Path(path)
    graph = read_graph(path)
    try:
        with np.errstate(all="ignore"):
            ways = orders(len(entry.shape) for entry in graph.inputs)
            attempts = [_Import(path, graph, order).network() for order in ways]
    except DAMAGE as error:
        raise NetworkError(f"{path.name}: damaged: its nodes do not go together ({one_line(error)})") from None
    return min(attempts, key=lambda network: sum(isinstance(layer.operator, Transpose) for layer in network.layers))


class _Import:
    """One file on its way to a Network, its inputs stored in the order that ``axes`` gives for their rank."""

    def __init__(self, path: Path, graph: Graph, axes: Callable[[int], Axes]) -> None:
        self.name, self.graph, self.axes = path.name, graph, axes
        self.builder = Builder(path.stem)
        self.items: dict[str, Item] = {name: Constant(name, data) for name, data in graph.constants.items()}
        self.items |= {entry.name: self.input(entry) for entry in graph.inputs}

    def input(self, entry: Entry) -> Item:
        if entry.type not in INPUT_TYPES:
            raise NetworkError(
                f"{self.name}, input {entry.name!r}: it is of {entry.type}; supported are {', '.join(INPUT_TYPES)}"
            )
        try:
            value = self.builder.input(entry.name, entry.shape, self.axes(len(entry.shape)))
        except Unsupported as error:
            raise NetworkError(f"{self.name}, input {entry.name!r}: {error}") from None
        return value if entry.type == "float32" else Stored(value, None, entry.type)

    def network(self) -> Network:
        for node in self.graph.nodes:
            self.add(node)
        outputs = {name: self.output(name) for name in self.graph.outputs}
        try:
            network = self.builder.network({n: x.operand if isinstance(x, Stored) else x for n, x in outputs.items()})
        except Unsupported as error:
            raise NetworkError(f"{self.name}: {error}") from None
        scales = self.builder.annotations
        network = fused(network, scales)
        integers = [entry.name for entry in self.graph.inputs if entry.type != "float32"]
        for name in integers:
            if name not in scales:
                raise NetworkError(f"{self.name}, input {name!r}: no node says its scale")
        integers += [name for name, item in outputs.items() if isinstance(item, Stored)]
        ends = {*network.inputs, *network.outputs} - set(integers)
        return lowered(network, scales, ends) if scales else network

    def output(self, name: str) -> Item:
        if name not in self.items:
            raise NetworkError(f"{self.name}: damaged: its output {name!r} is written by no node")
        return self.items[name]

    def add(self, node: Node) -> None:
        """Translates a node: layers, or a constant where all that it reads is known."""
        where = self.where(node)
        self.ready(node, where)
        self.builder.label = f"{node.name.lower()}_{node.number}"
        view = View(node, tuple(self.items[n] if n else None for n in node.inputs), self.builder, self.graph.opset)
        try:
            results = self.results(node, view)
        except (Unsupported, NetworkError) as error:
            raise NetworkError(f"{where}: {error}") from None
        except DAMAGE as error:
            what = f"its inputs or attributes do not go together ({one_line(error)})"
            raise NetworkError(f"{where}: damaged: {what}") from None
        if len(results) < len([n for n in node.outputs if n]):
            raise NetworkError(f"{where}: it has {len(node.outputs)} outputs; {len(results)} are supported")
        self.items |= {name: item for name, item in zip(node.outputs, results, strict=False) if name}

    def where(self, node: Node) -> str:
        if not node.outputs:
            raise NetworkError(f"{self.name}, node {node.number} ({node.name}): damaged: it has no output")
        label = f" {node.label!r}" if node.label else ""
        return f"{self.name}, node {node.number} ({node.name}{label}), which writes {node.outputs[0]!r}"

    def ready(self, node: Node, where: str) -> None:
        for name in node.inputs:
            if name and name not in self.items:
                raise NetworkError(f"{where}: it reads {name!r} before any node wrote it")
        for name in node.outputs:
            if name and name in self.items:
                raise NetworkError(f"{where}: it writes {name!r}, which has its value already")

    def results(self, node: Node, view: View) -> list[Item]:
        fold = FOLDS.get(node.name)
        if fold is not None and (fold.needs_shapes_only or view.folds()):
            return [Constant(node.outputs[0], np.asarray(fold.value(view)))]
        translate = TRANSLATIONS.get(node.name)
        if translate is None:
            raise Unsupported(f"the operator is not supported; supported are {', '.join(sorted({*TRANSLATIONS, *FOLDS}))}")
        return translate(view)
