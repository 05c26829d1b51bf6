"""Which types of elements go together: a table from operators to the rule that their inputs and outputs obey."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcusim.network import operators as ops
from mcusim.network.network import Layer, NetworkError
from mcusim.network.tensor import ElementType as E
from mcusim.network.tensor import Tensor

Tensors = Sequence[Tensor | None]
NARROW = (E.INT8, E.UINT8, E.INT16)


def check_element_types(layer: Layer, inputs: Tensors, outputs: Sequence[Tensor]) -> None:
    """NetworkError, which names the layer and the types, where those of a layer's tensors do not go together."""
    if not RULES[type(layer.operator)](inputs, outputs):
        met = ", ".join("none" if t is None else t.type.value for t in inputs)
        raise NetworkError(
            f"layer {layer.name} ({type(layer.operator).__name__}): types do not go together: "
            f"its inputs are {met}; its outputs are {', '.join(t.type.value for t in outputs)}"
        )


def _kind(tensors: Tensors, index: int) -> E | None:
    tensor = tensors[index] if index < len(tensors) else None
    return None if tensor is None else tensor.type


def _alike(inputs: Tensors, outputs: Sequence[Tensor]) -> bool:
    return len({t.type for t in (*inputs, *outputs) if t is not None}) == 1


WEIGHTS = {E.INT8: E.INT8, E.UINT8: E.UINT8, E.INT16: E.INT8, E.FLOAT32: E.FLOAT32}
BIASES = {
    E.INT8: (E.INT32, None),
    E.UINT8: (E.INT32, None),
    E.INT16: (E.INT32, E.INT64, None),
    E.FLOAT32: (E.FLOAT32, None),
}


def _weighted(inputs: Tensors, outputs: Sequence[Tensor]) -> bool:
    kind = outputs[0].type
    return (
        kind in WEIGHTS
        and _kind(inputs, 0) is kind
        and _kind(inputs, 1) is WEIGHTS[kind]
        and _kind(inputs, 2) in BIASES[kind]
    )


def _product(inputs: Tensors, outputs: Sequence[Tensor]) -> bool:
    return _alike(inputs, ()) and outputs[0].type in (_kind(inputs, 0), E.INT32)


def _quantize(inputs: Tensors, outputs: Sequence[Tensor]) -> bool:
    return outputs[0].type in NARROW and _kind(inputs, 0) in (*NARROW, E.INT32, E.FLOAT32)


def _dequantize(inputs: Tensors, outputs: Sequence[Tensor]) -> bool:
    return outputs[0].type is E.FLOAT32 and _kind(inputs, 0) in (*NARROW, E.INT32)


def _svdf(inputs: Tensors, outputs: Sequence[Tensor]) -> bool:
    kinds = tuple(_kind(inputs, i) for i in (0, 1, 2, 4)), outputs[0].type
    if kinds == ((E.INT8, E.INT8, E.INT16, E.INT16), E.INT8):
        return _kind(inputs, 3) in BIASES[E.INT8]
    return kinds == ((E.FLOAT32,) * 4, E.FLOAT32) and _kind(inputs, 3) in BIASES[E.FLOAT32]


def _lstm(inputs: Tensors, outputs: Sequence[Tensor]) -> bool:
    kind = outputs[0].type
    if kind not in (E.INT8, E.FLOAT32) or _kind(inputs, 0) is not kind:
        return False
    states = _kind(inputs, 18) is kind and _kind(inputs, 19) is (E.INT16 if kind is E.INT8 else kind)
    matrices = all(_kind(inputs, i) in (kind, None) for i in (*range(1, 9), 16))
    return states and matrices and all(_kind(inputs, i) in BIASES[kind] for i in (12, 13, 14, 15, 17))


RULES: dict[type, Callable[[Tensors, Sequence[Tensor]], bool]] = {
    ops.Conv2D: _weighted,
    ops.DepthwiseConv2D: _weighted,
    ops.TransposeConv2D: _weighted,
    ops.FullyConnected: _weighted,
    ops.Binary: _alike,
    ops.Unary: _alike,
    ops.Pool2D: _alike,
    ops.Reduce: _alike,
    ops.Pad: _alike,
    ops.Concatenation: _alike,
    ops.Reshape: _alike,
    ops.Split: _alike,
    ops.Slice: _alike,
    ops.Transpose: _alike,
    ops.ResizeNearest: _alike,
    ops.Softmax: _alike,
    ops.Quantize: _quantize,
    ops.Dequantize: _dequantize,
    ops.BatchMatMul: _product,
    ops.Svdf: _svdf,
    ops.UnidirectionalLstm: _lstm,
}
"""Rule of each operator: (inputs, outputs) -> whether their types go together."""
