"""Small .tflite files, written as data: tensors by name, nodes with their options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "int8": tflite.TensorType.INT8,
    "uint8": tflite.TensorType.UINT8,
    "int16": tflite.TensorType.INT16,
    "int32": tflite.TensorType.INT32,
    "int64": tflite.TensorType.INT64,
    "bool": tflite.TensorType.BOOL,
    "float16": tflite.TensorType.FLOAT16,
}


@dataclass(frozen=True)
class T:
    """A tensor; with ``data`` a constant, of its shape and type."""

    shape: tuple[int, ...] = ()
    type: str = "int8"
    scale: float | Sequence[float] | None = None
    zero: int | Sequence[int] = 0
    axis: int = 0
    data: np.ndarray | None = None
    variable: bool = False
    signature: tuple[int, ...] | None = None


def constant(data: Any, type: str = "int32", **more: Any) -> T:
    """A constant tensor."""
    array = np.asarray(data, type)
    return T(array.shape, type, data=array, **more)


@dataclass(frozen=True)
class N:
    """A node: operator, inputs ("" where left out), outputs, and its options as (table, fields)."""

    operator: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    options: tuple[str, Mapping[str, Any]] | None = None
    intermediates: Sequence[str] = ()


@dataclass
class File:
    """A file to be. ``names``: other names of tensors in the file; ``subgraphs``: how often the graph is there."""

    tensors: Mapping[str, T]
    nodes: Sequence[N]
    inputs: Sequence[str]
    outputs: Sequence[str]
    names: Mapping[str, str] = field(default_factory=dict)
    subgraphs: int = 1
    custom: str = "Something"

    def bytes(self) -> bytes:
        """The flatbuffer."""
        return _Writer(self).bytes()


class _Writer:
    def __init__(self, file: File) -> None:
        self.file, self.builder = file, flatbuffers.Builder(4096)
        self.index = {name: i for i, name in enumerate(file.tensors)} | {"": -1}
        self.codes = list(dict.fromkeys(node.operator for node in file.nodes))

    def bytes(self) -> bytes:
        buffers = self.vector([self.buffer(None), *map(self.buffer, self.file.tensors.values())])
        codes = self.vector([self.code(name) for name in self.codes])
        graphs = self.vector([self.graph() for _ in range(self.file.subgraphs)])
        self.builder.Finish(self.table("Model", Version=3, OperatorCodes=codes, Subgraphs=graphs, Buffers=buffers), b"TFL3")
        return bytes(self.builder.Output())

    def table(self, kind: str, **fields: Any) -> int:
        getattr(tflite, f"{kind}Start")(self.builder)
        for name, value in fields.items():
            if value is not None:
                getattr(tflite, f"{kind}Add{name}")(self.builder, value)
        return getattr(tflite, f"{kind}End")(self.builder)

    def vector(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def numbers(self, values: Any, type: str = "int32") -> int:
        return self.builder.CreateNumpyVector(np.atleast_1d(np.asarray(values, type)))

    def buffer(self, tensor: T | None) -> int:
        if tensor is None or tensor.data is None:
            return self.table("Buffer")
        return self.table("Buffer", Data=self.numbers(np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), "u1"), "u1"))

    def code(self, name: str) -> int:
        number = getattr(tflite.BuiltinOperator, name)
        custom = self.builder.CreateString(self.file.custom) if name == "CUSTOM" else None
        return self.table(
            "OperatorCode", DeprecatedBuiltinCode=min(number, 127), BuiltinCode=number, Version=1, CustomCode=custom
        )

    def tensor(self, name: str, number: int) -> int:
        tensor = self.file.tensors[name]
        quantization = None
        if tensor.scale is not None:
            zeros = np.broadcast_to(np.atleast_1d(tensor.zero), np.atleast_1d(tensor.scale).shape)
            fields = {"Scale": self.numbers(tensor.scale, "float32"), "ZeroPoint": self.numbers(zeros, "int64")}
            quantization = self.table("QuantizationParameters", QuantizedDimension=tensor.axis, **fields)
        fields = {
            "Shape": self.numbers(tensor.shape) if tensor.shape else None,
            "ShapeSignature": self.numbers(tensor.signature) if tensor.signature else None,
            "Name": self.builder.CreateString(self.file.names.get(name, name)),
        }
        return self.table(
            "Tensor",
            Type=TYPES[tensor.type],
            Buffer=number + 1,
            Quantization=quantization,
            IsVariable=tensor.variable,
            **fields,
        )

    def node(self, node: N) -> int:
        options, kind = None, None
        if node.options is not None:
            fields = {
                name: self.numbers(value) if isinstance(value, list | tuple) else value
                for name, value in node.options[1].items()
            }
            options = self.table(node.options[0], **fields)
            kind = getattr(tflite.BuiltinOptions, node.options[0])
        lists = {
            name: self.numbers([self.index[n] for n in names])
            for name, names in (("Inputs", node.inputs), ("Outputs", node.outputs), ("Intermediates", node.intermediates))
        }
        return self.table(
            "Operator",
            OpcodeIndex=self.codes.index(node.operator),
            BuiltinOptionsType=kind,
            BuiltinOptions=options,
            **lists,
        )

    def graph(self) -> int:
        tensors = self.vector([self.tensor(name, i) for i, name in enumerate(self.file.tensors)])
        nodes = self.vector([self.node(node) for node in self.file.nodes])
        ends = {
            "Inputs": self.numbers([self.index[n] for n in self.file.inputs]),
            "Outputs": self.numbers([self.index[n] for n in self.file.outputs]),
        }
        return self.table("SubGraph", Tensors=tensors, Operators=nodes, **ends)
