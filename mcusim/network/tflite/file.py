"""The records of a .tflite file (a flatbuffer "TFL3"), checked: files are untrusted; what is wrong is a NetworkError.

Nothing here knows what operators mean. Data of constants are views of the file; everything else that is read counts against
a budget in proportion to the size of the file, so that a small file cannot ask for much memory.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mcusim.network.limits import MAX_RANK, bytes_of
from mcusim.network.network import NetworkError
from mcusim.network.tensor import ElementType, Quantization

try:
    import tflite
except ImportError as missing:  # pragma: no cover - depends on the installation
    raise NetworkError("reading .tflite files needs the package tflite: pip install 'mcusim[models]'") from missing

IDENTIFIER = b"TFL3"
MAX_NAME_BYTES = 1 << 16
MAX_SCALE = 2.0**60
STORED = (ElementType.INT8, ElementType.UINT8, ElementType.INT16)

ELEMENT_TYPES = {
    tflite.TensorType.FLOAT32: ElementType.FLOAT32,
    tflite.TensorType.INT32: ElementType.INT32,
    tflite.TensorType.UINT8: ElementType.UINT8,
    tflite.TensorType.INT64: ElementType.INT64,
    tflite.TensorType.BOOL: ElementType.BOOL,
    tflite.TensorType.INT16: ElementType.INT16,
    tflite.TensorType.INT8: ElementType.INT8,
}
TYPE_NAMES = {value: name for name, value in vars(tflite.TensorType).items() if isinstance(value, int)}
OPERATOR_NAMES = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}

DAMAGE = (struct.error, ValueError, IndexError, TypeError, OverflowError, AttributeError, AssertionError)
"""What the flatbuffers package and NumPy raise where offsets or lengths lead out of the file."""


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A tensor as the file states it. ``signature``: its shape with -1 for what is open, where that is said."""

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    type: ElementType
    quantization: Quantization | None
    data: np.ndarray | None
    variable: bool


@dataclass(frozen=True, slots=True)
class Node:
    """An operator of the graph: its place in the file, its name there, and indices of tensors (-1: left out)."""

    number: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    table: Any

    def options(self, kind: Any) -> Any:
        """The operator's options as an object of ``kind``; those of an operator without any are all at their defaults."""
        result = kind()
        table = self.table.BuiltinOptions()
        if table is None:
            return None
        result.Init(table.Bytes, table.Pos)
        return result


