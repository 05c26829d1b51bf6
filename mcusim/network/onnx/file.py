"""The records of an .onnx file (a protobuf ModelProto), checked: files are untrusted; what is wrong is a NetworkError."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mcusim.network.limits import MAX_RANK, bytes_of
from mcusim.network.network import NetworkError

try:
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper
except ImportError as missing:  # pragma: no cover - depends on the installation
    raise NetworkError("reading .onnx files needs the package onnx: pip install 'mcusim[onnx]'") from missing

DOMAINS = ("", "ai.onnx", "com.microsoft")
NUMBERS = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.UINT8: "uint8",
    onnx.TensorProto.INT16: "int16",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.BOOL: "bool",
}
"""Types of elements that constants may have."""
DAMAGE = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AttributeError,
    AssertionError,
    ZeroDivisionError,
    UnicodeError,
    MemoryError,
)
"""What protobuf records that contradict themselves raise."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operator of the graph. ``attributes``: numbers, texts (str), lists of numbers, arrays; "" is an input left out."""

    number: int
    name: str
    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """An input: its shape, and NumPy's name of its type."""

    name: str
    shape: tuple[int, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The graph of a file. ``opset``: version of the standard operators."""

    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray]
    inputs: tuple[Entry, ...]
    outputs: tuple[str, ...]
    opset: int


def read_graph(path: Path) -> Graph:
    """Records of a file. NetworkError for what cannot be read, is no ONNX file, is damaged or has a shape that is not fixed."""
    data = bytes_of(path)
    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, *DAMAGE, RuntimeError):
        raise NetworkError(f"{path.name}: no ONNX file, or a damaged one: its {len(data)} bytes are no model record") from None
    if not model.HasField("graph") or not model.graph.node:
        raise NetworkError(f"{path.name}: no ONNX file, or a damaged one: it has no graph with nodes")
    try:
        return _graph(path.name, model)
    except (*DAMAGE, RuntimeError) as error:
        raise NetworkError(f"{path.name}: damaged: its records cannot be read ({one_line(error)})") from None


def one_line(error: Exception) -> str:
    """What an error says, short."""
    return " ".join(str(error).split())[:200]


def _graph(name: str, model: Any) -> Graph:
    graph = model.graph
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if graph.sparse_initializer:
        raise NetworkError(f"{name}: sparse constants are not supported")
    constants = {tensor.name: array(name, tensor) for tensor in graph.initializer}
    inputs = tuple(_entry(name, value) for value in graph.input if value.name not in constants)
    nodes = tuple(_node(name, i, node) for i, node in enumerate(graph.node))
    if not graph.output:
        raise NetworkError(f"{name}: damaged: its graph has no outputs")
    return Graph(nodes, constants, inputs, tuple(value.name for value in graph.output), max(versions, default=13))


def array(name: str, tensor: Any) -> np.ndarray:
    """The data of a constant. NetworkError where they are elsewhere, of another size than their shape, or of another type."""
    where = f"{name}, tensor {tensor.name!r}"
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise NetworkError(f"{where}: its data are in another file; save the model with its data inside")
    kind = NUMBERS.get(tensor.data_type)
    if kind is None:
        names = {number: text for text, number in onnx.TensorProto.DataType.items()}
        raise NetworkError(
            f"{where}: elements of type {names.get(tensor.data_type, tensor.data_type)} are not supported; "
            f"supported are {', '.join(NUMBERS.values())}"
        )
    shape = tuple(tensor.dims)
    if len(shape) > MAX_RANK or min(shape, default=0) < 0:
        raise NetworkError(f"{where}: damaged: its shape is {shape}")
    held = len(tensor.raw_data) // np.dtype(kind).itemsize
    held = max(held, len(tensor.float_data), len(tensor.int32_data), len(tensor.int64_data), len(tensor.double_data))
    if held != prod(shape):
        raise NetworkError(f"{where}: damaged: it holds {held} elements, its shape {shape} needs {prod(shape)}")
    result = np.array(numpy_helper.to_array(tensor)).reshape(shape)
    result.flags.writeable = False
    return result


def _entry(name: str, value: Any) -> Entry:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or tensor.elem_type not in NUMBERS:
        raise NetworkError(f"{name}, input {value.name!r}: it is no tensor of {', '.join(NUMBERS.values())}")
    if not tensor.HasField("shape"):
        raise NetworkError(f"{name}, input {value.name!r}: its shape is dynamic; export the network with a fixed shape")
    shape = tuple(_size(name, value.name, axis, size) for axis, size in enumerate(tensor.shape.dim))
    if len(shape) > MAX_RANK:
        raise NetworkError(f"{name}, input {value.name!r}: it has {len(shape)} dimensions; up to {MAX_RANK} are supported")
    return Entry(value.name, shape, NUMBERS[tensor.elem_type])


def _size(name: str, tensor: str, axis: int, size: Any) -> int:
    """The length of an axis; an open batch is 1."""
    if size.HasField("dim_value") and size.dim_value > 0:
        return int(size.dim_value)
    if axis == 0:
        return 1
    what = f"({size.dim_param!r}) " if size.dim_param else ""
    raise NetworkError(
        f"{name}, input {tensor!r}: its axis {axis} {what}is dynamic; export the network with a fixed shape"
    )


def _node(name: str, number: int, node: Any) -> Node:
    attributes = {attribute.name: _attribute(name, number, node, attribute) for attribute in node.attribute}
    operator = node.op_type if node.domain in DOMAINS else f"{node.domain}.{node.op_type}"
    operator = operator if operator.isprintable() else repr(operator)
    return Node(number, operator, node.name, tuple(node.input), tuple(node.output), attributes)


def _attribute(name: str, number: int, node: Any, attribute: Any) -> Any:
    kind = onnx.AttributeProto
    if attribute.type == kind.TENSOR:
        return array(name, attribute.t)
    if attribute.type == kind.STRING:
        return attribute.s.decode("utf-8", "replace")
    if attribute.type in (kind.FLOAT, kind.INT):
        return attribute.f if attribute.type == kind.FLOAT else attribute.i
    if attribute.type in (kind.FLOATS, kind.INTS):
        return list(attribute.floats if attribute.type == kind.FLOATS else attribute.ints)
    output = node.output[0] if node.output else "nothing"
    raise NetworkError(
        f"{name}, node {number} ({node.op_type!r}), which writes {output!r}: its attribute {attribute.name!r} is of a kind "
        "that is not supported (a subgraph or a list of tensors or texts)"
    )
