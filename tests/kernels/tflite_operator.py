"""One operator of TensorFlow Lite, run by its reference kernel: what our kernels must give bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Operand:
    """A tensor of the model; ``data`` makes it a constant, ``variable`` a state. ``scale`` 0 means not quantised."""

    shape: Sequence[int]
    type: str = "int8"
    scale: float = 0.0
    zero_point: int = 0
    data: np.ndarray | None = None
    variable: bool = False


def run(
    operator: str,
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    values: Sequence[np.ndarray],
    options: tuple[str, dict[str, Any]] | None = None,
    version: int = 1,
) -> list[np.ndarray]:
    """What the reference kernel makes of ``values`` (for the inputs that are neither constant nor a state)."""
    return run_steps(operator, inputs, outputs, [values], options, version)[0]


def run_steps(
    operator: str,
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    steps: Sequence[Sequence[np.ndarray]],
    options: tuple[str, dict[str, Any]] | None = None,
    version: int = 1,
) -> list[list[np.ndarray]]:
    """The same, one call after another, with states in between that start as zero."""
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = interpreter_module.Interpreter(
        model_content=bytes(model(operator, inputs, outputs, options, version)),
        experimental_op_resolver_type=interpreter_module.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    answers = []
    for values in steps:
        for detail, value in zip(interpreter.get_input_details(), values, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        answers.append([interpreter.get_tensor(detail["index"]).copy() for detail in interpreter.get_output_details()])
    return answers


def model(
    operator: str,
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    options: tuple[str, dict[str, Any]] | None,
    version: int,
) -> bytearray:
    """The flatbuffer of a model of one operator."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    whole = schema.ModelT()
    whole.version = 3
    whole.buffers = [schema.BufferT()]
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    whole.operatorCodes = [code]
    graph = schema.SubGraphT()
    graph.tensors = [tensor(schema, whole.buffers, operand, index) for index, operand in enumerate([*inputs, *outputs])]
    graph.inputs = [index for index, operand in enumerate(inputs) if operand.data is None and not operand.variable]
    graph.outputs = list(range(len(inputs), len(inputs) + len(outputs)))
    node = schema.OperatorT()
    node.opcodeIndex = 0
    node.inputs = list(range(len(inputs)))
    node.outputs = graph.outputs
    if options is not None:
        kind, fields = options
        node.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        node.builtinOptions = getattr(schema, kind + "T")()
        for name, value in fields.items():
            setattr(node.builtinOptions, name, value)
    graph.operators = [node]
    whole.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return builder.Output()


def tensor(schema: Any, buffers: list[Any], operand: Operand, index: int) -> Any:
    """A tensor table of the schema; a constant's bytes go to ``buffers``."""
    result = schema.TensorT()
    result.name = f"tensor_{index}".encode()
    result.shape = list(operand.shape)
    result.type = getattr(schema.TensorType, operand.type.upper())
    result.isVariable = operand.variable
    buffer = schema.BufferT()
    if operand.data is not None:
        buffer.data = list(operand.data.tobytes())
    buffers.append(buffer)
    result.buffer = len(buffers) - 1
    if operand.scale:
        result.quantization = schema.QuantizationParametersT()
        result.quantization.scale = [operand.scale]
        result.quantization.zeroPoint = [operand.zero_point]
    return result