@dataclass(frozen=True, slots=True)
class Graph:
    """The one subgraph of a file."""

    name: str
    tensors: tuple[TensorRecord, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graph(path: Path) -> Graph:
    """Records of a file. NetworkError for what cannot be read, is no TFLite file, is damaged or has several subgraphs."""
    data = _identified(path)
    try:
        return _Reader(path.name, data).graph()
    except DAMAGE as error:
        raise NetworkError(f"{path.name}: damaged: its records lead out of the file's {len(data)} bytes ({error})") from None


def _identified(path: Path) -> bytes:
    data = bytes_of(path)
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise NetworkError(f"{path.name}: no TensorFlow Lite file: the identifier TFL3 is not at byte 4 ({bytes(data[4:8])!r})")
    return data


class _Reader:
    """Reads one file; holds what is left of the budget."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name, self.data = name, data
        self.budget = 4 * len(data) + 4096

    def graph(self) -> Graph:
        model = tflite.Model.GetRootAs(self.data)
        count = model.SubgraphsLength()
        if count != 1:
            raise NetworkError(f"{self.name}: it has {count} subgraphs; networks of one (no IF, WHILE or CALL) are supported")
        sub = model.Subgraphs(0)
        tensors = tuple(self.tensor(model, sub.Tensors(i)) for i in range(self.counted(sub.TensorsLength())))
        codes = [self.code(model.OperatorCodes(i)) for i in range(self.counted(model.OperatorCodesLength()))]
        nodes = tuple(self.node(i, sub.Operators(i), codes, len(tensors)) for i in range(self.counted(sub.OperatorsLength())))
        inputs = self.indices("the network", sub.InputsAsNumpy, sub.InputsLength(), len(tensors))
        outputs = self.indices("the network", sub.OutputsAsNumpy, sub.OutputsLength(), len(tensors))
        return Graph(self.text(sub.Name()), tensors, nodes, inputs, outputs)

    def counted(self, count: int) -> int:
        """``count`` records, taken from the budget."""
        self.budget -= count
        if self.budget < 0:
            raise NetworkError(f"{self.name}: damaged: it refers to more records than its {len(self.data)} bytes hold")
        return count

    def numbers(self, array: Callable[[], Any], length: int) -> list[Any]:
        return array().tolist() if self.counted(length) else []

    def text(self, raw: bytes | None) -> str:
        raw = raw or b""
        if len(raw) > MAX_NAME_BYTES:
            raise NetworkError(f"{self.name}: damaged: a name of {len(raw)} bytes")
        self.counted(len(raw))
        return raw.decode("utf-8", "replace")

    def code(self, code: Any) -> str:
        """The name of an operator: the newer field where it says more than the older, which ends at 127."""
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if number == tflite.BuiltinOperator.CUSTOM:
            return f"custom operator {self.text(code.CustomCode())!r}"
        return OPERATOR_NAMES.get(number, f"operator {number}")

    def node(self, number: int, table: Any, codes: list[str], tensors: int) -> Node:
        index = table.OpcodeIndex()
        if index >= len(codes):
            raise NetworkError(f"{self.name}: damaged: node {number} is of operator code {index}, but there are {len(codes)}")
        what = f"node {number} ({codes[index]})"
        return Node(
            number,
            codes[index],
            self.indices(what, table.InputsAsNumpy, table.InputsLength(), tensors, optional=True),
            self.indices(what, table.OutputsAsNumpy, table.OutputsLength(), tensors),
            self.indices(what, table.IntermediatesAsNumpy, table.IntermediatesLength(), tensors, optional=True),
            table,
        )

    def indices(
        self, what: str, array: Callable[[], Any], length: int, tensors: int, optional: bool = False
    ) -> tuple[int, ...]:
        result = tuple(self.numbers(array, length))
        for index in result:
            if not (-1 if optional else 0) <= index < tensors:
                raise NetworkError(f"{self.name}: damaged: {what} names tensor {index}, but there are {tensors}")
        return result

    def tensor(self, model: Any, table: Any) -> TensorRecord:
        name = self.text(table.Name())
        kind = ELEMENT_TYPES.get(table.Type())
        if kind is None:
            met = TYPE_NAMES.get(table.Type(), table.Type())
            raise NetworkError(
                f"{self.name}, tensor {name!r}: elements of type {met} are not supported; "
                f"allowed are {', '.join(sorted(t.name for t in ELEMENT_TYPES.values()))}"
            )
        if table.Sparsity() is not None:
            raise NetworkError(f"{self.name}, tensor {name!r}: sparse tensors are not supported; densify the network")
        shape = self.shape(name, table.ShapeAsNumpy, table.ShapeLength())
        signature = self.shape(name, table.ShapeSignatureAsNumpy, table.ShapeSignatureLength())
        data = self.constant(name, model, table.Buffer(), shape, kind)
        return TensorRecord(
            name, shape, signature, kind, self.quantization(name, table, kind), data, bool(table.IsVariable())
        )

    def shape(self, name: str, array: Callable[[], Any], rank: int) -> tuple[int, ...]:
        if rank > MAX_RANK:
            raise NetworkError(f"{self.name}, tensor {name!r}: {rank} dimensions; up to {MAX_RANK} are supported")
        return tuple(self.numbers(array, rank))

    def constant(
        self, name: str, model: Any, index: int, shape: tuple[int, ...], kind: ElementType
    ) -> np.ndarray | None:
        """Data of a tensor, a read-only view of the file; None where its buffer is empty."""
        if index >= model.BuffersLength():
            raise NetworkError(
                f"{self.name}, tensor {name!r}: damaged: its buffer is {index}, but there are {model.BuffersLength()}"
            )
        raw = self.buffer(name, model.Buffers(index))
        if raw is None:
            return None
        needed = prod(shape) * kind.size_bytes
        if min(shape, default=0) < 0 or raw.size != needed:
            raise NetworkError(
                f"{self.name}, tensor {name!r}: damaged: its buffer holds {raw.size} bytes, "
                f"its shape {'x'.join(map(str, shape)) or 'scalar'} of {kind.value} needs {needed}"
            )
        view = raw.view(np.dtype(kind.value).newbyteorder("<")) if needed else np.empty(0, kind.value)
        if kind is ElementType.BOOL and raw.size and raw.max() > 1:
            raise NetworkError(f"{self.name}, tensor {name!r}: damaged: a truth value that is neither 0 nor 1")
        view = view.reshape(shape)
        view.flags.writeable = False
        return view

    def buffer(self, name: str, buffer: Any) -> np.ndarray | None:
        """Bytes of a buffer, inside the flatbuffer or (large files) behind it."""
        offset, size = buffer.Offset(), buffer.Size()
        if offset > 1:
            if offset + size > len(self.data):
                raise NetworkError(
                    f"{self.name}, tensor {name!r}: damaged: its buffer ends at byte {offset + size} of {len(self.data)}"
                )
            return np.frombuffer(self.data, np.uint8, size, offset) if size else None
        return buffer.DataAsNumpy() if buffer.DataLength() else None

    def sensible(self, name: str, scales: list[float], zero_points: list[int], kind: ElementType) -> None:
        least, most = MAX_SCALE**-1, MAX_SCALE
        if not all(least <= scale <= most for scale in scales):
            raise NetworkError(f"{self.name}, tensor {name!r}: a scale that is not a number of {least:g} to {most:g}")
        info = np.iinfo(kind.value)
        if not info.min <= min(zero_points) <= max(zero_points) <= info.max:
            raise NetworkError(f"{self.name}, tensor {name!r}: a zero point that {kind.value} does not hold")

    def quantization(self, name: str, table: Any, kind: ElementType) -> Quantization | None:
        record = table.Quantization()
        if record is None or record.ScaleLength() == 0:
            return None
        if record.DetailsType() != tflite.QuantizationDetails.NONE:
            raise NetworkError(f"{self.name}, tensor {name!r}: its custom quantisation is not supported")
        scales = self.numbers(record.ScaleAsNumpy, record.ScaleLength())
        zero_points = self.numbers(record.ZeroPointAsNumpy, record.ZeroPointLength()) or [0]
        if len(zero_points) == 1:
            zero_points = zero_points * self.counted(len(scales))
        if len(zero_points) != len(scales):
            raise NetworkError(f"{self.name}, tensor {name!r}: {len(scales)} scales, but {len(zero_points)} zero points")
        if kind in STORED:
            self.sensible(name, scales, zero_points, kind)
        axis = record.QuantizedDimension() if len(scales) > 1 else None
        return Quantization(tuple(scales), tuple(zero_points), axis)
