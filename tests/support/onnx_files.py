"""Small ONNX models made for tests, and what onnx's own reference evaluator makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

TYPES = {
    "float32": onnx.TensorProto.FLOAT,
    "int8": onnx.TensorProto.INT8,
    "uint8": onnx.TensorProto.UINT8,
    "int64": onnx.TensorProto.INT64,
}


@dataclass(frozen=True)
class Model:
    """Nodes (operator, inputs, outputs, attributes), constants by name, inputs by name and shape, and outputs."""

    nodes: Sequence[tuple[str, Sequence[str], Sequence[str], Mapping[str, Any]]]
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    inputs: Mapping[str, Sequence[int | str | None]] = field(default_factory=lambda: {"x": (1, 4, 7, 6)})
    outputs: Sequence[str] = ("y",)
    types: Mapping[str, str] = field(default_factory=dict)
    opset: int = 21

    def proto(self) -> onnx.ModelProto:
        nodes = [
            helper.make_node(kind, list(reads), list(writes), name=f"{kind}{i}", **attributes)
            for i, (kind, reads, writes, attributes) in enumerate(self.nodes)
        ]
        kinds = {name: TYPES[self.types.get(name, "float32")] for name in (*self.inputs, *self.outputs)}
        graph = helper.make_graph(
            nodes,
            "given",
            [helper.make_tensor_value_info(name, kinds[name], shape) for name, shape in self.inputs.items()],
            [helper.make_tensor_value_info(name, kinds[name], None) for name in self.outputs],
            [numpy_helper.from_array(np.asarray(data), name) for name, data in self.constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)

    def bytes(self) -> bytes:
        return self.proto().SerializeToString()

    def expected(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return ReferenceEvaluator(self.proto()).run(None, dict(inputs))
